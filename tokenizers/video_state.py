"""What streams of video remember between blocks: a value, never hidden in a module."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class SideState:
    """The past of encoder or decoder."""

    started: Tensor
    """(B,) whether a stream has had its first block."""
    past: tuple[Tensor, ...]
    """(B, 2, C, h, w) of each temporal convolution; unread where not started."""


@dataclass(frozen=True)
class VideoState:
    """The past of B streams; encoding moves one half, decoding the other."""

    encoder: SideState
    decoder: SideState

    @property
    def batch(self) -> int:
        """Number B of streams."""
        return len(self.encoder.started)

    def reset(self, rows: object) -> VideoState:
        """A state where some streams are back at their start; others are untouched.

        Args:
            rows: anything that indexes an axis of B: a mask (B,), a list, a slice.
        """
        index = _index(rows)
        halves = []
        for side in (self.encoder, self.decoder):
            started = side.started.clone()
            started[index] = False
            halves.append(replace(side, started=started))
        return VideoState(*halves)

    def select(self, rows: object) -> VideoState:
        """The state of some streams alone.

        Args:
            rows: a mask (B,), a list or a slice of streams.
        """
        index = _index(rows)
        return VideoState(
            *(
                SideState(side.started[index], tuple(past[index] for past in side.past))
                for side in (self.encoder, self.decoder)
            )
        )


def _index(rows: object) -> slice | Tensor:
    """Rows as torch takes them; numbers stay a batch of one."""
    return rows if isinstance(rows, slice) else torch.atleast_1d(torch.as_tensor(rows))

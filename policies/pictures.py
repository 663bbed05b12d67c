"""Many pictures in memory, each once, however often and either way round it is shown.

Frames are most of what a training run holds: episodes that are learned from in a mirror
too, and those that are set apart, must not hold them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Pictures:
    """N pictures (H, W, ...) out of M that are kept."""

    kept: NDArray[np.uint8]
    """(M, H, W, ...)."""

    which: NDArray[np.int64]
    """(N,) rows of `kept`."""

    turned: NDArray[np.bool_]
    """(N,) whether left and right are exchanged."""

    @classmethod
    def of(cls, kept: NDArray[np.uint8]) -> Pictures:
        """All of some pictures (N, H, W, ...) as they are."""
        return cls(kept, np.arange(len(kept)), np.zeros(len(kept), bool))

    def __len__(self) -> int:
        """Number of pictures N."""
        return len(self.which)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, H, W, ...)."""
        return len(self), *self.kept.shape[1:]

    def __getitem__(self, rows: Any) -> NDArray[np.uint8]:
        """A copy of the pictures at `rows`, indices or a mask of any shape (...,):
        (..., H, W, ...)."""
        found = self.kept[self.which[rows]]
        turned = self.turned[rows]
        if np.ndim(turned) == 0:
            return found[:, ::-1].copy() if turned else found.copy()
        found[turned] = found[turned][:, :, ::-1]
        return found

    def take(self, rows: Any) -> Pictures:
        """The pictures at `rows`, indices or a mask; nothing is copied."""
        return Pictures(self.kept, self.which[rows], self.turned[rows])

    def mirrored(self) -> Pictures:
        """The same with left and right exchanged; nothing is copied."""
        return Pictures(self.kept, self.which, ~self.turned)

    def joined(self, other: Pictures) -> Pictures:
        """These and then the others; nothing is copied where both keep the same."""
        kept, which = self.kept, other.which
        if kept is not other.kept:
            kept = np.concatenate([kept, other.kept])
            which = which + len(self.kept)
        return Pictures(
            kept,
            np.concatenate([self.which, which]),
            np.concatenate([self.turned, other.turned]),
        )

"""The causal video tokenizer as a policy's eye: a frame a block, trained on with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import VideoConfig, video_preset
from brownfield.tokenizers.video_detail import used
from brownfield.tokenizers.video_loss import (
    codes_spread_loss,
    even_weights,
    reconstruction_loss,
)
from brownfield.tokenizers.video_state import VideoState

SPREAD = 0.1
"""Weight of the loss that keeps codes over their levels."""


class VideoEye(nn.Module):
    """A `VideoTokenizer` whose blocks are frames that stand alone, as a module.

    A policy learns from looks in any order: nothing here depends on what was before.
    """

    frames_per_block = 1

    def __init__(self, config: VideoConfig | None = None) -> None:
        """Args: config: sizes, `eye` by default; one frame a block, not temporal.

        Raises:
            ValueError: blocks of several frames, or that look at past ones, or a grid
                that is not square.
        """
        super().__init__()
        self.config = config = config or video_preset("eye")
        if config.frames_per_block != 1 or config.temporal:
            raise ValueError(
                "an eye has one frame a block and no past: expected "
                "frames_per_block 1 and temporal False, got "
                f"{config.frames_per_block} and {config.temporal}"
            )
        if config.grid[0] != config.grid[1]:
            raise ValueError(f"an eye's grid is square, got {config.grid}")
        self._tokenizer = VideoTokenizer(config)
        self.network = self._tokenizer.network

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        return self._tokenizer.vocab_size

    @property
    def lent(self) -> int:
        """Channels of every id that hold details, see `VideoConfig`."""
        return self.config.lent

    @property
    def shares(self) -> int:
        """What so many ids lend goes to one part, see `VideoConfig`."""
        return self.config.shares

    @property
    def seen(self) -> int:
        """Side of a frame that it is shown [px]."""
        return self.config.size[0]

    @property
    def grid(self) -> int:
        """Side of the grid of ids of a frame."""
        return self.config.grid[0]

    def encode_codes(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, n, h, w) in [-1, 1], straight-through, and ids (B, h, w).

        Args:
            pixels: (B, 3, H, W) in [-1, 1].
        """
        codes, ids = self.network.encode_codes(pixels[:, None])
        return codes[:, 0], ids[:, 0]

    def codes(self, ids: Tensor) -> Tensor:
        """Codes (B, n, h, w) of ids (B, h, w); foreign ids are clamped."""
        return self.network.codes(ids[:, None])[:, 0]

    def reconstruct(self, codes: Tensor) -> Tensor:
        """Pixels (B, 3, H, W) of codes (B, n, h, w)."""
        return self.network.decode_codes(codes[:, None])[0][:, 0]

    def reconstruct_loss(
        self, codes: Tensor, frames: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """How far the picture of the codes is from the frame, and the codes from an
        even use of their levels: a scalar.

        Args:
            codes: (B, n, h, w) as `encode_codes` gives them.
            frames: (B, 3, H, W) in [-1, 1].
            weight: (B, H, W) what matters; scaled to a mean of 1 in each frame.

        Raises:
            ValueError: weights of another shape.
        """
        shape = (len(frames), *frames.shape[-2:])
        if weight is None:
            weight = torch.ones(shape, device=frames.device)
        if weight.shape != shape:
            raise ValueError(f"expected weight {shape}, got {tuple(weight.shape)}")
        error = reconstruction_loss(
            self.reconstruct(codes)[:, None],
            frames.float()[:, None],
            even_weights(weight[:, None]),
        )
        evened = self.network.quantiser.evened(codes.movedim(1, -1)).movedim(-1, 1)
        free = used(evened, self.config.lent, self.config.shares)
        return error + SPREAD * codes_spread_loss(*free)

    def encode(self, frames: Any) -> NDArray[np.int64]:
        """Ids (B, T, h, w) of uint8 frames (B, T, H, W, 3), see `VideoTokenizer`."""
        return self._tokenizer.encode(frames)

    def decode(self, ids: Any) -> NDArray[np.uint8]:
        """uint8 frames (B, T, H, W, 3) of ids (B, T, h, w); foreign ids are clamped."""
        return self._tokenizer.decode(ids)

    def init_state(self, batch: int) -> VideoState:
        """The state of streams before their first frame."""
        return self._tokenizer.init_state(batch)

    def encode_step(
        self, frames: Any, state: VideoState
    ) -> tuple[NDArray[np.int64], VideoState]:
        """Ids (B, h, w) of one block of frames (B, 1, H, W, 3), and the state after."""
        return self._tokenizer.encode_step(frames, state)

    def decode_step(
        self, ids: Any, state: VideoState
    ) -> tuple[NDArray[np.uint8], VideoState]:
        """One block of frames (B, 1, H, W, 3) of ids (B, h, w), and the state after."""
        return self._tokenizer.decode_step(ids, state)

    def save(self, folder: Path) -> None:
        """Write the tokenizer, as a `VideoTokenizer`."""
        self._tokenizer.save(folder)

    @classmethod
    def load(cls, folder: Path) -> VideoEye:
        """Read what `save` or a `VideoTokenizer` wrote; ValueError when it is damaged
        or no eye."""
        read = VideoTokenizer.load(folder)
        eye = cls(read.config)
        eye.network.load_state_dict(read.network.state_dict())
        return eye

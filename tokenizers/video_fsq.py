"""Video tokenizer: every 64x64 frame becomes 8x8 ids of a finite scalar quantiser."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.fsq import FSQ


@dataclass(frozen=True, kw_only=True)
class VideoFSQConfig:
    """Sizes of the tokenizer."""

    levels: tuple[int, ...] = (8, 5, 5, 5)
    """Levels of the quantiser's channels: 1000 ids."""
    size: int = 64
    """Side of a frame [px]."""
    channels: tuple[int, int, int] = (24, 48, 64)
    """Channels of the encoder at 1/2, 1/4 and 1/8 of the side."""
    decoder: int = 64
    """Channels of the decoder at 1/8 of the side."""


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.relu(self.first(functional.relu(x)))
        return x + self.second(hidden)


class VideoFSQ(nn.Module):
    """One frame a block; no state between frames, so any frame stands alone."""

    frames_per_block = 1

    def __init__(self, config: VideoFSQConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or VideoFSQConfig()
        a, b, c = config.channels
        n, d = len(config.levels), config.decoder
        self.encoder = nn.Sequential(
            nn.Conv2d(3, a, 5, 2, 2),
            nn.ReLU(),
            nn.Conv2d(a, b, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(b, c, 3, 2, 1),
            _Residual(c),
            nn.ReLU(),
            nn.Conv2d(c, n, 1),
        )
        # Latents of small networks start near zero, where every cell has the same id
        # and nothing tells cells apart; spread over the levels they train at once.
        last = self.encoder[-1]
        assert isinstance(last, nn.Conv2d)
        with torch.no_grad():
            last.weight.mul_(8.0)
        self.quantiser = FSQ(config.levels)
        self.decoder = nn.Sequential(
            nn.Conv2d(n, d, 3, padding=1),
            _Residual(d),
            _Residual(d),
            nn.ReLU(),
            nn.Conv2d(d, 4 * (d // 2), 1),
            nn.PixelShuffle(2),
            nn.ReLU(),
            nn.Conv2d(d // 2, d // 2, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(d // 2, 16 * 3, 3, padding=1),
            nn.PixelShuffle(4),
        )

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        return self.quantiser.codebook_size

    @property
    def grid(self) -> int:
        """Side of the grid of ids of a frame."""
        return self.config.size // 8

    def encode_codes(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, n, 8, 8) in [-1, 1], straight-through, and ids (B, 8, 8).

        Args:
            pixels: (B, 3, 64, 64) in [-1, 1].
        """
        codes, ids = self.quantiser(self.encoder(pixels).movedim(1, -1))
        return codes.movedim(-1, 1), ids

    def reconstruct(self, codes: Tensor) -> Tensor:
        """Pixels (B, 3, 64, 64) of codes (B, n, 8, 8)."""
        return self.decoder(codes)

    @torch.no_grad()
    def encode(self, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Ids (B, T, 8, 8) of frames (B, T, 64, 64, 3).

        Raises:
            ValueError: another type or shape.
        """
        side = self.config.size
        if frames.dtype != np.uint8 or frames.shape[2:] != (side, side, 3):
            raise ValueError(
                f"expected uint8 frames (B, T, {side}, {side}, 3), got {frames.dtype} "
                f"{frames.shape}"
            )
        flat = torch.from_numpy(np.ascontiguousarray(frames)).flatten(0, 1)
        pixels = flat.permute(0, 3, 1, 2).float() / 127.5 - 1
        ids = [self.encode_codes(part)[1] for part in pixels.split(256)]
        grid = self.grid
        return torch.cat(ids).reshape(*frames.shape[:2], grid, grid).numpy()

    @torch.no_grad()
    def decode(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Frames (B, T, 64, 64, 3) of ids (B, T, 8, 8); foreign ids are clamped."""
        flat = torch.from_numpy(np.ascontiguousarray(ids)).flatten(0, 1)
        codes = self.quantiser.codes(flat).movedim(-1, 1)
        pixels = torch.cat([self.reconstruct(part) for part in codes.split(256)])
        scaled = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        side = self.config.size
        return scaled.permute(0, 2, 3, 1).reshape(*ids.shape[:2], side, side, 3).numpy()

    def init_state(self, batch: int) -> None:
        """Blocks are independent: there is nothing to remember."""

    def encode_step(
        self, frames: NDArray[np.uint8], state: None
    ) -> tuple[NDArray[np.int64], None]:
        """Ids (B, 8, 8) of one block of frames (B, 1, 64, 64, 3)."""
        return self.encode(frames)[:, 0], state

    def decode_step(
        self, ids: NDArray[np.int64], state: None
    ) -> tuple[NDArray[np.uint8], None]:
        """One block of frames (B, 1, 64, 64, 3) of ids (B, 8, 8)."""
        return self.decode(ids[:, None]), state

    def save(self, folder: Path) -> None:
        """Write the tokenizer."""
        arrays = {k: v.detach().cpu().numpy() for k, v in self.state_dict().items()}
        save_folder(folder, "FSQ video tokenizer", asdict(self.config), arrays)

    @classmethod
    def load(cls, folder: Path) -> VideoFSQ:
        """Read what `save` wrote; ValueError when it is damaged."""
        config, arrays = load_folder(folder, "FSQ video tokenizer")
        video = cls(
            VideoFSQConfig(
                levels=tuple(config["levels"]),
                size=config["size"],
                channels=tuple(config["channels"]),
                decoder=config["decoder"],
            )
        )
        video.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
        return video

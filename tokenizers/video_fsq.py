"""Video tokenizer: every frame becomes 8x8 ids of a finite scalar quantiser."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.fsq import FSQ

KIND = "FSQ video tokenizer"
_BATCH = 256  # frames that pass the network at once: bounds memory


@dataclass(frozen=True, kw_only=True)
class VideoFSQConfig:
    """Sizes of the tokenizer."""

    levels: tuple[int, ...] = (8, 5, 5, 5)
    """Levels of the quantiser's channels: 1000 ids."""
    size: int = 64
    """Side of a picture that it decodes [px]."""
    channels: tuple[int, int, int] = (24, 48, 64)
    """Channels of the encoder at 1/2, 1/4 and 1/8 of the side."""
    decoder: int = 64
    """Channels of the decoder at 1/8 of the side, even."""
    blocks: int = 1
    """Residual blocks of the encoder at 1/4 and at 1/8 of the side each."""
    fold: int = 1
    """It is shown frames of `fold * size` to a side, and its first convolution is so
    much larger and takes so much longer strides: it sees more finely and costs hardly
    more."""

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        if self.size < 8 or self.size % 8:
            raise ValueError(f"size must be a multiple of 8, got {self.size}")
        counts = (*self.channels, self.decoder, self.blocks, self.fold)
        if min(counts) < 1 or self.decoder % 2:
            raise ValueError(
                "channels, blocks and fold must be positive and decoder even, got "
                f"{self.channels}, {self.blocks}, {self.fold} and {self.decoder}"
            )


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.relu(self.first(functional.relu(x)))
        return x + self.second(hidden)


def _more_residuals(channels: int, count: int) -> nn.Sequential:
    """Further blocks, which begin as nothing: a network may grow by them."""
    blocks = [_Residual(channels) for _ in range(count)]
    for block in blocks:
        nn.init.zeros_(block.second.weight)
        assert block.second.bias is not None
        nn.init.zeros_(block.second.bias)
    return nn.Sequential(*blocks)


class VideoFSQ(nn.Module):
    """One frame a block; no state between frames, so any frame stands alone."""

    frames_per_block = 1
    lent = shares = 0

    def __init__(self, config: VideoFSQConfig | None = None) -> None:
        super().__init__()
        self.config = config = config or VideoFSQConfig()
        a, b, c = config.channels
        n, d = len(config.levels), config.decoder
        self.encoder = nn.Sequential(
            nn.Conv2d(3, a, 5 * config.fold, 2 * config.fold, 2 * config.fold),
            nn.ReLU(),
            nn.Conv2d(a, b, 3, 2, 1),
            _Residual(b),
            nn.ReLU(),
            nn.Conv2d(b, c, 3, 2, 1),
            _Residual(c),
            nn.ReLU(),
            nn.Conv2d(c, n, 1),
        )
        # Beside the first ones, so that weights keep their names when a network grows.
        self.finer = _more_residuals(b, config.blocks - 1)
        self.coarser = _more_residuals(c, config.blocks - 1)
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

    @property
    def seen(self) -> int:
        """Side of a frame that it is shown [px]."""
        return self.config.fold * self.config.size

    @property
    def features_dim(self) -> int:
        """Numbers that the codes of one frame are: what a probe may read."""
        return len(self.config.levels) * self.grid**2

    def encode_codes(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, n, 8, 8) in [-1, 1], straight-through, and ids (B, 8, 8).

        Args:
            pixels: (B, 3, H, W) in [-1, 1], `seen` to a side.
        """
        fine, coarse = self.encoder[:4], self.encoder[4:7]
        latents = self.coarser(coarse(self.finer(fine(pixels))))
        codes, ids = self.quantiser(self.encoder[7:](latents).movedim(1, -1))
        return codes.movedim(-1, 1), ids

    def grown(
        self,
        blocks: int | None = None,
        levels: Sequence[int] | None = None,
        fold: int | None = None,
    ) -> VideoFSQ:
        """The same tokenizer with more to see with: until it learns, its codes and
        pictures stay (with a larger fold those of frames that are averaged to its
        pictures' size), and ids only get further digits with further levels.

        Args:
            blocks: residual blocks at each scale; as many as it has by default.
            levels: of the quantiser's channels, its own first; those by default.
            fold: of the frames it is shown; its own by default.

        Raises:
            ValueError: fewer blocks than it has, other levels than its own first, or
                another fold where it has one of more than 1.
        """
        config = self.config
        blocks = config.blocks if blocks is None else blocks
        levels = config.levels if levels is None else tuple(levels)
        fold = config.fold if fold is None else fold
        if blocks < config.blocks:
            raise ValueError(
                f"a video tokenizer of {config.blocks} residual blocks cannot shrink "
                f"to {blocks}"
            )
        count = len(config.levels)
        if levels[:count] != config.levels:
            raise ValueError(
                f"a video tokenizer of levels {config.levels} keeps them: expected "
                f"them and others behind them, got {levels}"
            )
        if config.fold not in (1, fold):
            raise ValueError(
                f"a video tokenizer of fold {config.fold} keeps it, got {fold}"
            )
        video = VideoFSQ(replace(config, blocks=blocks, levels=levels, fold=fold))
        mine, wider = self.state_dict(), video.state_dict()
        said, shown = ("encoder.8.weight", "encoder.8.bias"), "decoder.0.weight"
        known = {n: torch.cat([mine[n], wider[n][count:]]) for n in said}
        known[shown] = torch.zeros_like(wider[shown])
        known[shown][:, :count] = mine[shown]
        if fold != config.fold:
            # The mean over a square of pixels, as resizing would take it.
            sees = "encoder.0.weight"
            wide = mine[sees].repeat_interleave(fold, 2).repeat_interleave(fold, 3)
            known[sees] = wide / fold**2
        video.load_state_dict(wider | mine | known)
        return video

    def codes(self, ids: Tensor) -> Tensor:
        """Codes (B, n, 8, 8) of ids (B, 8, 8); foreign ids are clamped."""
        return self.quantiser.codes(ids).movedim(-1, 1)

    def reconstruct(self, codes: Tensor) -> Tensor:
        """Pixels (B, 3, 64, 64) of codes (B, n, 8, 8)."""
        return self.decoder(codes)

    def reconstruct_loss(
        self, codes: Tensor, frames: Tensor, weight: Tensor | None = None
    ) -> Tensor:
        """How far the picture of the codes is from the frame, a scalar.

        The first part keeps edges, the second punishes the large errors that lose an
        object.

        Args:
            codes: (B, n, 8, 8) as `encode_codes` gives them.
            frames: (B, 3, H, W) in [-1, 1], `seen` to a side.
            weight: (B, 64, 64) what matters; scaled to a mean of 1 in each frame.

        Raises:
            ValueError: weights of another shape.
        """
        frames = functional.avg_pool2d(frames.float(), self.config.fold)
        error = self.reconstruct(codes).float() - frames
        each = (error.square() + 1e-4).sqrt() + 2 * error.square()
        if weight is None:
            return each.mean()
        if weight.shape != (len(frames), *frames.shape[-2:]):
            raise ValueError(
                f"expected weight {(len(frames), *frames.shape[-2:])}, "
                f"got {tuple(weight.shape)}"
            )
        weight = weight / weight.mean((1, 2), keepdim=True).clamp_min(1e-8)
        return (each * weight[:, None]).mean()

    @torch.no_grad()
    def encode(self, frames: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Ids (B, T, 8, 8) of frames (B, T, H, W, 3), `seen` to a side.

        Always in fp32: half precision moves some ids to their neighbours.

        Raises:
            ValueError: another type or shape.
        """
        side, grid = self.seen, self.grid
        if (
            frames.dtype != np.uint8
            or frames.ndim != 5
            or frames.shape[2:] != (side, side, 3)
        ):
            raise ValueError(
                f"expected uint8 frames (B, T, {side}, {side}, 3), got {frames.dtype} "
                f"{frames.shape}"
            )
        flat = torch.from_numpy(np.ascontiguousarray(frames)).flatten(0, 1)
        ids = np.empty((len(flat), grid, grid), dtype=np.int64)
        device = next(self.parameters()).device
        with torch.autocast(device.type, enabled=False):
            for start in range(0, len(flat), _BATCH):
                part = flat[start : start + _BATCH].to(device).permute(0, 3, 1, 2)
                _, found = self.encode_codes(part.float() / 127.5 - 1)
                ids[start : start + _BATCH] = found.cpu().numpy()
        return ids.reshape(*frames.shape[:2], grid, grid)

    @torch.no_grad()
    def decode(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Frames (B, T, 64, 64, 3) of ids (B, T, 8, 8); foreign ids are clamped.

        Raises:
            ValueError: another shape.
        """
        side, grid = self.config.size, self.grid
        ids = np.asarray(ids)
        if ids.ndim != 4 or ids.shape[2:] != (grid, grid):
            raise ValueError(f"expected ids (B, T, {grid}, {grid}), got {ids.shape}")
        flat = torch.from_numpy(ids.astype(np.int64)).flatten(0, 1)
        frames = np.empty((len(flat), side, side, 3), dtype=np.uint8)
        device = next(self.parameters()).device
        with torch.autocast(device.type, enabled=False):
            for start in range(0, len(flat), _BATCH):
                part = flat[start : start + _BATCH].to(device)
                pixels = self.reconstruct(self.codes(part))
                scaled = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
                frames[start : start + _BATCH] = (
                    scaled.permute(0, 2, 3, 1).cpu().numpy()
                )
        return frames.reshape(*ids.shape[:2], side, side, 3)

    def init_state(self, batch: int) -> None:
        """Blocks are independent: there is nothing to remember."""

    def encode_step(
        self, frames: NDArray[np.uint8], state: None
    ) -> tuple[NDArray[np.int64], None]:
        """Ids (B, 8, 8) of one block of frames (B, 1, H, W, 3)."""
        return self.encode(frames)[:, 0], state

    def decode_step(
        self, ids: NDArray[np.int64], state: None
    ) -> tuple[NDArray[np.uint8], None]:
        """One block of frames (B, 1, 64, 64, 3) of ids (B, 8, 8)."""
        return self.decode(ids[:, None]), state

    def save(self, folder: Path) -> None:
        """Write the tokenizer."""
        arrays = {k: v.detach().cpu().numpy() for k, v in self.state_dict().items()}
        save_folder(folder, KIND, asdict(self.config), arrays)

    @classmethod
    def load(cls, folder: Path) -> VideoFSQ:
        """Read what `save` wrote; ValueError when it is damaged."""
        config, arrays = load_folder(folder, KIND)
        video = cls(
            VideoFSQConfig(
                levels=tuple(config["levels"]),
                size=config["size"],
                channels=tuple(config["channels"]),
                decoder=config["decoder"],
                blocks=config.get("blocks", 1),
                fold=config.get("fold", 1),
            )
        )
        video.load_state_dict({k: torch.from_numpy(v) for k, v in arrays.items()})
        return video

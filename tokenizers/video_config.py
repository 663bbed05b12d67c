"""Sizes of the video tokenizer, and the presets by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

_PATCHES = (1, 2, 4, 8)


@dataclass(frozen=True, kw_only=True)
class VideoConfig:
    """Sizes of the tokenizer; the decoder mirrors the encoder.

    Each stage first makes the grid coarser by its stride, then runs its blocks. The
    first stage looks at one block of frames at a time, later ones at the past too.
    """

    size: tuple[int, int] = (64, 64)
    """Height and width of a frame [px]."""
    frames_per_block: int = 4
    """Frames that one block of ids stands for: 1 to act, 4 to imagine."""
    patch: int = 4
    """Side of a Haar patch [px]."""
    channels: tuple[int, ...] = (32, 96)
    """Channels of each stage."""
    blocks: tuple[int, ...] = (1, 2)
    """Residual blocks of each stage; the decoder has one more in the first."""
    strides: tuple[int, ...] = (1, 2)
    """How much coarser each stage makes the grid."""
    temporal: bool = True
    """Whether later stages look at past blocks; without, every block stands alone."""
    attention: bool = False
    """Whether every latent frame attends to itself between encoder and ids."""
    levels: tuple[int, ...] = (8, 5, 5, 5)
    """Levels of the quantiser's channels; their product is the number of ids."""
    lent: int = 0
    """Channels of every id that hold details of what matters, see `video_detail`: those
    before the last one, which then has 2 levels and says what does. 0 for none."""
    shares: int = 0
    """What so many ids lend goes to one part of a block that is told in detail."""

    def __post_init__(self) -> None:
        """Refuse sizes that do not fit together."""
        if self.frames_per_block not in (1, 4):
            raise ValueError(
                f"frames_per_block must be 1 or 4, got {self.frames_per_block}"
            )
        if self.patch not in _PATCHES:
            raise ValueError(f"patch must be one of {_PATCHES}, got {self.patch}")
        if not len(self.channels) == len(self.blocks) == len(self.strides) > 0:
            raise ValueError(
                "channels, blocks and strides must name the same stages, got "
                f"{self.channels}, {self.blocks} and {self.strides}"
            )
        if min(*self.channels, *self.strides, min(self.blocks) + 1) < 1:
            raise ValueError(
                "channels and strides must be at least 1 and blocks at least 0, got "
                f"{self.channels}, {self.strides} and {self.blocks}"
            )
        if self.attention and self.channels[-1] % 64:
            raise ValueError(
                "attention has heads of 64 channels: the last stage must be a multiple "
                f"of 64, got {self.channels[-1]}"
            )
        side = self.shrink
        if (
            len(self.size) != 2
            or min(self.size) < side
            or any(length % side for length in self.size)
        ):
            raise ValueError(
                f"height and width must be multiples of patch * strides = {side}, got "
                f"{self.size}"
            )
        self._check_detail()

    def _check_detail(self) -> None:
        if self.lent == self.shares == 0:
            return
        ids = self.grid[0] * self.grid[1]
        if not (0 < self.lent < len(self.levels) - 1 and 0 < self.shares <= ids):
            raise ValueError(
                f"lent must leave some of the {len(self.levels) - 1} channels and "
                f"shares be from 1 to {ids}, or both be 0; got {self.lent} and "
                f"{self.shares}"
            )
        if self.levels[-1] != 2:
            raise ValueError(f"with details the last level is 2, got {self.levels}")

    @property
    def without_detail(self) -> VideoConfig:
        """The same sizes, all of a picture told alike."""
        if not self.lent:
            return self
        return replace(self, lent=0, shares=0, levels=self.levels[:-1])

    @property
    def own(self) -> int:
        """Channels of an id that tell of its own part."""
        return len(self.levels) - self.lent - bool(self.lent)

    @property
    def more(self) -> int:
        """Channels more for every part that is told in detail."""
        return self.lent * self.shares

    @property
    def detail(self) -> int:
        """Parts of a block that can be told in detail, at most."""
        return parts_in_detail(self.shares, self.grid)

    @property
    def shrink(self) -> int:
        """Side of the square of pixels that one id stands for [px]."""
        side = self.patch
        for stride in self.strides:
            side *= stride
        return side

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the grid of ids of a block."""
        return self.size[0] // self.shrink, self.size[1] // self.shrink

    @property
    def patch_channels(self) -> int:
        """Channels of a Haar patch."""
        return 3 * self.frames_per_block * self.patch**2


def parts_in_detail(shares: int, grid: Sequence[int]) -> int:
    """Parts of a grid for which there is room, what `shares` ids lend for each."""
    return grid[0] * grid[1] // shares if shares else 0


# A few numbers tell most of a patch, and each of them is worth many levels; many tell a
# little, and two levels do. Equal levels waste bits on both ends.
_OWN = (32, 8, 4, 4, 2, 2, 2)
_LENT = (16, 8, 8, 8, 4, 4, 4, 4, *[2] * 6)

PRESETS: dict[str, VideoConfig] = {
    # Fits in under a minute on one core: for tests.
    "pico": VideoConfig(),
    # For a policy that looks at one frame at a time: 64 ids.
    "eye": VideoConfig(
        frames_per_block=1,
        channels=(32, 64),
        blocks=(1, 2),
        levels=(*_OWN, *_LENT, 2),
        lent=len(_LENT),
        shares=7,
        temporal=False,
    ),
    # For planning: 64 ids a block.
    "nano": VideoConfig(
        channels=(64, 192),
        blocks=(1, 2),
        levels=(*_OWN, *_LENT, 2),
        lent=len(_LENT),
        shares=6,
    ),
    # For small things: 256 ids a block.
    "nano-hq": VideoConfig(
        patch=2, channels=(24, 96), blocks=(0, 2), levels=(8, 8, 8, 8)
    ),
    # For one GPU: 1024 ids a block.
    "small": VideoConfig(
        size=(256, 256),
        channels=(96, 256, 256),
        blocks=(4, 7, 7),
        strides=(1, 2, 1),
        attention=True,
        levels=(8, 8, 8, 5, 5, 5),
    ),
    # Channels and ids of Cosmos DV4x8x8. Its blocks hold two pairs of convolutions,
    # ours one, hence twice as many.
    "cosmos": VideoConfig(
        size=(256, 256),
        channels=(256, 512, 512),
        blocks=(4, 4, 8),
        strides=(1, 2, 1),
        attention=True,
        levels=(8, 8, 8, 5, 5, 5),
    ),
}


def video_preset(name: str, **changes: Any) -> VideoConfig:
    """A preset, with some fields changed.

    Args:
        name: one of `PRESETS`.
        changes: fields of `VideoConfig`, such as `frames_per_block=1`.

    Raises:
        ValueError: an unknown name, or sizes that do not fit together.
    """
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}: expected one of {sorted(PRESETS)}")
    return replace(PRESETS[name], **changes)

"""Which parts of a picture matter: by weights, by a network, and by what codes hold.

Letters: B streams, T frames, k frames a block, h and w of the grid of ids, H and W of a
picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_haar import haar
from brownfield.tokenizers.video_layers import ChannelNorm, SpatialResidual

_WIDTHS = (32, 64)
"""Channels of the network that tells what matters, of patches and of parts. A hand at
the edge of a part is told by its neighbours and by what is finer than a part."""
_DEPTH = 2
"""Residual blocks that look at parts."""
_RARELY = -2.0
"""First logit: few parts of a picture matter."""
_MARKED = 1.5
"""A pixel matters that weighs more than this many times the median of its frame."""
CLOSE = 20.0
"""Latent, or less it, that a quantiser of two levels says without doubt."""


class Gaze(nn.Module):
    """Tells which parts of a block of frames matter."""

    def __init__(self, config: VideoConfig) -> None:
        super().__init__()
        self.config = config
        coarser = config.shrink // config.patch
        fine, wide = _WIDTHS
        last = nn.Conv2d(wide, 1, 1)
        nn.init.constant_(last.bias, _RARELY)  # type: ignore[arg-type]
        self.layers = nn.Sequential(
            nn.Conv2d(config.patch_channels, fine, 3, padding=1),
            ChannelNorm(fine),
            nn.SiLU(),
            nn.PixelUnshuffle(coarser),
            nn.Conv2d(fine * coarser**2, wide, 1),
            *(SpatialResidual(wide) for _ in range(_DEPTH)),
            ChannelNorm(wide),
            nn.SiLU(),
            last,
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (B, T / k, h, w) of frames (B, T, 3, H, W) in [-1, 1]."""
        config = self.config
        patches = haar(pixels, config.frames_per_block, config.patch)
        told = self.layers(patches.flatten(0, 1))[:, 0]
        return told.unflatten(0, patches.shape[:2])


def most_of(scores: Tensor, most: int) -> Tensor:
    """The parts with the `most` highest scores of their block: bool (B, S, h, w).

    Whatever a block has room for is used: a part that hardly matters is told better for
    nothing.

    Args:
        scores: (B, S, h, w); of equal ones the first count.
        most: how many.
    """
    flat = scores.flatten(2)
    order = flat.argsort(dim=2, descending=True, stable=True)
    ranks = torch.arange(flat.shape[2], device=flat.device).expand_as(order)
    rank = torch.empty_like(order).scatter_(2, order, ranks)
    return (rank < most).view_as(scores)


def marked(weights: Tensor, config: VideoConfig) -> Tensor:
    """Which parts of blocks matter, bool (B, T / k, h, w): those with pixels that weigh
    clearly more than most of their frame, the heaviest first.

    Args:
        weights: (B, T, H, W), T a multiple of k.
        config: sizes, with details.
    """
    middle = weights.flatten(2).median(-1).values[..., None, None]
    heavy = weights * (weights > _MARKED * middle)
    blocks = heavy.unflatten(1, (-1, config.frames_per_block)).sum(2)
    scores = functional.avg_pool2d(blocks, config.shrink)
    return most_of(scores, config.detail) & (scores > 0)


def looked_at(codes: Tensor) -> Tensor:
    """Which parts of pictures their codes (..., n, h, w) say to matter (..., h, w)."""
    return codes[..., -1, :, :] > 0

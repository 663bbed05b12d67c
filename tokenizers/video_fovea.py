"""Looking more closely at what matters: the picture is stretched there.

A grid of ids gives every part of a picture the same share. Rows and columns in which
something matters get more of it, the others less, and one bit of every id says whether
its part of the picture is such a one: a decoder needs no more to undo the stretching.
Learning to Zoom (arXiv:1809.03355) stretches pictures for classifiers alike.

Letters: N pictures, h and w of the grid of ids, H and W of a picture.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_haar import haar
from brownfield.tokenizers.video_layers import ChannelNorm

_WIDTHS = (64, 32)
"""Channels of the network that tells what matters."""
_RARELY = -2.0
"""First logit: few parts of a picture matter."""
_SOFT_PX = 2.0
"""Deviation of the bell that makes the edges of a stretched part soft [px]."""
_MARKED = 1.5
"""A pixel matters that weighs more than this many times the median of its frame."""
_LOBES = 3
"""Reach of the sampling kernel, Lanczos' [px]."""
CLOSE = 20.0
"""Latent, or less it, that a quantiser of two levels says without doubt."""


class Gaze(nn.Module):
    """Tells which parts of a block of frames matter."""

    def __init__(self, config: VideoConfig) -> None:
        super().__init__()
        self.config = config
        coarser = config.shrink // config.patch
        last = nn.Conv2d(_WIDTHS[1], 1, 1)
        nn.init.constant_(last.bias, _RARELY)  # type: ignore[arg-type]
        self.layers = nn.Sequential(
            nn.PixelUnshuffle(coarser),
            nn.Conv2d(config.patch_channels * coarser**2, _WIDTHS[0], 1),
            ChannelNorm(_WIDTHS[0]),
            nn.SiLU(),
            nn.Conv2d(*_WIDTHS, 3, padding=1),
            ChannelNorm(_WIDTHS[1]),
            nn.SiLU(),
            last,
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits (B, T / k, h, w) of frames (B, T, 3, H, W) in [-1, 1]."""
        config = self.config
        patches = haar(pixels, config.frames_per_block, config.patch)
        told = self.layers(patches.flatten(0, 1))[:, 0]
        return told.unflatten(0, patches.shape[:2])


def marked(weights: Tensor, config: VideoConfig) -> Tensor:
    """Which parts of blocks matter, bool (B, T / k, h, w): those with a pixel that
    weighs clearly more than most of its frame.

    Args:
        weights: (B, T, H, W), T a multiple of k.
        config: sizes.
    """
    middle = weights.flatten(2).median(-1).values[..., None, None]
    matters = (weights > _MARKED * middle).float()
    blocks = matters.unflatten(1, (-1, config.frames_per_block)).amax(2)
    return functional.max_pool2d(blocks, config.shrink) > 0.5


def looked_at(codes: Tensor) -> Tensor:
    """Which parts of pictures their codes (..., n, h, w) say to matter (..., h, w)."""
    return codes[..., -1, :, :] > -0.5


def stretch(pixels: Tensor, close: Tensor, gain: float) -> Tensor:
    """Pictures (N, C, H, W) in which rows and columns that matter are wider.

    Args:
        pixels: (N, C, H, W).
        close: (N, h, w) bool, which parts of the pictures matter.
        gain: rows and columns that matter get 1 + gain times the room of others.
    """
    height, width = pixels.shape[-2:]
    rows = _inverse(_edges(close.any(2), height, gain))
    columns = _inverse(_edges(close.any(1), width, gain))
    return _sample(pixels, rows, columns, thin=True)


def unstretch(pixels: Tensor, close: Tensor, gain: float) -> Tensor:
    """The pictures that `stretch` stretched, less what that lost."""
    height, width = pixels.shape[-2:]
    rows = _middles(_edges(close.any(2), height, gain))
    columns = _middles(_edges(close.any(1), width, gain))
    return _sample(pixels, rows, columns, thin=False)


def cell_places(
    close: Tensor, size: tuple[int, int], gain: float
) -> tuple[Tensor, Tensor]:
    """Where the parts of stretched pictures lie in the pictures themselves: rows (N, h)
    and columns (N, w) of their middles, -1 to 1.

    Args:
        close: (N, h, w) bool, which parts of the pictures matter.
        size: height and width of the pictures [px].
        gain: see `stretch`.
    """
    places = []
    for matters, length in zip((close.any(2), close.any(1)), size, strict=True):
        step = length // matters.shape[1]
        pixels = _inverse(_edges(matters, length, gain))
        middle = (pixels[:, (step - 1) // 2 :: step] + pixels[:, step // 2 :: step]) / 2
        places.append(middle * (2 / length) - 1)
    return places[0], places[1]


def with_places(codes: Tensor, places: tuple[Tensor, Tensor]) -> Tensor:
    """Codes (N, n, h, w) and, as two more channels, where each lies in the picture.

    Args:
        codes: of stretched pictures.
        places: rows and columns, see `cell_places`.
    """
    rows, columns = places
    down = rows[:, None, :, None].expand(-1, 1, -1, codes.shape[3])
    right = columns[:, None, None, :].expand(-1, 1, codes.shape[2], -1)
    return torch.cat((codes, down, right), 1)


def placed(codes: Tensor, size: tuple[int, int], gain: float) -> Tensor:
    """Codes as `with_places` gives them, or as they are where `gain` is 0."""
    if not gain:
        return codes
    return with_places(codes, cell_places(looked_at(codes), size, gain))


def stretched(
    points: Tensor, close: Tensor, size: tuple[int, int], gain: float
) -> Tensor:
    """Where points (N, 2) of pictures lie once these are stretched; to the right and
    down, -1 to 1, and those outside stay.

    Args:
        points: (N, 2).
        close: (N, h, w) bool, which parts of the pictures matter.
        size: height and width of the pictures [px].
        gain: see `stretch`.
    """
    moved = []
    for axis, matters in enumerate((close.any(1), close.any(2))):
        length = size[1 - axis]
        edges = _edges(matters, length, gain)
        at = (points[:, axis : axis + 1] + 1) * (length / 2)
        left = at.long().clamp(0, length - 1)
        before, after = edges.gather(1, left), edges.gather(1, left + 1)
        inside = before + (at - left) * (after - before)
        inside = torch.where((at >= 0) & (at <= length), inside, at)
        moved.append(inside * (2 / length) - 1)
    return torch.cat(moved, 1)


def _edges(close: Tensor, length: int, gain: float) -> Tensor:
    """Where the edges (N, length + 1) of pixels lie once stretched [px].

    Args:
        close: (N, h) bool, which parts of a side matter.
        length: of the side [px].
        gain: see `stretch`.
    """
    room = close.float().repeat_interleave(length // close.shape[1], 1)
    reach = int(3 * _SOFT_PX)
    steps = torch.arange(-reach, reach + 1, device=room.device) / _SOFT_PX
    bell = torch.exp(-0.5 * steps.square())
    padded = functional.pad(room[:, None], (reach, reach), mode="replicate")
    soft = functional.conv1d(padded, (bell / bell.sum())[None, None])[:, 0]
    edges = functional.pad((1 + gain * soft).cumsum(1), (1, 0))
    return edges * (length / edges[:, -1:])


def _middles(edges: Tensor) -> Tensor:
    return (edges[:, 1:] + edges[:, :-1]) / 2


def _inverse(edges: Tensor) -> Tensor:
    """Where the middles (N, length) of stretched pixels come from [px]."""
    length = edges.shape[1] - 1
    wanted = torch.arange(length, device=edges.device) + 0.5
    wanted = wanted.expand(len(edges), -1).contiguous()
    right = torch.searchsorted(edges, wanted).clamp(1, length)
    after, before = edges.gather(1, right), edges.gather(1, right - 1)
    return right - 1 + (wanted - before) / (after - before)


def _sample(pixels: Tensor, rows: Tensor, columns: Tensor, *, thin: bool) -> Tensor:
    """Pixels (N, C, H, W) at places [px]: rows (N, H) from the top, columns (N, W).

    With bilinear weights this would lose more than the ids do.

    Args:
        pixels: (N, C, H, W).
        rows, columns: where to sample.
        thin: where samples lie far apart, each is a mean over what lies between.
    """
    kind = pixels.device.type
    # Half precision does not tell neighbouring pixels apart.
    with torch.autocast("cpu" if kind == "meta" else kind, enabled=False):
        down, right = _lanczos(rows, thin), _lanczos(columns, thin)
        return down[:, None] @ pixels.float() @ right[:, None].transpose(2, 3)


def _lanczos(places: Tensor, thin: bool) -> Tensor:
    """Weights (N, L, L) of the pixels of a side for samples at places (N, L) [px]."""
    middles = torch.arange(places.shape[1], device=places.device) + 0.5
    away = places[:, :, None] - middles
    if thin:
        apart = torch.gradient(places, dim=1)[0]
        away = away / apart.clamp_min(1)[:, :, None]
    weights = torch.sinc(away) * torch.sinc(away / _LOBES)
    weights = torch.where(away.abs() < _LOBES, weights, 0.0)
    return weights / weights.sum(2, keepdim=True)

"""Telling in more detail what matters: its parts of a picture get more of the bits.

A grid of ids gives every part of a picture the same share. Here every id lends some of
its channels, and these are shared out, in the order of rows, among the few parts of the
block that matter most: each gets what several ids lend. One bit of every id says
whether its part is such a one: a decoder needs no more to find what belongs where. With
the preset `eye` a part that holds a pedestrian is told in 204 bits and others in 15;
without details all would be told in 42.

Letters: N blocks, n channels of an id, of which o are its own and l are lent, h and w
of the grid of ids, M parts at most that are told in detail, m channels more for each of
them, C channels of a grid of patches of p pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from brownfield.tokenizers.video_config import VideoConfig, parts_in_detail
from brownfield.tokenizers.video_gaze import CLOSE, looked_at

_WIDTH = 256
"""Channels inside the networks that tell and show details, at least."""
_WIDER = 2 / 3
"""Channels there for every number that a part of the patches holds."""


class Detail(nn.Module):
    """What is told of the parts that matter beside their ids' own channels."""

    def __init__(self, config: VideoConfig, spread: float, whisper: float) -> None:
        """Args: spread, whisper: gains of the last weights of new networks, those of
        what is told and of what is shown."""
        super().__init__()
        self.config = config
        side = config.shrink // config.patch
        pixels = config.patch_channels * side**2
        self.fold = nn.PixelUnshuffle(side)
        self.unfold = nn.PixelShuffle(side)
        width = max(_WIDTH, round(_WIDER * pixels))
        self.teller = _layers(pixels + config.own, width, config.more, spread)
        self.shower = _layers(pixels + config.more, width, pixels, whisper)

    def tell(self, patches: Tensor, own: Tensor, close: Tensor) -> Tensor:
        """Latents (N, n, h, w) of all channels.

        Args:
            patches: (N, C, H / p, W / p), what is encoded.
            own: (N, o, h, w) latents of the ids' own channels.
            close: (N, h, w) bool, which parts matter, at most M of each.
        """
        config = self.config
        places, there = _places(close, config.detail)
        seen = torch.cat((self.fold(patches), own), 1)
        parts = self.teller(_taken(seen, places)) * there[:, :, None]
        room = config.grid[0] * config.grid[1]
        each = parts.unflatten(2, (config.lent, -1)).transpose(1, 2).flatten(2)
        lent = functional.pad(each, (0, room - each.shape[2]))
        lent = lent.unflatten(2, config.grid).to(own.dtype)
        told = (close[:, None].to(own.dtype) * 2 - 1) * CLOSE
        return torch.cat((own, lent, told), 1)

    def show(self, patches: Tensor, codes: Tensor) -> Tensor:
        """Decoded patches (N, C, H / p, W / p), with details where they were told.

        Args:
            patches: of the same size.
            codes: (N, n, h, w).
        """
        parts, places, there = _lent(codes, self.config.lent, self.config.shares)
        grid = self.fold(patches)
        seen = torch.cat((_taken(grid, places), parts.to(grid.dtype)), 2)
        shown = self.shower(seen) * there[:, :, None]
        return self.unfold(grid + _put(shown.to(grid.dtype), places, self.config.grid))


def opened(codes: Tensor, lent: int, shares: int) -> Tensor:
    """Codes (N, n, h, w) with what others lent where it belongs: (N, o + m + 1, h, w),
    zeros where nothing was.

    Args:
        codes: as ids hold them.
        lent: l, or 0: then codes stay as they are.
        shares: see `VideoConfig`.
    """
    if not lent:
        return codes
    parts, places, _ = _lent(codes, lent, shares)
    details = _put(parts, places, codes.shape[-2:])
    return torch.cat((codes[:, : -1 - lent], details, codes[:, -1:]), 1)


def used(codes: Tensor, lent: int, shares: int) -> tuple[Tensor, Tensor]:
    """Of codes or latents (N, n, h, w): the own channels (N, o, h, w), and what was
    lent to parts (K, m), K parts there are."""
    if not lent:
        return codes, codes.new_zeros(0, 1)
    parts, _, there = _lent(codes, lent, shares)
    return codes[:, : -1 - lent], parts[there]


def _layers(inward: int, width: int, outward: int, gain: float) -> nn.Sequential:
    last = nn.Linear(width, outward)
    with torch.no_grad():
        last.weight.mul_(gain)
    return nn.Sequential(
        nn.Linear(inward, width),
        nn.SiLU(),
        nn.Linear(width, width),
        nn.LayerNorm(width, bias=False),
        nn.SiLU(),
        last,
    )


def _lent(codes: Tensor, lent: int, shares: int) -> tuple[Tensor, Tensor, Tensor]:
    """What was lent (N, M, m), to which places (N, M), and whether to any (N, M)."""
    detail = parts_in_detail(shares, codes.shape[-2:])
    places, there = _places(looked_at(codes), detail)
    flat = codes[:, -1 - lent : -1].flatten(2)[:, :, : detail * shares]
    parts = flat.unflatten(2, (detail, -1)).transpose(1, 2).flatten(2)
    return parts * there[:, :, None], places, there


def _places(close: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """The parts (N, h, w) that matter as places (N, M) on the flat grid, in order, and
    which of the M there are (N, M)."""
    flat = close.flatten(1)
    order = flat.to(torch.uint8).argsort(dim=1, descending=True, stable=True)
    places = order[:, :most]
    return places, flat.gather(1, places)


def _taken(grid: Tensor, places: Tensor) -> Tensor:
    """Parts (N, M, C) of a grid (N, C, h, w)."""
    flat = grid.flatten(2).transpose(1, 2)
    return flat.gather(1, places[:, :, None].expand(-1, -1, flat.shape[2]))


def _put(parts: Tensor, places: Tensor, size: tuple[int, ...]) -> Tensor:
    """A grid (N, C, h, w) of parts (N, M, C), zeros elsewhere."""
    empty = parts.new_zeros(len(parts), size[0] * size[1], parts.shape[2])
    index = places[:, :, None].expand(-1, -1, parts.shape[2])
    return empty.scatter(1, index, parts).transpose(1, 2).unflatten(2, tuple(size))

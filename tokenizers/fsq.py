"""Finite scalar quantisation (Mentzer et al. 2023, arXiv:2309.15505)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn


class FSQ(nn.Module):
    """Rounds every channel to one of a few levels; gradients pass straight through.

    Always in fp32: rounding bf16 would move ids.
    """

    offset: Tensor
    reach: Tensor
    shift: Tensor
    width: Tensor
    centre: Tensor
    scale: Tensor
    basis: Tensor

    def __init__(self, levels: Sequence[int], *, symmetric: bool = False) -> None:
        """Args:
        levels: number of levels of each channel, all at least 2; their product at most
            2**63.
        symmetric: latents around 0 use all levels alike, and codes lie around 0 (Parker
            et al. 2024, arXiv:2411.19842). As first published, 0 lies on a level: of
            two levels, where tanh is so flat that the channel never learns.
        """
        super().__init__()
        if not levels or min(levels) < 2:
            raise ValueError(f"levels must all be at least 2, got {tuple(levels)}")
        self.levels = tuple(int(n) for n in levels)
        if math.prod(self.levels) > 2**63:
            raise ValueError(f"ids of levels {self.levels} do not fit into 64 bits")
        count = torch.tensor(self.levels, dtype=torch.float32)
        half = (count - 1) / 2 * (1 if symmetric else 1 + 1e-3)
        offset = torch.where(count % 2 == 0, 0.5, 0.0)
        basis = [math.prod(self.levels[:i]) for i in range(len(self.levels))]
        for name, value in (
            ("reach", half),
            ("offset", offset),
            ("shift", torch.atanh(offset / half * (not symmetric))),
            ("width", torch.floor(count / 2)),
            ("centre", offset * symmetric),
            ("scale", (count - 1) / 2 if symmetric else torch.floor(count / 2)),
            ("basis", torch.tensor(basis)),  # floats count exactly to 2**24 only
        ):
            self.register_buffer(name, value, persistent=False)

    @property
    def codebook_size(self) -> int:
        """Number of ids."""
        return math.prod(self.levels)

    def evened(self, codes: Tensor) -> Tensor:
        """Codes (..., n) shifted and scaled: those of a channel that uses its levels
        alike have a mean of 0 and a deviation of 1."""
        count = torch.tensor(self.levels, device=codes.device)
        deviation = ((count.square() - 1) / 12).sqrt()
        return (codes * self.scale - self.centre + self.offset) / deviation

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Quantise.

        Args:
            z: (..., n) unbounded, n channels.

        Returns:
            codes: (..., n) in [-1, 1], straight-through.
            ids: (...) int64.
        """
        with torch.autocast(z.device.type, enabled=False):
            z = z.float()
            bounded = torch.tanh(z + self.shift) * self.reach - self.offset
            rounded = bounded.round()
            steps = bounded + (rounded - bounded).detach()
            digits = (rounded + self.width).round().long()
            return (steps + self.centre) / self.scale, (digits * self.basis).sum(-1)

    def codes(self, ids: Tensor) -> Tensor:
        """Codes (..., n) of ids (...); foreign ids are clamped."""
        ids = ids.clamp(0, self.codebook_size - 1)
        digits = []
        for level in self.levels:
            digits.append(ids % level)
            ids = torch.div(ids, level, rounding_mode="floor")
        steps = torch.stack(digits, -1).float() - self.width
        return (steps + self.centre) / self.scale

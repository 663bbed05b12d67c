"""Layers of the video tokenizer; only `TemporalResidual` sees other frames, past ones.

Latents are (N, C, h, w), N = B * T with a stream's blocks side by side.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PAST = 2
"""Latents that a temporal convolution remembers of every stream."""
_HEAD = 64  # channels of an attention head


class ChannelNorm(nn.Module):
    """Root mean square norm of every position: never over time, which would leak."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Normalised latents (N, C, h, w)."""
        power = x.float().square().mean(1, keepdim=True)
        return x * (torch.rsqrt(power + 1e-6) * self.scale).to(x.dtype)


class SpatialResidual(nn.Module):
    """Two 1x3x3 convolutions beside the way through."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ChannelNorm(channels) for _ in range(2))
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.last = _quiet(nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Latents (N, C, h, w) to the same."""
        hidden = self.first(functional.silu(self.norms[0](x)))
        return x + self.last(functional.silu(self.norms[1](hidden)))


class TemporalResidual(nn.Module):
    """A 1x3x3 and a causal 3x1x1 convolution beside the way through."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ChannelNorm(channels) for _ in range(2))
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        # Three instants as channels: one product, several times faster on a CPU than
        # a convolution in three dimensions.
        self.last = _quiet(nn.Conv2d((PAST + 1) * channels, channels, 1))

    def forward(
        self, x: Tensor, past: Tensor, started: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Latents (B * T, C, h, w) to the same, and what to remember.

        Args:
            x: latents.
            past: (B, 2, C, h, w) as the last call returned it.
            started: (B,) whether the stream has a past; where not, its first latent
                stands for it.
        """
        hidden = self.first(functional.silu(self.norms[0](x)))
        hidden = functional.silu(self.norms[1](hidden))
        line = hidden.unflatten(0, (len(started), -1))
        steps = line.shape[1]
        known = started[:, None, None, None, None]
        before = torch.where(known, past.to(line.dtype), line[:, :1])
        line = torch.cat((before, line), 1)
        near = torch.cat([line[:, i : i + steps] for i in range(PAST + 1)], 2)
        return x + self.last(near.flatten(0, 1)), line[:, -PAST:]


class FrameAttention(nn.Module):
    """Every position of a latent frame attends to all of the same frame."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = ChannelNorm(channels)
        self.inward = nn.Conv2d(channels, 3 * channels, 1)
        self.outward = _quiet(nn.Conv2d(channels, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Latents (N, C, h, w) to the same."""
        seen = self.inward(self.norm(x)).flatten(2)
        heads = seen.unflatten(1, (3, -1, _HEAD)).transpose(3, 4)
        query, key, value = heads.unbind(1)  # each (N, heads, h * w, 64)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        return x + self.outward(mixed.transpose(2, 3).reshape(x.shape))


def _quiet(convolution: nn.Conv2d) -> nn.Conv2d:
    """Start at zero, so that a new block passes everything through."""
    nn.init.zeros_(convolution.weight)
    assert convolution.bias is not None
    nn.init.zeros_(convolution.bias)
    return convolution

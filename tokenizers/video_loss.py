"""How far a decoded video is from the real one, where it matters more or less."""

from __future__ import annotations

import math

import torch
from torch import Tensor

_EVEN = math.pi / math.sqrt(12)
"""Deviation of numbers whose tanh is uniform."""
_MOVING = 0.1
"""Change of a pixel from frame to frame that counts as motion, of a range of 2."""


def pixel_weights(
    pixels: Tensor, weights: Tensor | None = None, motion: float = 2.0
) -> Tensor:
    """Weights (B, T, H, W) of mean 1 in every frame.

    A still background fills most pixels: without weights it is most of the loss, and
    small moving things are the first to vanish.

    Args:
        pixels: (B, T, 3, H, W) in [-1, 1].
        weights: (B, T, H, W) at least 0, some above 0 in every frame; ones by default.
        motion: weight added where a pixel changes, in means of `weights`.
    """
    change = (pixels[:, 1:] - pixels[:, :-1]).abs().amax(2) > _MOVING
    still = torch.zeros_like(pixels[:, :1, 0])  # nothing moves in a first frame
    moving = torch.cat((still, change.to(still.dtype)), 1)
    base = 1.0 if weights is None else even_weights(weights)
    return even_weights(base + motion * moving)


def reconstruction_loss(decoded: Tensor, pixels: Tensor, weights: Tensor) -> Tensor:
    """Weighted error, a scalar.

    The smaller part keeps edges (Charbonnier), the other punishes the large errors that
    lose an object.

    Args:
        decoded: (B, T, 3, H, W).
        pixels: (B, T, 3, H, W) in [-1, 1].
        weights: (B, T, H, W) of mean 1 in every frame.
    """
    square = (decoded.float() - pixels).square()
    each = (square + 1e-4).sqrt() / 4 + 2 * square
    return (each * weights[:, :, None]).mean()


def spread_loss(latents: Tensor, parts: Tensor | None = None) -> Tensor:
    """How far each channel is from a mean of 0 and an even use of its levels, a scalar.

    Without it whole channels drift to an end of the quantiser within 50 updates, where
    its tanh is flat, and stay there.

    Args:
        latents: (N, n, h, w) before they are rounded.
        parts: (K, m) of parts that are told in detail, if any.
    """
    return _uneven(latents, parts, _EVEN)


def codes_spread_loss(codes: Tensor, parts: Tensor | None = None) -> Tensor:
    """As `spread_loss`, told from codes (N, n, h, w) as `FSQ.evened` gives them."""
    return _uneven(codes, parts, 1.0) / 3


def _uneven(values: Tensor, parts: Tensor | None, even: float) -> Tensor:
    deviation, mean = torch.std_mean(values.float(), dim=(0, 2, 3), correction=0)
    loss = (mean.square() + (deviation - even).square()).mean()
    if parts is not None and len(parts) > 1:
        deviation, mean = torch.std_mean(parts.float(), dim=0, correction=0)
        loss = loss + (mean.square() + (deviation - even).square()).mean()
    return loss


def even_weights(weights: Tensor) -> Tensor:
    """Weights of mean 1 in every frame."""
    return weights / weights.mean((2, 3), keepdim=True).clamp_min(1e-8)

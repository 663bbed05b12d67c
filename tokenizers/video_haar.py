"""Haar patches: a block of pixels becomes channels, coarse ones first, and back.

Averages and half differences, so that every channel stays in the range of the pixels
and the first is their mean; NVIDIA's Cosmos tokenizer (arXiv:2501.03575) starts so too.
"""

from __future__ import annotations

import torch
from torch import Tensor

_CHANNEL, _FRAME, _ROW, _COLUMN = 2, 1, 3, 4


def haar(video: Tensor, frames: int, pixels: int) -> Tensor:
    """Fold time and space into channels.

    Args:
        video: (B, T, C, H, W), T a multiple of `frames`, H and W of `pixels`.
        frames: frames of a patch, a power of two.
        pixels: side of a patch [px], a power of two.

    Returns:
        patches: (B, T / frames, C * frames * pixels**2, H / pixels, W / pixels).
    """
    for axis in _axes(frames, pixels):
        size = video.shape[axis]
        first, second = video.unflatten(axis, (size // 2, 2)).unbind(axis + 1)
        halves = ((first + second) / 2, (first - second) / 2)
        video = torch.cat(halves, _CHANNEL)
    return video


def unhaar(patches: Tensor, frames: int, pixels: int) -> Tensor:
    """Undo `haar`."""
    for axis in reversed(_axes(frames, pixels)):
        low, high = patches.chunk(2, _CHANNEL)
        pair = torch.stack((low + high, low - high), axis + 1)
        patches = pair.flatten(axis, axis + 1)
    return patches


def _axes(frames: int, pixels: int) -> list[int]:
    """The axes to halve, in order."""
    times, sides = frames.bit_length() - 1, pixels.bit_length() - 1
    return [_FRAME] * times + [_ROW, _COLUMN] * sides

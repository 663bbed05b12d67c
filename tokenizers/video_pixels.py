"""Between uint8 frames and the pixels a network sees; the first frame's block."""

from __future__ import annotations

import torch
from torch import Tensor


def to_pixels(frames: Tensor) -> Tensor:
    """Pixels (B, T, 3, H, W) in [-1, 1] of uint8 frames (B, T, H, W, 3)."""
    return frames.movedim(-1, 2).float() / 127.5 - 1


def to_frames(pixels: Tensor) -> Tensor:
    """uint8 frames (B, T, H, W, 3) of pixels (B, T, 3, H, W), clipped to [-1, 1]."""
    scaled = ((pixels.clamp(-1, 1) + 1) * 127.5).round()
    return scaled.to(torch.uint8).movedim(2, -1)


def lead_in(video: Tensor, frames_per_block: int) -> Tensor:
    """Repeat the first frame until it fills a block: (B, 1 + n k, ...) to (1 + n) k.

    Args:
        video: (B, T, ...).
        frames_per_block: k.
    """
    first = video[:, :1].expand(-1, frames_per_block, *video.shape[2:])
    return torch.cat((first, video[:, 1:]), 1)


def drop_lead(video: Tensor, frames_per_block: int) -> Tensor:
    """Undo `lead_in`."""
    return video[:, frames_per_block - 1 :]

"""Frames made smaller by averaging whole blocks of pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def area_resize(
    frames: NDArray[np.uint8], size: int | tuple[int, int]
) -> NDArray[np.uint8]:
    """Average square blocks of pixels, rounding half up.

    Args:
        frames: (..., H, W, 3); H and W the same multiple of the result's.
        size: height and width of the result, or the side of a square one [pixels].

    Returns:
        frames: (..., height, width, 3).

    Raises:
        ValueError: another type or shape, or sides that are not the same multiple of
            what is wanted.
    """
    wanted = (size, size) if isinstance(size, int) else tuple(size)
    if frames.dtype != np.uint8 or frames.ndim < 3 or frames.shape[-1] != 3:
        raise ValueError(
            "frames must be uint8 of shape (..., H, W, 3), "
            f"got {frames.dtype} of shape {frames.shape}"
        )
    height, width = frames.shape[-3:-1]
    factor = height // wanted[0] if min(wanted) > 0 else 0
    # 16 bits hold the sum of 256 pixels.
    if not 1 <= factor <= 16 or (height, width) != tuple(factor * x for x in wanted):
        raise ValueError(
            f"{height}x{width} frames do not divide into {wanted[0]}x{wanted[1]}: both "
            "sides must be the same multiple of these, from 1 to 16 times"
        )
    if factor == 1:
        return np.ascontiguousarray(frames)
    rows = frames[..., 0::factor, :, :].astype(np.uint16)
    for row in range(1, factor):
        rows += frames[..., row::factor, :, :]
    total = rows[..., 0::factor, :].copy()
    for column in range(1, factor):
        total += rows[..., column::factor, :]
    area = factor * factor
    if factor == 2:
        total += 2
        total >>= 2
        return total.astype(np.uint8)
    return ((total.astype(np.uint32) + area // 2) // area).astype(np.uint8)

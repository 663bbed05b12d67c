"""Which pixels of a frame matter more, told from what they show.

A lead car of thirty pixels is less than one percent of a frame: as any other pixels it
would be the first that a tokenizer gives up.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

AREA_PX = 64.0
"""From this size on a thing's pixels get the weight of a thing of this size [px]."""
LEAST = 6.0
"""Weight added to the pixels of things of that size or larger, before the cap."""
MOST = 8.0
"""A pixel of a small thing gets up to this many times that."""
SHARE = 0.75
"""Things together have no more than this share of a frame's weight."""


def salience(segments: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Weights (T, H, W) of pixels, larger where something named is.

    One pixel around a thing belongs to it: its edge is what a hand must find. The
    smaller a thing, the more its pixels weigh.

    Args:
        segments: (T, H, W) classes; 0 is the rest.
    """
    weights = np.ones(segments.shape, np.float32)
    extra = np.zeros_like(weights)
    for number in range(1, int(segments.max(initial=0)) + 1):
        shown = segments == number
        area = shown.sum((1, 2))
        gain = np.minimum(MOST, np.sqrt(AREA_PX / np.maximum(area, 1)))
        gain = LEAST * np.maximum(gain, 1.0).astype(np.float32)
        extra = np.maximum(extra, grown(shown) * gain[:, None, None])
    total, area = extra.sum((1, 2)), segments.shape[1] * segments.shape[2]
    most = SHARE / (1 - SHARE) * area
    scale = np.minimum(1.0, most / np.maximum(total, 1e-9)).astype(np.float32)
    return weights + extra * scale[:, None, None]


def grown(shown: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask (T, H, W) and the pixels beside it, corners too."""
    height, width = shown.shape[1:]
    padded = np.pad(shown, ((0, 0), (1, 1), (1, 1)))
    out = np.zeros_like(shown)
    for row in range(3):
        for column in range(3):
            out |= padded[:, row : row + height, column : column + width]
    return out

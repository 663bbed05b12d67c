"""Rows of a chunk as a motion in time."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brownfield.tokenizers.chunk_checks import checked_times

Array = NDArray[np.float64]


def at_times(
    rows: Array, rate_hz: float, times_s: ArrayLike | None, derivative: int
) -> Array:
    """Rows (T + 1, D), the first at t = 0, read between them by straight lines."""
    grid = np.arange(len(rows)) / rate_hz
    times = grid[1:] if times_s is None else checked_times(times_s)
    if derivative:
        i = np.clip(np.searchsorted(grid, times - 1e-9) - 1, 0, len(rows) - 2)
        slope = (rows[i + 1] - rows[i]) * rate_hz
        return slope * ((times >= 0) & (times <= grid[-1] + 1e-9))[:, None]
    return np.stack([np.interp(times, grid, column) for column in rows.T], 1)

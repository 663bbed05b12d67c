"""Exact statistics of a dataset's features, quantiles included.

Pixels are counted per level, and 256 counts give every statistic of 8-bit pixels
exactly, however many episodes are merged.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
NAMES = ("min", "max", "mean", "std", *QUANTILES)

_BLOCK = 4_000_000  # Numbers in float64 at once: 32 MB.

Statistics = dict[str, Any]


def require_finite(feature: str, values: NDArray[Any], episode: int) -> None:
    """Refuse what no statistics can be taken of.

    Args:
        feature: its name, for the message.
        values: (N, ...), one row per frame.
        episode: its index, for the message.

    Raises:
        ValueError: NaN or infinity, naming feature, episode and frame.
    """
    if values.dtype.kind != "f":
        return
    finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if not finite.all():
        frame = int(np.argmin(finite))
        raise ValueError(
            f"feature {feature!r} is NaN or infinite in episode {episode}, "
            f"frame {frame}"
        )


def number_statistics(values: NDArray[Any]) -> Statistics:
    """Statistics of a numeric feature.

    Args:
        values: (N, D) or (N,).

    Returns:
        statistics: lists of length D; `count` has length 1.
    """
    columns = values.reshape(len(values), -1).T
    result: Statistics = {name: [] for name in NAMES}
    # A block of dimensions at a time: few calls for an episode, little memory for a
    # whole dataset.
    width = max(1, _BLOCK // len(values))
    for start in range(0, len(columns), width):
        exact = np.ascontiguousarray(columns[start : start + width], np.float64)
        quantiles = np.quantile(exact, list(QUANTILES.values()), axis=1)
        rows = {
            "min": exact.min(axis=1),
            "max": exact.max(axis=1),
            "mean": exact.mean(axis=1),
            "std": exact.std(axis=1),
            **dict(zip(QUANTILES, quantiles, strict=True)),
        }
        for name, row in rows.items():
            result[name] += row.tolist()
    result["count"] = [len(values)]
    return result


def sampled_frames(length: int) -> NDArray[np.int64]:
    """Frames of an episode that its pixel statistics are taken of."""
    count = min(length, max(100, min(int(length**0.75), 10_000)))
    return np.rint(np.linspace(0, length - 1, count)).astype(np.int64)


def pixel_counts(frames: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each level occurs: (3, 256) of frames (N, H, W, 3)."""
    return np.stack(
        [np.bincount(frames[..., c].ravel(), minlength=256) for c in range(3)]
    ).astype(np.int64)


def pixel_statistics(counts: NDArray[np.int64], frames: int) -> Statistics:
    """Statistics of pixels in [0, 1], nested (3, 1, 1) as the format asks.

    Args:
        counts: (3, 256).
        frames: how many frames were counted.
    """
    result: Statistics = {name: [] for name in NAMES}
    levels = np.arange(256) / 255
    for count in counts:
        total = int(count.sum())
        present = np.flatnonzero(count)
        mean = float((count * levels).sum() / total)
        variance = float((count * (levels - mean) ** 2).sum() / total)
        row = {
            "min": float(levels[present[0]]),
            "max": float(levels[present[-1]]),
            "mean": mean,
            "std": variance**0.5,
        }
        ranks = np.cumsum(count)
        for name, quantile in QUANTILES.items():
            position = quantile * (total - 1)
            low = int(position)
            below, above = levels[
                np.searchsorted(ranks, [low, min(low + 1, total - 1)], side="right")
            ]
            row[name] = float(below + (above - below) * (position - low))
        for name, value in row.items():
            result[name].append([[value]])
    result["count"] = [frames]
    return result

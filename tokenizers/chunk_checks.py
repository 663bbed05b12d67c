"""Checks of what action tokenizers are handed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


def check_finite(what: str, values: Any, names: Sequence[str]) -> None:
    """Raises ValueError that names the field with NaN or infinity.

    Args:
        what: name of the values.
        values: (..., D), NumPy or torch.
        names: fields (D).
    """
    if isinstance(values, torch.Tensor):
        # A sum is finite only where all numbers are, but for overflow; seen below.
        if bool(torch.isfinite(values.sum())):
            return
        values = values.detach().cpu().numpy()
    elif np.isfinite(values).all():
        return
    flat = np.asarray(values, dtype=np.float64).reshape(-1, len(names))
    finite = np.isfinite(flat).all(0)
    if not finite.all():
        bad = names[int(np.argmin(finite))]
        raise ValueError(f"{what} field {bad} holds NaN or infinity")


def training_chunks(
    chunks: ArrayLike,
    last: ArrayLike,
    velocity: ArrayLike,
    rate_hz: float,
    names: Sequence[str] | None,
) -> tuple[Array, Array, Array, tuple[str, ...]]:
    """Chunks (N, T, D), last and velocity (N, D) as float64, and the names (D).

    Raises:
        ValueError: shapes or names that do not fit, NaN or infinity, or no rate.
    """
    x = np.asarray(chunks, dtype=np.float64)
    if x.ndim != 3 or not x.size:
        raise ValueError(f"expected chunks (N, T, D), got {x.shape}")
    if not rate_hz > 0:
        raise ValueError(f"rate_hz must be positive, got {rate_hz}")
    count, _, dim = x.shape
    states = []
    for name, value in (("last", last), ("velocity", velocity)):
        state = np.asarray(value, dtype=np.float64)
        if state.shape != (count, dim):
            raise ValueError(f"{name}: expected {(count, dim)}, got {state.shape}")
        states.append(state)
    fields = field_names(names, dim)
    for name, value in (("chunks", x), ("last", states[0]), ("velocity", states[1])):
        check_finite(name, value, fields)
    return x, states[0], states[1], fields


def checked_times(times_s: ArrayLike) -> Array:
    """Times (T,) [s]; ValueError where they are not finite or of another shape."""
    times = np.ascontiguousarray(times_s, dtype=np.float64)
    if times.ndim != 1 or not np.isfinite(times).all():
        raise ValueError(f"times_s must be finite, of shape (T,); got {times_s}")
    return times


def field_names(names: Sequence[str] | None, dim: int) -> tuple[str, ...]:
    """Names (D), numbered where none are given; ValueError when they do not fit."""
    if names is None:
        return tuple(f"field_{i}" for i in range(dim))
    if len(names) != dim or len(set(names)) != dim:
        raise ValueError(f"expected {dim} different names, got {list(names)}")
    return tuple(names)

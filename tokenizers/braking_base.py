"""The motion that costs nothing: brake and hold, or come back to rest.

A field that holds goes on from its position and velocity and stops after `brake_s`;
a field with a value of rest goes there on a cubic. Both begin with the given position
and slope exactly, and both keep within limits when the hand-over state is feasible.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
BRAKE_S = 0.3
"""Time to come to rest [s]."""


def rest_times(lower: Array, upper: Array, max_rate: Array, rest: Array) -> Array:
    """Time (D,) each field takes to its rest [s].

    With g = distance / time and a slope of at most r the wrong way, the cubic's
    steepest slope stays under r while 6 g + 3 r <= (3 + 2 sqrt 2) r.
    """
    far = np.fmax(upper - rest, rest - lower)
    with np.errstate(invalid="ignore", divide="ignore"):
        needed = far * 3 / (np.sqrt(2) * max_rate)
    finite = np.isfinite(needed) & ~np.isnan(rest)
    return np.where(finite, np.maximum(BRAKE_S, needed), BRAKE_S)


def base_weights(
    times_s: Array,
    duration_s: Array,
    holds: NDArray[np.bool_],
    derivative: int = 0,
) -> tuple[Array, Array]:
    """Weights of the base: hold * last + (1 - hold) * rest + slope * velocity.

    Args:
        times_s: (T,) since the hand-over [s].
        duration_s: (D,) until rest [s].
        holds: (D,) bool, which fields hold.
        derivative: 0 to 2.

    Returns:
        `hold` (T, D) and `slope` (T, D); for derivatives those of both.
    """
    s = np.clip(times_s[:, None] / duration_s, 0.0, 1.0)
    if derivative == 0:
        hold = np.where(holds, 1.0, (2 * s - 3) * s**2 + 1)
        slope = np.where(holds, (1 - (1 - s) ** 3) / 3, s * (1 - s) ** 2)
        return hold, slope * duration_s
    if derivative == 1:
        hold = np.where(holds, 0.0, 6 * s * (s - 1)) / duration_s
        return hold, np.where(holds, (1 - s) ** 2, (1 - s) * (1 - 3 * s))
    moving = (s < 1) & (times_s[:, None] >= 0)
    if derivative == 2:
        hold = np.where(holds | ~moving, 0.0, 12 * s - 6) / duration_s**2
        slope = np.where(holds, 2 * s - 2, 6 * s - 4) * moving
        return hold, slope / duration_s
    raise ValueError(f"derivative must be 0, 1 or 2, got {derivative}")


def feasible(
    last: Any,
    velocity: Any,
    lower: Any,
    upper: Any,
    max_rate: Any,
    duration_s: Any,
    xp: Any = np,
) -> tuple[Any, Any]:
    """The nearest hand-over state that the base can brake from within limits.

    Args:
        last, velocity: (..., D).
        lower, upper, max_rate, duration_s: (D,).
        xp: numpy or torch.

    Returns:
        Position and velocity (..., D).
    """
    position = xp.clip(last, lower, upper)
    slowest = xp.maximum(-max_rate, (lower - position) * 3 / duration_s)
    fastest = xp.minimum(max_rate, (upper - position) * 3 / duration_s)
    return position, xp.clip(velocity, slowest, fastest)

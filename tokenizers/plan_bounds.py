"""Limits of a plan: how much of its residual every field can take.

Shortening the residual by one factor keeps position and velocity at the hand-over as
they are, where cutting it off would not. Bezier hulls make the bounds hold at every
time, not only where somebody looks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.plan_functions import PlanFunctions

Array = NDArray[np.float64]
SLACK = 0.1
"""Share of a field's span by which a plan may pass its limit before it is shortened;
what passes the limit is cut. A joint that rests on its limit would otherwise not move
at all, because of a quantisation error of a hair's breadth."""


class PlanBounds:
    """Limits (D,) and rate limits (D,); infinite where there are none."""

    def __init__(
        self, kind: ArrayKind, functions: PlanFunctions, fields: LadderFields
    ) -> None:
        self.kind, put = kind, kind.put
        lower, upper = fields.lower[:, None], fields.upper[:, None]
        width = upper - lower
        slack = SLACK * np.where(np.isfinite(width), width, 0.0)
        self._lower, self._upper = put(lower), put(upper)
        self._low, self._high = put(lower - slack), put(upper + slack)
        # A hair inside, so that rounding cannot pass what this lets pass.
        hair = 1e-6 * np.where(np.isfinite(width), width, 1.0)
        self._inner_lower, self._inner_upper = put(lower + hair), put(upper - hair)
        self._rate = put(fields.max_rate[:, None])
        self.limited = bool(np.isfinite([lower, upper]).any())
        self._rated = bool(np.isfinite(fields.max_rate).any())
        self._third = put(fields.duration[:, None] / 3)
        self._functions = functions
        modes = functions.time_map.shape[1]
        points, slopes = functions.hulls()
        rows = points.shape[-1]
        hull = np.concatenate([points.reshape(-1, rows), slopes.reshape(-1, rows)])
        self._hull_spline, self._hull_base = put(hull[:, :modes]), put(hull[:, modes:])
        self._n_points = points.shape[0] * points.shape[1]
        self._control = put(functions.time_map)
        self._control_slope = put(_slope_map(functions) @ functions.time_map)

    def cut(self, value: Any, field: Any) -> Any:
        """Values (T, F) of fields (F,) within their limits."""
        lower, upper = self._lower[field, 0], self._upper[field, 0]
        return self.kind.xp.minimum(self.kind.xp.maximum(value, lower), upper)

    def still(self, value: Any, derivative: Any, field: Any) -> Any:
        """The derivative (T, F), 0 where the value would be cut."""
        inside = (value >= self._lower[field, 0]) & (value <= self._upper[field, 0])
        return derivative * inside

    def share(self, spline: Any, base: Any, field: Any, item: Any) -> Any:
        """Factors (F,) in 0..1 of the residuals of some fields of some items.

        Args:
            spline: amplitudes (m, D, B) of the time modes.
            base: amplitudes (rows, D, B) of the base.
            field, item: (F,) which.
        """
        residual = self._hull_spline @ spline[:, field, item]
        start = self._hull_base @ base[:, field, item]
        xp, n = self.kind.xp, self._n_points
        factor = _largest(
            xp, residual[:n], start[:n], self._low[field, 0], self._high[field, 0]
        )
        rate = self._rate[field, 0]
        slow = _largest(xp, residual[n:], start[n:], -rate, rate)
        return xp.minimum(factor, slow)

    def near(self, spline: Any, last: Any, velocity: Any) -> tuple[Any, Any] | None:
        """Fields and items whose coarse hull, of control points, leaves the limits.

        Args:
            spline: amplitudes (m, D, B) of the time modes.
            last, velocity: feasible hand-over states (D, B).
        """
        if not (self.limited or self._rated):
            return None
        xp = self.kind.xp
        flat = spline.reshape(len(spline), -1)
        over = False
        final = last if self._functions.all_hold else self._final(last)
        if self.limited:
            least, most = self._extremes(self._control @ flat, last.shape)
            ahead = last + velocity * self._third
            high = xp.maximum(xp.maximum(last, ahead), final)
            low = xp.minimum(xp.minimum(last, ahead), final)
            over = (high + most.clip(0) > self._inner_upper) | (
                low + least.clip(None, 0) < self._inner_lower
            )
        if self._rated:
            least, most = self._extremes(self._control_slope @ flat, last.shape)
            fastest = xp.maximum(most, -least) + abs(velocity)
            if not self._functions.all_hold:
                fastest = fastest + 0.5 * abs(final - last) / self._third
            over = over | (fastest > self._rate)
        if not over.any():
            return None
        at = xp.nonzero(over) if self.kind.like is None else over.nonzero().T
        return at[0], at[1]

    def _extremes(self, points: Any, shape: Any) -> tuple[Any, Any]:
        """Least and most (D, B) of control points (P, D * B)."""
        xp = self.kind.xp
        return xp.amin(points, 0).reshape(shape), xp.amax(points, 0).reshape(shape)

    def _final(self, last: Any) -> Any:
        return self.kind.xp.where(self._functions.holds, last, self._functions.rest)


def _largest(xp: Any, residual: Any, start: Any, low: Any, high: Any) -> Any:
    """Largest factor (F,) in 0..1 with start + factor * residual in low..high."""
    room = xp.where(residual > 0, high - start, start - low).clip(0)
    ratio = room / abs(residual).clip(1e-12)
    return xp.amin(ratio, 0).clip(0, 1)


def _slope_map(functions: PlanFunctions) -> Array:
    """Control points of the slope (n - 1, n - 2) from those of the spline."""
    spline = functions.spline
    inner = spline.breaks
    knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
    n = spline.n_control
    width = knots[4 : n + 3] - knots[1:n]
    return (np.diff(np.eye(n), axis=0) * 3 / width[:, None])[:, 2:]

"""Which plans may leave their limits, and what is done about it.

Values beyond a limit are cut off. The check is cheap: a spline lies within the hull of
its control points, and only fields whose hull leaves the limits are looked after.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.plan_functions import PlanFunctions
from brownfield.tokenizers.rate_warp import RateWarp, WarpGrid

Array = NDArray[np.float64]
Pairs = tuple[Any, Any]
"""Fields (F,) and items (F,) of a batch."""


class PlanBounds:
    """Limits (D,) and rate limits (D,); infinite where there are none."""

    def __init__(
        self, kind: ArrayKind, functions: PlanFunctions, fields: LadderFields
    ) -> None:
        self.kind, put = kind, kind.put
        lower, upper = fields.lower[:, None], fields.upper[:, None]
        self._lower, self._upper = put(lower), put(upper)
        # A hair inside, so that rounding cannot pass what this lets pass.
        width = upper - lower
        hair = 1e-6 * np.where(np.isfinite(width), width, 1.0)
        self._inner_lower, self._inner_upper = put(lower + hair), put(upper - hair)
        self._rate = put(fields.max_rate[:, None])
        self._limited = bool(np.isfinite([lower, upper]).any())
        self._rated = bool(np.isfinite(fields.max_rate).any())
        self._third = put(fields.duration[:, None] / 3)
        self._functions = functions
        self._control = put(functions.time_map)
        self._control_slope = put(_slope_map(functions) @ functions.time_map)
        self._grid = WarpGrid(kind, functions) if self._rated else None

    def cut(self, value: Any, field: Any) -> Any:
        """Values (T, F) of fields (F,) within their limits."""
        lower, upper = self._lower[field, 0], self._upper[field, 0]
        return self.kind.xp.minimum(self.kind.xp.maximum(value, lower), upper)

    def still(self, value: Any, derivative: Any, field: Any) -> Any:
        """The derivative (T, F), 0 where the value would be cut."""
        inside = (value >= self._lower[field, 0]) & (value <= self._upper[field, 0])
        return derivative * inside

    def warp(self, amplitudes: Any, field: Any) -> RateWarp:
        """Plans (rows, F) of fields (F,) no faster than they may be."""
        assert self._grid is not None, "there are rate limits where plans are too fast"
        return self._grid.warp(amplitudes, self._rate[field, 0])

    def beyond(
        self, spline: Any, last: Any, velocity: Any
    ) -> tuple[Pairs | None, Pairs | None]:
        """Plans that may leave their limits, and plans that may be too fast.

        Args:
            spline: amplitudes (m, D, B) of the time modes; None for a base alone.
            last, velocity: feasible hand-over states (D, B).
        """
        xp = self.kind.xp
        hold = self._functions.all_hold
        final = last if hold else xp.where(self._functions.holds, last, self._goal)
        over = fast = None
        if self._limited:
            least, most = self._extremes(self._control, spline, last)
            ahead = last + velocity * self._third
            high = xp.maximum(xp.maximum(last, ahead), final) + most.clip(0)
            low = xp.minimum(xp.minimum(last, ahead), final) + least.clip(None, 0)
            over = self._pairs((high > self._inner_upper) | (low < self._inner_lower))
        if self._rated and spline is not None:
            least, most = self._extremes(self._control_slope, spline, last)
            speed = xp.maximum(most, -least) + abs(velocity)
            if not hold:
                speed = speed + 0.5 * abs(final - last) / self._third
            # A base alone keeps to its rate.
            fast = self._pairs((speed > self._rate) & (most > least))
        return over, fast

    @property
    def _goal(self) -> Any:
        return self._functions.rest

    def _pairs(self, chosen: Any) -> Pairs | None:
        if not chosen.any():
            return None
        at = chosen.nonzero() if self.kind.like is None else chosen.nonzero().T
        return at[0], at[1]

    def _extremes(self, control: Any, spline: Any, like: Any) -> tuple[Any, Any]:
        """Least and most (D, B) of the control points of splines (m, D, B)."""
        if spline is None:
            return 0 * like, 0 * like
        xp = self.kind.xp
        points = control @ spline.reshape(len(spline), -1)
        least, most = xp.amin(points, 0), xp.amax(points, 0)
        return least.reshape(like.shape), most.reshape(like.shape)


def _slope_map(functions: PlanFunctions) -> Array:
    """Control points of the slope (n - 1, n - 2) from those of the spline."""
    spline = functions.spline
    inner = spline.breaks
    knots = np.concatenate([[inner[0]] * 3, inner, [inner[-1]] * 3])
    n = spline.n_control
    width = knots[4 : n + 3] - knots[1:n]
    return (np.diff(np.eye(n), axis=0) * 3 / width[:, None])[:, 2:]

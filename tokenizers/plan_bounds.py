"""Which plans may leave their limits, and what is done about it.

Values beyond a limit are cut off where they are read. Rate limits need to know of a
whole plan whether it is ever too fast; the check is cheap, for a spline lies within the
hull of its control points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.plan_functions import PlanFunctions
from brownfield.tokenizers.rate_warp import RateWarp, WarpGrid

Array = NDArray[np.float64]
FEW = 64
"""So many plans are looked at one by one, without asking first which need it."""


@dataclass(frozen=True)
class Warped:
    """F plans of a batch that may be too fast."""

    at: Any
    """(F,) of D x B."""

    warp: RateWarp
    """The same paths, no faster than they may be; in NumPy or in the batch's kind."""


class PlanBounds:
    """Limits (D,) and rate limits (D,); infinite where there are none."""

    def __init__(
        self,
        kind: ArrayKind,
        functions: PlanFunctions,
        fields: LadderFields,
        spread: Array,
    ) -> None:
        """Args:
        kind: of the arrays.
        functions: of time, that plans are sums of.
        fields: limits.
        spread: (m,) how large the amplitudes of the time modes usually are.
        """
        self.kind, put = kind, kind.put
        lower, upper = fields.lower[:, None], fields.upper[:, None]
        self.limited = bool(np.isfinite([lower, upper]).any())
        self._lower, self._upper = put(lower), put(upper)
        # A field that goes to its rest begins where it is but for rounding.
        like = kind.like
        eps = float(
            np.finfo(float).eps if like is None else torch.finfo(like.dtype).eps
        )
        ends = np.maximum(np.abs(lower), np.abs(upper))
        hair = 16 * eps * np.where(np.isfinite(ends), ends, 0.0)
        self._outer_lower, self._outer_upper = put(lower - hair), put(upper + hair)
        self._rates = None
        if np.isfinite(fields.max_rate).any():
            # NumPy takes a third of torch's time for a few plans.
            near = like is None or like.device.type == "cpu"
            control = _slope_control(functions)
            self._rates = _RateLimits(kind, functions, fields, control)
            self._quick = _RateLimits(ArrayKind(), functions, fields, control)
            self._near = near
            self._prefilter = _Prefilter(kind, fields, control, spread)

    def cut(self, value: Any) -> Any:
        """Values (T, D, B) within their limits."""
        if not self.limited:
            return value
        xp = self.kind.xp
        if self.kind.like is None or value.requires_grad:
            return xp.maximum(xp.minimum(value, self._upper), self._lower)
        # `clamp` takes nine times as long where limits are tensors.
        torch.minimum(value, self._upper, out=value)
        return torch.maximum(value, self._lower, out=value)

    def still(self, value: Any, derivative: Any) -> Any:
        """The derivative (T, D, B), 0 where the value (T, D, B) would be cut."""
        inside = (value >= self._outer_lower) & (value <= self._outer_upper)
        return derivative * inside

    def warped(
        self, amplitudes: Any, columns: Any, last: Any, velocity: Any
    ) -> Warped | None:
        """Plans that may be too fast, no faster than they may be.

        Args:
            amplitudes: (rows, D, B) of functions of time.
            columns: (rows,) which ones; the first ones are time modes.
            last, velocity: feasible hand-over states (D, B).
        """
        if self._rates is None:
            return None
        count, batch = last.shape[0] * last.shape[1], last.shape[1]
        flat = amplitudes.reshape(len(amplitudes), -1)
        at = None
        if self.kind.like is not None and count > FEW:
            at = self._prefilter.steep(flat.detach(), columns, last, velocity)
            if not len(at):
                return None
            flat = flat.index_select(1, at)
        limits = self._rates
        if self.kind.like is not None and self._near and not flat.requires_grad:
            limits, flat, columns = self._quick, flat.numpy(), columns.numpy()
            at = None if at is None else at.numpy()
        at = limits.kind.put(np.arange(count)) if at is None else at
        too = limits.too_fast(flat, columns, at // batch)
        if not len(too):
            return None
        at = at[too]
        warp = limits.warp(flat[:, too], columns, at // batch)
        return Warped(self.kind.put(at), warp)


class _RateLimits:
    """A few plans and their rate limits, in one kind of arrays."""

    def __init__(
        self,
        kind: ArrayKind,
        functions: PlanFunctions,
        fields: LadderFields,
        control: Array,
    ) -> None:
        self.kind, self._rows = kind, control.shape[1]
        self._rate, self._control = kind.put(fields.max_rate), kind.put(control)
        self._single = control.astype(np.float32)
        self._grid = WarpGrid(kind, functions)

    def too_fast(self, flat: Any, columns: Any, field: Any) -> Any:
        """Which of the plans (rows, F) may be faster than their fields (F,) may."""
        xp = self.kind.xp
        quick = isinstance(flat, np.ndarray) and flat.dtype == np.float32
        points = (self._single if quick else self._control)[:, columns] @ flat
        speed = xp.maximum(xp.amax(points, 0), -xp.amin(points, 0))
        fast = (speed > self._rate[field]).nonzero()
        return fast[0] if self.kind.like is None else fast[:, 0]

    def warp(self, flat: Any, columns: Any, field: Any) -> RateWarp:
        """Plans (rows, F) of fields (F,), no faster than they may be."""
        whole = self.kind.zeros(self._rows, flat.shape[1])
        whole[columns] = flat
        return self._grid.warp(whole, self._rate[field])


class _Prefilter:
    """Tells, in torch, which of many plans are slow enough not to be looked at.

    By Cauchy and Schwarz the slope of a sum of time modes is no steeper than the root
    of the modes' squared slopes, times their usual power, times the sum of squared
    amplitudes over that power. On a G1 one plan in twelve is left.
    """

    def __init__(
        self, kind: ArrayKind, fields: LadderFields, control: Array, spread: Array
    ) -> None:
        put, modes = kind.put, len(spread)
        power = np.maximum(spread, 1e-3 * spread.max(initial=1e-9)) ** 2
        steep = float(((control[:, :modes] ** 2) @ power).max(initial=0.0))
        self._base_rows = control.shape[1] - modes
        self._per_power = put(1 / power)
        self._rate = put(fields.max_rate[:, None])
        # A hair less, so that rounding cannot hide a plan.
        self._share = (1 - 1e-4) / max(steep, 1e-20) ** 0.5
        goal = fields.goal
        self._resting = put(np.flatnonzero(~np.isnan(goal)))
        own = ~np.isnan(goal)
        self._goal = put(goal[own][:, None])
        # The steepest slope of a cubic from where a field is to its rest.
        self._fall = put(1.5 / fields.duration[own][:, None])

    def steep(self, flat: Any, columns: Any, last: Any, velocity: Any) -> Any:
        """(F,) of D x B plans, those whose modes may make them too fast.

        Args:
            flat: amplitudes (rows, D x B).
            columns: (rows,) of which functions of time.
            last, velocity: (D, B).
        """
        modes = len(flat) - self._base_rows
        weight = self._per_power[columns[:modes]][None]
        own = flat[:modes]
        power = weight @ (own * own)
        spare = self._rate - abs(velocity.detach())
        if len(self._resting):
            far = abs(last.detach().index_select(0, self._resting) - self._goal)
            spare.index_add_(0, self._resting, far * self._fall, alpha=-1)
        spare = spare.clamp_(min=0).mul_(self._share)
        mask = (power >= spare.mul_(spare).reshape(1, -1))[0]
        if mask.device.type == "cpu":
            return torch.from_numpy(np.flatnonzero(mask.numpy()))
        return mask.nonzero()[:, 0]


def _slope_control(functions: PlanFunctions) -> Array:
    """Bezier points of the slope (P, rows) of every function.

    Between knots and ends of the base a slope is a quadratic; cells are halved, for the
    hull is the closer the shorter they are.
    """
    ends = [d for d, _ in functions.groups if d < functions.horizon_s]
    nodes = np.unique(np.concatenate([functions.spline.breaks, ends]))
    nodes = nodes[np.append(True, np.diff(nodes) > 1e-9 * functions.horizon_s)]
    nodes = np.sort(np.concatenate([nodes, (nodes[1:] + nodes[:-1]) / 2]))
    slope = functions.values(nodes, 1)
    middle = functions.values((nodes[1:] + nodes[:-1]) / 2, 1)
    return np.concatenate([slope, 2 * middle - (slope[1:] + slope[:-1]) / 2])

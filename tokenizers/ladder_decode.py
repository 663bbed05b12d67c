"""From the ids of a ladder to motion, in NumPy or torch.

Batches come last: a plan is X (rows, D, B), the amplitudes of splines and base of
every field, so decoding is one product with a matrix of functions of time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.gray_slots import SlotTable
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.ladder_model import LadderModel
from brownfield.tokenizers.plan_bounds import Pairs, PlanBounds
from brownfield.tokenizers.plan_functions import PlanFunctions
from brownfield.tokenizers.rate_warp import RateWarp
from brownfield.tokenizers.slot_reader import SlotReader

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """Motions of B strings."""

    amplitudes: Any
    """(rows, D, B): time modes, then the base's functions."""

    over: Pairs | None = None
    """Plans that may leave their limits."""

    fast: Pairs | None = None
    """Plans that may be too fast."""

    warp: RateWarp | None = None
    """Those on a time of their own."""


class LadderDecoder:
    """Ids (L, B) and hand-over states (D, B) to plans, and plans to motion."""

    def __init__(
        self,
        kind: ArrayKind,
        model: LadderModel,
        table: SlotTable,
        fields: LadderFields,
    ) -> None:
        """Args:
        kind: of the arrays.
        model, table: what was learned.
        fields: names, limits and normalisation.
        """
        self.kind = kind
        self._functions = PlanFunctions(kind, model, fields)
        self._bounds = PlanBounds(kind, self._functions, fields)
        self._reader = SlotReader(kind, table, model.scale[table.refined])
        moving = fields.moving
        joint = np.zeros((len(fields.span), len(moving)))
        joint[moving] = model.joint_map * fields.span[moving][:, None]
        self._joint, self._shape = kind.put(joint), (len(model.time_read), len(moving))
        self._gain = kind.put(model.gain)

    def plan(self, ids: Any, length: Any, last: Any, velocity: Any) -> Plan:
        """Plans within limits.

        Args:
            ids: (L, B), -1 behind a string's end.
            length: of every string (B,), or None where all have L.
            last, velocity: (D, B), feasible.
        """
        kind = self.kind
        base = self._functions.base(last, velocity)
        modes, joints = self._shape
        if not len(ids) or not modes:
            spline = kind.zeros(modes, *last.shape)
            over, _ = self._bounds.beyond(None, last, velocity)
            return Plan(kind.joined([spline, base], 0), over)
        place, value, gain = self._reader.read(ids, length)
        grid = kind.zeros(modes * joints, value.shape[1])
        grid[place] = value * kind.take(self._gain, gain)
        spline = self._joint @ grid.reshape(modes, joints, -1)
        whole = kind.joined([spline, base], 0)
        over, fast = self._bounds.beyond(spline, last, velocity)
        if fast is None:
            return Plan(whole, over)
        warp = self._bounds.warp(whole[:, fast[0], fast[1]], fast[0])
        return Plan(whole, over, fast, warp)

    def motion(self, plan: Plan, times_s: Array, derivative: int) -> Any:
        """Rows (T, D, B) of a plan at times in 0..horizon, or a derivative."""
        value = self._at_times(plan.amplitudes, times_s, derivative)
        if plan.fast is not None and plan.warp is not None:
            field, item = plan.fast
            value[:, field, item] = plan.warp.at(times_s, derivative)
        if plan.over is None:
            return value
        field, item = plan.over
        if derivative == 0:
            value[:, field, item] = self._bounds.cut(value[:, field, item], field)
            return value
        rows = self.motion(replace(plan, over=None), times_s, 0)[:, field, item]
        own = self._bounds.still(rows, value[:, field, item], field)
        value[:, field, item] = own
        return value

    def _at_times(self, amplitudes: Any, times_s: Array, derivative: int) -> Any:
        functions = self._functions.at(times_s, derivative)
        rows = functions @ amplitudes.reshape(len(amplitudes), -1)
        return rows.reshape(-1, *amplitudes.shape[1:])

"""From motion to the ids of a ladder, in NumPy or torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.braking_base import base_weights
from brownfield.tokenizers.embedded_quantizer import KAPPA
from brownfield.tokenizers.gray_slots import MAX_DIGITS, SlotTable
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.ladder_model import STRONG, LadderModel


class LadderEncoder:
    """Chunks (..., T, D) to ids (..., L)."""

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
        self.kind, put = kind, kind.put
        steps = model.time_read.shape[1]
        times = np.arange(1, steps + 1) / steps * model.horizon_s
        holds = np.isnan(fields.goal)
        hold, slope = base_weights(times, fields.duration, holds)
        self._hold, self._slope = put(hold), put(slope)
        self._rest = put((1 - hold) * np.nan_to_num(fields.goal))
        moving = fields.moving
        self._moving = None if len(moving) == len(holds) else put(moving)
        self._time = put(model.time_read)
        self._joint = put(model.joint_map / fields.span[moving][:, None])

        strong = model.scale > STRONG * model.scale.max(initial=0)
        self._strong = put(np.flatnonzero(strong))
        self._of_strong = put(1 / (model.scale[strong] * np.sqrt(2 * strong.sum())))
        self._edges, self._gain = put(model.gain_edges), put(model.gain)
        self._inner = put(1 / (KAPPA * model.scale[table.refined]))
        self._refined, self._cells = put(table.refined), put(table.cells * 1.0)

        self._coefficient, self._radix = put(table.coefficient), put(table.radix)
        self._weight = put(np.maximum(table.weight, 1))

    def __call__(self, chunk: Any, last: Any, velocity: Any) -> Any:
        """Ids (..., L); last and velocity (..., D) must be feasible."""
        xp = self.kind.xp
        base = last[..., None, :] * self._hold + velocity[..., None, :] * self._slope
        residual = chunk - base - self._rest
        if self._moving is not None:
            residual = residual[..., self._moving]
        c = self._time @ residual @ self._joint
        c = c.reshape(*c.shape[:-2], -1)
        size = ((c[..., self._strong] * self._of_strong) ** 2).sum(-1) ** 0.5
        gain = xp.searchsorted(self._edges, xp.log2(size + 1e-30))
        y = c[..., self._refined] * self._inner / self._gain[gain][..., None]
        tail = 0.5 * xp.exp(-abs(y))
        u = xp.where(y < 0, tail, 1 - tail)
        cell = self.kind.whole(xp.minimum(u * self._cells, self._cells - 1))
        # The column beyond the coefficients is read by the gain and by no digit.
        cell = self.kind.joined([cell, gain[..., None]], -1)
        digit = cell[..., self._coefficient] // self._weight % self._radix
        ids = digit[..., 0]
        for j in range(1, MAX_DIGITS):
            m, below = self._radix[:, j], digit[..., j]
            # Gray order: after an odd number the next digit counts down.
            ids = ids * m + below + (ids % 2) * (m - 1 - 2 * below)
        return ids

"""From motion to the ids of a ladder, in NumPy or torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.embedded_quantizer import KAPPA
from brownfield.tokenizers.gray_slots import MAX_DIGITS, SlotTable
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.ladder_model import STRONG, LadderModel
from brownfield.tokenizers.plan_functions import PlanFunctions


class LadderEncoder:
    """Chunks (T, D, B) to ids (L, B); batches come last."""

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
        self.kind, self._functions = kind, PlanFunctions(kind, model, fields)
        put, moving = kind.put, fields.moving
        steps = model.time_read.shape[1]
        times = np.arange(1, steps + 1) / steps * model.horizon_s
        base = self._functions.values(times, 0)[:, model.time_map.shape[1] :]
        # Modes of a chunk, less those of its base, in one product.
        self._time = put(model.time_read)
        self._time_of_base = put(model.time_read @ base)
        joint = np.zeros((len(moving), len(fields.span)))
        joint[:, moving] = (model.joint_map / fields.span[moving][:, None]).T
        self._joint = put(joint)

        strong = model.scale > STRONG * model.scale.max(initial=0)
        share = np.where(strong, 1 / np.maximum(model.scale, 1e-12) ** 2, 0.0)
        self._of_gain = put(share[None] / (2 * max(1, strong.sum())))
        self._edges, self._gain = put(model.gain_edges), put(model.gain)
        self._prefixes: dict[int, _Digits] = {}
        self._model, self._table = model, table

    def __call__(self, chunk: Any, last: Any, velocity: Any, length: int) -> Any:
        """The first ids (length, B) of chunks.

        Args:
            chunk: (T, D, B).
            last, velocity: (D, B), feasible.
            length: slots.
        """
        xp, d = self.kind.xp, self._prefix(length)
        place, gain = self._place(chunk, last, velocity, d)
        # Half a cell on, so that divisions may round without reaching the next.
        cell = xp.floor(place) + 0.5
        # The row behind the coefficients is read by the gain, the next by no digit.
        cell = self.kind.joined([cell, gain[None] + 0.5, 0 * gain[None] + 0.5], 0)
        own = self.kind.take(cell, d.coefficient) * d.per_weight
        digit = xp.floor(own) - d.radix * xp.floor(own * d.per_radix)
        digit = digit.reshape(length, MAX_DIGITS, -1)
        ids = digit[:, 0]
        for j in range(1, MAX_DIGITS):
            m, below = d.radices[j], digit[:, j]
            # Gray order: after an odd number the next digit counts down.
            odd = ids - 2 * xp.floor(0.5 * ids)
            ids = ids * m + below + odd * (m - 1 - 2 * below)
        return self.kind.whole(ids)

    def places(self, chunk: Any, last: Any, velocity: Any, length: int) -> Any:
        """Where digits (length, J, B) would be if they were not whole: a digit is its
        place rounded, and the rest tells how near its neighbours are."""
        xp, d = self.kind.xp, self._prefix(length)
        place, gain = self._place(chunk, last, velocity, d)
        place = self.kind.joined([place, gain[None] + 0.5, 0 * gain[None] + 0.5], 0)
        own = self.kind.take(place, d.coefficient) * d.per_weight
        within = own - d.radix * xp.floor(own * d.per_radix) - 0.5
        return within.reshape(length, MAX_DIGITS, -1)

    def _prefix(self, length: int) -> _Digits:
        if length not in self._prefixes:
            self._prefixes[length] = _Digits(
                self.kind, self._model, self._table, length
            )
        return self._prefixes[length]

    def _place(
        self, chunk: Any, last: Any, velocity: Any, d: _Digits
    ) -> tuple[Any, Any]:
        """Place (K, B) of the coefficients among their cells, and the gains (B,)."""
        xp = self.kind.xp
        base = self._functions.base(last, velocity)
        modes = self._time @ chunk.reshape(len(chunk), -1)
        modes = modes - self._time_of_base @ base.reshape(len(base), -1)
        c = (self._joint @ modes.reshape(len(modes), *last.shape)).reshape(
            -1, last.shape[1]
        )
        size = (self._of_gain @ (c * c))[0]
        gain = xp.searchsorted(self._edges, 0.5 * xp.log2(size + 1e-30))
        take = self.kind.take
        y = take(c, d.refined) * (d.inner / take(self._gain, gain))
        tail = 0.5 * xp.exp(-abs(y))
        u = xp.where(y < 0, tail, 1 - tail)
        # A share of 1 is rounded; the last cell ends before it.
        return xp.minimum(u * d.cells, d.cells - 2**-20), gain


class _Digits:
    """What it takes to write the digits of the first slots."""

    def __init__(
        self, kind: ArrayKind, model: LadderModel, table: SlotTable, length: int
    ) -> None:
        put, none = kind.put, len(table.refined)
        coefficient = table.coefficient[:length].reshape(-1)
        radix = table.radix[:length].reshape(-1)
        real = coefficient < none
        own = np.unique(coefficient[real])
        row = np.full(len(coefficient), len(own) + 1)
        row[real] = np.searchsorted(own, coefficient[real])
        row[~real & (radix > 1)] = len(own)
        weight = np.maximum(table.weight[:length], 1).reshape(-1)
        self.refined = put(table.refined[own])
        self.inner = put(1 / (KAPPA * model.scale[table.refined[own]])[:, None])
        self.cells = put(table.cells[own][:, None] * 1.0)
        self.coefficient = put(row)
        self.per_weight = put(1.0 / weight[:, None])
        self.radix, self.per_radix = put(radix[:, None] * 1.0), put(1 / radix[:, None])
        self.radices = [put(m[:, None] * 1.0) for m in table.radix[:length].T]

"""A ladder's arithmetic for one kind of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.braking_base import feasible
from brownfield.tokenizers.gray_slots import SlotTable
from brownfield.tokenizers.ladder_decode import LadderDecoder, Plan
from brownfield.tokenizers.ladder_encode import LadderEncoder
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.ladder_model import LadderModel

Array = NDArray[np.float64]


class LadderArithmetic:
    """Encoder, decoder and limits, with their tables in NumPy or torch."""

    def __init__(
        self,
        arrays: ArrayKind,
        model: LadderModel,
        table: SlotTable,
        fields: LadderFields,
    ) -> None:
        self.arrays, self.horizon_s = arrays, model.horizon_s
        self._limits = [
            arrays.put(x[:, None])
            for x in (fields.lower, fields.upper, fields.max_rate, fields.braking)
        ]
        self.encoder = LadderEncoder(arrays, model, table, fields.held)
        self._said = LadderDecoder(arrays, model, table, fields.held)
        rests = not np.isnan(fields.goal).all()
        self._silent = (
            LadderDecoder(arrays, model, table, fields) if rests else self._said
        )

    def feasible(self, last: Any, velocity: Any) -> tuple[Any, Any]:
        """The nearest hand-over states (D, B) that can be braked from."""
        xp = np if self.arrays.like is None else _Torch
        return feasible(last, velocity, *self._limits, xp=xp)

    def differ(self, states: tuple[Any, Any], others: tuple[Any, Any]) -> int:
        """How many of B states, positions and velocities (D, B), are not the same."""
        off = [a - b for a, b in zip(states, others, strict=True)]
        if self.arrays.like is None:
            return int(((off[0] != 0) | (off[1] != 0)).any(0).sum())
        # Half the time of the above, for sums are quicker than truths.
        off = [x.detach().abs_() for x in off]
        return int(torch.count_nonzero(off[0].add_(off[1]).amax(0)))

    def motion(
        self,
        ids: Any,
        length: Any,
        last: Any,
        velocity: Any,
        times_s: Array,
        derivative: int,
    ) -> Any:
        """Rows (T, D, B) of strings at times, or a derivative.

        Where nothing was said a motion goes to rest; beyond the horizon it goes there
        from where and how fast it ends.

        Args:
            ids: (L, B), -1 behind a string's end.
            length: of every string (B,), or None where all have L.
            last, velocity: (D, B), feasible.
            times_s: (T,) since the hand-over [s].
            derivative: 0 to 2.
        """
        if not len(ids):
            return self._rest(last, velocity, times_s, derivative)
        plan = self._said.plan(ids, length, last, velocity)
        value = self._whole(plan, times_s, derivative)
        if length is None or self._silent is self._said or (length > 0).all():
            return value
        rest = self._rest(last, velocity, times_s, derivative)
        return self.arrays.xp.where(length > 0, value, rest)

    def _rest(self, last: Any, velocity: Any, times_s: Array, derivative: int) -> Any:
        """Rows (T, D, B) of what goes to rest from (D, B)."""
        none = self.arrays.whole(self.arrays.zeros(0, last.shape[1]))
        plan = self._silent.plan(none, None, last, velocity)
        return self._silent.motion(plan, times_s, derivative)

    def _whole(self, plan: Plan, times_s: Array, derivative: int) -> Any:
        """Rows (T, D, B) of a plan that something was said of."""
        if not len(times_s) or times_s.max() <= self.horizon_s:
            return self._said.motion(plan, times_s, derivative)
        end = np.array([self.horizon_s])
        value, slope = (self._said.motion(plan, end, d)[0] for d in (0, 1))
        value, slope = self.feasible(value, slope)
        late = times_s > self.horizon_s
        inside = self._said.motion(plan, np.minimum(times_s, end), derivative)
        later = np.maximum(times_s - self.horizon_s, 0.0)
        beyond = self._rest(value, slope, later, derivative)
        late = self.arrays.put(late.astype(np.int64))[:, None, None] > 0
        return self.arrays.xp.where(late, beyond, inside)


class _Torch:
    """What `feasible` asks for."""

    maximum, minimum = torch.maximum, torch.minimum

    @staticmethod
    def clip(values: Any, lower: Any, upper: Any) -> Any:
        """As `torch.clip`, which takes several times as long with limits in tensors."""
        return torch.minimum(torch.maximum(values, lower), upper)

"""From the ids of a ladder to motion, in NumPy or torch.

Batches come last: a plan is X (rows, D, B), the amplitudes of splines and base of
every field, so decoding is one product with a matrix of functions of time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.embedded_quantizer import centroids
from brownfield.tokenizers.gray_slots import SlotTable
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.ladder_model import LadderModel
from brownfield.tokenizers.plan_bounds import PlanBounds
from brownfield.tokenizers.plan_functions import PlanFunctions

Array = NDArray[np.float64]


class LadderDecoder:
    """Ids (B, L) and hand-over states to plans, and plans to motion."""

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
        self._functions = PlanFunctions(kind, model, fields)
        self._bounds = PlanBounds(kind, self._functions, fields)
        moving = fields.moving
        joint = np.zeros((len(fields.span), len(moving)))
        joint[moving] = model.joint_map * fields.span[moving][:, None]
        self._joint, self._shape = put(joint), (len(model.time_read), len(moving))
        self._refined = put(table.refined)
        self._scale = put(model.scale[table.refined][:, None])
        self._gain = put(model.gain)
        self._read_digits(table)
        self._read_centroids(table)

    def _read_digits(self, table: SlotTable) -> None:
        """What every id adds to the cell numbers, sorted by coefficient."""
        length, _, most = table.digit_of_id.shape
        added = np.zeros((length, table.vocab_size + 1, most), dtype=np.int64)
        added[:, :-1] = table.digit_of_id * table.weight[:, None]
        slot, place = np.nonzero(table.weight > 0)
        order = np.lexsort((place, slot, table.coefficient[slot, place]))
        slot, place = slot[order], place[order]
        owner = table.coefficient[slot, place]
        self._starts = np.flatnonzero(np.diff(owner, prepend=-1))
        self._owner = self.kind.put(owner)
        rows = added.transpose(0, 2, 1)[slot, place]
        self._column = self.kind.put(np.arange(len(slot)) * (table.vocab_size + 1))
        self._slot = self.kind.put(slot)
        self._added = self.kind.put(rows.reshape(-1) * 1.0)
        gain = np.append(table.digit_of_id[0, :, 0], 0) if length else np.zeros(1, int)
        self._gain_of_id = self.kind.put(gain)
        self._unknown = table.vocab_size

    def _read_centroids(self, table: SlotTable) -> None:
        """Means of all cells of all sizes in one row, and where each size begins."""
        sizes = np.unique(table.cells_known)
        flat = np.concatenate([centroids(int(m)) for m in sizes])
        begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        at = begins[np.searchsorted(sizes, table.cells_known)]
        self._means = self.kind.put(flat)
        self._at = self.kind.put(at.T)
        self._share = self.kind.put(1.0 / table.cells_left.T)

    def plan(self, ids: Any, length: Any, last: Any, velocity: Any) -> Any:
        """Amplitudes X (rows, D, B) of a plan within limits.

        Args:
            ids: (L, B), whatever behind a string's end.
            length: of each string (B,), or one number.
            last, velocity: (D, B), feasible.
        """
        kind = self.kind
        base = self._functions.base(last, velocity)
        if not len(self._refined) or not ids.shape[0]:
            spline = kind.zeros(self._shape[0], *last.shape)
            return kind.joined([spline, base], 0)
        value = self._coefficients(ids, length)
        grid = kind.zeros(self._shape[0] * self._shape[1], value.shape[1])
        grid[self._refined] = value
        grid = grid.reshape(*self._shape, -1)
        spline = self._joint @ grid
        share = self._bounds.share(spline, base, last, velocity)
        if share is not None:
            spline = spline * share
        return kind.joined([spline, base], 0)

    def _coefficients(self, ids: Any, length: Any) -> Any:
        """Values (K, B)."""
        one = isinstance(length, int)
        if len(ids) < self._slot_count:
            pad = self.kind.zeros(self._slot_count - len(ids), ids.shape[1])
            ids = self.kind.joined([ids, self.kind.whole(pad) - 1], 0)
        ids = self.kind.xp.where(ids < 0, self._unknown, ids)
        parts = self._added[ids[self._slot] + self._column[:, None]]
        if self.kind.like is None:
            cell = np.add.reduceat(parts, self._starts, 0)
        else:
            cell = self.kind.zeros(len(self._starts), parts.shape[1])
            cell = cell.index_add(0, self._owner, parts)
        column = slice(length, length + 1) if one else length
        # Digits that are not there count 0, so the division leaves no rest.
        cell = self.kind.whole(cell * self._share[:, column] + 0.5)
        gain = self._gain[self._gain_of_id[ids[0]]]
        value = self._means[self._at[:, column] + cell] * self._scale * gain
        return value

    @property
    def _slot_count(self) -> int:
        return self._at.shape[1] - 1

    def motion(self, plan: Any, times_s: Array, derivative: int) -> Any:
        """Rows (T, D, B) of a plan at times in 0..horizon, or a derivative."""
        value = self._at_times(plan, times_s, derivative)
        if not self._bounds.limited:
            return value
        if derivative == 0:
            return self._bounds.cut(value)
        return self._bounds.still(self._at_times(plan, times_s, 0), value)

    def _at_times(self, plan: Any, times_s: Array, derivative: int) -> Any:
        functions = self._functions.at(times_s, derivative)
        rows = functions @ plan.reshape(len(plan), -1)
        return rows.reshape(-1, *plan.shape[1:])

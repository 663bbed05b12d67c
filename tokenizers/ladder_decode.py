"""From the ids of a ladder to motion, in NumPy or torch.

Batches come last: a plan is X (rows, D, B), the amplitudes of splines and base of
every field, so decoding is one product with a matrix of functions of time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.embedded_quantizer import centroids
from brownfield.tokenizers.gray_slots import MAX_CELLS, MAX_DIGITS, SlotTable
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.ladder_model import LadderModel
from brownfield.tokenizers.plan_bounds import PlanBounds, Warped
from brownfield.tokenizers.plan_functions import PlanFunctions
from brownfield.tokenizers.slot_reader import SlotReader

Array = NDArray[np.float64]
PAIR = float(MAX_CELLS)
"""Two numbers below it are one float in single precision."""


@dataclass(frozen=True)
class Plan:
    """Motions of B strings."""

    amplitudes: Any
    """(rows, D, B): time modes, then the base's functions."""

    columns: Any
    """(rows,) which of the functions of time they are amplitudes of."""

    warped: Warped | None = None
    """Those that would be too fast."""


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
        moving, modes = fields.moving, len(model.time_read)
        scale = model.scale.reshape(modes, len(moving))
        spread = np.sqrt((scale**2).mean(1)) if len(moving) else np.zeros(modes)
        self._bounds = PlanBounds(kind, self._functions, fields, spread)
        self._rows = self._functions.values(np.zeros(1), 0).shape[1]
        self._base = kind.put(np.arange(modes, self._rows))
        splines = _Splines if kind.like is None else _ManySplines
        self._splines = splines(model, table, fields, self._functions)
        self._modes = modes

    def plan(self, ids: Any, length: Any, last: Any, velocity: Any) -> Plan:
        """Plans within limits.

        Args:
            ids: (L, B), -1 behind a string's end.
            length: of every string (B,), or None where all have L.
            last, velocity: (D, B), feasible.
        """
        if not len(ids) or not self._modes:
            return Plan(self._functions.base(last, velocity), self._base)
        whole, columns = self._splines.read(ids, length, last, velocity)
        warped = self._bounds.warped(whole, columns, last, velocity)
        return Plan(whole, columns, warped)

    def motion(self, plan: Plan, times_s: Array, derivative: int) -> Any:
        """Rows (T, D, B) of a plan at times in 0..horizon, or a derivative."""
        value = self._free(plan, times_s, derivative)
        if derivative == 0:
            return self._bounds.cut(value)
        if not self._bounds.limited:
            return value
        return self._bounds.still(self._free(plan, times_s, 0), value)

    def _free(self, plan: Plan, times_s: Array, derivative: int) -> Any:
        """The same without limits."""
        functions = self._functions.at(times_s, derivative)
        if len(plan.columns) < self._rows:
            functions = functions[:, plan.columns]
        flat = plan.amplitudes.reshape(len(plan.amplitudes), -1)
        value = functions @ flat
        if plan.warped is not None:
            own = self.kind.put(plan.warped.warp.at(times_s, derivative))
            value[:, plan.warped.at] = own
        return value.reshape(-1, *plan.amplitudes.shape[1:])


def _joint_map(model: LadderModel, fields: LadderFields) -> Array:
    """Fields of every joint mode (D, J), in physical units."""
    moving = fields.moving
    joint = np.zeros((len(fields.span), len(moving)))
    joint[moving] = model.joint_map * fields.span[moving][:, None]
    return joint


class _Splines:
    """Amplitudes of a few plans, in NumPy."""

    def __init__(
        self,
        model: LadderModel,
        table: SlotTable,
        fields: LadderFields,
        functions: PlanFunctions,
    ) -> None:
        """Args:
        model, table: what was learned.
        fields: names, limits and normalisation.
        functions: of time.
        """
        scale = model.scale[table.refined]
        self._reader = SlotReader(functions.kind, table, scale)
        self._joint = _joint_map(model, fields)
        self._gain, self._functions = model.gain, functions
        self._modes = len(model.time_read)
        self._columns = np.arange(functions.values(np.zeros(1), 0).shape[1])

    def read(self, ids: Any, length: Any, last: Any, velocity: Any) -> tuple[Any, Any]:
        """Amplitudes (rows, D, B), those of the base last, and of which functions.

        Args:
            ids: (L, B), -1 behind a string's end.
            length: of every string (B,), or None where all have L.
            last, velocity: (D, B).
        """
        place, value, gain = self._reader.read(ids, length)
        grid = np.zeros((self._modes, self._joint.shape[1], value.shape[1]))
        grid.reshape(-1, value.shape[1])[place] = value * self._gain.take(gain, 0)
        base = self._functions.base(last, velocity)
        return np.concatenate([self._joint @ grid, base], 0), self._columns


class _ManySplines:
    """The same for many plans, in torch.

    A string refines few coefficients (106 of 336 after 48 ids of 1,024, on a G1), all
    of them of the first few modes. So there is no grid of all coefficients: each mode's
    own rows are turned to joints by themselves.
    """

    def __init__(
        self,
        model: LadderModel,
        table: SlotTable,
        fields: LadderFields,
        functions: PlanFunctions,
    ) -> None:
        """As `_Splines`."""
        kind = functions.kind
        assert kind.like is not None, "for tensors"
        self._kind, self._table, self._device = kind, table, kind.like.device
        self._functions = functions
        self._joint = _joint_map(model, fields)
        self._scale, modes = model.scale[table.refined], len(model.time_read)
        rows = functions.values(np.zeros(1), 0).shape[1]
        self._base = np.arange(modes, rows)
        slots, vocab, most = table.digit_of_id.shape
        assert most == MAX_DIGITS == 4, "two pairs of digits in a slot"
        # What the digits of an id add to their coefficients' cells; the id behind the
        # last adds none. They are whole and below 4096, so two fit in the 24 bits of a
        # float and are looked up at once, which is what takes longest.
        added = np.zeros((slots, vocab + 1, most))
        added[:, :-1] = table.digit_of_id * table.weight[:, None]
        pairs = added[..., ::2] + PAIR * added[..., 1::2]
        self._pairs = [self._single(pairs[..., i].reshape(-1)) for i in (0, 1)]
        self._column = kind.put(np.arange(slots)[:, None] * (vocab + 1))
        first = table.digit_of_id[0, :, 0] if slots else np.zeros(vocab, np.int64)
        self._gain_of_id = kind.put(model.gain[np.append(first, 0)])
        sizes = np.unique(table.cells_known)
        self._means = kind.put(np.concatenate([centroids(int(m)) for m in sizes]))
        begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self._begin = begins[np.searchsorted(sizes, table.cells_known)]
        self._prefixes: dict[int, _Prefix] = {}

    def read(self, ids: Any, length: Any, last: Any, velocity: Any) -> tuple[Any, Any]:
        """As `_Splines.read`."""
        slots, batch = ids.shape
        if length is not None:
            ids = torch.where(ids < 0, self._table.vocab_size, ids)
        p = self._prefix(slots)
        at = ids.new_empty(slots, batch)
        at = torch.add(ids, p.column, out=at).view(-1)
        parts = self._pairs[0].new_empty(2, 2, slots * batch)
        low, high = parts.unbind(0)
        for pairs, out in zip(self._pairs, low.unbind(0), strict=True):
            torch.index_select(pairs, 0, at, out=out)
        torch.mul(low, 1 / PAIR, out=high).floor_()
        low.sub_(high, alpha=PAIR)
        cell = low.new_zeros(p.count, batch)
        cell.index_add_(0, p.owner, parts.view(-1, batch))
        # Digits that are not there count 0, so the division leaves no rest.
        if length is None:
            cell.mul_(p.share).add_(p.begin)
        else:
            cell.mul_(p.shares.index_select(1, length))
            cell.add_(p.begins.index_select(1, length))
        value = self._means.index_select(0, cell.int().view(-1)).view(p.count, batch)
        value.mul_(self._gain_of_id.index_select(0, ids[0]))
        whole = value.new_empty(len(p.columns), *last.shape)
        outs = whole.unbind(0)
        for turn, rows, out in zip(p.turns, value.split(p.sizes), outs, strict=False):
            torch.mm(turn, rows, out=out)
        whole[len(p.turns) :] = self._functions.base(last, velocity)
        return whole, p.columns

    def _prefix(self, length: int) -> _Prefix:
        if length not in self._prefixes:
            self._prefixes[length] = _Prefix(self, length)
        return self._prefixes[length]

    def _single(self, array: Array) -> Any:
        """In single precision, whatever the kind: half would round cells."""
        return torch.from_numpy(array.astype(np.float32)).to(self._device)


class _Prefix:
    """What it takes to read strings of one length."""

    def __init__(self, splines: _ManySplines, length: int) -> None:
        table, put, joint = splines._table, splines._kind.put, splines._joint
        self.column = splines._column[:length]
        real = table.weight[:length] > 0
        own = np.unique(table.coefficient[:length][real])
        self.count = len(own)
        # Low digits of both pairs, then the high ones; no digit adds 0 to any cell.
        owner = np.searchsorted(own, table.coefficient[:length]) * real
        self.owner = put(owner[:, [0, 2, 1, 3]].T.reshape(-1))
        self.shares = splines._single(1.0 / table.cells_left[: length + 1, own].T)
        # Half a cell on, so that cutting off the rest rounds.
        self.begins = splines._single(splines._begin[: length + 1, own].T + 0.5)
        self.share = self.shares[:, length:].contiguous()
        self.begin = self.begins[:, length:].contiguous()
        mode, column = np.divmod(table.refined[own], joint.shape[1])
        modes, sizes = np.unique(mode, return_counts=True)
        self.sizes = sizes.tolist()
        self.columns = put(np.append(modes, splines._base))
        turn = joint[:, column] * splines._scale[own]
        self.turns = [put(turn[:, mode == m]) for m in modes]

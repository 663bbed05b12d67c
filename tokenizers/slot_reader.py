"""From ids to coefficients: digits put together, and the means of their cells."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.embedded_quantizer import centroids
from brownfield.tokenizers.gray_slots import SlotTable


class SlotReader:
    """Reads the first slots of strings."""

    def __init__(self, kind: ArrayKind, table: SlotTable, scale: NDArray) -> None:
        """Args:
        kind: of the arrays.
        table: the slots.
        scale: (K,) of the refined coefficients.
        """
        self.kind, self._table, self._all_scale = kind, table, scale
        length, vocab, most = table.digit_of_id.shape
        added = np.zeros((length, vocab + 1, most))
        added[:, :-1] = table.digit_of_id * table.weight[:, None]
        # Digit by digit, then by id; the column behind the last id is for none.
        self._slot, self._place = np.nonzero(table.weight > 0)
        rows = added.transpose(0, 2, 1)[self._slot, self._place]
        self._added = kind.put(rows.reshape(-1))
        first = table.digit_of_id[0, :, 0] if length else np.zeros(vocab, np.int64)
        self._gain_of_id = kind.put(np.append(first, 0))
        sizes = np.unique(table.cells_known)
        self._means = kind.put(np.concatenate([centroids(int(m)) for m in sizes]))
        begins = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self._begin = begins[np.searchsorted(sizes, table.cells_known)]
        self._prefixes: dict[int, _Prefix] = {}

    def prefix(self, length: int) -> _Prefix:
        """What it takes to read strings of that length."""
        if length not in self._prefixes:
            self._prefixes[length] = _Prefix(self, length)
        return self._prefixes[length]

    def read(self, ids: Any, length: Any) -> tuple[Any, Any, Any]:
        """Coefficients of strings, before the gain.

        Args:
            ids: (L, B); -1 behind the end of a string.
            length: of every string (B,), or None where all have L.

        Returns:
            Places among all coefficients (P,), values (P, B), and the class of the gain
            of every string (B,).
        """
        p, unknown = self.prefix(len(ids)), self._table.vocab_size
        if length is not None:
            ids = self.kind.xp.where(ids < 0, unknown, ids)
        take = self.kind.take
        parts = take(self._added, take(ids, p.slot) + p.column)
        if self.kind.like is None:
            cell = np.add.reduceat(parts, p.starts, 0)
        else:
            cell = self.kind.zeros(p.count, parts.shape[1])
            cell = cell.index_add(0, p.owner, parts)
        # Digits that are not there count 0, so the division leaves no rest.
        share, begin = (
            (p.share, p.begin)
            if length is None
            else (p.all_shares[:, length], p.all_begins[:, length])
        )
        at = self.kind.whole(cell * share + 0.5) + begin
        gain = take(self._gain_of_id, ids[0])
        return p.refined, take(self._means, at) * p.scale, gain


class _Prefix:
    """Index arrays for strings of one length."""

    def __init__(self, reader: SlotReader, length: int) -> None:
        table, put = reader._table, reader.kind.put
        used = np.flatnonzero(reader._slot < length)
        owner = table.coefficient[reader._slot[used], reader._place[used]]
        order = np.argsort(owner, kind="stable")
        used, owner = used[order], owner[order]
        own, self.starts = np.unique(owner, return_index=True)
        self.count = len(own)
        self.slot = put(reader._slot[used])
        self.column = put(used[:, None] * (table.vocab_size + 1))
        self.owner = put(np.searchsorted(own, owner))
        self.refined = put(table.refined[own])
        self.scale = put(reader._all_scale[own][:, None])
        self.all_shares = put(1.0 / table.cells_left[: length + 1, own].T)
        self.all_begins = put(reader._begin[: length + 1, own].T)
        self.share = self.all_shares[:, length:]
        self.begin = self.all_begins[:, length:]

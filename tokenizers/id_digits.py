"""Ids as digits: what a policy reads and writes instead of a thousand classes.

A slot's id packs a few digits, each of which turns one knob. Neighbouring digits are
neighbouring motions, so a policy can be taught by how far off a digit is.

Letters: L slots, J digits a slot, V ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class IdDigits:
    """How the ids of a string are made of digits."""

    radix: Ints
    """(L, J) values that a digit takes; 1 where a slot has no such digit."""

    of_id: Ints
    """(L, V, J), or (1, V, J) where all slots are alike: digits of every id. An id that
    is not in use has the digits of one that is."""

    quantity: Ints
    """(L, J) number of what a digit refines. Digits of one quantity divide it one after
    another: the first its whole range, each later one the part that those before have
    chosen. Meaningless where a slot has no such digit."""

    ordinal: bool = True
    """Neighbouring values of a digit are neighbouring motions."""

    gain: NDArray[np.float64] | None = None
    """(G,) how large a motion is, by the first digit of the first slot, where all other
    digits are shares of it; None where digits mean the same in every motion."""

    @staticmethod
    def plain(slots: int, vocab_size: int, ordinal: bool = True) -> IdDigits:
        """Ids that are one digit each."""
        return IdDigits(
            radix=np.full((slots, 1), vocab_size, np.int64),
            of_id=np.arange(vocab_size, dtype=np.int64)[None, :, None],
            quantity=np.arange(slots, dtype=np.int64)[:, None],
            ordinal=ordinal,
        )

    @property
    def alike(self) -> bool:
        """All slots read and write the same way."""
        return len(self.of_id) == 1 < len(self.radix)

    def of(self, ids: ArrayLike) -> Ints:
        """Digits (..., L, J) of ids (..., L).

        Raises:
            ValueError: another number of ids, or one outside the vocabulary.
        """
        ids = np.asarray(ids, dtype=np.int64)
        slots, vocab = len(self.radix), self.of_id.shape[1]
        if ids.shape[-1:] != (slots,):
            raise ValueError(f"expected {slots} ids, got shape {ids.shape}")
        if ids.size and not 0 <= ids.min() <= ids.max() < vocab:
            raise ValueError(
                f"ids must be in 0..{vocab - 1}, got {ids.min()} to {ids.max()}"
            )
        slot = np.arange(slots) if len(self.of_id) > 1 else np.zeros(slots, np.int64)
        return self.of_id[slot, ids]

    def ids(self, digits: ArrayLike) -> Ints:
        """Ids (..., L) of digits (..., L, J)."""
        number = (np.asarray(digits, dtype=np.int64) * self._weight).sum(-1)
        slot = np.arange(len(self.radix)) if len(self._id) > 1 else 0
        return self._id[slot, number]

    def values(self, digits: ArrayLike) -> NDArray[np.float32]:
        """Digits (..., L, J) as numbers (..., n) in [-1, 1]; n counts those that can
        differ."""
        real = self.radix > 1
        unit = np.asarray(digits)[..., real] / (self.radix[real] - 1)
        return (2 * unit - 1).astype(np.float32)

    @cached_property
    def _weight(self) -> Ints:
        """(L, J) of a digit in the number that all digits of a slot make."""
        behind = np.cumprod(self.radix[:, ::-1], 1)[:, ::-1]
        return np.concatenate([behind[:, 1:], np.ones_like(behind[:, :1])], 1)

    @cached_property
    def _id(self) -> Ints:
        """(L or 1, numbers) id by the number of its digits."""
        rows = len(self.of_id)
        number = (self.of_id * self._weight[:rows, None]).sum(-1)
        table = np.zeros((rows, int(self.radix.prod(1).max())), np.int64)
        # Backwards, so that ids not in use never shadow the one they read as.
        for row, numbers in zip(table, number, strict=True):
            row[numbers[::-1]] = np.arange(self.of_id.shape[1])[::-1]
        return table

"""Slots: ids that are mixed-radix digits of quantised coefficients, in Gray order.

A coefficient's cell number is refined digit by digit; a slot holds a few digits of
several coefficients, always the same ones, so its id means the same whatever the other
ids are. Digits are dealt by reverse water-filling (Cover & Thomas, chapter 10): each
goes where it takes away most error per bit. In reflected (Gray) order neighbouring ids
differ in one digit by one, so that a small error of an id is a small error of motion.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.embedded_quantizer import distortion

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
MAX_RADIX = 32
MAX_CELLS = 4096
MAX_DIGITS = 4
RIVALS = 32
"""Coefficients that compete for the digits of one slot."""


@dataclass(frozen=True)
class Digit:
    """One digit of a slot."""

    coefficient: int
    """Which one it refines; -1 for the gain."""

    radix: int
    """Values it takes."""


def allocate(
    scale: Array, gains: int, vocab_size: int, max_slots: int, floor: float
) -> list[list[Digit]]:
    """Deal digits until `max_slots` are full or the expected error is small.

    Args:
        scale: Laplace scales (K,) of the coefficients.
        gains: values of the gain, the first digit of slot 0.
        vocab_size: ids of a slot.
        max_slots: most slots.
        floor: expected sum of squared errors at which to end.

    Returns:
        Digits of every slot, the most significant first.
    """
    cells = np.ones(len(scale), dtype=np.int64)
    power = 2 * scale**2
    known: dict[int, Array] = {}
    slots: list[list[Digit]] = []
    while len(slots) < max_slots:
        first = not slots
        most = MAX_DIGITS - first
        removed = np.stack([_known(known, m) for m in cells.tolist()])
        worth = removed * power[:, None]
        chosen = _best(worth, vocab_size // gains if first else vocab_size, most)
        if not chosen and not first:
            break
        step = {k: scale[k] * np.sqrt(distortion(int(cells[k]))) for k, _ in chosen}
        order = sorted(chosen, key=lambda pick: -step[pick[0]])
        slots.append([Digit(-1, gains)] * first + [Digit(k, m) for k, m in order])
        for k, m in chosen:
            cells[k] *= m
        error = (power * [distortion(int(m)) for m in cells]).sum()
        if error <= floor:
            break
    return slots


def _known(known: dict[int, Array], cells: int) -> Array:
    if cells not in known:
        known[cells] = _removed(cells)
    return known[cells]


def _removed(cells: int) -> Array:
    """Share of the power that digits of radix 2..MAX_RADIX take away (R,)."""
    return np.array(
        [
            distortion(cells) - distortion(cells * m) if cells * m <= MAX_CELLS else 0.0
            for m in range(2, MAX_RADIX + 1)
        ]
    )


def _best(worth: Array, budget: int, most: int) -> list[tuple[int, int]]:
    """The digits of one slot that take away most error.

    Args:
        worth: (K, R) of radix 2..MAX_RADIX for every coefficient.
        budget: largest product of their radices.
        most: digits at most, of different coefficients.

    Returns:
        Pairs of coefficient and radix, by dynamic programming over products.
    """
    rivals = np.argsort(-worth[:, 2], kind="stable")[:RIVALS]
    best = np.full((most + 1, budget + 1), -np.inf)
    best[0, 1] = 0.0
    steps = []
    for k in rivals:
        radix = np.ones((most + 1, budget + 1), dtype=np.int64)
        grown = best.copy()
        for m in range(2, min(MAX_RADIX, budget) + 1):
            if worth[k, m - 2] <= 0:
                continue
            reach = budget // m
            with_digit = best[:-1, 1 : reach + 1] + worth[k, m - 2]
            into = grown[1:, m : reach * m + 1 : m]
            better = with_digit > into
            into[better] = with_digit[better]
            radix[1:, m : reach * m + 1 : m][better] = m
        steps.append(radix)
        best = grown
    used, product = np.unravel_index(int(best.argmax()), best.shape)
    picks = []
    for k, radix in zip(rivals[::-1], steps[::-1], strict=True):
        m = int(radix[used, product])
        if m > 1:
            picks.append((int(k), m))
            used, product = used - 1, product // m
    return picks


class SlotTable:
    """Slots as arrays: L slots of up to 4 digits, K coefficients.

    Attributes:
        radix: (L, 4), 1 where a slot has no such digit.
        coefficient: (L, 4), column of `refined`, K for the gain and for no digit.
        weight: (L, 4) product of the radices that refine the same coefficient later.
        refined: (K,) the coefficients that any digit refines.
        sizes: (L,) ids in use, the product of a slot's radices.
        digit_of_id: (L, V, 4) digits of every id; an id that is not in use reads as
            the largest that is.
    """

    def __init__(self, slots: Sequence[Sequence[Digit]], vocab_size: int) -> None:
        self.slots = [list(s) for s in slots]
        self.vocab_size = vocab_size
        self.refined = np.array(
            sorted({d.coefficient for s in slots for d in s} - {-1}), dtype=np.int64
        )
        column = {int(k): i for i, k in enumerate(self.refined)}
        length, count = len(self.slots), len(self.refined)
        self.radix = np.ones((length, MAX_DIGITS), dtype=np.int64)
        self.coefficient = np.full((length, MAX_DIGITS), count, dtype=np.int64)
        self.weight = np.zeros((length, MAX_DIGITS), dtype=np.int64)
        self.gains = 1
        later = np.ones(count, dtype=np.int64)
        after = [later.copy()]
        for i in reversed(range(length)):
            # Two digits of a slot can refine one coefficient, the first the coarser.
            for j in reversed(range(len(self.slots[i]))):
                digit = self.slots[i][j]
                self.radix[i, j] = digit.radix
                if digit.coefficient < 0:
                    self.gains = digit.radix
                    continue
                k = column[digit.coefficient]
                self.coefficient[i, j] = k
                self.weight[i, j] = later[k]
                later[k] *= digit.radix
            after.append(later.copy())
        whole = after[-1]
        self.cells = whole
        self.cells_left = np.stack(after[::-1])
        """(L + 1, K) cells that digits after the first i slots still divide."""
        self.cells_known = whole // self.cells_left
        """(L + 1, K) cells that the first i slots tell apart."""
        self.sizes = self.radix.prod(1)
        self.digit_of_id = self._digits()

    def _digits(self) -> Ints:
        ids = np.minimum(np.arange(self.vocab_size), self.sizes[:, None] - 1)
        rest, prefix = ids, np.zeros_like(ids)
        digits = np.zeros((*ids.shape, MAX_DIGITS), dtype=np.int64)
        below = self.sizes.copy()
        for j in range(MAX_DIGITS):
            m = self.radix[:, j, None]
            below //= self.radix[:, j]
            place, rest = np.divmod(rest, below[:, None])
            digits[..., j] = np.where(prefix % 2 == 0, place, m - 1 - place)
            prefix = prefix * m + place
        return digits

    def ids(self, digits: Ints) -> Ints:
        """Ids (..., L) of digits (..., L, 4), for the first L slots."""
        radix = self.radix[: digits.shape[-2]]
        prefix = digits[..., 0]
        for j in range(1, MAX_DIGITS):
            digit, m = digits[..., j], radix[:, j]
            flipped = prefix % 2
            # Where the prefix is odd the digit counts down: m - 1 - digit.
            prefix = prefix * m + digit + flipped * (m - 1 - 2 * digit)
        return prefix

"""How much of a video tokenizer's vocabulary is used: a collapse shows here first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def id_entropy_bits(ids: NDArray[np.integer]) -> float:
    """Entropy of the ids' frequencies [bit], 0 where all are the same.

    Few ids bound it: n of them hold at most log2(n) bits.

    Args:
        ids: any shape, not empty.

    Raises:
        ValueError: no ids.
    """
    chance = _counts(ids) / ids.size
    return float(-(chance * np.log2(chance)).sum()) + 0.0


def digit_entropy_bits(ids: NDArray[np.integer], levels: Sequence[int]) -> float:
    """Bits of an id whose channels are coded one by one, each by its own frequencies.

    At least the entropy of the ids, and told from few of them: of a large vocabulary
    most ids are never seen, and `id_entropy_bits` would take that for a lower rate.

    Args:
        ids: any shape, not empty.
        levels: (n,) levels of the quantiser.

    Raises:
        ValueError: no ids, or ids outside the vocabulary.
    """
    return sum(id_entropy_bits(digit) for digit in _digits(ids, levels))


def used_codes(ids: NDArray[np.integer]) -> int:
    """Number of different ids.

    Raises:
        ValueError: no ids.
    """
    return len(_counts(ids))


def saturation(ids: NDArray[np.integer], levels: Sequence[int]) -> NDArray[np.floating]:
    """Share of ids at the lowest or highest level of each channel, (n,) in [0, 1].

    Even use of L levels gives 2 / L. Towards 1 the encoder sits where the quantiser's
    tanh is flat: only signs are left, and gradients die.

    Args:
        ids: any shape, not empty.
        levels: (n,) levels of the quantiser.

    Raises:
        ValueError: no ids, or ids outside the vocabulary.
    """
    shares = [
        np.mean((digit == 0) | (digit == level - 1))
        for digit, level in zip(_digits(ids, levels), levels, strict=True)
    ]
    return np.array(shares)


def _digits(
    ids: NDArray[np.integer], levels: Sequence[int]
) -> list[NDArray[np.integer]]:
    _counts(ids)
    size = int(np.prod(levels))
    if ids.min() < 0 or ids.max() >= size:
        raise ValueError(f"ids must be in [0, {size}), got {ids.min()} to {ids.max()}")
    digits = []
    for level in levels:
        ids, digit = np.divmod(ids, level)
        digits.append(digit)
    return digits


def _counts(ids: NDArray[np.integer]) -> NDArray[np.integer]:
    if not ids.size:
        raise ValueError("expected some ids, got none")
    return np.unique(ids, return_counts=True)[1]

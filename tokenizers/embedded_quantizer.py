"""An embedded scalar quantiser of Laplace-like numbers, refined by any radix.

Cells are equal on a companded axis, u = F(x / kappa), with F the distribution function
of a Laplace variable of scale 1. Splitting every cell into m gives the next finer
quantiser, so each prefix of the digits has a cell, and a mean in it to decode to.
kappa = 3 is the point density of a fine quantiser, the cube root of the density
(Panter & Dite, 1951).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
KAPPA = 3.0


def distribution(x: Array) -> Array:
    """Distribution function of a Laplace variable of scale 1."""
    tail = 0.5 * np.exp(-np.abs(x))
    return np.where(x < 0, tail, 1 - tail)


def quantile(u: Array) -> Array:
    """The inverse of `distribution`; infinite at 0 and 1."""
    with np.errstate(divide="ignore"):
        return np.where(
            u < 0.5,
            np.log(2 * np.minimum(u, 0.5)),
            -np.log(2 * (1 - np.maximum(u, 0.5))),
        )


def _partial_mean(x: Array) -> Array:
    """Integral of x times the density up to x."""
    tail = np.exp(-np.abs(np.where(np.isinf(x), 0, x)))
    value = np.where(x < 0, 0.5 * tail * (x - 1), -0.5 * tail * (x + 1))
    return np.where(np.isinf(x), 0.0, value)


@cache
def centroids(cells: int) -> Array:
    """Mean (cells,) of a Laplace variable of scale 1 in every cell.

    Mirrored, so that they are odd to the last bit.
    """
    half = np.arange(cells // 2 + 1)
    low, high = (KAPPA * quantile(e / cells) for e in (half, half + 1))
    mass = distribution(high) - distribution(low)
    lower = ((_partial_mean(high) - _partial_mean(low)) / mass)[: cells // 2]
    middle = np.zeros(cells % 2)
    table = np.concatenate([lower, middle, -lower[::-1]])
    table.flags.writeable = False
    return table


@cache
def distortion(cells: int) -> float:
    """Squared error of that many cells relative to one; 1 for one."""
    edges = KAPPA * quantile(np.arange(cells + 1) / cells)
    mass = np.diff(distribution(edges))
    return float(1 - (mass * centroids(cells) ** 2).sum() / 2)

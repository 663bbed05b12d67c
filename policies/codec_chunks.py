"""Windows of recorded motion, and folds of it that share no kind of motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.motion import Motion

Array = NDArray[np.float64]
DRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class Chunks:
    """N windows of D fields."""

    rows: Array
    """(N, T, D), row i at time (i + 1) / rate after `last`."""

    last: Array
    """(N, D) at time 0."""

    velocity: Array
    """(N, D) slope there [unit/s]."""

    kind: NDArray[np.str_]
    """(N,) kind of motion."""

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, at: NDArray[np.integer]) -> Chunks:
        """Some of them."""
        return Chunks(
            rows=self.rows[at],
            last=self.last[at],
            velocity=self.velocity[at],
            kind=self.kind[at],
        )


def windows(motions: Sequence[Motion], steps: int, stride: int) -> Chunks:
    """Windows of `steps` rows, one every `stride` rows; clips too short have none."""
    rows, last, velocity, kind = [], [], [], []
    for motion in motions:
        x = motion.values
        for i in range(1, len(x) - steps, stride):
            rows.append(x[i + 1 : i + 1 + steps])
            last.append(x[i])
            velocity.append((x[i] - x[i - 1]) * motion.rate_hz)
            kind.append(motion.kind)
    dim = motions[0].values.shape[1] if motions else 0
    return Chunks(
        rows=np.array(rows).reshape(-1, steps, dim),
        last=np.array(last).reshape(-1, dim),
        velocity=np.array(velocity).reshape(-1, dim),
        kind=np.array(kind, dtype=np.str_),
    )


def with_kinds(motions: Sequence[Motion], count: int) -> tuple[list[Motion], str]:
    """Motions with kinds that are enough for so many folds, and what the kinds are.

    Where there are fewer kinds of motion than folds, as in a dataset of one task, every
    clip or episode is a kind of its own. Windows of one episode never are in two folds,
    but those to fit on and those to measure on show the same task.

    Returns:
        The motions, and `kind of motion` or `episode`.

    Raises:
        ValueError: fewer than two folds, or fewer episodes than folds.
    """
    _at_least_two(count)
    if len({m.kind for m in motions}) >= count:
        return list(motions), "kind of motion"
    if len(motions) < count:
        raise ValueError(
            f"expected at least {count} clips or episodes for {count} folds, got "
            f"{len(motions)}"
        )
    return [replace(m, kind=m.name) for m in motions], "episode"


def _at_least_two(count: int) -> None:
    if count < 2:
        raise ValueError(
            f"expected at least 2 folds, one to measure on and the rest to fit on, got "
            f"{count}"
        )


def folds(motions: Sequence[Motion], count: int) -> list[list[str]]:
    """Kinds of motion in folds of about the same length, the longest dealt first.

    Raises:
        ValueError: fewer than two folds, or fewer kinds than folds.
    """
    _at_least_two(count)
    length: dict[str, int] = {}
    for motion in motions:
        length[motion.kind] = length.get(motion.kind, 0) + len(motion.values)
    if len(length) < count:
        raise ValueError(
            f"expected at least {count} kinds of motion for {count} folds, got "
            f"{sorted(length)}"
        )
    parts: list[list[str]] = [[] for _ in range(count)]
    total = [0] * count
    for kind in sorted(length, key=lambda k: (-length[k], k)):
        i = int(np.argmin(total))
        parts[i].append(kind)
        total[i] += length[kind]
    return parts


def by_kind(
    kind: NDArray[np.str_], statistic: Callable[[Array], float], seed: int = 0
) -> dict[str, float]:
    """A statistic, and its interval when kinds of motion are drawn anew.

    Args:
        kind: (N,) of every value that the statistic is of.
        statistic: of weights (N,) of the values.
        seed: draws.

    Returns:
        `value`, and `low` and `high`, 2.5 and 97.5 % of the bootstrap.
    """
    kinds, index = np.unique(kind, return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(DRAWS):
        pick = rng.integers(0, len(kinds), len(kinds))
        count = np.bincount(pick, minlength=len(kinds))
        drawn.append(statistic(count[index].astype(np.float64)))
    low, high = np.quantile(drawn, [0.025, 0.975])
    value = statistic(np.ones(len(kind)))
    return {"value": float(value), "low": float(low), "high": float(high)}


def weighted_median(values: Array) -> Callable[[Array], float]:
    """A `statistic` for `by_kind`: the median of values (N,)."""
    order = np.argsort(values, kind="stable")
    ranked = values[order]

    def median(weight: Array) -> float:
        share = np.cumsum(weight[order])
        # The value in the middle, or the mean of both beside it.
        at = np.searchsorted(share, 0.5 * share[-1], side="left")
        after = np.searchsorted(share, 0.5 * share[-1], side="right")
        return float((ranked[at] + ranked[min(after, len(ranked) - 1)]) / 2)

    return median

"""Windows of recorded motion, and folds of it that share no kind of motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.motion import Motion

Array = NDArray[np.float64]


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


def folds(motions: Sequence[Motion], count: int) -> list[list[str]]:
    """Kinds of motion in folds of about the same length, the longest dealt first.

    Raises:
        ValueError: fewer kinds than folds.
    """
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

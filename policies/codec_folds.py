"""Folds of recorded motion, and what tokenizers did on all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from brownfield.policies.codec_chunks import Chunks, windows
from brownfield.policies.codec_curves import Curve
from brownfield.robot.bodies import BODIES
from brownfield.robot.g1.joints import JOINTS
from brownfield.robot.g1.model import g1_spec
from brownfield.robot.motion import Motion

Array = NDArray[np.float64]
RATE_MARGIN = 1.25
"""Rate limits, in units of the fastest slope of the training clips. New kinds of motion
are faster than known ones: on a G1, 1.05 costs up to 5 % more ids, 1.25 under 1 %."""


@dataclass(frozen=True, kw_only=True)
class Fold:
    """What is fitted on and what is measured on."""

    train: Chunks
    """Windows of the other kinds, overlapping."""

    test: Chunks
    """Windows of kinds that were not seen, side by side."""

    moving: NDArray[np.int64]
    """(J,) fields that move in training."""

    unit: Array
    """(D,) half the 1 to 99 % range in training: errors are in it."""

    rate_hz: float
    """Rows per second [Hz]."""

    lower: Array | None
    """Limits (D,), or none."""

    upper: Array | None
    """Limits (D,), or none."""

    max_rate: Array | None = None
    """Limits of the slope (D,) [unit/s], or none."""

    def error(self, decoded: Array) -> Array:
        """Mean squared error (N,) of decoded windows (N, T, D), normalised."""
        off = (decoded - self.test.rows) / self.unit
        return (off[..., self.moving] ** 2).mean((1, 2))

    def less(self, train: Array, test: Array) -> Fold:
        """The same fold with something taken off the rows of both parts, and with no
        limits, which would no longer be those of what is left.

        Args:
            train, test: (N, T, D) in physical units.
        """
        parts = [
            replace(part, rows=part.rows - taken)
            for part, taken in ((self.train, train), (self.test, test))
        ]
        none = {"lower": None, "upper": None, "max_rate": None}
        return replace(self, train=parts[0], test=parts[1], **none)


@dataclass(frozen=True, kw_only=True)
class Point:
    """One setting of one tokenizer on the test windows of one fold."""

    setting: float
    """Scale, length, tolerance or number of control points."""

    tokens: NDArray[np.integer | np.floating]
    """(N,) ids of every window; broken numbers where bits are counted as ids."""

    error: Array
    """(N,) mean squared errors, normalised; NaN where the round trip failed."""


def make_fold(
    train: Chunks,
    test: Chunks,
    rate_hz: float,
    lower: Array | None = None,
    upper: Array | None = None,
    max_rate: Array | None = None,
) -> Fold:
    """A fold with its normalisation, from the training windows."""
    rows = np.concatenate([train.last[:, None], train.rows], 1)
    low, high = np.quantile(rows, [0.01, 0.99], axis=(0, 1))
    moving = np.flatnonzero(high - low >= 1e-3)
    unit = np.where(high - low >= 1e-3, (high - low) / 2, 1.0)
    return Fold(
        train=train,
        test=test,
        moving=moving,
        unit=unit,
        rate_hz=rate_hz,
        lower=lower,
        upper=upper,
        max_rate=max_rate,
    )


def limits_of(
    motions: Sequence[Motion], train: Sequence[Motion]
) -> tuple[Array, Array, Array]:
    """Limits and rate limits (D,) of whoever moves.

    Limits are those of a robot that the project knows, by the names of its joints (G1)
    or of its commands. Of others a recording says nothing but what was reached: in any
    clip, held-out ones included, and 5 % of the range beyond. Limits of the training
    clips alone would shut out new kinds of motion (a G1 in two of six folds did not
    come to an RMSE of .0258), while the ladder needs as many ids with these as with
    none at all (within 1 %), so they tell it nothing.

    Rate limits come from the training clips alone; what is faster is clamped.

    Args:
        motions: all of them.
        train: those that are fitted on.
    """
    names = motions[0].names
    fastest = np.max(
        [
            np.abs(np.diff(m.values, axis=0)).max(0, initial=0) * m.rate_hz
            for m in train
        ],
        axis=0,
    )
    # What never moves has no speed to take a limit from.
    rate = np.where(fastest > 0, RATE_MARGIN * fastest, np.inf)
    if set(names) <= set(JOINTS):
        lower, upper = np.array([_joint_ranges()[name] for name in names]).T
        return lower, upper, rate
    for body in BODIES.values():
        if names == tuple(field.name for field in body.action):
            own = body.action_max_rate
            limited = np.where(np.isfinite(own), own, rate)
            return body.action_lower, body.action_upper, limited
    every = np.concatenate([m.values for m in motions])
    margin = 0.05 * np.maximum(np.ptp(every, axis=0), 0.1)
    return every.min(0) - margin, every.max(0) + margin, rate


@cache
def _joint_ranges() -> dict[str, Array]:
    """Lower and upper limit (2,) of every joint of a G1 [rad]."""
    return {joint.name: np.array(joint.range) for joint in g1_spec().joints}


def held_out_fold(
    motions: Sequence[Motion], held_out: Sequence[str], steps: int, stride: int
) -> Fold:
    """The fold that some kinds of motion are held out of.

    Args:
        motions: all of them.
        held_out: kinds to measure on.
        steps: rows of a window (T).
        stride: rows between windows to fit on; those to measure on lie side by side.

    Raises:
        ValueError: a part has no window.
    """
    own = [m for m in motions if m.kind not in held_out]
    train = windows(own, steps, stride)
    test = windows([m for m in motions if m.kind in held_out], steps, steps)
    if not len(test) or not len(train):
        raise ValueError(
            f"fold without {', '.join(held_out)}: no clip is longer than "
            f"{steps + 1} rows"
        )
    return make_fold(train, test, motions[0].rate_hz, *limits_of(motions, own))


def pooled(parts: Sequence[Sequence[Point]], kind: NDArray[np.str_]) -> Curve:
    """Settings that every fold has, over the windows of all folds.

    Args:
        parts: points of every fold.
        kind: (N,) of all windows, fold after fold.
    """
    shared = set.intersection(*({p.setting for p in part} for part in parts))
    settings = tuple(sorted(shared))
    rows = [
        [next(p for p in part if p.setting == s) for part in parts] for s in settings
    ]
    return Curve(
        settings=settings,
        tokens=np.array(
            [np.concatenate([p.tokens for p in row]) for row in rows], float
        ),
        error=np.array([np.concatenate([p.error for p in r]) for r in rows]),
        kind=kind,
    )

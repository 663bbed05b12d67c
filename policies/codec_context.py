"""What the motion before the hand-over tells of the motion after it.

A regression from the last half second to the residual of the braking base, in splines
that leave position and velocity at the hand-over as they are. Predictions for the
windows that a tokenizer is fitted on come from models that did not see their kind of
motion, as those for test windows do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from brownfield.policies.codec_chunks import Chunks
from brownfield.policies.codec_folds import Fold
from brownfield.robot.motion import Motion
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.onset_spline import OnsetSpline

Array = NDArray[np.float64]
PARTS = 5
"""Groups of kinds for predictions that are out of sample."""
SHRINKAGE = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Ridge penalties, in units of the mean eigenvalue; the best out of sample is used."""
WIDTHS = (0.5, 1.0, 2.0)
"""Widths of the kernel, in units of the median distance."""
CONTROLS_PER_S = 14.0
"""Control points of a prediction per second."""

Kernel = Callable[[Array, Array], Array]


def histories(
    motions: Sequence[Motion], steps: int, stride: int, rows: int
) -> NDArray[np.float64]:
    """The last rows (N, rows, D) up to the hand-over, for the windows of
    `codec_chunks.windows`; before a clip's begin its first row is repeated."""
    out = []
    for motion in motions:
        x = motion.values
        for i in range(1, len(x) - steps, stride):
            at = np.maximum(np.arange(i - rows + 1, i + 1), 0)
            out.append(x[at])
    return np.array(out)


def predict(
    fold: Fold, train_past: Array, test_past: Array, kernel: bool
) -> tuple[Array, Array]:
    """What to take off the rows of a fold's windows.

    Args:
        fold: its training windows are learned from.
        train_past, test_past: (N, rows, D) of both parts, from `histories`.
        kernel: Gaussian kernels, instead of a linear map.

    Returns:
        Predictions (N, T, D) in physical units, for training windows out of sample.
    """
    steps, m = fold.train.rows.shape[1], fold.moving
    horizon = steps / fold.rate_hz
    times = np.arange(1, steps + 1) / fold.rate_hz
    n_control = max(5, min(steps + 2, 3 + round(CONTROLS_PER_S * horizon)))
    basis = np.linalg.qr(OnsetSpline(n_control, horizon)(times))[0]
    wanted = basis.T @ _residual(fold, fold.train, times)
    y = wanted.reshape(len(wanted), -1)
    seen = _features(fold, fold.train, train_past)
    mean, spread = seen.mean(0), np.maximum(seen.std(0), 1e-6)
    x, new = (
        (f - mean) / spread / np.sqrt(f.shape[1])
        for f in (seen, _features(fold, fold.test, test_past))
    )
    # Every third window is enough to learn from: neighbours are nearly the same.
    some = np.arange(0, len(x), 3)
    kinds = np.unique(fold.train.kind)
    group = np.searchsorted(kinds, fold.train.kind) % PARTS
    widths = WIDTHS if kernel else (None,)
    best: tuple[float, Kernel, float, Array] | None = None
    for width in widths:
        like = _kernel(x[some], width)
        guesses = np.zeros((len(SHRINKAGE), *y.shape))
        for part in range(PARTS):
            own = some[group[some] != part]
            told = _solve(like, x[own], y[own], x[group == part], SHRINKAGE)
            guesses[:, group == part] = told
        losses = ((guesses - y) ** 2).mean((1, 2))
        i = int(np.argmin(losses))
        if best is None or losses[i] < best[0]:
            best = float(losses[i]), like, SHRINKAGE[i], guesses[i]
    assert best is not None
    _, like, shrinkage, guess = best
    told = _solve(like, x[some], y[some], new, (shrinkage,))[0]
    taken = []
    for coefficients in (guess, told):
        shape = (len(coefficients), basis.shape[1], len(m))
        rows = np.zeros((len(coefficients), steps, len(fold.unit)))
        rows[..., m] = (basis @ coefficients.reshape(shape)) * fold.unit[m]
        taken.append(rows)
    return taken[0], taken[1]


def _residual(fold: Fold, part: Chunks, times: Array) -> Array:
    """Residual of the braking base (N, T, J), normalised."""
    m = fold.moving
    unit = np.stack([-fold.unit[m], fold.unit[m]])
    fields = LadderFields.of(None, unit, None, None, None, None)
    return fields.residual(
        part.rows[..., m], part.last[:, m], part.velocity[:, m], times
    )


def _features(fold: Fold, part: Chunks, past: Array) -> Array:
    """Posture, velocity, and the past relative to now, normalised (N, F)."""
    m, unit = fold.moving, fold.unit[fold.moving]
    before = (past[:, :-1][..., m] - part.last[:, None, m]) / unit
    now = part.last[:, m] / unit
    slope = part.velocity[:, m] / unit * 0.1
    return np.concatenate([now, slope, before.reshape(len(past), -1)], 1)


def _kernel(x: Array, width: float | None) -> Kernel:
    if width is None:
        return lambda a, b: a @ b.T + 1e-3
    scale = (width * np.median(cdist(x[::5], x[::5]))) ** 2
    return lambda a, b: np.exp(-cdist(a, b, "sqeuclidean") / (2 * scale))


def _solve(
    like: Kernel, x: Array, y: Array, new: Array, penalties: Sequence[float]
) -> Array:
    """Ridge regression in a kernel's space: (penalties, N new, values)."""
    values, vectors = np.linalg.eigh(like(x, x))
    values = np.maximum(values, 0)
    turned = vectors.T @ y
    reach = like(new, x) @ vectors
    size = values.mean()
    return np.stack(
        [reach @ (turned / (values + p * size)[:, None]) for p in penalties]
    )

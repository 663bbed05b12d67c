"""What a ladder learns from data: a transform, a gain, slots and their errors.

Residuals against the braking base are projected on splines with a still onset, rotated
by the eigenvectors of their second moments over time and over joints (a separable
Karhunen-Loeve transform), divided by a gain of the whole chunk, and quantised digit by
digit. Nothing here is iterative: a fit is two eigenvalue problems and some sorting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.embedded_quantizer import (
    KAPPA,
    centroids,
    distribution,
)
from brownfield.tokenizers.gray_slots import Digit, SlotTable, allocate
from brownfield.tokenizers.onset_spline import OnsetSpline

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
GAINS = 8
STRONG = 1e-3
"""Coefficients below this share of the largest scale do not tell the gain."""
OCTAVES = 0.75
"""Widest class of the gain, a power of two."""
FINEST = 0.002
"""Expected error (normalised RMSE) at which no further slot is added."""


@dataclass(frozen=True, kw_only=True)
class LadderModel:
    """Learned arrays; m time modes, J moving joints, K = m x J coefficients."""

    n_control: int
    """Control points of the splines."""

    horizon_s: float
    """Time that a plan spans [s]."""

    time_map: Array
    """(n_control - 2, m): spline coefficients of every time mode."""

    time_read: Array
    """(m, T): reads the modes from the rows of a residual."""

    joint_map: Array
    """(J, J): joints of every joint mode, orthogonal."""

    gain_edges: Array
    """(GAINS - 1,) between the classes of the gain."""

    gain: Array
    """(GAINS,) multipliers."""

    scale: Array
    """(K,) Laplace scale of the coefficients, after the gain."""

    slots: list[list[Digit]]
    """Digits of every slot."""

    error: Array
    """(GAINS, L + 1) expected RMSE of each class after so many slots, normalised."""


def fit_model(
    residual: Array, horizon_s: float, vocab_size: int, max_slots: int
) -> LadderModel:
    """Learn a ladder.

    Args:
        residual: (N, T, J) chunks minus their base, normalised.
        horizon_s: time of the last row [s].
        vocab_size: ids of a slot.
        max_slots: most slots.
    """
    count, steps, joints = residual.shape
    times = np.arange(1, steps + 1) / steps * horizon_s
    n_control = _control_points(residual, times, horizon_s)
    basis, to_spline = _orthonormal(n_control, times, horizon_s)
    modes = basis.T @ residual
    time_turn = _principal(np.einsum("nij,nkj->ik", modes, modes))
    joint_turn = _principal(np.einsum("nji,njk->ik", modes, modes))
    read = time_turn.T @ basis.T
    c = (read @ residual @ joint_turn).reshape(count, -1)
    scale = _scale(c)
    edges, gain, kind = _gains(c, scale)
    scale = _scale(c / gain[kind][:, None])
    # Scales are those of a gain of 1; the errors of large chunks are larger.
    floor = FINEST**2 * steps * joints / float((gain[kind] ** 2).mean())
    slots = allocate(scale, GAINS, vocab_size, max_slots, floor)
    draft = LadderModel(
        n_control=n_control,
        horizon_s=horizon_s,
        time_map=to_spline @ time_turn,
        time_read=read,
        joint_map=joint_turn,
        gain_edges=edges,
        gain=gain,
        scale=scale,
        slots=slots,
        error=np.zeros((GAINS, len(slots) + 1)),
    )
    lost = (residual**2).sum((1, 2)) - (c**2).sum(1)
    return replace_error(draft, c, lost, vocab_size)


def replace_error(
    model: LadderModel, c: Array, lost: Array, vocab_size: int
) -> LadderModel:
    """The model with its table of errors measured.

    Args:
        model: with everything else.
        c: (N, K) coefficients.
        lost: (N,) squared error that no coefficient can mend.
        vocab_size: ids of a slot.
    """
    table = SlotTable(model.slots, vocab_size)
    kind = np.searchsorted(model.gain_edges, np.log2(gain_of(c, model.scale)))
    scale = model.scale[table.refined] * model.gain[kind][:, None]
    kept = c[:, table.refined]
    others = (c**2).sum(1) - (kept**2).sum(1) + np.maximum(lost, 0)
    cell = np.minimum(
        (distribution(kept / (KAPPA * scale)) * table.cells).astype(np.int64),
        table.cells - 1,
    )
    values = len(model.joint_map) * model.time_read.shape[1]
    squares = np.empty((len(c), len(model.slots) + 1))
    for i in range(len(model.slots) + 1):
        known = table.cells_known[i]
        flat = np.concatenate([centroids(int(m)) for m in known])
        at = np.concatenate([[0], np.cumsum(known)[:-1]])
        guess = scale * flat[at + cell // table.cells_left[i]]
        if i == 0:
            guess = np.zeros_like(guess)
        squares[:, i] = ((kept - guess) ** 2).sum(1) + others
    pooled = squares.mean(0)
    error = np.empty((GAINS, squares.shape[1]))
    for g in range(GAINS):
        own = squares[kind == g]
        mean = own.mean(0) if len(own) else pooled
        # A longer prefix of few chunks can err more by chance; the table must fall.
        error[g] = np.minimum.accumulate(np.sqrt(mean / values))
    parts = {name: getattr(model, name) for name in model.__dataclass_fields__}
    return LadderModel(**{**parts, "error": error})


def gain_of(c: Array, scale: Array) -> Array:
    """How large chunks (..., K) are, relative to `scale`; 1 for the usual one."""
    strong = scale > STRONG * scale.max(initial=0)
    ratio = c[..., strong] / scale[strong]
    return np.maximum(np.sqrt((ratio**2).mean(-1) / 2), 1e-6)


def _scale(c: Array) -> Array:
    return np.maximum(np.sqrt((c**2).mean(0) / 2), 1e-9)


def _gains(c: Array, scale: Array) -> tuple[Array, Array, Ints]:
    """Edges between the classes, their multipliers, and the class of every chunk."""
    size = np.log2(gain_of(c, scale))
    low, high = np.quantile(size, [0.02, 0.98])
    # Where most chunks stand still, classes for stillness would take all: what is
    # smaller than the smallest class is nothing, as far as errors go.
    low = np.clip(low, high - GAINS * OCTAVES, high - 1e-3)
    size = np.clip(size, low, high)
    edges = np.linspace(low, high, GAINS + 1)[1:-1]
    kind = np.searchsorted(edges, size)
    middle = np.linspace(low, high, 2 * GAINS + 1)[1::2]
    mean = [
        size[kind == g].mean() if (kind == g).any() else middle[g] for g in range(GAINS)
    ]
    return edges, 2.0 ** np.array(mean), kind


def _principal(moments: Array) -> Array:
    """Eigenvectors, the strongest first, with a sign that does not wander."""
    turn = np.linalg.eigh(moments)[1][:, ::-1]
    sign = np.sign(turn[np.abs(turn).argmax(0), np.arange(turn.shape[1])])
    return turn * np.where(sign == 0, 1, sign)


def _orthonormal(n_control: int, times: Array, horizon_s: float) -> tuple[Array, Array]:
    """An orthonormal basis (T, m) on the rows, and its splines (n_control - 2, m)."""
    phi = OnsetSpline(n_control, horizon_s)(times)
    u, s, vt = np.linalg.svd(phi, full_matrices=False)
    keep = s > 1e-9 * s[0]
    return u[:, keep], (vt[keep] / s[keep, None]).T


def _control_points(residual: Array, times: Array, horizon_s: float) -> int:
    """The fewest that lose less than half of the finest error."""
    steps = len(times)
    power = np.einsum("ntj,nsj->ts", residual, residual) / residual[:, 0].size
    for n_control in range(4, steps + 2):
        basis, _ = _orthonormal(n_control, times, horizon_s)
        lost = np.trace(power) - np.trace(basis.T @ power @ basis)
        if lost / steps < (FINEST / 2) ** 2:
            return n_control
    return max(4, steps + 2)

"""Action tokenizers under one protocol: refitted on every fold, held-out windows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.policies.codec_folds import Fold, Point
from brownfield.tokenizers.fast import AlphabetError, FastTokenizer
from brownfield.tokenizers.ladder import LadderTokenizer
from brownfield.tokenizers.spline_bins import SplineBinTokenizer
from brownfield.tokenizers.uniform_bins import UniformBinTokenizer

Array = NDArray[np.float64]
FAST_SCALES = (1.4, 2.0, 3.5, 5.0, 7.0, 10.0, 14.0, 20.0, 28.0)
LENGTHS = (4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 64, 72, 80, 96, 128)
UNIVERSAL_LENGTHS = (*LENGTHS, 160, 192, 224, 256)
"""Without a fit, fine errors take twice as many ids."""
TOLERANCES = (0.12, 0.08, 0.06, 0.05, 0.04, 0.03, 0.025, 0.02, 0.016, 0.014, 0.012)
FINE_TOLERANCES = (0.01, 0.009, 0.008, 0.007, 0.006)
POINTS = (4, 6, 8, 10, 14, 18)
BINS = (32, 64, 128, 256)


def fit_ladder(fold: Fold, vocab_size: int = 1024) -> LadderTokenizer:
    """The ladder, fitted on a fold; without limits it has no rate limits either."""
    t = fold.train
    return LadderTokenizer.fit(
        t.rows,
        t.last,
        t.velocity,
        fold.rate_hz,
        fold.lower,
        fold.upper,
        None if fold.lower is None else fold.max_rate,
        vocab_size=vocab_size,
    )


def fit_fast(
    fold: Fold, scale: float, vocab_size: int = 1024, strongest: bool = True
) -> FastTokenizer:
    """FAST for the fields that move, fitted on a fold."""
    t, m = fold.train, fold.moving
    return FastTokenizer.fit(
        t.rows[..., m],
        t.last[:, m],
        t.velocity[:, m],
        fold.rate_hz,
        scale=scale,
        vocab_size=vocab_size,
        relative=strongest,
        merge="characters" if strongest else "bytes",
    )


def fitting_fast(
    fold: Fold, scale: float, vocab_size: int = 1024, strongest: bool = True
) -> FastTokenizer | None:
    """The same, or None where its coefficients are too many for the vocabulary."""
    try:
        return fit_fast(fold, scale, vocab_size, strongest)
    except AlphabetError:
        return None


def ladder_points(
    fold: Fold, tokenizer: LadderTokenizer, stopped: bool
) -> Iterator[Point]:
    """The ladder at many lengths, or stopped at many tolerances."""
    t = fold.test
    count = len(t)
    if stopped:
        for tolerance in TOLERANCES + FINE_TOLERANCES:
            ids = tokenizer.encode(t.rows, t.last, t.velocity, tolerance=tolerance)
            decoded = tokenizer.decode(ids, t.last, t.velocity)
            tokens = np.array([len(row) for row in ids])
            yield Point(setting=tolerance, tokens=tokens, error=fold.error(decoded))
        return
    ids = tokenizer.encode(t.rows, t.last, t.velocity)
    for length in LENGTHS:
        if length <= tokenizer.n_tokens:
            decoded = tokenizer.decode(ids[:, :length], t.last, t.velocity)
            yield Point(
                setting=length,
                tokens=np.full(count, length),
                error=fold.error(decoded),
            )


def fast_points(fold: Fold, vocab_size: int, strongest: bool) -> Iterator[Point]:
    """FAST at many scales, without those that are too fine for the vocabulary."""
    t, m = fold.test, fold.moving
    for scale in FAST_SCALES:
        tokenizer = fitting_fast(fold, scale, vocab_size, strongest)
        if tokenizer is None:
            continue
        tokens = np.zeros(len(t), dtype=np.int64)
        decoded = t.rows.copy()
        failed = np.zeros(len(t), dtype=bool)
        for i in range(len(t)):
            ids = tokenizer.encode(t.rows[i][:, m], t.last[i, m])
            tokens[i], failed[i] = len(ids), tokenizer.fails(ids)
            decoded[i][:, m] = tokenizer.decode(ids, t.last[i, m])
        error = np.where(failed, np.nan, fold.error(decoded))
        yield Point(setting=scale, tokens=tokens, error=error)


def fit_bins(fold: Fold, n_bins: int) -> UniformBinTokenizer:
    """Uniform bins for the fields that move, fitted on a fold."""
    t, m = fold.train, fold.moving
    own = t.rows[..., m], t.last[:, m], t.velocity[:, m]
    return UniformBinTokenizer.fit(*own, fold.rate_hz, n_bins=n_bins)


def fit_spline(fold: Fold, points: int) -> SplineBinTokenizer:
    """B-spline bins for the fields that move, fitted on a fold."""
    t, m = fold.train, fold.moving
    own = t.rows[..., m], t.last[:, m], t.velocity[:, m]
    return SplineBinTokenizer.fit(*own, fold.rate_hz, points=points)


def bin_points(fold: Fold) -> Iterator[Point]:
    """Uniform bins of several widths; all need T x D ids."""
    for n_bins in BINS:
        yield _fixed_point(fold, fit_bins(fold, n_bins), n_bins)


def spline_points(fold: Fold) -> Iterator[Point]:
    """B-spline bins with several numbers of control points."""
    for points in POINTS:
        if points <= fold.train.rows.shape[1]:
            yield _fixed_point(fold, fit_spline(fold, points), points)


def _fixed_point(fold: Fold, tokenizer: Any, setting: float) -> Point:
    t, m = fold.test, fold.moving
    ids = tokenizer.encode(t.rows[..., m], t.last[:, m], t.velocity[:, m])
    decoded = t.rows.copy()
    decoded[..., m] = tokenizer.decode(ids, t.last[:, m], t.velocity[:, m])
    tokens = np.full(len(t), ids.shape[1])
    return Point(setting=setting, tokens=tokens, error=fold.error(decoded))


def universal_points(fold: Fold, vocab_size: int) -> Iterator[Point]:
    """The ladder without a fit; it needs limits, so without any it is left out."""
    if fold.lower is None or fold.upper is None:
        return
    t, m = fold.test, fold.moving
    tokenizer = LadderTokenizer.universal(
        fold.rate_hz,
        t.rows.shape[1],
        fold.lower[m],
        fold.upper[m],
        None if fold.max_rate is None else fold.max_rate[m],
        vocab_size=vocab_size,
        max_tokens=max(UNIVERSAL_LENGTHS),
    )
    ids = tokenizer.encode(t.rows[..., m], t.last[:, m], t.velocity[:, m])
    for length in UNIVERSAL_LENGTHS:
        if length <= tokenizer.n_tokens:
            decoded = t.rows.copy()
            decoded[..., m] = tokenizer.decode(
                ids[:, :length], t.last[:, m], t.velocity[:, m]
            )
            tokens = np.full(len(t), length)
            yield Point(setting=length, tokens=tokens, error=fold.error(decoded))


CONTESTANTS: dict[str, Callable[[Fold, LadderTokenizer], Iterator[Point]]] = {
    "ladder": lambda fold, ladder: ladder_points(fold, ladder, stopped=False),
    "ladder, stopped": lambda fold, ladder: ladder_points(fold, ladder, stopped=True),
    "FAST as published": lambda fold, ladder: fast_points(
        fold, ladder.vocab_size, strongest=False
    ),
    "FAST, strongest": lambda fold, ladder: fast_points(
        fold, ladder.vocab_size, strongest=True
    ),
    "B-spline bins": lambda fold, _: spline_points(fold),
    "uniform bins": lambda fold, _: bin_points(fold),
    "ladder without a fit": lambda fold, ladder: universal_points(
        fold, ladder.vocab_size
    ),
}
"""Every tokenizer, by the name in the table."""


def entropy_bound(fold: Fold, tokenizer: LadderTokenizer, lengths: Array) -> Array:
    """Least RMSE (L,) of any code of Gaussian windows at so many ids.

    Reverse water-filling over the held-out residuals' own second moments in the
    ladder's transform; a code that knows more than second moments can be better.
    """
    f, t = tokenizer.fields, fold.test
    times = np.arange(1, tokenizer.steps + 1) / tokenizer.rate_hz
    residual = f.residual(t.rows, t.last, t.velocity, times)
    model = tokenizer.model
    c = (model.time_read @ residual @ model.joint_map).reshape(len(t), -1)
    power = np.maximum((c**2).mean(0), 1e-12)
    values = residual[0].size
    bits = lengths * np.log2(tokenizer.vocab_size)
    levels = np.geomspace(power.max(), 1e-9, 400)
    rate = np.array([np.maximum(0, np.log2(power / q) / 2).sum() for q in levels])
    left = np.array([np.minimum(power, q).sum() for q in levels])
    return np.sqrt(np.interp(bits, rate, left) / values)

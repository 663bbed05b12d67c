"""`brownfield bench levers`: what would make action tokens shorter still.

One change at a time to the ladder, refitted on the folds of `bench action-tokens`:
other vocabularies (for FAST too), knowledge of the motion before the hand-over, digits
that an arithmetic coder packs, and learned codebooks in the place of digits.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2, vq

from brownfield.policies.codec_chunks import Chunks, folds
from brownfield.policies.codec_contest import (
    FINE_TOLERANCES,
    TOLERANCES,
    fast_points,
    fit_ladder,
    ladder_points,
)
from brownfield.policies.codec_context import histories, predict
from brownfield.policies.codec_curves import ratios
from brownfield.policies.codec_folds import Fold, Point, held_out_fold, pooled
from brownfield.robot.motion import read_motions
from brownfield.tokenizers.ladder import LadderTokenizer

Array = NDArray[np.float64]
CODEBOOKS = 16
"""Codebooks one after another, each of as many vectors as the vocabulary has ids."""
PEER = "FAST, 1024 ids"


@dataclass(frozen=True, kw_only=True)
class LeversConfig:
    """One study."""

    data: tuple[Path, ...]
    """Folders of motion clips (`.npz`), or LeRobot datasets."""

    seconds: float = 1.0
    """Length of a window [s]."""

    folds: int = 6
    """Parts that share no kind of motion; everything is refitted on each."""

    stride: int = 3
    """Rows between windows to fit on."""

    vocab_sizes: tuple[int, ...] = (1024, 4096, 16384)
    """Ids of the ladder and of FAST."""

    past_s: float = 0.5
    """How much of the motion before the hand-over is known [s]."""

    errors: tuple[float, ...] = (0.0525, 0.0258, 0.0146, 0.0084)
    """RMSE (in units of half the 1 to 99 % range) at which tokens are compared."""


def codec_levers(
    config: LeversConfig, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Measure every change.

    Args:
        config: what to measure.
        say: told what is being done.

    Returns:
        JSON-able: `ids` and `ratio` (to FAST with 1,024 ids, with intervals) by change,
        `curves`, `told` (share of the residual's power that the past tells), `windows`,
        `peer` (name of that FAST).

    Raises:
        ValueError: data that cannot be read, or too few kinds of motion.
    """
    motions = read_motions(config.data)
    rate = motions[0].rate_hz
    steps, past = round(config.seconds * rate), max(2, round(config.past_s * rate))
    points: dict[str, list[list[Point]]] = {}
    kinds: list[NDArray[np.str_]] = []
    told: dict[str, list[float]] = {"linear": [], "kernels": []}
    for number, held_out in enumerate(folds(motions, config.folds)):
        fold = held_out_fold(motions, held_out, steps, config.stride)
        own = [m for m in motions if m.kind not in held_out]
        other = [m for m in motions if m.kind in held_out]
        before = (
            histories(own, steps, config.stride, past),
            histories(other, steps, steps, past),
        )
        known = {
            "linear": predict(fold, *before, kernel=False),
            "kernels": predict(fold, *before, kernel=True),
        }
        free = replace(fold, lower=None, upper=None)
        base = np.sqrt(free.error(_held(free)).mean())
        for name, (_, taken) in known.items():
            left = free.error(_held(free) + taken).mean()
            told[name].append(1 - float(left / base**2))
        for name, make in _levers(config, free, known).items():
            say(f"fold {number + 1} of {config.folds}: {name}")
            points.setdefault(name, []).append(list(make()))
        kinds.append(fold.test.kind)
    kind = np.concatenate(kinds)
    curves = {name: pooled(parts, kind) for name, parts in points.items()}
    errors = np.array(config.errors)
    return {
        "windows": len(kind),
        "peer": PEER,
        "rmse": errors.tolist(),
        "told": {name: float(np.mean(x)) for name, x in told.items()},
        "ids": {n: c.tokens_at(errors).tolist() for n, c in curves.items()},
        "ratio": {
            n: [asdict(r) for r in ratios(c, curves[PEER], errors)]
            for n, c in curves.items()
        },
        "curves": {
            n: dict(zip(("rmse", "tokens"), map(_list, c.summary()), strict=True))
            for n, c in curves.items()
        },
    }


def _levers(
    config: LeversConfig, fold: Fold, known: dict[str, tuple[Array, Array]]
) -> dict[str, Callable[[], Iterator[Point]]]:
    """Every change by name; all are measured on the fold."""
    levers: dict[str, Callable[[], Iterator[Point]]] = {}
    for vocab in sorted({*config.vocab_sizes, 1024}):
        levers[f"FAST, {vocab} ids"] = lambda v=vocab: fast_points(fold, v, True)
        levers[f"ladder, {vocab} ids"] = lambda v=vocab: stopped(fold, v)
    for name, taken in known.items():
        levers[f"ladder, past by {name}"] = lambda t=taken: stopped(fold.less(*t), 1024)
    levers["ladder, digits packed"] = lambda: packed(fold, 1024)
    best, most = known["kernels"], max(config.vocab_sizes)
    levers[f"ladder, past by kernels, packed, {most} ids"] = lambda: packed(
        fold.less(*best), most
    )
    levers["codebooks by k-means, 1024 ids"] = lambda: codebooks(fold, 1024)
    return levers


def stopped(fold: Fold, vocab_size: int) -> Iterator[Point]:
    """The ladder, each string ended at a tolerance."""
    return ladder_points(fold, fit_ladder(fold, vocab_size), stopped=True)


def packed(fold: Fold, vocab_size: int) -> Iterator[Point]:
    """The same with digits as an ideal arithmetic coder would pack them.

    How often a digit takes a value is counted in training, for each class of the gain,
    with half a count for every value; a window's length is in ids of `vocab_size`, and
    may be broken.
    """
    ladder = fit_ladder(fold, vocab_size)
    t = fold.test
    lengths = _packed_lengths(ladder, fold) / np.log2(vocab_size)
    for tolerance in TOLERANCES + FINE_TOLERANCES:
        ids = ladder.encode(t.rows, t.last, t.velocity, tolerance=tolerance)
        decoded = ladder.decode(ids, t.last, t.velocity)
        tokens = np.array(
            [length[len(row)] for row, length in zip(ids, lengths, strict=True)]
        )
        yield Point(setting=tolerance, tokens=tokens, error=fold.error(decoded))


def _packed_lengths(ladder: LadderTokenizer, fold: Fold) -> Array:
    """Bits (N, L + 1) of the first ids of every test window."""
    strings = [
        ladder.encode(part.rows, part.last, part.velocity)
        for part in (fold.train, fold.test)
    ]
    seen, new = (ladder.digits.of(ids) for ids in strings)
    radix = ladder.digits.radix
    bits = np.zeros((len(new), len(radix) + 1))
    first = [digits[:, 0, 0] for digits in (seen, new)]
    for slot in range(len(radix)):
        for place in np.flatnonzero(radix[slot] > 1):
            values = int(radix[slot, place])
            count = np.full((int(radix[0, 0]), values), 0.5)
            gain = first[0] if (slot, place) != (0, 0) else np.zeros_like(first[0])
            np.add.at(count, (gain, seen[:, slot, place]), 1)
            share = count / count.sum(1, keepdims=True)
            gain = first[1] if (slot, place) != (0, 0) else np.zeros_like(first[1])
            bits[:, slot + 1] -= np.log2(share[gain, new[:, slot, place]])
    return bits.cumsum(1)


def codebooks(fold: Fold, vocab_size: int) -> Iterator[Point]:
    """Codebooks of whole chunks, each learned on what the ones before left."""
    ladder = fit_ladder(fold, vocab_size)
    model, times = ladder.model, np.arange(1, ladder.steps + 1) / fold.rate_hz

    def residual(part: Chunks) -> Array:
        return ladder.fields.residual(part.rows, part.last, part.velocity, times)

    def modes(part: Chunks) -> Array:
        c = model.time_read @ residual(part) @ model.joint_map
        return c.reshape(len(part), -1)

    seen, new = modes(fold.train), modes(fold.test)
    whole = residual(fold.test)
    beyond = (whole**2).sum((1, 2)) - (new**2).sum(1)
    for stage in range(CODEBOOKS):
        order = np.random.default_rng(stage).permutation(len(seen))
        with warnings.catch_warnings():
            # An empty cluster is a vector that nothing uses, and no harm.
            warnings.simplefilter("ignore", UserWarning)
            book = kmeans2(seen, seen[order[:vocab_size]], 8, minit="matrix")[0]
        seen, new = (x - book[vq(x, book)[0]] for x in (seen, new))
        error = ((new**2).sum(1) + beyond) / whole[0].size
        tokens = np.full(len(error), stage + 1)
        yield Point(setting=stage + 1, tokens=tokens, error=error)


def _held(fold: Fold) -> Array:
    """Test windows as the braking base alone (N, T, D)."""
    t = fold.test
    ladder = LadderTokenizer.fit(
        fold.train.rows, fold.train.last, fold.train.velocity, fold.rate_hz
    )
    return ladder.decode(np.zeros((len(t), 0), np.int64), t.last, t.velocity)


def _list(values: Array) -> list[float]:
    return values.tolist()

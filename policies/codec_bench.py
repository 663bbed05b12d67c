"""`brownfield bench action-tokens`: all action tokenizers on somebody's motion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.policies.codec_chunks import (
    by_kind,
    folds,
    weighted_median,
    with_kinds,
)
from brownfield.policies.codec_contest import (
    CONTESTANTS,
    LENGTHS,
    entropy_bound,
    fit_bins,
    fit_ladder,
    fit_spline,
    fitting_fast,
)
from brownfield.policies.codec_curves import Curve, ratios
from brownfield.policies.codec_folds import Fold, Point, held_out_fold, pooled
from brownfield.policies.codec_measures import (
    Codec,
    clamped,
    edits,
    ladder_codec,
    neighbour_rank,
    overlap,
    peer_codec,
    random_strings,
    seam,
    slot_entropy,
)
from brownfield.policies.codec_speed import codec_speed
from brownfield.robot.motion import Motion, read_motions
from brownfield.tokenizers.fast import FastTokenizer
from brownfield.tokenizers.ladder import LadderTokenizer

Array = NDArray[np.float64]
FAST, STOPPED = "FAST, strongest", "ladder, stopped"
REPEATS = 10
"""Edits of every window."""


@dataclass(frozen=True, kw_only=True)
class _Made:
    """A fold and what was fitted on it."""

    fold: Fold
    ladder: LadderTokenizer
    fast: FastTokenizer | None
    """None where the scale is too fine for the vocabulary."""
    motions: list[Motion]
    """Held-out clips."""


@dataclass(frozen=True, kw_only=True)
class CodecBenchConfig:
    """One comparison of action tokenizers."""

    data: tuple[Path, ...]
    """Folders of motion clips (`.npz`), or LeRobot datasets."""

    out: Path = Path("action_tokens")
    """Folder of the report and `results.json`."""

    seconds: float = 1.0
    """Length of a window [s]."""

    folds: int = 6
    """Parts that share no kind of motion, at least 2; every tokenizer is refitted on
    each. Where there are fewer kinds (or tasks), they share no clip or episode."""

    stride: int = 3
    """Rows between windows to fit on; those to measure on lie side by side."""

    vocab_size: int = 1024
    """Ids of the ladder and of FAST."""

    errors: tuple[float, ...] = (0.0525, 0.0258, 0.0146, 0.0084)
    """RMSE (in units of half the 1 to 99 % range) at which tokens are compared."""

    length: int = 48
    """Ids of the ladder for seams, edits and speed: about as exact as FAST's scale."""

    points: int = 10
    """Control points of the B-spline for seams and edits."""

    bins: int = 256
    """Uniform bins for seams and edits."""

    scale: float = 10.0
    """Scale of FAST for seams, edits and speed."""

    strings: int = 100_000
    """Random strings to decode."""

    repeats: int = 300
    """Repetitions of single encodings and decodings."""

    seed: int = 0
    """Draws edits and strings."""


def codec_bench(
    config: CodecBenchConfig, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Measure everything.

    Args:
        config: what to measure.
        say: told what is being done.

    Returns:
        The results, JSON-able: `curves`, `tokens`, `per_fold`, `prefix`, `seam`,
        `edits`, `intervals`, `strings`, `clamped`, `learnability`, `speed_us`, `bound`,
        `windows`, `folds`, `kinds` (what folds do not share). What FAST has no id for
        at its scale is NaN or missing.

    Raises:
        ValueError: data that cannot be read, or too few clips or folds.
    """
    motions, kinds = with_kinds(read_motions(config.data), config.folds)
    steps = round(config.seconds * motions[0].rate_hz)
    if steps < 2:
        raise ValueError(f"a window of {config.seconds} s has fewer than two rows")
    parts = folds(motions, config.folds)
    points: dict[str, list[list[Point]]] = {name: [] for name in CONTESTANTS}
    made: list[_Made] = []
    bounds = []
    for number, held_out in enumerate(parts):
        say(f"fold {number + 1} of {len(parts)}: {', '.join(held_out)}")
        fold = held_out_fold(motions, held_out, steps, config.stride)
        ladder = fit_ladder(fold, config.vocab_size)
        for name, contestant in CONTESTANTS.items():
            points[name].append(list(contestant(fold, ladder)))
        bounds.append(entropy_bound(fold, ladder, np.array(LENGTHS, float)))
        fast = fitting_fast(fold, config.scale, config.vocab_size)
        own = [m for m in motions if m.kind in held_out]
        made.append(_Made(fold=fold, ladder=ladder, fast=fast, motions=own))
    kind = np.concatenate([one.fold.test.kind for one in made])
    curves = {name: _curve(p, kind) for name, p in points.items()}
    known = {name: curve for name, curve in curves.items() if curve is not None}
    errors = np.array(config.errors)
    say("seams, edits and neighbours")
    result: dict[str, Any] = {
        "windows": len(kind),
        "folds": parts,
        "kinds": kinds,
        "vocab_size": config.vocab_size,
        "curves": {n: _listed(c) for n, c in known.items()},
        "bound": {
            "tokens": list(LENGTHS),
            "rmse": np.sqrt(np.mean(np.square(bounds), 0)).tolist(),
        },
        "tokens": _tokens(curves, errors),
        "per_fold": _per_fold(points, made, errors),
        "prefix": _prefixes(made),
        "clamped": [clamped(m.fold, m.ladder) for m in made],
    }
    result |= _behaviour(made, config)
    say("random strings")
    result["strings"] = random_strings(
        made[0].fold, made[0].ladder, config.strings, config.seed
    )
    say("speed")
    result["speed_us"] = codec_speed(
        made[0].fold, config.length, config.scale, config.repeats, config.vocab_size
    )
    return result


def _curve(parts: Sequence[Sequence[Point]], kind: NDArray[np.str_]) -> Curve | None:
    """Of the settings that every fold has; None where there are none."""
    if not set.intersection(*({p.setting for p in part} for part in parts)):
        return None
    return pooled(parts, kind)


def _listed(curve: Curve) -> dict[str, Any]:
    rmse, tokens = curve.summary()
    return {
        "setting": list(curve.settings),
        "rmse": rmse.tolist(),
        "tokens": tokens.tolist(),
        "failed": curve.failed().tolist(),
        "tokens_p99": np.quantile(curve.tokens, 0.99, axis=1).tolist(),
    }


def _at(curve: Curve | None, errors: Array) -> Array:
    return np.full(len(errors), np.nan) if curve is None else curve.tokens_at(errors)


def _tokens(curves: dict[str, Curve | None], errors: Array) -> dict[str, Any]:
    """Ids at equal errors, and the ladder's over FAST's."""
    table: dict[str, Any] = {"rmse": errors.tolist(), "ids": {}, "ratio": {}}
    for name, curve in curves.items():
        table["ids"][name] = _at(curve, errors).tolist()
    peer = curves[FAST]
    for name in ("ladder", STOPPED):
        own = curves[name]
        if own is not None and peer is not None:
            table["ratio"][name] = [asdict(r) for r in ratios(own, peer, errors)]
    return table


def _per_fold(
    points: dict[str, list[list[Point]]], made: Sequence[_Made], errors: Array
) -> list[dict[str, Any]]:
    """Ids at equal errors on every fold by itself, and the ladder's over FAST's."""
    out = []
    for i, one in enumerate(made):
        kind = one.fold.test.kind
        ids = {
            name: _at(_curve([points[name][i]], kind), errors)
            for name in ("ladder", STOPPED, FAST)
        }
        ratio = {name: (ids[name] / ids[FAST]).tolist() for name in ("ladder", STOPPED)}
        out.append({"ids": {n: x.tolist() for n, x in ids.items()}, "ratio": ratio})
    return out


def _prefixes(made: Sequence[_Made]) -> dict[str, Any]:
    """RMSE of the first 8, 16 and 32 ids."""
    lengths = (8, 16, 32)
    own: list[list[Array]] = []
    peer: list[list[Array]] = []
    for one in made:
        t, fold = one.fold.test, one.fold
        ids = one.ladder.encode(t.rows, t.last, t.velocity)
        heads = [one.ladder.decode(ids[:, :k], t.last, t.velocity) for k in lengths]
        own.append([fold.error(head) for head in heads])
        if one.fast is None:
            peer.append([np.full(len(t), np.nan) for _ in lengths])
            continue
        codec = peer_codec(fold, one.fast)
        states = list(zip(t.last, t.velocity, strict=True))
        written = [codec.encode(x, *s) for x, s in zip(t.rows, states, strict=True)]
        heads = [
            [codec.decode(row[:k], *s) for row, s in zip(written, states, strict=True)]
            for k in lengths
        ]
        peer.append([fold.error(np.array(head)) for head in heads])
    kind = np.concatenate([one.fold.test.kind for one in made])
    squares = {
        name: [np.concatenate([part[j] for part in parts]) for j in range(len(lengths))]
        for name, parts in (("ladder", own), (FAST, peer))
    }
    return {
        "ids": list(lengths),
        "rmse": {
            n: [float(np.sqrt(x.mean())) for x in xs] for n, xs in squares.items()
        },
        "ratio": [
            by_kind(kind, lambda w, a=a, b=b: float(np.sqrt((w @ a) / (w @ b))))
            for a, b in zip(squares["ladder"], squares[FAST], strict=True)
        ],
    }


def _codecs(made: Sequence[_Made], config: CodecBenchConfig) -> dict[str, list[Codec]]:
    """Tokenizers at one operating point, fitted on every fold; FAST where it fits."""
    steps = made[0].fold.train.rows.shape[1]
    points = min(config.points, steps)
    codecs = {"ladder": [ladder_codec(m.fold, m.ladder, config.length) for m in made]}
    fasts = [peer_codec(m.fold, m.fast) for m in made if m.fast is not None]
    if len(fasts) == len(made):
        codecs[FAST] = fasts
    codecs["B-spline bins"] = [
        peer_codec(m.fold, fit_spline(m.fold, points)) for m in made
    ]
    codecs["uniform bins"] = [
        peer_codec(m.fold, fit_bins(m.fold, config.bins)) for m in made
    ]
    return codecs


def _behaviour(made: Sequence[_Made], config: CodecBenchConfig) -> dict[str, Any]:
    """Seams, edits and neighbours; intervals by a bootstrap over kinds."""
    out: dict[str, Any] = {"seam": {}, "edits": {}, "learnability": {}}
    out["intervals"] = {"seam": {}, "edits": {}}
    kind = np.concatenate([one.fold.test.kind for one in made])
    of_edit = {"none": kind, "replaced": np.repeat(kind, REPEATS)}
    of_edit["next"] = of_edit["replaced"]
    for name, own in _codecs(made, config).items():
        pairs = list(zip(own, made, strict=True))
        joins = [seam(codec, one.fold, one.motions) for codec, one in pairs]
        joined, true = (np.concatenate([j[k].sum(1) for j in joins]) for k in (0, 1))
        joints = np.concatenate([j[2] for j in joins])
        out["seam"][name] = float(np.sqrt(joined.sum() / true.sum()))
        out["intervals"]["seam"][name] = by_kind(
            joints, lambda w, a=joined, b=true: float(np.sqrt((w @ a) / (w @ b)))
        )
        changes = [edits(c, one.fold, REPEATS, config.seed) for c, one in pairs]
        every = {w: np.concatenate([c[w] for c in changes]) for w in of_edit}
        out["edits"][name] = {
            w: np.quantile(x, [0.5, 0.9]).round(5).tolist() for w, x in every.items()
        }
        out["intervals"]["edits"][name] = {
            w: by_kind(of_edit[w], weighted_median(x)) for w, x in every.items()
        }
        learned: dict[str, Any] = {
            "neighbour_rank": float(
                np.mean([neighbour_rank(c, one.fold) for c, one in pairs])
            ),
            "overlap": float(
                np.mean([overlap(c, one.fold, one.motions) for c, one in pairs])
            ),
        }
        if name != FAST:
            learned["slot_bits"] = _slot_bits(pairs)
        out["learnability"][name] = learned
    return out


def _slot_bits(pairs: list[tuple[Codec, _Made]]) -> list[float]:
    """Entropy of every slot on the windows that were fitted on, mean over folds."""
    bits = []
    for codec, one in pairs:
        t = one.fold.train
        rows = zip(t.rows, t.last, t.velocity, strict=True)
        bits.append(slot_entropy(np.array([codec.encode(*r) for r in rows])))
    shared = min(map(len, bits))
    return np.mean([b[:shared] for b in bits], 0).tolist()

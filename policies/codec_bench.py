"""`brownfield bench action-tokens`: all action tokenizers on somebody's motion."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.policies.codec_chunks import folds
from brownfield.policies.codec_contest import (
    CONTESTANTS,
    LENGTHS,
    entropy_bound,
    fit_fast,
    fit_ladder,
)
from brownfield.policies.codec_curves import Curve, ratios
from brownfield.policies.codec_folds import Fold, Point, held_out_fold, pooled
from brownfield.policies.codec_measures import (
    Codec,
    edits,
    fast_codec,
    ladder_codec,
    neighbour_rank,
    overlap,
    seam,
    slot_entropy,
)
from brownfield.policies.codec_speed import codec_speed
from brownfield.robot.motion import Motion, read_motions
from brownfield.tokenizers.ladder import LadderTokenizer

Array = NDArray[np.float64]


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
    """Parts that share no kind of motion; every tokenizer is refitted on each."""

    stride: int = 3
    """Rows between windows to fit on; those to measure on lie side by side."""

    vocab_size: int = 1024
    """Ids of the ladder and of FAST."""

    errors: tuple[float, ...] = (0.0525, 0.0258, 0.0146, 0.0084)
    """RMSE (in units of half the 1 to 99 % range) at which tokens are compared."""

    length: int = 48
    """Ids of the ladder for seams, edits and speed: about as exact as FAST's scale."""

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
        The results, JSON-able: `curves`, `tokens`, `prefix`, `seam`, `edits`,
        `strings`, `learnability`, `speed_us`, `bound`, `windows`, `folds`.

    Raises:
        ValueError: data that cannot be read, or too few kinds of motion.
    """
    motions = read_motions(config.data)
    steps = round(config.seconds * motions[0].rate_hz)
    if steps < 2:
        raise ValueError(f"a window of {config.seconds} s has fewer than two rows")
    parts = folds(motions, config.folds)
    points: dict[str, list[list[Point]]] = {name: [] for name in CONTESTANTS}
    kinds: list[NDArray[np.str_]] = []
    made: list[tuple[Fold, LadderTokenizer, list[Motion]]] = []
    bounds = []
    for number, held_out in enumerate(parts):
        say(f"fold {number + 1} of {len(parts)}: {', '.join(held_out)}")
        fold = held_out_fold(motions, held_out, steps, config.stride)
        ladder = fit_ladder(fold, config.vocab_size)
        for name, contestant in CONTESTANTS.items():
            points[name].append(list(contestant(fold, ladder)))
        kinds.append(fold.test.kind)
        bounds.append(entropy_bound(fold, ladder, np.array(LENGTHS, float)))
        own = [m for m in motions if m.kind in held_out]
        made.append((fold, ladder, own))
    kind = np.concatenate(kinds)
    curves = {n: pooled(p, kind) for n, p in points.items() if all(p)}
    say("seams, edits and neighbours")
    result: dict[str, Any] = {
        "windows": len(kind),
        "folds": parts,
        "vocab_size": config.vocab_size,
        "curves": {n: _listed(c) for n, c in curves.items()},
        "bound": {
            "tokens": list(LENGTHS),
            "rmse": np.sqrt(np.mean(np.square(bounds), 0)).tolist(),
        },
        "tokens": _tokens(curves, np.array(config.errors)),
        "prefix": _prefixes(made, config),
    }
    result |= _behaviour(made, config)
    say("random strings")
    result["strings"] = _strings(made[0], config)
    say("speed")
    result["speed_us"] = codec_speed(
        made[0][0], config.length, config.scale, config.repeats
    )
    return result


def _listed(curve: Curve) -> dict[str, Any]:
    rmse, tokens = curve.summary()
    return {
        "setting": list(curve.settings),
        "rmse": rmse.tolist(),
        "tokens": tokens.tolist(),
        "failed": curve.failed().tolist(),
        "tokens_p99": np.quantile(curve.tokens, 0.99, axis=1).tolist(),
    }


def _tokens(curves: dict[str, Curve], errors: Array) -> dict[str, Any]:
    """Ids at equal errors, and the ladder's over FAST's."""
    table: dict[str, Any] = {"rmse": errors.tolist(), "ids": {}, "ratio": {}}
    for name, curve in curves.items():
        table["ids"][name] = curve.tokens_at(errors).tolist()
    for name in ("ladder", "ladder, stopped"):
        table["ratio"][name] = [
            asdict(r) for r in ratios(curves[name], curves["FAST, strongest"], errors)
        ]
    return table


def _prefixes(
    made: list[tuple[Fold, LadderTokenizer, list[Motion]]], config: CodecBenchConfig
) -> dict[str, Any]:
    """RMSE of the first 8, 16 and 32 ids."""
    lengths = (8, 16, 32)
    squares: dict[str, list[list[float]]] = {"ladder": [], "FAST, strongest": []}
    for fold, ladder, _ in made:
        t, m = fold.test, fold.moving
        fast = fit_fast(fold, config.scale, config.vocab_size)
        ids = ladder.encode(t.rows, t.last, t.velocity)
        written = [
            fast.encode(x[:, m], a[m]) for x, a in zip(t.rows, t.last, strict=True)
        ]
        own, peer = [], []
        for k in lengths:
            own.append(fold.error(ladder.decode(ids[:, :k], t.last, t.velocity)))
            decoded = t.rows.copy()
            for i, row in enumerate(written):
                decoded[i][:, m] = fast.decode(row[:k], t.last[i, m])
            peer.append(fold.error(decoded))
        squares["ladder"].append(own)
        squares["FAST, strongest"].append(peer)
    return {
        "ids": list(lengths),
        "rmse": {
            name: [
                float(np.sqrt(np.concatenate([part[j] for part in parts]).mean()))
                for j in range(len(lengths))
            ]
            for name, parts in squares.items()
        },
    }


def _behaviour(
    made: list[tuple[Fold, LadderTokenizer, list[Motion]]], config: CodecBenchConfig
) -> dict[str, Any]:
    """Seams, edits and neighbours of the ladder and of FAST."""
    out: dict[str, Any] = {"seam": {}, "edits": {}, "learnability": {}}
    codecs: dict[str, list[Codec]] = {
        "ladder": [ladder_codec(f, l, config.length) for f, l, _ in made],
        "FAST, strongest": [
            fast_codec(f, fit_fast(f, config.scale, config.vocab_size))
            for f, _, _ in made
        ],
    }
    for name, own in codecs.items():
        joins, changes, ranks, shared = [], [], [], []
        for codec, (fold, _, motions) in zip(own, made, strict=True):
            joins.append(seam(codec, fold, motions))
            changes.append(edits(codec, fold, 10, config.seed))
            ranks.append(neighbour_rank(codec, fold))
            shared.append(overlap(codec, fold, motions))
        joined, true = (
            np.concatenate([j[k].ravel() for j in joins]).mean() for k in (0, 1)
        )
        out["seam"][name] = float(np.sqrt(joined / true))
        out["edits"][name] = {
            what: np.quantile(np.concatenate([c[what] for c in changes]), [0.5, 0.9])
            .round(5)
            .tolist()
            for what in ("none", "replaced", "next")
        }
        out["learnability"][name] = {
            "neighbour_rank": float(np.mean(ranks)),
            "overlap": float(np.mean(shared)),
        }
    ids = np.concatenate(
        [
            l.encode(
                f.train.rows, f.train.last, f.train.velocity, max_tokens=config.length
            )
            for f, l, _ in made[:1]
        ]
    )
    out["learnability"]["ladder"]["slot_bits"] = slot_entropy(
        ids, config.vocab_size
    ).tolist()
    return out


def _strings(
    first: tuple[Fold, LadderTokenizer, list[Motion]], config: CodecBenchConfig
) -> dict[str, int]:
    """Random strings of random length from random true states."""
    fold, ladder, _ = first
    rng = np.random.default_rng(config.seed)
    broken, done = 0, 0
    lower, upper = ladder.fields.lower, ladder.fields.upper
    while done < config.strings:
        count = min(4096, config.strings - done)
        pick = rng.integers(0, len(fold.train), count)
        ids = rng.integers(0, ladder.vocab_size, (count, ladder.n_tokens))
        length = rng.integers(0, ladder.n_tokens + 1, count)
        ids[np.arange(ladder.n_tokens) >= length[:, None]] = -1
        plan = ladder.decode(ids, fold.train.last[pick], fold.train.velocity[pick])
        sound = np.isfinite(plan) & (plan >= lower) & (plan <= upper)
        broken += int((~sound.all((1, 2))).sum())
        done += count
    return {"decoded": done, "broken": broken}

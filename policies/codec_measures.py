"""What reconstruction does not tell of action tokens: seams, edits, neighbours.

Every measure takes tokenizers through the same three functions, so that one which
codes fewer fields, or in another unit, is treated alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from brownfield.policies.codec_folds import Fold
from brownfield.robot.motion import Motion
from brownfield.tokenizers.ladder import LadderTokenizer

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
NEIGHBOURS = 32
FINER = 5
"""Times at which a random string is checked, in every row's time."""


@dataclass(frozen=True, kw_only=True)
class Codec:
    """A fitted tokenizer at one operating point."""

    encode: Callable[[Array, Array, Array], Ids]
    """Ids (K,) of a window (T, D), given last and velocity (D,)."""

    decode: Callable[[Ids, Array, Array], Array]
    """The motion (T, D)."""

    end: Callable[[Ids, Array, Array, int], tuple[Array, Array]]
    """Position and velocity (D,) after so many rows of a motion."""

    vocab_size: int
    """Ids are below it."""

    sizes: Ids | None
    """(L,) ids in use of every slot, for tokenizers with slots."""


def ladder_codec(fold: Fold, tokenizer: LadderTokenizer, length: int) -> Codec:
    """The ladder at a fixed length."""

    def end(ids: Ids, last: Array, velocity: Array, row: int) -> tuple[Array, Array]:
        time = np.array([row / fold.rate_hz])
        value = tokenizer.decode(ids, last, velocity, time)[0]
        return value, tokenizer.decode(ids, last, velocity, time, 1)[0]

    return Codec(
        encode=lambda x, a, v: tokenizer.encode(x, a, v, max_tokens=length),
        decode=tokenizer.decode,
        end=end,
        vocab_size=tokenizer.vocab_size,
        sizes=tokenizer.slot_sizes[:length],
    )


def peer_codec(fold: Fold, tokenizer: Any) -> Codec:
    """FAST or bins of the fields that move; what does not move is held, and of FAST
    short strings are filled up with zeros."""
    m = fold.moving

    def decode(ids: Ids, last: Array, velocity: Array) -> Array:
        whole = np.repeat(last[None], tokenizer.steps, 0)
        whole[:, m] = tokenizer.decode(ids, last[m])
        return whole

    def end(ids: Ids, last: Array, velocity: Array, row: int) -> tuple[Array, Array]:
        time = np.array([row / fold.rate_hz])
        value, slope = last.copy(), np.zeros_like(last)
        value[m] = tokenizer.decode(ids, last[m], None, time)[0]
        slope[m] = tokenizer.decode(ids, last[m], None, time, 1)[0]
        return value, slope

    return Codec(
        encode=lambda x, a, v: tokenizer.encode(x[:, m], a[m]),
        decode=decode,
        end=end,
        vocab_size=tokenizer.vocab_size,
        sizes=None,
    )


def seam(
    codec: Codec, fold: Fold, motions: list[Motion], share: float = 0.9
) -> tuple[Array, Array, NDArray[np.str_]]:
    """Squared second differences at the joints of chunks, and of the true motion.

    Chunks follow each other as on a robot: each starts from where the one before, of
    which `share` was executed, has come to.

    Returns:
        Both (S, J), normalised, and the kinds of motion (S,).
    """
    steps = fold.test.rows.shape[1]
    row = int(share * steps)
    joined, true, kind = [], [], []
    for motion in motions:
        x = motion.values
        i, last, velocity = 1, x[1], (x[1] - x[0]) * motion.rate_hz
        before: Array | None = None
        while i + steps < len(x):
            ids = codec.encode(x[i + 1 : i + 1 + steps], last, velocity)
            plan = codec.decode(ids, last, velocity)
            if before is not None:
                joined.append((plan[0] - 2 * last + before) / fold.unit)
                true.append((x[i + 1] - 2 * x[i] + x[i - 1]) / fold.unit)
                kind.append(motion.kind)
            value, slope = codec.end(ids, last, velocity, row)
            before = plan[row - 2] if row > 1 else last
            last, velocity = value, slope
            i += row
    shape = (-1, len(fold.unit))
    both = (np.array(d).reshape(shape)[:, fold.moving] ** 2 for d in (joined, true))
    squares, truth = both
    return squares, truth, np.array(kind, dtype=np.str_)


def edits(codec: Codec, fold: Fold, repeats: int, seed: int) -> dict[str, Array]:
    """Largest error of any field and row after a change of one id, normalised.

    Returns:
        `none` of every window, `replaced` (by any id) and `next` (one up or down) of
        `repeats` trials for each, window by window.
    """
    t, rng = fold.test, np.random.default_rng(seed)
    found: dict[str, list[float]] = {"none": [], "replaced": [], "next": []}
    for i in range(len(t)):
        ids = codec.encode(t.rows[i], t.last[i], t.velocity[i])
        changes = {"none": 1, "replaced": repeats, "next": repeats}
        for what, count in changes.items():
            for _ in range(count):
                other = ids.copy()
                at = int(rng.integers(len(ids))) if len(ids) else 0
                size = codec.vocab_size if codec.sizes is None else codec.sizes[at]
                if what == "replaced":
                    other[at] = rng.integers(codec.vocab_size)
                elif what == "next":
                    step = 1 if other[at] == 0 else -1 if other[at] >= size - 1 else 0
                    other[at] += step or rng.choice([-1, 1])
                moved = codec.decode(other, t.last[i], t.velocity[i])
                off = np.abs(moved - t.rows[i]) / fold.unit
                found[what].append(float(off[:, fold.moving].max()))
    return {what: np.array(values) for what, values in found.items()}


def neighbour_rank(codec: Codec, fold: Fold) -> float:
    """PRC@32: do decoded windows lie as near to each other as the true ones do?

    Spearman's rank correlation of the distances to a window's 32 nearest true
    neighbours, before and after coding, averaged over windows (arXiv 2609.18487).
    Distances are between residuals of the last executed values, normalised.
    """
    t = fold.test
    true, coded = [], []
    for i in range(len(t)):
        ids = codec.encode(t.rows[i], t.last[i], t.velocity[i])
        moved = codec.decode(ids, t.last[i], t.velocity[i])
        for rows, out in ((t.rows[i], true), (moved, coded)):
            out.append(((rows - t.last[i]) / fold.unit)[:, fold.moving].ravel())
    distance = [
        np.linalg.norm(np.array(x)[:, None] - np.array(x)[None], axis=-1)
        for x in (true, coded)
    ]
    ranks = []
    for i in range(len(t)):
        order = np.argsort(distance[0][i], kind="stable")
        near = order[order != i][:NEIGHBOURS]
        if len(near) > 2:
            ranks.append(spearmanr(distance[0][i, near], distance[1][i, near])[0])
    return float(np.mean(ranks))


def overlap(codec: Codec, fold: Fold, motions: list[Motion]) -> float:
    """Share of ids that windows one row apart have in common, as multisets."""
    steps = fold.test.rows.shape[1]
    shares = []
    for motion in motions:
        x, before = motion.values, None
        for i in range(1, len(x) - steps, 1):
            slope = (x[i] - x[i - 1]) * motion.rate_hz
            own = Counter(codec.encode(x[i + 1 : i + 1 + steps], x[i], slope).tolist())
            if before is not None:
                union = (own | before).total()
                shares.append((own & before).total() / union if union else 1.0)
            before = own
    return float(np.mean(shares))


def slot_entropy(ids: Ids) -> Array:
    """Bits (L,) per slot of ids (N, L), with Miller and Madow's correction."""
    bits = []
    for column in ids.T:
        count = np.bincount(column)
        share = count[count > 0] / count.sum()
        extra = (len(share) - 1) / (2 * count.sum())
        bits.append((-(share * np.log(share)).sum() + extra) / np.log(2))
    return np.array(bits)


def clamped(fold: Fold, ladder: LadderTokenizer) -> dict[str, int]:
    """What the limits did not allow of a fold's held-out windows.

    Returns:
        `states`, at hand-over, and `windows` with rows beyond the limits.
    """
    t, fields, before = fold.test, ladder.fields, ladder.clamped
    ladder.encode(t.rows, t.last, t.velocity)
    outside = (t.rows < fields.lower) | (t.rows > fields.upper)
    return {
        "states": ladder.clamped - before,
        "windows": int(outside.any((1, 2)).sum()),
    }


def random_strings(
    fold: Fold, ladder: LadderTokenizer, strings: int, seed: int
) -> dict[str, int]:
    """Random strings of random length from true hand-over states.

    Returns:
        `decoded`, and `broken`: not finite, or beyond limits or rate limits at times
        finer than the rows.
    """
    t, fields = fold.train, ladder.fields
    rng, rate = np.random.default_rng(seed), FINER * ladder.rate_hz
    times = np.arange(ladder.steps * FINER + 1) / rate
    fastest = fields.max_rate * (1 + 1e-6)
    broken, done = 0, 0
    while done < strings:
        count = min(512, strings - done)
        pick = rng.integers(0, len(t), count)
        ids = rng.integers(0, ladder.vocab_size, (count, ladder.n_tokens))
        length = rng.integers(0, ladder.n_tokens + 1, count)
        ids[np.arange(ladder.n_tokens) >= length[:, None]] = -1
        state = t.last[pick], t.velocity[pick]
        value = ladder.decode(ids, *state, times)
        slope = ladder.decode(ids, *state, times, 1)
        sound = np.isfinite(value) & (value >= fields.lower) & (value <= fields.upper)
        sound &= np.isfinite(slope) & (np.abs(slope) <= fastest)
        sound[:, 1:] &= np.abs(np.diff(value, axis=1)) * rate <= fastest
        broken += int((~sound.all((1, 2))).sum())
        done += count
    return {"decoded": done, "broken": broken}

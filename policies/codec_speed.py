"""Speed of the ladder beside FAST's strongest form, in one run, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from brownfield.policies.codec_chunks import Chunks
from brownfield.policies.codec_contest import fit_fast, fit_ladder
from brownfield.policies.codec_folds import Fold
from brownfield.tokenizers.ladder import LadderTokenizer

BATCH = 1024


def microseconds(work: Callable[[int], object], count: int, repeats: int) -> float:
    """Median time of `work(i)` for i in 0..count - 1 [us]."""
    taken = []
    for i in range(repeats):
        began = time.perf_counter()
        work(i % count)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken) * 1e6)


def codec_speed(
    fold: Fold, length: int, scale: float, repeats: int
) -> dict[str, float]:
    """Microseconds per window, of single windows and of batches.

    Args:
        fold: what is fitted and measured.
        length: ids of the ladder.
        scale: of FAST.
        repeats: of single windows; batches are repeated a tenth as often.

    Returns:
        Times by name; batches of 1024 are per window.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        speeds = _fast(fold, scale, repeats)
        bounded = fit_ladder(fold)
        free = LadderTokenizer(
            bounded.model,
            bounded.fields.without_limits(),
            fold.rate_hz,
            bounded.vocab_size,
        )
        speeds |= _singles("", free, fold.test, length, repeats)
        speeds |= _singles(" with limits", bounded, fold.test, length, repeats)
        pick = np.random.default_rng(0).integers(0, len(fold.train), BATCH)
        many = fold.train.part(pick)
        arrays = [many.rows, many.last, many.velocity]
        tensors = [torch.from_numpy(x).float() for x in arrays]
        few = max(3, repeats // 10)
        speeds |= _batches("NumPy", bounded, arrays, length, few)
        speeds |= _batches("torch", bounded, tensors, length, few)
    finally:
        torch.set_num_threads(threads)
    return speeds


def _fast(fold: Fold, scale: float, repeats: int) -> dict[str, float]:
    t, m = fold.test, fold.moving
    fast = fit_fast(fold, scale)
    rows, last = t.rows[..., m], t.last[:, m]
    ids = [fast.encode(x, a) for x, a in zip(rows, last, strict=True)]
    n = len(t)
    return {
        "FAST encode": microseconds(
            lambda i: fast.encode(rows[i], last[i]), n, repeats
        ),
        "FAST decode": microseconds(lambda i: fast.decode(ids[i], last[i]), n, repeats),
    }


def _singles(
    name: str, ladder: LadderTokenizer, t: Chunks, length: int, repeats: int
) -> dict[str, float]:
    ids = ladder.encode(t.rows, t.last, t.velocity, max_tokens=length)
    n = len(t)
    return {
        f"ladder encode{name}": microseconds(
            lambda i: ladder.encode(t.rows[i], t.last[i], t.velocity[i], None, length),
            n,
            repeats,
        ),
        f"ladder decode{name}": microseconds(
            lambda i: ladder.decode(ids[i], t.last[i], t.velocity[i]), n, repeats
        ),
    }


def _batches(
    name: str, ladder: LadderTokenizer, args: list[Any], length: int, repeats: int
) -> dict[str, float]:
    ids = ladder.encode(*args, max_tokens=length)
    work = {
        "encode": lambda _: ladder.encode(*args, max_tokens=length),
        "decode": lambda _: ladder.decode(ids, *args[1:]),
    }
    return {
        f"ladder {what}, batch, {name}": microseconds(do, 1, repeats) / BATCH
        for what, do in work.items()
    }

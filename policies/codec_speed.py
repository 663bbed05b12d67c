"""Speed of the ladder beside FAST's strongest form, in one run, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from brownfield.policies.codec_chunks import Chunks
from brownfield.policies.codec_contest import fit_ladder, fitting_fast
from brownfield.policies.codec_folds import Fold
from brownfield.tokenizers.ladder import LadderTokenizer

BATCH = 1024


def microseconds(work: Callable[[int], object], count: int, repeats: int) -> float:
    """Median time of `work(i)` for i in 0..count - 1 [us], after one that is not
    counted."""
    work(0)
    taken = []
    for i in range(repeats):
        began = time.perf_counter()
        work(i % count)
        taken.append(time.perf_counter() - began)
    return float(np.median(taken) * 1e6)


def codec_speed(
    fold: Fold, length: int, scale: float, repeats: int, vocab_size: int = 1024
) -> dict[str, float]:
    """Microseconds per window, of single windows and of batches.

    Args:
        fold: what is fitted and measured.
        length: ids of the ladder.
        scale: of FAST.
        repeats: of single windows and of batches.
        vocab_size: ids of the ladder and of FAST.

    Returns:
        Times by name; batches of 1024 are per window. FAST's are missing where its
        scale is too fine for the vocabulary.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        speeds = _fast(fold, scale, repeats, vocab_size)
        rated = fit_ladder(fold, vocab_size)
        free = np.full(len(rated.names), np.inf)
        kinds = {
            "": rated.fields.without_limits(),
            " with limits": replace(rated.fields, max_rate=free),
            " with limits and rate limits": rated.fields,
        }
        pick = np.random.default_rng(0).integers(0, len(fold.train), BATCH)
        many = fold.train.part(pick)
        arrays = [many.rows, many.last, many.velocity]
        tensors = [torch.from_numpy(x).float() for x in arrays]
        for name, fields in kinds.items():
            own = LadderTokenizer(rated.model, fields, fold.rate_hz, vocab_size)
            speeds |= _singles(name, own, fold.test, length, repeats)
            speeds |= _batches(f"{name}, batch, NumPy", own, arrays, length, repeats)
            speeds |= _batches(f"{name}, batch, torch", own, tensors, length, repeats)
    finally:
        torch.set_num_threads(threads)
    return speeds


def _fast(fold: Fold, scale: float, repeats: int, vocab_size: int) -> dict[str, float]:
    t, m = fold.test, fold.moving
    fast = fitting_fast(fold, scale, vocab_size)
    if fast is None:
        return {}
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
        f"ladder {what}{name}": microseconds(do, 1, repeats) / BATCH
        for what, do in work.items()
    }

"""Speed of the ladder beside FAST's strongest form, in one run, on one thread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from brownfield.policies.codec_chunks import Chunks
from brownfield.policies.codec_contest import fit_ladder, fitting_fast
from brownfield.policies.codec_folds import Fold
from brownfield.tokenizers.ladder import LadderTokenizer

BATCH = 1024


ROUNDS = 7
"""Everything is timed so many times in turn, for a machine is not always as fast."""


@dataclass(frozen=True, kw_only=True)
class Timed:
    """One thing to time."""

    work: Callable[[int], object]
    """Does it, the i-th time with other input."""
    inputs: int = 1
    """Different ones that there are."""
    windows: int = 1
    """Windows that are coded each time."""

    def microseconds(self, repeats: int) -> float:
        """Median time per window [us], after one time that is not counted."""
        self.work(0)
        taken = []
        for i in range(repeats):
            began = time.perf_counter()
            self.work(i % self.inputs)
            taken.append(time.perf_counter() - began)
        return float(np.median(taken) * 1e6) / self.windows


def codec_speed(
    fold: Fold, length: int, scale: float, repeats: int, vocab_size: int = 1024
) -> dict[str, float]:
    """Microseconds per window, of single windows and of batches.

    Args:
        fold: what is fitted and measured.
        length: ids of the ladder.
        scale: of FAST.
        repeats: of everything, all rounds together.
        vocab_size: ids of the ladder and of FAST.

    Returns:
        Medians over rounds by name; batches of 1024 are per window. FAST's are missing
        where its scale is too fine for the vocabulary.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        works = _fast(fold, scale, vocab_size)
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
            works |= _singles(name, own, fold.test, length)
            works |= _batches(f"{name}, batch, NumPy", own, arrays, length)
            works |= _batches(f"{name}, batch, torch", own, tensors, length)
        each = max(1, repeats // ROUNDS)
        rounds = [
            {name: work.microseconds(each) for name, work in works.items()}
            for _ in range(ROUNDS)
        ]
    finally:
        torch.set_num_threads(threads)
    return {name: float(np.median([r[name] for r in rounds])) for name in works}


def _fast(fold: Fold, scale: float, vocab_size: int) -> dict[str, Timed]:
    t, m = fold.test, fold.moving
    fast = fitting_fast(fold, scale, vocab_size)
    if fast is None:
        return {}
    rows, last = t.rows[..., m], t.last[:, m]
    ids = [fast.encode(x, a) for x, a in zip(rows, last, strict=True)]
    n = len(t)
    return {
        "FAST encode": Timed(work=lambda i: fast.encode(rows[i], last[i]), inputs=n),
        "FAST decode": Timed(work=lambda i: fast.decode(ids[i], last[i]), inputs=n),
    }


def _singles(
    name: str, ladder: LadderTokenizer, t: Chunks, length: int
) -> dict[str, Timed]:
    ids = ladder.encode(t.rows, t.last, t.velocity, max_tokens=length)
    n = len(t)
    return {
        f"ladder encode{name}": Timed(
            work=lambda i: ladder.encode(
                t.rows[i], t.last[i], t.velocity[i], None, length
            ),
            inputs=n,
        ),
        f"ladder decode{name}": Timed(
            work=lambda i: ladder.decode(ids[i], t.last[i], t.velocity[i]), inputs=n
        ),
    }


def _batches(
    name: str, ladder: LadderTokenizer, args: list[Any], length: int
) -> dict[str, Timed]:
    ids = ladder.encode(*args, max_tokens=length)
    return {
        f"ladder encode{name}": Timed(
            work=lambda _: ladder.encode(*args, max_tokens=length), windows=BATCH
        ),
        f"ladder decode{name}": Timed(
            work=lambda _: ladder.decode(ids, *args[1:]), windows=BATCH
        ),
    }

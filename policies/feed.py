"""Batches for every step, gathered ahead of it by processes of their own if wanted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from brownfield.policies.batches import Batch
from brownfield.policies.lessons import Lesson


class Drawn(NamedTuple):
    """What one body does in one step."""

    batch: Batch
    """Its rows."""

    absent: Tensor
    """(B,) bool, rows whose state is withheld."""

    def to(self, device: torch.device) -> "Drawn":
        """The same on a device, without waiting for the copy."""
        absent = self.absent.to(device, non_blocking=True)
        return Drawn(self.batch.to(device), absent)


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Draws a step's batches; the same step gives the same ones in any process."""

    lessons: list[Lesson]
    """One of each body."""

    rows: tuple[int, ...]
    """Rows B of each."""

    world_share: float
    """Share of the rows that come with what followed."""

    reconstruction_share: float
    """Share of the rows that are decoded to pictures."""

    state_dropout: float
    """Chance of withholding the state of a row."""

    seed: tuple[int, ...]
    """Of the run and the process."""

    def __call__(self, step: int) -> list[Drawn]:
        """Batches of the step, one of each body."""
        # One generator a step: a resumed run draws what an unbroken one would.
        rng = np.random.default_rng([*self.seed, step])
        drawn = []
        for lesson, rows in zip(self.lessons, self.rows, strict=True):
            batch = lesson.examples.batch(
                lesson.sampler.draw(rows, rng),
                round(rows * self.world_share),
                lesson.augment,
                rng,
                self.decoded(rows),
            )
            absent = torch.from_numpy(rng.random(rows) < self.state_dropout)
            drawn.append(Drawn(batch, absent))
        return drawn

    def decoded(self, rows: int) -> int:
        """How many of a body's rows are decoded to pictures."""
        return round(rows * self.reconstruction_share)


class _Steps(Dataset[list[Drawn]]):
    def __init__(self, draw: Callable[[int], list[Drawn]]) -> None:
        self._draw = draw

    def __getitem__(self, step: int) -> list[Drawn]:
        return self._draw(step)


def feed(
    draw: Callable[[int], list[Drawn]], start: int, workers: int, pinned: bool
) -> Iterator[list[Drawn]]:
    """Batches of step `start`, of the next, and so on without end.

    Args:
        draw: makes those of one step.
        start: first step.
        workers: processes that work ahead, forked from this one; 0 draws in this one
            when asked.
        pinned: keep what workers made where a GPU can fetch it by itself.
    """
    if not workers:
        yield from map(draw, count(start))
        return
    yield from DataLoader(
        _Steps(draw),
        batch_size=None,
        sampler=count(start),
        num_workers=workers,
        collate_fn=_same,
        pin_memory=pinned,
        multiprocessing_context="fork",  # The recordings are shared, not copied.
    )


def _same(drawn: list[Drawn]) -> list[Drawn]:
    return drawn

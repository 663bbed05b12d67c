"""Recording: processes simulate, one writer commits in the order of the seeds."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from brownfield.envs.parallel import ordered_map
from brownfield.robot.body import Body
from brownfield.robot.dataset_writer import DatasetWriter
from brownfield.robot.progress import LoggedProgress
from brownfield.robot.trajectory import Trajectory

Episode = Callable[[int], Trajectory]


@dataclass(frozen=True, kw_only=True)
class RecordSummary:
    """What a recording came to."""

    episodes: int
    """Episodes in the dataset."""
    recorded: int
    """Of these, recorded now."""
    skipped: int
    """Seeds that were there already."""
    successes: int
    """Successful episodes in the dataset."""
    frames: int
    """Control steps recorded now."""
    seconds: float
    """Wall time [s]."""


@contextlib.contextmanager
def _progress(show: bool, total: int, begin: int) -> Iterator[Callable[[float], None]]:
    """A function that counts one episode and shows the share of successes."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[share]}"),
    )
    with LoggedProgress(*columns, disable=not show) as bar:
        task = bar.add_task("record", total=total, completed=begin, rate="", share="")
        start = time.monotonic()
        count = 0

        def step(share: float) -> None:
            nonlocal count
            count += 1
            rate = 60 * count / max(time.monotonic() - start, 1e-9)
            bar.update(
                task,
                advance=1,
                rate=f"{rate:.1f} episodes/min",
                share=f"success {100 * share:.1f} %",
            )

        yield step


def record(
    out: Path,
    seeds: Sequence[int],
    episode_function: Episode,
    workers: int,
    *,
    body: Body,
    resume: bool = False,
    progress: bool = True,
    recipe: str = "",
) -> RecordSummary:
    """Record one episode per seed.

    The rows depend on `seeds` and `episode_function` alone, not on `workers`, nor on
    how often the recording was killed and resumed. However it ends, by an error or by
    Ctrl-C too, what was committed is sealed; after a `kill -9` resuming or repairing
    does that.

    Args:
        out: folder of the dataset.
        seeds: distinct seeds, committed in this order.
        episode_function: picklable; the episode of a seed, whatever ran before.
        workers: processes that simulate; 0 simulates in this one.
        body: whose trajectories.
        resume: leave out seeds that `out` holds; without it `out` must be new.
        progress: show a progress bar.
        recipe: describes how episodes are made; a dataset is resumed only with its own.

    Raises:
        FileExistsError: `out` is there and `resume` was not asked for.
        BlockingIOError: another process records there.
        ValueError: a seed twice or out of range, or an episode of another seed or body.
        JobError: an episode failed; the message names its seed.
    """
    wanted = [int(seed) for seed in seeds]
    if len(set(wanted)) != len(wanted):
        double = next(s for s in wanted if wanted.count(s) > 1)
        raise ValueError(f"seeds must be distinct, got {double} twice")
    if any(not 0 <= seed < 2**63 for seed in wanted):
        raise ValueError("seeds must be in [0, 2**63)")
    start = time.monotonic()
    frames = 0
    with DatasetWriter(out, body, resume=resume, recipe=recipe) as writer:
        outcomes = writer.outcomes()
        left = [seed for seed in wanted if seed not in outcomes]
        skipped = len(wanted) - len(left)
        results = ordered_map(episode_function, left, workers)
        try:
            with _progress(progress, len(wanted), skipped) as step:
                for seed, trajectory in zip(left, results, strict=True):
                    if trajectory.seed != seed:
                        raise ValueError(
                            f"seed {seed} gave an episode of seed {trajectory.seed}"
                        )
                    writer.commit(trajectory)
                    outcomes[seed] = trajectory.success
                    frames += len(trajectory)
                    step(sum(outcomes.values()) / len(outcomes))
        finally:
            # Stops the processes now, not when the generator is collected.
            if hasattr(results, "close"):
                results.close()  # type: ignore[attr-defined]
    return RecordSummary(
        episodes=len(outcomes),
        recorded=len(left),
        skipped=skipped,
        successes=sum(outcomes.values()),
        frames=frames,
        seconds=time.monotonic() - start,
    )

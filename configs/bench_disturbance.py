"""`brownfield bench disturbance`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from brownfield.configs.arguments import seed_range
from brownfield.configs.places import PlaceOptions
from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.policies.disturbance_bench import (
    KINDS,
    DisturbanceBenchConfig,
    Strengths,
    disturbance_bench,
    disturbance_table,
)


@dataclass(frozen=True, kw_only=True)
class BenchDisturbance:
    """One measurement of success against disturbances."""

    checkpoint: Annotated[Path, Positional]
    """Folder, or the name of a checkpoint that ships with the package."""

    out: Path = Path("disturbance")
    """Folder for results.json, report.html and the points; points that are there are
    not run again."""

    body: str = "g1"
    """Which body of the checkpoint."""

    seeds: str = "7600000:7600040"
    """Seeds A:B, one episode of every actor at every point each."""

    actors: tuple[str, ...] = ("policy",)
    """Who drives, such as `expert policy`; a line for each."""

    kinds: tuple[str, ...] = tuple(KINDS)
    """Which curves: push, payload_kg, latency_s, noise, moved_m, blocked."""

    strengths: Strengths = field(default_factory=Strengths)
    """Points of the curves."""

    kitchen: KitchenEnvConfig = field(default_factory=KitchenEnvConfig)
    """What an episode is drawn from."""

    workers: int = os.cpu_count() or 1
    """Processes that simulate; 0 simulates in this one."""


def run(config: BenchDisturbance) -> int:
    """Measure, and print the table."""
    seeds = seed_range(config.seeds)
    env = PlaceOptions(kitchen=config.kitchen).env(config.body)
    if not isinstance(env, KitchenEnvConfig):
        raise ValueError(
            f"disturbances are for bodies in kitchens, got {config.body!r}"
        )
    result = disturbance_bench(
        DisturbanceBenchConfig(
            checkpoint=config.checkpoint,
            out=config.out,
            first_seed=seeds.start,
            episodes=len(seeds),
            kinds=config.kinds,
            strengths=config.strengths,
            actors=config.actors,
            env=env,
            workers=config.workers,
        )
    )
    found = disturbance_table(result)
    table = Table(title=found.title, title_justify="left")
    for i, head in enumerate(found.head):
        numbers = 0 < i < len(found.head) - 1
        table.add_column(head, justify="right" if numbers else "left")
    for row in found.rows:
        if row[0]:
            table.add_section()
        table.add_row(*row)
    Console().print(table)
    print(f"report: {config.out / 'report.html'}")
    return 0

"""`brownfield evaluate`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from brownfield.configs.arguments import seed_range
from brownfield.configs.places import PlaceOptions
from brownfield.configs.shipped import default_checkpoint
from brownfield.policies.checkpoint import find_checkpoint, load_checkpoint
from brownfield.policies.evaluate import EvaluateConfig, evaluate
from brownfield.policies.intervals import Share
from brownfield.policies.results import (
    USUAL_ACTORS,
    EvaluationResult,
    load_results,
)


@dataclass(frozen=True, kw_only=True)
class Evaluate(PlaceOptions):
    """One evaluation."""

    checkpoint: Annotated[Path | None, Positional] = None
    """Folder, or the name of a checkpoint that ships with the package; None takes the
    body's own."""

    out: Path = Path("outputs/evaluate")
    """Folder for results.json, report.html and the films."""

    body: str | None = None
    """Which body; None for the checkpoint's only one, g1 without a checkpoint."""

    seeds: str = "7200000:7200200"
    """Seeds A:B, one episode of every actor each."""

    actors: tuple[str, ...] = USUAL_ACTORS
    """Who drives: the policy, the same with its prompt swapped or its camera grey, the
    expert, the expert through tokens, a replayed demonstration, random commands.
    `policy_forgetful`, which remembers nothing, drives only where it is named."""

    workers: int = os.cpu_count() or 1
    """Processes that simulate; 0 simulates in this one."""

    filmed: int = 12
    """Episodes of the policy that are filmed."""

    metrics: Path | None = None
    """metrics.jsonl of the training, for its curves; None looks beside the
    checkpoint."""

    resume: bool = False
    """Go on with an evaluation of the same that was cut short, in `out`."""

    publish: str = ""
    """Copy results.json into the checkpoint, as results_<this>.json."""

    against: Path | None = None
    """results.json of another policy, or of the same told in other words, driven on the
    same seeds: prints the paired difference."""


def run(config: Evaluate) -> int:
    """Evaluate, and print the table."""
    rival = load_results(config.against) if config.against is not None else None
    seeds = seed_range(config.seeds)
    checkpoint = config.checkpoint or Path(default_checkpoint(config.body or "g1"))
    body = load_checkpoint(checkpoint).body(config.body).name
    result = evaluate(
        EvaluateConfig(
            checkpoint=checkpoint,
            out=config.out,
            first_seed=seeds.start,
            episodes=len(seeds),
            actors=config.actors,
            env=config.env(body),
            workers=config.workers,
            filmed=config.filmed,
            metrics=config.metrics,
            resume=config.resume,
        )
    )
    if config.publish:
        name = f"results_{config.publish}.json"
        target = find_checkpoint(checkpoint) / name
        aside = target.with_name(f".{name}.tmp")
        shutil.copyfile(config.out / "results.json", aside)
        os.replace(aside, target)
    print_table(result)
    if rival is not None:
        print_paired(result, rival)
    print(f"report: {config.out / 'report.html'}")
    return 0


MOST_ROWS = 24
"""A table that tells more things apart than these is left out."""


def print_table(result: EvaluationResult) -> None:
    """Success of every actor with its Wilson interval, also by verb, then by kind and
    request."""
    table = Table(title=f"{result.checkpoint}: success, Wilson 95 %")
    table.add_column("")
    for actor in result.actors:
        table.add_column(actor)
    table.add_row("all", *(str(result.success(actor)) for actor in result.actors))
    verbs = {actor: result.by_verb(actor) for actor in result.actors}
    kinds = {actor: result.by(actor, lambda e: e.kind) for actor in result.actors}
    if any(set(verbs[actor]) != set(kinds[actor]) for actor in result.actors):
        _add_shares(table, verbs, str)
    _add_shares(table, kinds, _plain)
    for key in (lambda e: e.asked, lambda e: e.map):
        shares = {actor: result.by(actor, key) for actor in result.actors}
        _add_shares(table, shares, _plain)
    Console().print(table)
    if {"policy", "policy_swapped"} <= set(result.actors):
        changed = result.obeyed_another("policy", "policy_swapped")
        print(f"swapped prompts changed what was done, where both did {changed}")
    for actor in ("policy", "policy_swapped"):
        if actor in result.actors:
            print(f"{actor}: as asked, of what it did {result.as_asked(actor)}")
            for name, heeded in result.heeded(actor).items():
                print(f"{actor}: {name}, heeded of those met {heeded}")
            for hand, found in result.hands(actor).items():
                print(f"{actor}: success where the {hand} hand lifted {found}")
            for reason, count in result.reasons(actor).items():
                print(f"  {count:4d}  {reason}")


def _add_shares(
    table: Table, shares: dict[str, dict[str, Share]], tell: Callable[[Share], str]
) -> None:
    """A section of rows by name, a column for each actor."""
    names = sorted({name for found in shares.values() for name in found})
    table.add_section()
    for name in names if 1 < len(names) <= MOST_ROWS else []:
        cells = [found.get(name) for found in shares.values()]
        table.add_row(name, *("-" if x is None else tell(x) for x in cells))


def _plain(found: Share) -> str:
    return f"{found.successes}/{found.n}"


def print_paired(result: EvaluationResult, rival: EvaluationResult) -> None:
    """Difference of the policies on the seeds that both drove."""
    first, second = (
        "policy" if "policy" in one.actors else one.actors[0] for one in (result, rival)
    )
    found = result.against(first, second, rival)
    if found is None:
        print(f"against {second} of {rival.checkpoint}: no seed was driven by both")
        return
    difference = 100 * found["difference"]
    low, high = (100 * x for x in found["interval"])
    print(
        f"{first} against {second} of {rival.checkpoint}: {difference:+.1f} points "
        f"[{low:+.1f}, {high:+.1f}], {found['pairs']} pairs, only this one "
        f"{found['only_first']}, only the other {found['only_second']}, "
        f"McNemar p = {found['mcnemar_p']:.2g}"
    )

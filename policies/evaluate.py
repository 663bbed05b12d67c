"""`brownfield evaluate`: closed-loop episodes on held-out seeds, beside baselines."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.parallel import ordered_map
from brownfield.envs.places import EnvConfig, body_of
from brownfield.policies.checkpoint import find_checkpoint, load_checkpoint
from brownfield.policies.episode_journal import journal, written
from brownfield.policies.episodes import (
    EpisodeJob,
    EpisodeRunner,
    Footage,
)
from brownfield.policies.film import write_grid
from brownfield.policies.report import Material, write_report
from brownfield.policies.results import (
    ACTORS,
    USUAL_ACTORS,
    EpisodeResult,
    EvaluationResult,
    package_versions,
    source_revision,
)
from brownfield.robot.progress import LoggedProgress


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """One evaluation."""

    checkpoint: Path
    """Folder, or the name of a checkpoint that ships with the package."""

    out: Path
    """Folder for results.json, report.html and the films."""

    first_seed: int
    """First seed of the episodes."""

    episodes: int
    """Episodes of every actor, on consecutive seeds."""

    actors: tuple[str, ...] = USUAL_ACTORS
    """Who drives; all drive the same seeds."""

    env: EnvConfig = field(default_factory=KitchenEnvConfig)
    """Where."""

    workers: int = 2
    """Processes that simulate; 0 simulates in this one."""

    filmed: int = 12
    """Episodes of the policy that are filmed."""

    metrics: Path | None = None
    """metrics.jsonl of the training, for its curves; None looks beside the
    checkpoint."""

    resume: bool = False
    """Go on with an evaluation of the same that was cut short, in `out`."""

    show_progress: bool = True
    """Draw a progress bar."""

    title: str = "evaluate"
    """Beside that."""

    def __post_init__(self) -> None:
        """Refuse actors that do not exist, and no episodes."""
        for actor in self.actors:
            if actor not in ACTORS:
                raise ValueError(
                    f"unknown actor {actor!r}; the actors are {', '.join(ACTORS)}"
                )
        if not self.actors or self.episodes < 1 or self.first_seed < 0:
            raise ValueError(
                "an evaluation needs an actor, an episode and a seed from 0 up"
            )


def evaluate(config: EvaluateConfig) -> EvaluationResult:
    """Run the episodes and write results, films and report to `config.out`.

    Raises:
        ValueError: the checkpoint is missing, altered, or of another body; or what was
            cut short in `config.out` was another evaluation.
        JobError: an episode failed; the message names its seed.
    """
    checkpoint = find_checkpoint(config.checkpoint).resolve()
    # Loaded here once, so that a damaged checkpoint is told before any episode.
    loaded = load_checkpoint(checkpoint)
    loaded.body(body_of(config.env))
    start = time.monotonic()
    seeds = range(config.first_seed, config.first_seed + config.episodes)
    jobs = [
        EpisodeJob(
            actor=actor,
            seed=seed,
            film=actor.startswith("policy")
            and seed - seeds.start < _films(config, actor),
        )
        for actor in config.actors
        for seed in seeds
    ]
    about = {
        "checkpoint_sha256": sha256_of(checkpoint),
        "config": settings_of(config),
        "versions": package_versions(),
        "commit": source_revision(),
    }
    before, spent_s = written(config.out, about) if config.resume else ({}, 0.0)
    found, footage = dict(before), dict[tuple[str, int], Footage]()
    # No film outlives a kill: what was to be filmed is driven again.
    left = [job for job in jobs if job.film or (job.actor, job.seed) not in before]
    runner = EpisodeRunner(checkpoint=checkpoint, env=config.env)
    with journal(config.out, about, before.values(), spent_s) as add:
        with _bar(config.show_progress) as bar:
            done = len(jobs) - len(left)
            task = bar.add_task(config.title, total=len(jobs), completed=done, note="")
            for episode, seen in ordered_map(runner, left, config.workers):
                found[episode.actor, episode.seed] = episode
                add(episode, spent_s + time.monotonic() - start)
                if seen.clip:
                    footage[episode.actor, episode.seed] = seen
                ours = [e.success for e in found.values() if e.actor == episode.actor]
                note = f"{episode.actor} {100 * sum(ours) / len(ours):.1f} %"
                bar.update(task, advance=1, note=note)
        episodes = [found[job.actor, job.seed] for job in jobs]
        result = EvaluationResult(
            checkpoint=checkpoint.name,
            facts=loaded.facts,
            wall_s=round(spent_s + time.monotonic() - start, 1),
            episodes=tuple(episodes),
            **about,
        )
        result.save(config.out / "results.json")
    films = _write_films(config, episodes, footage)
    material = Material(
        films=films,
        pairs=[p for seen in footage.values() for p in seen.pairs][:10],
        metrics=_metrics(config.metrics, checkpoint),
    )
    write_report(config.out / "report.html", result, material)
    return result


def _films(config: EvaluateConfig, actor: str) -> int:
    """How many episodes of an actor are filmed; few of the policy's shadows."""
    return config.filmed if actor == "policy" else min(config.filmed, 4)


def _write_films(
    config: EvaluateConfig,
    episodes: list[EpisodeResult],
    footage: dict[tuple[str, int], Footage],
) -> dict[str, Path]:
    """A grid per filmed actor; returns title and file."""
    films = {}
    for actor in config.actors:
        shown = [e for e in episodes if (e.actor, e.seed) in footage]
        shown = [e for e in shown if e.actor == actor]
        if not shown:
            continue
        path = config.out / f"{actor}.mp4"
        asked = [e.prompt for e in shown]
        outcomes = [
            f"{'success' if e.success else 'failed'}: {e.reason or e.prompt}"
            for e in shown
        ]
        clips = [list(footage[e.actor, e.seed].clip) for e in shown]
        write_grid(path, clips, asked, outcomes)
        films[ACTORS[actor]] = path
    return films


def _metrics(given: Path | None, checkpoint: Path) -> list[dict[str, float]]:
    """Rows of a metrics.jsonl; none when there is no such file."""
    places = (
        [given]
        if given
        else [
            checkpoint / "metrics.jsonl",
            checkpoint.parent / f"{checkpoint.name}.metrics.jsonl",
        ]
    )
    for place in places:
        if place is not None and place.is_file():
            return [json.loads(line) for line in place.read_text().splitlines()]
    if given:
        raise FileNotFoundError(f"there are no metrics in {given}")
    return []


def sha256_of(checkpoint: Path) -> str:
    """Of a checkpoint's config.json, which holds the hashes of its other files."""
    return hashlib.sha256((checkpoint / "config.json").read_bytes()).hexdigest()


def settings_of(config: EvaluateConfig) -> dict[str, Any]:
    """What decides the outcome; not where files lie or how many processes ran."""
    settings = asdict(config)
    for name in (
        "checkpoint", "out", "workers", "metrics", "resume", "show_progress", "title",
    ):  # fmt: skip
        del settings[name]
    places = settings["env"]["place"]
    settings["env"]["place"] = [Path(place).name for place in places]
    return json.loads(json.dumps(settings))


def _bar(show: bool) -> LoggedProgress:
    return LoggedProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        disable=not show,
    )

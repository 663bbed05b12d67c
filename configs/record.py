"""`brownfield record`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from brownfield.configs.arguments import seed_range
from brownfield.configs.places import PlaceOptions
from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.record import RecordSummary, record
from brownfield.envs.road.road_env import RoadEnvConfig
from brownfield.envs.rollout import ExpertEpisode
from brownfield.robot.bodies import body_named
from brownfield.robot.body import Body


@dataclass(frozen=True, kw_only=True)
class Record(PlaceOptions):
    """One recording of demonstrations."""

    out: Annotated[Path, Positional]
    """Folder of the dataset."""

    seeds: str = "0:400"
    """Seeds A:B, one episode each; below 1000000, which are kept for evaluation."""

    body: str = "g1"
    """Which body."""

    kitchen: KitchenEnvConfig = field(
        default_factory=lambda: KitchenEnvConfig(start="mixed")
    )
    """What an episode in a kitchen is drawn from."""

    road: RoadEnvConfig = field(default_factory=lambda: RoadEnvConfig(start="mixed"))
    """What an episode on a road is drawn from."""

    noise: bool = True
    """Disturb what is executed, so that the data shows how to recover."""

    segments: int = 0
    """Keep what every pixel shows, for the video tokenizer: side of those pictures
    [pixels], such as 64; 0 keeps none."""

    workers: int = os.cpu_count() or 1
    """Processes that simulate; 0 simulates in this one."""

    resume: bool = False
    """Go on with a dataset that is there."""


def run(config: Record) -> int:
    """Record, and say what came of it."""
    body = body_named(config.body)
    episode = ExpertEpisode(
        env=config.env(body.name),
        noise=config.noise,
        segments=segments_of(body, config.segments),
    )
    summary = record(
        config.out,
        training_seeds(config.seeds),
        episode,
        config.workers,
        body=body,
        resume=config.resume,
        recipe=repr(episode),
    )
    tell(config.out, summary)
    return 0


def segments_of(body: Body, side: int) -> int:
    """Side of the pictures of classes [pixels], 0 for none.

    Raises:
        ValueError: larger than the body's camera.
    """
    most = max(min(camera.height, camera.width) for camera in body.cameras)
    if not 0 <= side <= most:
        raise ValueError(
            f"segments must be from 0 to {most}, the camera's side; got {side}"
        )
    return side


def training_seeds(text: str) -> range:
    """Seeds that training may use.

    Raises:
        ValueError: not A:B, or seeds that are kept for evaluation.
    """
    seeds = seed_range(text)
    if seeds.stop > 1_000_000:
        raise ValueError(f"seeds from 1000000 up are kept for evaluation, got {text!r}")
    return seeds


def tell(out: Path, summary: RecordSummary) -> None:
    """Print what a recording came to."""
    print(
        f"{out}: {summary.episodes} episodes, {summary.successes} successful; "
        f"{summary.recorded} recorded now in {summary.seconds:.0f} s"
    )

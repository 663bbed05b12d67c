"""`brownfield aggregate`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from brownfield.configs.places import PlaceOptions
from brownfield.configs.record import segments_of, tell, training_seeds
from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.record import record
from brownfield.envs.road.road_env import RoadEnvConfig
from brownfield.policies.aggregate import MixedEpisode
from brownfield.policies.checkpoint import find_checkpoint, load_checkpoint, sha256


@dataclass(frozen=True, kw_only=True)
class Aggregate(PlaceOptions):
    """One recording in which the policy drives and the expert labels."""

    checkpoint: Annotated[Path, Positional]
    """Folder, or the name of a checkpoint that ships with the package."""

    out: Annotated[Path, Positional]
    """Folder of the dataset."""

    body: str | None = None
    """Which body; None for the checkpoint's only one."""

    seeds: str = "500000:500200"
    """Seeds A:B, one episode each; other ones than the demonstrations'."""

    beta: float = 0.3
    """Chance that the expert drives a segment of an episode."""

    kitchen: KitchenEnvConfig = field(
        default_factory=lambda: KitchenEnvConfig(start="mixed")
    )
    """What an episode in a kitchen is drawn from."""

    road: RoadEnvConfig = field(default_factory=lambda: RoadEnvConfig(start="mixed"))
    """What an episode on a road is drawn from."""

    segments: int = 0
    """Keep what every pixel shows, for the video tokenizer: side of those pictures
    [pixels], such as 64; 0 keeps none."""

    workers: int = os.cpu_count() or 1
    """Processes that simulate; 0 simulates in this one."""

    resume: bool = False
    """Go on with a dataset that is there."""


def run(config: Aggregate) -> int:
    """Record, and say what came of it."""
    folder = find_checkpoint(config.checkpoint).resolve()
    body = load_checkpoint(folder).body(config.body)
    episode = MixedEpisode(
        checkpoint=folder,
        beta=config.beta,
        env=config.env(body.name),
        segments=segments_of(body, config.segments),
    )
    recipe = f"{episode!r} of checkpoint {sha256(folder / 'config.json')}"
    summary = record(
        config.out,
        training_seeds(config.seeds),
        episode,
        config.workers,
        body=body,
        resume=config.resume,
        recipe=recipe.replace(str(folder), folder.name),
    )
    tell(config.out, summary)
    return 0

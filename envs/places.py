"""The kinds of places there are, and which body works in which."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.kitchen_tasks import task_paraphrase
from brownfield.envs.objects import NAMED
from brownfield.envs.prompted_env import PromptedEnv
from brownfield.envs.road.road_env import RoadEnv, RoadEnvConfig
from brownfield.envs.road.road_prompts import road_paraphrase

EnvConfig = KitchenEnvConfig | RoadEnvConfig
"""What an episode is drawn from, in any kind of place."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One kind of place."""

    body: str
    """Who works there."""
    config: type[EnvConfig]
    """Configuration of its environment."""
    env: Callable[[Any], PromptedEnv]
    """Builds the environment of a configuration."""
    paraphrase: Callable[[str, np.random.Generator, int], str]
    """Says a prompt in other words of at most so many bytes."""
    hue_rad: float = np.pi
    """So far hues may turn without changing what is to be done [rad]."""
    names_things: bool = True
    """Whether prompts name what is seen, so that looks tell prompts apart."""


PLACES = {
    "kitchen": Place(
        body="g1",
        config=KitchenEnvConfig,
        env=KitchenEnv,
        paraphrase=lambda prompt, rng, most: task_paraphrase(
            prompt, tuple(NAMED), rng, most
        ),
    ),
    "road": Place(
        body="car",
        config=RoadEnvConfig,
        env=RoadEnv,
        paraphrase=road_paraphrase,
        hue_rad=0.03,
        names_things=False,
    ),
}
"""Every kind of place by name."""


def place_of(body: str) -> Place:
    """Where a body works.

    Raises:
        ValueError: nowhere; lists the bodies that have a place.
    """
    for place in PLACES.values():
        if place.body == body:
            return place
    known = ", ".join(place.body for place in PLACES.values())
    raise ValueError(f"no place for body {body!r}; there are places for {known}")


def place_for(config: EnvConfig) -> Place:
    """What kind of place a configuration describes."""
    for place in PLACES.values():
        if isinstance(config, place.config):
            return place
    raise TypeError(f"{type(config).__name__} configures no kind of place")


def build_env(config: EnvConfig) -> PromptedEnv:
    """A new environment of a configuration."""
    return place_for(config).env(config)


@functools.lru_cache(maxsize=2)
def shared_env(config: EnvConfig) -> PromptedEnv:
    """This process's environment of a configuration; building one takes half a second
    and nothing of an episode survives `reset`."""
    return build_env(config)

"""The kinds of places there are, and which body works in which."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from brownfield.envs.kitchen_env import (
    BODIES_BY_HANDS,
    KitchenEnv,
    KitchenEnvConfig,
)
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

    bodies: tuple[str, ...]
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
        bodies=tuple(BODIES_BY_HANDS[hands].name for hands in BODIES_BY_HANDS),
        config=KitchenEnvConfig,
        env=KitchenEnv,
        paraphrase=lambda prompt, rng, most: task_paraphrase(
            prompt, tuple(NAMED), rng, most
        ),
    ),
    "road": Place(
        bodies=("car",),
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
        if body in place.bodies:
            return place
    known = ", ".join(one for place in PLACES.values() for one in place.bodies)
    raise ValueError(f"no place for body {body!r}; there are places for {known}")


def env_for(config: EnvConfig, body: str) -> EnvConfig:
    """A configuration for the commands of one of the place's bodies.

    Raises:
        ValueError: it asks for hands that the body has no commands for.
    """
    if not isinstance(config, KitchenEnvConfig):
        return config
    by_body = {one.name: hands for hands, one in BODIES_BY_HANDS.items()}
    if config.hands not in ("right", by_body[body]):
        raise ValueError(
            f"kitchen.hands must be {by_body[body]} for body {body!r}, got "
            f"{config.hands!r}"
        )
    return replace(config, hands=by_body[body])


def body_of(config: EnvConfig) -> str:
    """Whose commands the episodes of a configuration take."""
    if isinstance(config, KitchenEnvConfig):
        return BODIES_BY_HANDS[config.hands].name
    return place_for(config).bodies[0]


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

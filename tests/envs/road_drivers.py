"""Drivers, good and bad, and the small town that they drive in."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from brownfield.envs.road import road_env
from brownfield.envs.road.road_env import RoadEnv, RoadEnvConfig
from brownfield.envs.road.road_expert import (
    RoadExpertState,
    expert_command,
)
from brownfield.envs.road.traffic import NO_TRAFFIC, TrafficConfig

Driver = Callable[[RoadEnv], np.ndarray]


@contextmanager
def crossroads_env(
    traffic: TrafficConfig = NO_TRAFFIC, *, pictures: bool = False, **config: Any
) -> Iterator[RoadEnv]:
    """The environment in the town of `crossroads.py`, which sees only if it has to."""
    town = importlib.import_module("crossroads")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(road_env, "load_map", lambda _: town.crossroads())
        env = RoadEnv(RoadEnvConfig(place=("crossroads",), traffic=traffic, **config))
        if not pictures:
            patch.setattr(env, "_observation", dict)
        try:
            env.reset(seed=0)
            yield env
        finally:
            env.close()


def expert(env: RoadEnv) -> np.ndarray:
    """As told."""
    return expert_command(env.expert_state())[0]


def expert_as(**changed: Any) -> Driver:
    """An expert that is wrong about something."""

    def drive(env: RoadEnv) -> np.ndarray:
        return expert_command(replace(env.expert_state(), **changed))[0]

    return drive


def expert_for(name: str) -> Driver:
    """An expert that does something else."""
    return lambda env: expert_command(env.expert_state(name))[0]


def blind(env: RoadEnv) -> np.ndarray:
    """An expert that gives way to nobody on foot."""
    state: RoadExpertState = env.expert_state()
    return expert_command(replace(state, taken=tuple(False for _ in state.taken)))[0]


def constant(steering: float, acceleration: float) -> Driver:
    """Always the same."""
    return lambda env: np.array([steering, acceleration])


def drive(env: RoadEnv, driver: Driver, most: int = 700) -> dict[str, Any]:
    """Drive to the end; the last `info`."""
    over = late = False
    info: dict[str, Any] = {}
    for _ in range(most):
        *_, over, late, info = env.step(driver(env))
        if over or late:
            return info
    raise AssertionError(f"no end after {most} steps")

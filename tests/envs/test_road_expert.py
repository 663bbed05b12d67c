"""The scripted driver does what it is told, everywhere."""

import importlib
import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road.maps import TRAINING_TOWNS, UNSEEN_TOWN
from brownfield.envs.road.road_env import RoadEnv, RoadEnvConfig, street_named
from brownfield.envs.road.road_expert import (
    STEERING_STEP_RAD,
    clip_command,
    expert_chunk,
    expert_command,
)
from brownfield.envs.road.traffic import NO_TRAFFIC, TrafficConfig
from brownfield.robot.car.body import CAR_BODY

sys.path.insert(0, str(Path(__file__).parent))
drivers = importlib.import_module("road_drivers")
MAP = Path(os.environ.get("BROWNFIELD_DATA", "../shared/data")) / "maps/karlsruhe.osm"


@pytest.fixture(scope="module")
def env() -> Iterator[RoadEnv]:
    with drivers.crossroads_env(TrafficConfig()) as env:
        yield env


@pytest.mark.parametrize("seed", range(10))
def test_drives_as_told(env: RoadEnv, seed: int) -> None:
    env.reset(seed=seed)
    info = drivers.drive(env, drivers.expert)
    assert info["success"] and not info["reason"], info["reason"]
    assert info["did"] == env.asked.turn
    assert env.judge.worst_m < 0.6


def test_is_a_function_of_the_state_alone(env: RoadEnv) -> None:
    env.reset(seed=3)
    state = env.expert_state()
    first = expert_chunk(state)
    for _ in range(5):
        env.step(drivers.expert(env))
    assert np.array_equal(expert_chunk(state)[0], first[0])


def test_a_plan_is_within_the_limits_and_close_to_what_happens(env: RoadEnv) -> None:
    env.reset(seed=6)
    for _ in range(60):
        env.step(drivers.expert(env))
    plan, phase = expert_chunk(env.expert_state())
    assert plan.shape == (CAR_BODY.chunk_steps, CAR_BODY.action_dim) and phase
    assert (plan >= CAR_BODY.action_lower).all()
    assert (plan <= CAR_BODY.action_upper).all()
    steering = np.concatenate([[env.command[0]], plan[:, 0]])
    assert np.abs(np.diff(steering)).max() <= STEERING_STEP_RAD + 1e-9
    done = []
    for _ in range(4):
        command = drivers.expert(env)
        done.append(command)
        env.step(command)
    assert np.abs(np.array(done) - plan[:4])[:, 0].max() < 0.03


def test_recovers_from_bursts_of_steering() -> None:
    with drivers.crossroads_env(NO_TRAFFIC) as env:
        ends = Counter()
        for seed in range(6):
            env.reset(seed=seed)
            rng = np.random.default_rng(seed)
            begin, wrong = int(rng.integers(5, 40)), float(rng.choice([-0.06, 0.06]))
            steps = itertools.count()

            def disturbed(env: RoadEnv) -> np.ndarray:
                command = drivers.expert(env)
                if begin <= next(steps) < begin + 5:  # noqa: B023
                    command[0] += wrong  # noqa: B023
                return command

            ends[drivers.drive(env, disturbed)["reason"]] += 1
    assert ends[""] >= 5, ends


def test_phases_say_what_it_is_about(env: RoadEnv) -> None:
    env.reset(seed=0)
    state = env.expert_state()
    assert expert_command(replace(state, lead_s=np.inf, light="none"))[1] == "approach"
    s, _ = state.place
    close = replace(state, lead_s=s + 7.0, lead_speed=0.0)
    command, phase = expert_command(close)
    assert phase == "follow" and command[1] < 0
    red = replace(state, light="red", lead_s=np.inf, speed=7.5)
    x, y, yaw = state.manoeuvre.path.at(state.manoeuvre.enter_s - 20)
    command, phase = expert_command(replace(red, x=x, y=y, yaw=yaw))
    assert phase == "wait" and command[1] < -1


def test_commands_are_clipped_to_what_the_wheels_can_do() -> None:
    clipped = clip_command(np.array([0.5, 9.0]), np.array([0.1, 0.0]))
    assert clipped == pytest.approx([0.136, 2.0])
    clipped = clip_command(np.array([-0.9, -9.0]), np.array([-0.51, 0.0]))
    assert clipped == pytest.approx([-0.52, -6.0])


@pytest.fixture(scope="module")
def karlsruhe() -> Iterator[RoadEnv]:
    if not MAP.is_file():
        pytest.skip(f"no map at {MAP}; set BROWNFIELD_DATA")
    env = RoadEnv(RoadEnvConfig(place=(str(MAP),), traffic=NO_TRAFFIC))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(env, "_observation", dict)
        yield env
    env.close()


def test_a_real_town_is_driven(karlsruhe: RoadEnv) -> None:
    for seed in range(3):
        karlsruhe.reset(seed=seed)
        info = drivers.drive(karlsruhe, drivers.expert)
        assert info["success"], info["reason"]


@pytest.mark.slow
def test_every_route_of_a_real_town(karlsruhe: RoadEnv) -> None:
    ends = {}
    for route in street_named(str(MAP)).routes:
        karlsruhe.reset(seed=1, options={"route": route})
        ends[route] = drivers.drive(karlsruhe, drivers.expert, 3000)["reason"]
    for route, reason in ends.items():
        print(f"{route[0]} to {route[-1]}: {reason or 'driven'}")
    driven = sum(not reason for reason in ends.values())
    assert len(ends) >= 27 and driven >= len(ends) - 2, ends


@pytest.mark.slow
def test_a_hundred_seeds_over_the_shipped_towns() -> None:
    env = RoadEnv(RoadEnvConfig(place=(*TRAINING_TOWNS, UNSEEN_TOWN)))
    ends = Counter()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(env, "_observation", dict)
        for seed in range(100):
            env.reset(seed=seed)
            ends[drivers.drive(env, drivers.expert)["reason"]] += 1
    env.close()
    assert ends[""] >= 98, ends

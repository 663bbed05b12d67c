"""The road environment's contract."""

import importlib
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from brownfield.envs.road.ask import draw_manoeuvre
from brownfield.envs.road.road_env import (
    RoadEnv,
    RoadEnvConfig,
    street_named,
)
from brownfield.envs.road.road_expert import expert_chunk
from brownfield.envs.road.road_prompts import manoeuvre_of
from brownfield.envs.road.traffic import TrafficConfig
from brownfield.envs.road.truth import ROAD_PRIVILEGED_NAMES
from brownfield.robot.car.body import CAR_BODY

sys.path.insert(0, str(Path(__file__).parent))
drivers = importlib.import_module("road_drivers")
ID = "brownfield.envs.registration:brownfield/Road-v0"


@pytest.fixture(scope="module")
def env() -> Iterator[RoadEnv]:
    with drivers.crossroads_env(TrafficConfig(), pictures=True) as env:
        yield env


def test_passes_the_checker() -> None:
    made = gymnasium.make(ID)
    with warnings.catch_warnings():
        # The state's fields have no common bounds, and the actions physical units.
        warnings.simplefilter("ignore", UserWarning)
        check_env(made.unwrapped, skip_render_check=True)
    made.close()


def test_vectorises() -> None:
    envs = gymnasium.make_vec(ID, num_envs=2, vectorization_mode="sync")
    observation, _ = envs.reset(seed=5)
    assert observation["front"].shape == (2, 64, 64, 3)
    assert observation["state"].shape == (2, CAR_BODY.state_dim)
    observation, reward, *_ = envs.step(np.zeros((2, 2), np.float32))
    assert reward.shape == (2,)
    envs.close()


def test_same_seed_same_bytes_whatever_came_before(env: RoadEnv) -> None:
    def run() -> list[bytes]:
        observation, info = env.reset(seed=21)
        out = [observation["prompt"].encode()]
        for step in range(12):
            out += [observation["front"].tobytes(), observation["state"].tobytes()]
            out.append(info["privileged"].tobytes())
            observation, *_, info = env.step(np.array([0.01 * step, 1.0]))
        return out

    first = run()
    env.reset(seed=22)
    env.step(np.zeros(2))
    assert run() == first


def test_observation_holds_nothing_of_the_world_frame(env: RoadEnv) -> None:
    env.reset(seed=21)
    before = env.controller.observe(env.car.read(), env.command)
    env.data.qpos[env.car.q_address : env.car.q_address + 2] += 3.0
    assert np.array_equal(before, env.controller.observe(env.car.read(), env.command))


def test_a_prompt_is_exchanged_in_the_same_scene(env: RoadEnv) -> None:
    first, info = env.reset(seed=8)
    others = env.other_prompts()
    assert 1 <= len(others) <= 3 and info["asked"] not in others
    for name, prompt in others.items():
        assert " ".join(manoeuvre_of(prompt)) == name
        plan = expert_chunk(env.expert_state(name))[0]
        truth = env.privileged(name)
        again, info = env.reset(seed=8, options={"prompt": prompt})
        assert np.array_equal(again["front"], first["front"])
        assert again["prompt"] == prompt and info["asked"] == name
        assert np.allclose(expert_chunk(env.expert_state())[0], plan)
        assert np.allclose(env.privileged(), truth, atol=1e-5)
        env.reset(seed=8)


def test_bad_actions_prompts_and_settings_are_refused(env: RoadEnv) -> None:
    env.reset(seed=3)
    for bad in (np.full(2, np.nan), np.zeros(3)):
        with pytest.raises(ValueError, match="2 finite action values"):
            env.step(bad)
    with pytest.raises(ValueError, match="one of left, right, straight"):
        env.reset(seed=3, options={"prompt": "dance"})
    with drivers.crossroads_env() as bare:
        with pytest.raises(ValueError, match="left keep, left stop, right keep"):
            bare.reset(seed=3, options={"prompt": "turn left, then park"})
        with pytest.raises(ValueError, match="expected one of left keep"):
            bare.expert_state("left park")
    with pytest.raises(ValueError, match="near, wide, mixed"):
        RoadEnvConfig(start="far")
    with pytest.raises(ValueError, match="train, test"):
        RoadEnvConfig(phrases="all")
    with pytest.raises(ValueError, match="at least one place"):
        RoadEnvConfig(place=())


def test_turns_and_endings_are_balanced(env: RoadEnv) -> None:
    street = street_named("crossroads")
    drawn = Counter()
    for seed in range(600):
        asked, offered = draw_manoeuvre(
            street,
            np.random.default_rng(seed),
            park_share=0.25,
            stop_share=0.15,
            bays=0.5,
        )
        assert asked.name in offered
        drawn[asked.turn] += 1
        drawn[asked.ending] += 1
    assert all(drawn[turn] > 160 for turn in ("left", "right", "straight"))
    assert 115 < drawn["park"] < 185 and 60 < drawn["stop"] < 120


def test_any_commands_keep_within_the_limits(env: RoadEnv) -> None:
    rng = np.random.default_rng(0)
    env.reset(seed=9)
    last = 0.0
    for _ in range(60):
        action = rng.uniform(-3, 3, 2) * [1, 4]
        observation, *_, info = env.step(action)
        steering = observation["state"][5]
        assert abs(steering - last) <= 0.036 + 1e-6 and abs(steering) <= 0.52
        last = steering
        assert np.isfinite(observation["state"]).all()
        assert np.isfinite(info["privileged"]).all()


def test_the_truth_is_named_and_true(env: RoadEnv) -> None:
    env.reset(seed=4)
    truth = dict(zip(ROAD_PRIVILEGED_NAMES, env.privileged(), strict=True))
    assert abs(truth["lateral"]) <= 0.25 and abs(truth["heading"]) <= 0.04
    assert 23 < truth["junction"] < 43 and truth["visible"] == 1
    assert abs(truth["pixel_x"]) < 0.3 and truth["pixel_y"] > 0
    env.step(np.array([0.0, 2.0]))
    nearer = dict(zip(ROAD_PRIVILEGED_NAMES, env.privileged(), strict=True))
    assert nearer["junction"] < truth["junction"]


def test_pictures_of_every_camera(env: RoadEnv) -> None:
    env.reset(seed=4)
    for camera in ("ego/front", "ego/chase", "map"):
        assert env.picture(camera, 48, 64).shape == (48, 64, 3)
    assert env.render().shape == (360, 480, 3)


def test_routes_are_driven_one_after_the_other() -> None:
    with drivers.crossroads_env(routes=True) as env:
        ways, seen = street_named("crossroads").routes, []
        for seed in range(len(ways) + 1):
            _, info = env.reset(seed=seed)
            seen.append(info["map"])
            way = ways[seed % len(ways)]
            assert seen[-1] == f"crossroads {way[0]} to {way[-1]}"
            assert not env.other_prompts()
        assert seen[0] == seen[-1] and len(set(seen)) > 3

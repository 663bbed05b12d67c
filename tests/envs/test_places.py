"""Every kind of place offers the same: one contract, tried on each of them."""

from collections.abc import Iterator

import numpy as np
import pytest

from brownfield.envs.places import (
    PLACES,
    EnvConfig,
    body_of,
    build_env,
    env_for,
    place_of,
    shared_env,
)
from brownfield.envs.prompted_env import PromptedEnv
from brownfield.robot.bodies import body_named

SEED = 3


@pytest.fixture(scope="module", params=sorted(PLACES))
def env(request: pytest.FixtureRequest) -> Iterator[PromptedEnv]:
    one = build_env(PLACES[request.param].config())
    yield one
    one.close()


def test_a_place_is_its_bodys(env: PromptedEnv) -> None:
    place = PLACES[env.place]
    assert env.body == body_named(place.bodies[0])
    for body in place.bodies:
        assert place_of(body) is place
        assert body_of(env_for(place.config(), body)) == body
    assert env.privileged_names[-3:] == ("visible", "pixel_x", "pixel_y")


def test_observation_and_truth_have_the_bodys_shapes(env: PromptedEnv) -> None:
    observation, info = env.reset(seed=SEED)
    camera = env.body.cameras[0]
    assert observation[camera.name].shape == (camera.height, camera.width, 3)
    assert observation["state"].shape == (env.body.state_dim,)
    assert env.privileged().shape == (len(env.privileged_names),)
    assert not info["success"] and not info["reason"] and info["did"] is None
    assert info["as_asked"] is None and info["kind"] and isinstance(info["map"], str)
    assert env.picture(env.view, 60, 80).std() > 1


def test_prompts_are_read_back_and_exchanged(env: PromptedEnv) -> None:
    _, info = env.reset(seed=SEED)
    assert env.read_prompt(env.prompt) == info["asked"]
    others = env.other_prompts()
    assert 1 <= len(others) <= env.other_slots and info["asked"] not in others
    for asked, prompt in others.items():
        assert env.read_prompt(prompt) == asked
        assert env.read_prompt(env.prompt_for(asked)) == asked
    swapped = env.prompt_for(next(iter(others)))
    again, told = env.reset(seed=SEED, options={"prompt": swapped})
    assert again["prompt"] == swapped and told["asked"] == next(iter(others))
    assert env.phrase() != "other"
    with pytest.raises(ValueError, match="quantum"):
        env.read_prompt("ponder the quantum foam")


def test_paraphrases_ask_for_the_same(env: PromptedEnv) -> None:
    env.reset(seed=SEED)
    rng = np.random.default_rng(0)
    for _ in range(30):
        said = PLACES[env.place].paraphrase(env.prompt, rng, 64)
        assert len(said.encode()) <= 64
        assert env.read_prompt(said) == env.read_prompt(env.prompt)


def test_plans_keep_the_limits_and_differ_by_what_is_asked(env: PromptedEnv) -> None:
    env.reset(seed=SEED)
    plan = env.plan()
    assert plan.shape == (env.body.chunk_steps, env.body.action_dim)
    assert (plan >= env.body.action_lower - 1e-9).all()
    assert (plan <= env.body.action_upper + 1e-9).all()
    assert np.array_equal(env.plan(steps=1), plan[:1])
    wild = env.clip(env.body.action_upper * 3)
    assert (wild <= env.body.action_upper).all()


def test_disturbance_is_the_seeds(env: PromptedEnv) -> None:
    env.reset(seed=SEED)
    command = env.plan(steps=1)[0]
    runs = []
    for _ in range(2):
        disturb = env.disturbance(np.random.default_rng([SEED, 3]))
        runs.append(np.array([disturb(command) for _ in range(100)]))
    assert np.array_equal(*runs)


def test_a_place_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no place for body 'cat'; there are places"):
        place_of("cat")
    with pytest.raises(TypeError, match="int configures no kind of place"):
        build_env(3)  # type: ignore[arg-type]


def test_a_process_builds_an_environment_once() -> None:
    config: EnvConfig = next(iter(PLACES.values())).config()
    assert shared_env(config) is shared_env(config)

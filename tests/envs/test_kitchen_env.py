"""The environment's contract."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from brownfield.envs.kitchen_env import STARTS, KitchenEnv, KitchenEnvConfig
from brownfield.envs.rollout import ExpertActor, run_episode
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.g1.controller import READY_COMMAND

ID = "brownfield.envs.registration:brownfield/Kitchen-v0"


@pytest.fixture(scope="module")
def env():
    env = KitchenEnv()
    yield env
    env.close()


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
    assert observation["head"].shape == (2, 128, 128, 3)
    assert observation["state"].shape == (2, G1_BODY.state_dim)
    action = np.repeat(READY_COMMAND[None].astype(np.float32), 2, 0)
    observation, reward, *_ = envs.step(action)
    assert reward.shape == (2,)
    envs.close()


def test_same_seed_same_bytes(env: KitchenEnv) -> None:
    def run() -> list[bytes]:
        observation, _ = env.reset(seed=21)
        out = [observation["head"].tobytes(), observation["state"].tobytes()]
        for step in range(6):
            command = READY_COMMAND.copy()
            command[0] = 0.3
            command[3] += 0.01 * step
            observation = env.step(command)[0]
            out += [observation["head"].tobytes(), observation["state"].tobytes()]
        return [*out, observation["prompt"].encode()]

    assert run() == run()


def test_observation_holds_nothing_of_the_world_frame(env: KitchenEnv) -> None:
    names = [field.name for field in G1_BODY.state]
    assert not [n for n in names if "object" in n or "base_pos" in n]
    observation, _ = env.reset(seed=21)
    before = observation["state"].copy()
    base = env.model.joint("g1/floating_base_joint").qposadr[0]
    env.data.qpos[base : base + 2] += 0.4
    after = env.controller.observe(env.robot_state(), env.command)
    assert np.array_equal(before, after)


def test_bad_actions_and_prompts_are_refused(env: KitchenEnv) -> None:
    env.reset(seed=3)
    with pytest.raises(ValueError, match="10 finite action values"):
        env.step(np.full(10, np.nan))
    with pytest.raises(ValueError, match="10 finite action values"):
        env.step(np.zeros(9))
    with pytest.raises(ValueError, match="about one of coffee cup, bottle"):
        env.reset(seed=3, options={"prompt": "dance"})
    with pytest.raises(ValueError, match="near, wide, there, mixed"):
        KitchenEnv(KitchenEnvConfig(start="far"))
    with pytest.raises(ValueError, match="train, test"):
        KitchenEnv(KitchenEnvConfig(phrases="all"))


def test_expert_lifts_what_it_is_told_and_the_judge_agrees(env: KitchenEnv) -> None:
    trajectory, info = run_episode(env, ExpertActor(), 102)
    assert trajectory.success and info["did"] == info["asked"] and info["as_asked"]
    assert info["asked"] in trajectory.prompt
    assert trajectory.label.shape[1:] == (G1_BODY.chunk_steps, G1_BODY.action_dim)
    command = [f"command_{f.name}" for f in G1_BODY.action]
    columns = [[f.name for f in G1_BODY.state].index(n) for n in command]
    assert np.allclose(trajectory.state[1:, columns], trajectory.action[:-1])


def test_standing_still_is_a_named_failure() -> None:
    env = KitchenEnv(KitchenEnvConfig(time_limit_s=1.0))
    env.reset(seed=4)
    over = late = False
    info: dict = {}
    while not (over or late):
        *_, over, late, info = env.step(READY_COMMAND)
    assert late and not info["success"] and info["reason"] == "out of time: not lifted"
    env.close()


def test_any_tokens_keep_the_joints_within_limits(env: KitchenEnv) -> None:
    rng = np.random.default_rng(0)
    env.reset(seed=9)
    limits = env.model.jnt_range[
        [env.model.joint("g1/" + name).id for name in G1_BODY.joints]
    ]
    for _ in range(40):
        command = rng.uniform(G1_BODY.action_lower, G1_BODY.action_upper)
        env.step(command)
        q = env.robot_state().q
        assert np.isfinite(q).all()
        # MuJoCo's joint limits are soft; a hundredth of a radian is contact depth.
        assert (q > limits[:, 0] - 0.05).all() and (q < limits[:, 1] + 0.05).all()


@pytest.mark.parametrize("start", STARTS)
def test_starts_are_where_they_say(start: str) -> None:
    env = KitchenEnv(KitchenEnvConfig(start=start))
    back = []
    for seed in range(6):
        env.reset(seed=seed)
        back.append(-env.data.joint("g1/floating_base_joint").qpos[0])
    env.close()
    low, high = STARTS[start]["back"]
    assert low - 1e-6 <= min(back) < max(back) <= high + 1e-6

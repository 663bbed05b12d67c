"""The reacher's contract, and its expert."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from brownfield.envs.reacher import (
    LINKS_M,
    LOWER,
    MAX_RATE,
    RATE_HZ,
    UPPER,
    ReacherEnv,
    reaching_angles,
    reaching_chunk,
)

NAME = "brownfield.envs.registration:brownfield/Reacher-v0"


# Commands are angles, as they are on every body here, not shares of a range.
@pytest.mark.filterwarnings("ignore:.*symmetric and normalized space:UserWarning")
def test_it_is_a_gymnasium_environment():
    with gymnasium.make(NAME) as made:
        check_env(made.unwrapped, skip_render_check=True)


def test_a_seed_tells_everything():
    runs = []
    for _ in range(2):
        env = ReacherEnv()
        env.reset(seed=5)
        runs.append([env.step(np.full(3, 0.3))[0] for _ in range(5)])
    np.testing.assert_array_equal(runs[0], runs[1])


def test_commands_keep_their_rate():
    env = ReacherEnv()
    env.reset(seed=1)
    before = env.command.copy()
    env.step(np.array([3.0, -2.6, 1.6]))
    assert (np.abs(env.command - before) <= MAX_RATE / RATE_HZ + 1e-12).all()
    with pytest.raises(ValueError, match="finite"):
        env.step(np.array([np.nan, 0, 0]))


def test_angles_reach_the_point():
    rng = np.random.default_rng(0)
    for _ in range(50):
        radius, heading = rng.uniform(0.14, 0.42), rng.uniform(-1.5, 1.5)
        point = radius * np.array([np.cos(heading), np.sin(heading)])
        bends = np.cumsum(reaching_angles(point, np.array([0.0, 0.5, 0.0])))
        tip = [LINKS_M @ np.cos(bends), LINKS_M @ np.sin(bends)]
        np.testing.assert_allclose(tip, point, atol=1e-6)


def test_the_expert_reaches_it_smoothly():
    env, reached = ReacherEnv(), 0
    for seed in range(30):
        env.reset(seed=seed)
        over = success = False
        while not over:
            chunk = reaching_chunk(env.point, env.command, env.slope, 4)
            assert (chunk >= LOWER).all() and (chunk <= UPPER).all()
            _, _, success, late, _ = env.step(chunk[0])
            over = success or late
        reached += success
    assert reached >= 28

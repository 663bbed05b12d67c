"""Tasks that tokenizers are compared on: same seed, same episode; limits hold."""

import numpy as np
import pytest

from brownfield.policies.tasks import TASKS


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_seed_is_an_episode(task):
    first, second, other = task.start(3), task.start(3), task.start(4)
    np.testing.assert_array_equal(first.observation, second.observation)
    assert not np.array_equal(first.observation, other.observation)
    plan = first.plan(task.chunk)
    assert plan.shape == (task.chunk, len(task.fields))
    for row in plan[: task.executed]:
        first.play(row)
        second.play(row)
    np.testing.assert_array_equal(first.observation, second.observation)
    np.testing.assert_array_equal(first.slope, second.slope)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_what_is_executed_stays_within_limits(task):
    episode = task.start(0)
    rng = np.random.default_rng(0)
    for _ in range(10):
        before = episode.command.copy()
        episode.play(rng.uniform(task.lower, task.upper))
        np.testing.assert_allclose(
            episode.slope, (episode.command - before) * task.rate_hz, atol=1e-9
        )
        assert (np.abs(episode.slope) <= task.max_rate + 1e-9).all()
        assert (episode.command >= task.lower).all()
        assert (episode.command <= task.upper).all()
        if episode.over:
            break


def test_seeds_of_tests_are_not_those_of_demonstrations():
    assert all(task.demonstrations < 1_000_000 for task in TASKS.values())

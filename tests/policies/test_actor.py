"""Policies that drive: how often they look, and who drives when two take turns."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.rollout import run_episode
from brownfield.policies.actor import MixedActor, PolicyActor
from brownfield.policies.agent import PolicyAgent
from brownfield.policies.aggregate import MixedEpisode
from brownfield.robot.g1.body import G1_BODY

SHORT = KitchenEnvConfig(time_limit_s=1.2)


@pytest.fixture(scope="module")
def actor(checkpoint_folder: Path) -> PolicyActor:
    return PolicyActor(PolicyAgent(checkpoint_folder))


def test_looks_once_for_every_executed_part_of_a_chunk(actor: PolicyActor) -> None:
    env = KitchenEnv(SHORT)
    trajectory, _ = run_episode(env, actor, 5, label=False)
    env.close()
    assert actor.agent.stream is not None
    assert len(actor.agent.stream) == len(trajectory) // G1_BODY.executed_steps
    assert (trajectory.action >= G1_BODY.action_lower - 1e-6).all()
    assert (trajectory.action <= G1_BODY.action_upper + 1e-6).all()


def test_turns_are_taken_as_often_as_told(actor: PolicyActor) -> None:
    env = KitchenEnv(SHORT)
    env.reset(seed=5)
    for beta, policy_looks in ((1.0, False), (0.0, True)):
        mixed = MixedActor(actor, beta=beta, rng=np.random.default_rng(0))
        mixed.reset(env)
        observation = env.reset(seed=5)[0]
        mixed.act(env, observation)
        assert (actor.ids is not None) == policy_looks
    env.close()


def test_aggregated_episodes_are_labelled_by_the_expert(
    checkpoint_folder: Path,
) -> None:
    episode = MixedEpisode(checkpoint=checkpoint_folder, beta=0.0, env=SHORT)
    trajectory = episode(12)
    assert trajectory.seed == 12 and trajectory.label.shape[1:] == (8, 10)
    assert not np.allclose(trajectory.label[:, 0], trajectory.action)
    assert trajectory.segments is None
    again = replace(episode, segments=64)(12)
    assert np.array_equal(again.action, trajectory.action)
    assert again.segments is not None and again.segments.any()
    assert again.segments.shape == (len(again.state), 64, 64)


def test_impossible_turns_are_refused(checkpoint_folder: Path) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        MixedEpisode(checkpoint=checkpoint_folder, beta=1.5)
    with pytest.raises(ValueError, match="rise from 1"):
        MixedEpisode(checkpoint=checkpoint_folder, segment=(4, 4))

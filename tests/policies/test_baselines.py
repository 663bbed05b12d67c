"""Laws of those whom a policy is held against."""

import numpy as np
import pytest

from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.rollout import ExpertActor, run_episode
from brownfield.policies import baselines
from brownfield.policies.baselines import Replay


def test_replays_what_was_asked_or_something_of_the_kind_or_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = KitchenEnvConfig(start="near")
    env = KitchenEnv(config)
    shown = {}
    for seed in range(3):
        trajectory, info = run_episode(env, ExpertActor(), seed, label=False)
        if trajectory.success:
            shown.setdefault(info["asked"], trajectory.action)
    first = next(iter(shown.values()))
    monkeypatch.setattr(baselines, "REPLAYED", 3)
    replay, exact, kind = Replay(config), 0, 0
    for seed in range(1_000_000, 1_000_012):
        observation, info = env.reset(seed=seed)
        replay.reset(env)
        wanted = shown.get(info["asked"], first)
        said = [replay.act(env, observation) for _ in range(len(wanted) + 3)]
        # The last command is held.
        held = [*wanted, *[wanted[-1]] * 3]
        assert np.allclose(said, held, atol=1e-6)
        exact += info["asked"] in shown
        kind += info["asked"] not in shown
    assert exact and kind
    env.close()
    elsewhere = KitchenEnv(KitchenEnvConfig(start="near", tasks=("go",)))
    elsewhere.reset(seed=1_000_000)
    replay.reset(elsewhere)
    assert np.allclose(replay.act(elsewhere, {}), first[0], atol=1e-6)
    elsewhere.close()


def test_nothing_to_replay_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "REPLAYED", 0)
    env = KitchenEnv(KitchenEnvConfig(start="wide"))
    env.reset(seed=1_000_000)
    with pytest.raises(ValueError, match="never managed anything on 0 seeds"):
        Replay(KitchenEnvConfig(start="wide")).reset(env)
    env.close()

"""Every body goes the whole way: recorded, tokenized, learned from, driven."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.places import PLACES, build_env, env_for, place_of
from brownfield.envs.rollout import ExpertActor, run_episode
from brownfield.policies.actor import PolicyActor
from brownfield.policies.agent import PolicyAgent
from brownfield.policies.model import ModelConfig
from brownfield.policies.ranks import Ranks
from brownfield.policies.tokenize import TokenizeConfig, fit_tokenizers
from brownfield.policies.train import Trainer
from brownfield.policies.train_config import TrainConfig
from brownfield.policies.windows import windows_of
from brownfield.robot.bodies import body_named


@pytest.mark.parametrize(
    "name", sorted(body for place in PLACES.values() for body in place.bodies)
)
def test_from_demonstrations_to_a_driven_episode(name: str, tmp_path: Path) -> None:
    body, place = body_named(name), place_of(name)
    env = build_env(env_for(replace(place.config(), time_limit_s=2.0), name))
    try:
        seen = [run_episode(env, ExpertActor(), seed, noise=True)[0] for seed in (0, 1)]
        windows = windows_of(seen, body)
        rows = sum(
            len(one) * (1 + sum(bool(o.prompt) for o in one.others)) for one in seen
        )
        assert len(windows) == rows
        tokenizers = fit_tokenizers(
            TokenizeConfig(
                datasets=(),
                out=tmp_path / "tokenizers",
                body=(name,),
                steps=2,
                batch=8,
                show_progress=False,
            ),
            [windows],
        )
        config = TrainConfig(
            datasets=(),
            tokenizers=tokenizers,
            out=tmp_path / "policy",
            body=(name,),
            model=ModelConfig(width=32, layers=2, heads=2),
            steps=2,
            batch=8,
            validation_every_episode=2,
            show_progress=False,
        )
        Trainer(config, [windows], Ranks()).run()
        agent = PolicyAgent(tmp_path / "policy")
        assert agent.body == body
        driven, info = run_episode(env, PolicyActor(agent), 2, label=False)
        assert 0 < len(driven) <= 2 * body.control_hz
        assert np.isfinite(driven.action).all()
        assert (driven.action >= body.action_lower - 1e-6).all()
        assert (driven.action <= body.action_upper + 1e-6).all()
        assert info["success"] or info["reason"]
    finally:
        env.close()

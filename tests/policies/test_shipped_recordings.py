"""What the shipped car learned from: enough of its own driving in every town."""

import json
import re
from collections import Counter

import numpy as np

from brownfield.envs.road.maps import TRAINING_TOWNS
from brownfield.envs.road.road_env import RoadEnv, RoadEnvConfig
from brownfield.policies.checkpoint import find_checkpoint


def _town(seed: int) -> str:
    """The first thing that the road draws from a seed."""
    return str(np.random.default_rng([seed, 0]).choice(TRAINING_TOWNS))


def test_a_policy_drove_a_hundred_episodes_in_every_town() -> None:
    config = json.loads((find_checkpoint("g1_car") / "config.json").read_text())
    told = config["facts"]["recordings"].values()
    spans = [
        re.search(r"seeds (\d+):(\d+)", text)
        for text in told
        if text.startswith("car: aggregated")
    ]
    seeds = [s for span in spans if span for s in range(*map(int, span.groups()))]
    towns = Counter(_town(seed) for seed in seeds)
    assert set(towns) == set(TRAINING_TOWNS)
    assert min(towns.values()) == 127 and max(towns.values()) == 155


def test_towns_are_drawn_so() -> None:
    env = RoadEnv(RoadEnvConfig())
    try:
        for seed in range(320_000, 320_004):
            assert env.reset(seed=seed)[1]["map"] == _town(seed)
    finally:
        env.close()

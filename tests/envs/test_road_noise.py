"""Bursts disturb what is executed, and no more than a driver can mend."""

import numpy as np

from brownfield.envs.road.road_noise import RoadNoise, RoadNoiseConfig


def _run(config: RoadNoiseConfig, seed: int, steps: int = 400) -> np.ndarray:
    noise = RoadNoise(config, np.random.default_rng(seed))
    return np.array([noise(np.array([0.1, -0.5])) for _ in range(steps)])


def test_a_seed_gives_the_same_bursts() -> None:
    config = RoadNoiseConfig(rates=(0.05,))
    assert np.array_equal(_run(config, 4), _run(config, 4))
    assert not np.array_equal(_run(config, 4), _run(config, 5))


def test_between_bursts_the_command_is_as_it_was() -> None:
    config = RoadNoiseConfig(rates=(0.05,))
    off = _run(config, 1) - [0.1, -0.5]
    disturbed = np.abs(off[:, 0]) > 1e-12
    assert 0.05 < disturbed.mean() < 0.3
    assert not off[~disturbed].any()
    assert np.abs(off[:, 0]).max() <= config.steering_rad
    assert np.abs(off[:, 1]).max() <= config.acceleration_m_s2
    changes = np.flatnonzero(np.diff(off[:, 0]))
    assert len(changes) > 10


def test_a_rate_of_nothing_disturbs_nothing() -> None:
    assert (_run(RoadNoiseConfig(rates=(0.0,)), 0) == [0.1, -0.5]).all()

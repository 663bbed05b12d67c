"""Bursts of wrong commands while a car demonstrates; labels stay clean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brownfield.envs.road.network import Array


@dataclass(frozen=True, kw_only=True)
class RoadNoiseConfig:
    """Bursts of wrong commands, so that the data shows how to recover."""

    rates: tuple[float, ...] = (0.0, 0.03, 0.05)
    """Chance that a burst begins, per step; one of them is drawn per episode."""
    steps: tuple[int, int] = (2, 5)
    """Length of a burst [steps]."""
    steering_rad: float = 0.14
    """Largest deviation of the wheels' angle; they turn to it as fast as they can."""
    acceleration_m_s2: float = 1.5
    """Largest deviation of the acceleration."""
    pulls: float = 0.3
    """Share of the bursts that deviate in acceleration too."""


class RoadNoise:
    """One episode's bursts."""

    def __init__(self, config: RoadNoiseConfig, rng: np.random.Generator) -> None:
        self._config, self._rng = config, rng
        self._rate = float(rng.choice(config.rates))
        self._left = 0
        self._offset = np.zeros(2)

    def __call__(self, command: Array) -> Array:
        """The command (2,), wrong during a burst."""
        config, rng = self._config, self._rng
        if self._left <= 0 and rng.random() < self._rate:
            self._left = int(rng.integers(*config.steps))
            most = np.array([config.steering_rad, config.acceleration_m_s2])
            self._offset = rng.uniform(-most, most) * [1, rng.random() < config.pulls]
        if self._left <= 0:
            return command
        self._left -= 1
        return command + self._offset

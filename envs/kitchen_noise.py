"""Bursts of wrong commands while a G1 demonstrates; labels stay clean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class NoiseConfig:
    """Bursts of wrong commands, so that the data shows how to recover."""

    rates: tuple[float, ...] = (0.0, 0.04, 0.08, 0.08)
    """Chance that a burst begins, per step; one of them is drawn per episode."""
    steps: tuple[int, int] = (2, 8)
    """Length of a burst [steps]."""
    velocity: tuple[float, float, float] = (0.25, 0.2, 0.35)
    """Deviation of a moving base's velocity [m/s, m/s, rad/s]."""
    palm_m: float = 0.012
    """Deviation of the palm command per step [m]."""
    rotation_rad: float = 0.03
    """Deviation of the palm's rotation vector per step [rad]."""
    grip: float = 0.15
    """A false start of the hand, per step."""


class CommandNoise:
    """One episode's bursts."""

    def __init__(self, config: NoiseConfig, rng: np.random.Generator) -> None:
        self._config, self._rng = config, rng
        self._rate = float(rng.choice(config.rates))
        self._left = 0
        self._offset = np.zeros(3)

    def __call__(self, command: Array) -> Array:
        """The command (D,), wrong during a burst."""
        config, rng = self._config, self._rng
        if self._left <= 0 and rng.random() < self._rate:
            self._left = int(rng.integers(*config.steps))
            moving = np.abs(command[:3]).max() > 0.01
            parts = [rng.normal(0, config.velocity) * (moving and rng.random() < 0.6)]
            for _ in range((len(command) - 3) // 7):
                parts += [
                    rng.normal(0, config.palm_m, 3) * (rng.random() < 0.7),
                    rng.normal(0, config.rotation_rad, 3),
                    np.array([config.grip * (rng.random() < 0.06)]),
                ]
            self._offset = np.concatenate(parts)
        if self._left <= 0:
            return command
        self._left -= 1
        return command + self._offset

"""Balance of the G1: a small network that drives legs and waist from onboard sensing.

The weights are our own, distilled in simulation (`policies/balance_distil.py`); what
they were trained with and how they fare is in `balance.json`.
"""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load

from brownfield.robot.g1.joints import DEFAULT_POSE

Array = NDArray[np.float64]

TICK_HZ = 50
"""Ticks per second [Hz]."""
GAIT_HZ = 1.0
"""Strides per second [Hz]."""
ACTION_SCALE_RAD = 0.25
"""A network output of 1 moves a joint target by this much [rad]."""
OBSERVATION_DIM = 72
"""Gyro 3, gravity 3, command 3, cos and sin of both gait phases 4, angles 29, speeds of
legs and waist 15, last output 15."""
STILL = 0.01
"""Commands below this in every axis mean standing [m/s, rad/s]."""


class GaitClock:
    """Phase of both legs: half a stride apart when walking, both at pi at rest."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start of an episode."""
        self.phase = np.array([0.0, np.pi])
        self._resting = False

    def tick(self, command: Array) -> Array:
        """Advance by one tick; returns the phases (2,) of left and right [rad]."""
        step = 2 * np.pi * GAIT_HZ / TICK_HZ
        self.phase = np.fmod(self.phase + step + np.pi, 2 * np.pi) - np.pi
        if float(np.abs(command).max()) < STILL:
            self.phase[:] = np.pi
            self._resting = True
        elif self._resting:
            self.phase = np.array([0.0, np.pi])
            self._resting = False
        return self.phase


def balance_observation(
    gyro: Array,
    gravity: Array,
    q: Array,
    dq: Array,
    command: Array,
    phase: Array,
    last: Array,
) -> NDArray[np.float32]:
    """The network's input (72,); see `OBSERVATION_DIM` for the parts."""
    return np.concatenate(
        [
            gyro * 0.25,
            gravity,
            command,
            np.cos(phase),
            np.sin(phase),
            q - DEFAULT_POSE,
            dq[:15] * 0.05,
            last,
        ]
    ).astype(np.float32)


class BalancePolicy:
    """Observation to targets of the 15 leg and waist joints, in NumPy."""

    def __init__(self, weights: dict[str, NDArray[np.float32]]) -> None:
        """Args: weights: `mean` and `scale` (72,), and `weight<i>` (out, in) and
        `bias<i>` (out,) of each layer."""
        if weights["mean"].shape != (OBSERVATION_DIM,):
            raise ValueError(
                f"expected a mean of {OBSERVATION_DIM} inputs, "
                f"got {weights['mean'].shape}"
            )
        self._mean, self._scale = weights["mean"], weights["scale"]
        count = sum(name.startswith("weight") for name in weights)
        self._layers = [
            (weights[f"weight{i}"].T.copy(), weights[f"bias{i}"]) for i in range(count)
        ]
        self._clock = GaitClock()
        self.reset()

    @classmethod
    def load(cls, path: Path | None = None) -> BalancePolicy:
        """The shipped policy, or that of a `.safetensors` file with its `.json`.

        Raises:
            ValueError: the weights are not those that the `.json` describes.
        """
        folder = files("brownfield.robot.g1")
        file = path or folder / "balance.safetensors"
        card = path.with_suffix(".json") if path else folder / "balance.json"
        data = file.read_bytes()
        expected = json.loads(card.read_text())["sha256"]
        got = hashlib.sha256(data).hexdigest()
        if got != expected:
            raise ValueError(
                f"{file.name} is not the file that {card.name} describes: expected "
                f"SHA-256 {expected}, got {got}"
            )
        return cls(load(data))

    def reset(self) -> None:
        """Forget the past."""
        self._clock.reset()
        self._last = np.zeros(15)

    @property
    def phase(self) -> Array:
        """Gait phases (2,) of left and right [rad]."""
        return self._clock.phase.copy()

    def network(self, observation: NDArray[np.float32]) -> Array:
        """Raw output (15,) of an observation (72,)."""
        x = (observation - self._mean) / self._scale
        for weight, bias in self._layers[:-1]:
            x = x @ weight + bias
            x = np.where(x > 0, x, np.expm1(np.minimum(x, 0)))  # ELU
        weight, bias = self._layers[-1]
        return (x @ weight + bias).astype(np.float64)

    def act(
        self, gyro: Array, gravity: Array, q: Array, dq: Array, command: Array
    ) -> Array:
        """Targets (15,) [rad] of `LEG_WAIST` for one tick of 20 ms.

        Args:
            gyro: angular velocity (3,), pelvis frame [rad/s].
            gravity: unit gravity (3,), pelvis frame; upright is (0, 0, -1).
            q: joint angles (29,) [rad].
            dq: joint speeds (29,) [rad/s].
            command: forward, left and turning speed (3,) [m/s, m/s, rad/s].

        Raises:
            ValueError: an argument has another shape or holds a NaN.
        """
        shapes = [part.shape for part in (gyro, gravity, q, dq, command)]
        if shapes != [(3,), (3,), (29,), (29,), (3,)]:
            raise ValueError(
                "gyro, gravity, q, dq, command: expected shapes (3,), (3,), (29,), "
                f"(29,), (3,), got {shapes}"
            )
        phase = self._clock.tick(command)
        observation = balance_observation(
            gyro, gravity, q, dq, command, phase, self._last
        )
        if not np.isfinite(observation).all():
            raise ValueError(
                f"expected finite readings, got gyro {gyro}, gravity {gravity}, q {q}, "
                f"dq {dq}, command {command}"
            )
        self._last = np.clip(self.network(observation), -10, 10)
        return DEFAULT_POSE[:15] + ACTION_SCALE_RAD * self._last

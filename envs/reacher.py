"""Reach a point with an arm in a plane: the cheap task that tokenizers are tried on.

Commands are joint angles at 20 Hz, followed by a PD controller at 500 Hz. The tip has
to come within a centimetre of the point and stay there for half a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

Array = NDArray[np.float64]
NAMES = ("shoulder", "elbow", "wrist")
RATE_HZ = 20.0
"""Commands per second [Hz]."""
LINKS_M = np.array([0.2, 0.16, 0.1])
LOWER, UPPER = np.array([-3.0, -2.6, -1.6]), np.array([3.0, 2.6, 1.6])
MAX_RATE = np.array([6.0, 6.0, 6.0])
"""Largest slope of a command [rad/s]."""
STIFFNESS, DAMPING = np.array([14.0, 7.0, 2.0]), np.array([0.75, 0.32, 0.08])
"""Gains of the PD controller [Nm/rad, Nm s/rad]."""


@dataclass(frozen=True, kw_only=True)
class ReacherConfig:
    """What an episode is drawn from."""

    reach_m: tuple[float, float] = (0.14, 0.42)
    """Distance of the point from the shoulder [m]."""

    close_m: float = 0.01
    """How near the tip has to be [m]."""

    hold_s: float = 0.5
    """For how long [s]."""

    time_limit_s: float = 3.0
    """Length of an episode [s]."""


class ReacherEnv(gymnasium.Env[Array, Array]):
    """gymnasium.make("brownfield.envs.registration:brownfield/Reacher-v0").

    Observation (14): angles [rad], speeds [rad/s], the last command [rad], its slope
    [rad/s], the point [m]. Action (3): joint angles [rad].
    """

    metadata = {"render_modes": []}  # noqa: RUF012

    def __init__(self, config: ReacherConfig | None = None) -> None:
        self.config = config or ReacherConfig()
        text = files("brownfield.envs").joinpath("reacher.xml").read_text()
        self.model = mujoco.MjModel.from_xml_string(text)
        self.data = mujoco.MjData(self.model)
        self._tip = self.model.site("tip").id
        self._substeps = round(1 / RATE_HZ / self.model.opt.timestep)
        # Room for rounding, and for a posture that swings beyond its command.
        high = np.repeat([4.0, 100.0, 4.0, 7.0], 3)
        high = np.append(high, [0.5, 0.5])
        self.observation_space = spaces.Box(-high, high, dtype=np.float64)
        self.action_space = spaces.Box(LOWER, UPPER, dtype=np.float64)
        self.command, self.slope = np.zeros(3), np.zeros(3)
        self.point = np.zeros(2)
        self._held, self._steps = 0, 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """A new point and posture."""
        super().reset(seed=seed)
        mujoco.mj_resetData(self.model, self.data)
        rng = self.np_random
        self.data.qpos[:] = rng.uniform(LOWER, UPPER) * 0.6
        radius = rng.uniform(*self.config.reach_m)
        angle = rng.uniform(-2.0, 2.0)
        self.point = radius * np.array([np.cos(angle), np.sin(angle)])
        mujoco.mj_forward(self.model, self.data)
        self.command, self.slope = self.data.qpos.copy(), np.zeros(3)
        self._held, self._steps = 0, 0
        return self._observation(), {"success": False, "distance_m": self.distance_m}

    @property
    def distance_m(self) -> float:
        """From the tip to the point [m]."""
        return float(np.linalg.norm(self.data.site_xpos[self._tip][:2] - self.point))

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        """Follow one command for 50 ms.

        The reward is 1 at the point and falls to 0 a few centimetres away.

        Raises:
            ValueError: the command holds NaN or has another shape.
        """
        command = np.asarray(action, dtype=np.float64)
        if command.shape != (3,) or not np.isfinite(command).all():
            raise ValueError(f"expected 3 finite joint angles, got {action}")
        step = MAX_RATE / RATE_HZ
        target = np.clip(command, self.command - step, self.command + step)
        target = np.clip(target, LOWER, UPPER)
        for i in range(1, self._substeps + 1):
            now = self.command + (target - self.command) * i / self._substeps
            error = now - self.data.qpos
            self.data.ctrl[:] = STIFFNESS * error - DAMPING * self.data.qvel
            mujoco.mj_step(self.model, self.data)
        self.slope = (target - self.command) * RATE_HZ
        self.command = target
        self._steps += 1
        distance = self.distance_m
        self._held = self._held + 1 if distance < self.config.close_m else 0
        success = self._held >= self.config.hold_s * RATE_HZ
        out_of_time = self._steps >= self.config.time_limit_s * RATE_HZ
        info = {"success": success, "distance_m": distance}
        reward = float(np.exp(-((distance / 0.03) ** 2)))
        return self._observation(), reward, success, out_of_time and not success, info

    def _observation(self) -> Array:
        return np.concatenate(
            [self.data.qpos, self.data.qvel, self.command, self.slope, self.point]
        )


def reaching_angles(point: Array, near: Array) -> Array:
    """Joint angles (3,) that bring the tip to a point, bent as the arm is now.

    Args:
        point: (2,) [m].
        near: present angles; the sign of the elbow is kept.
    """
    radius, heading = float(np.hypot(*point)), float(np.arctan2(point[1], point[0]))
    side = 1.0 if near[1] >= 0 else -1.0
    # The hand points half as far round as the elbow; solved along that family.
    low, high = 0.0, float(UPPER[1])
    for _ in range(40):
        elbow = (low + high) / 2
        bends = np.cumsum([0.0, elbow, elbow / 2])
        reach = np.hypot(LINKS_M @ np.cos(bends), LINKS_M @ np.sin(bends))
        low, high = (elbow, high) if reach > radius else (low, elbow)
    bends = np.cumsum([0.0, low, low / 2])
    tilt = np.arctan2(LINKS_M @ np.sin(bends), LINKS_M @ np.cos(bends))
    shoulder = heading - side * tilt
    shoulder = (shoulder + np.pi) % (2 * np.pi) - np.pi
    return np.clip(
        np.array([float(shoulder), side * low, side * low / 2]), LOWER, UPPER
    )


def reaching_chunk(
    point: Array, command: Array, slope: Array, steps: int, time_s: float = 0.12
) -> Array:
    """The expert: commands (T, 3) that come to the point without a jerk.

    A critically damped filter from the present command and slope to the angles that
    reach the point: a pure function, without a timer.

    Args:
        point: (2,) [m].
        command, slope: executed angles (3,) and their slope [rad, rad/s].
        steps: commands (T).
        time_s: time constant of the filter [s].
    """
    goal = reaching_angles(point, command)
    substeps = 10
    dt_s = 1 / RATE_HZ / substeps
    x, v = command.copy(), slope.copy()
    rows = np.empty((steps, 3))
    for i in range(steps):
        for _ in range(substeps):
            v = v + dt_s * ((goal - x) / time_s**2 - 2 * v / time_s)
            v = np.clip(v, -MAX_RATE, MAX_RATE)
            x = np.clip(x + dt_s * v, LOWER, UPPER)
        rows[i] = x
    return rows

"""Tasks for comparing action tokenizers: cheap episodes, seen as a vector.

No pictures: what is compared is the action's half of a policy, so the road is told to
it in numbers that a driver could read off the street. A policy that claims to see never
gets them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from brownfield.envs import reacher
from brownfield.envs.road.road_env import RoadEnv, RoadEnvConfig
from brownfield.envs.road.traffic import TrafficConfig
from brownfield.robot.car.body import CAR_BODY

Array = NDArray[np.float64]


class Episode(Protocol):
    """One episode of a task, played command by command."""

    @property
    def observation(self) -> Array:
        """What a policy sees (n,)."""
        ...

    @property
    def command(self) -> Array:
        """The command being executed (D,)."""
        ...

    @property
    def slope(self) -> Array:
        """Its change (D,) [unit/s]."""
        ...

    @property
    def over(self) -> bool:
        """Nothing can be played any more."""
        ...

    @property
    def success(self) -> bool:
        """What was wanted has been done."""
        ...

    def plan(self, steps: int) -> Array:
        """The expert's commands (T, D) from here."""
        ...

    def play(self, command: Array) -> None:
        """Execute one command (D,), within the limits of the body."""
        ...


@dataclass(frozen=True, kw_only=True)
class Task:
    """What tokenizers are compared on."""

    name: str
    """Which."""
    fields: tuple[str, ...]
    """Names of a command's D numbers."""
    lower: Array
    """Limits (D,)."""
    upper: Array
    """Limits (D,)."""
    max_rate: Array
    """Largest slopes (D,) [unit/s]; infinite where there is none."""
    rest: Array
    """Values of rest (D,), NaN where a field holds."""
    rate_hz: float
    """Commands per second [Hz]."""
    chunk: int
    """Commands of a chunk (T)."""
    executed: int
    """Commands that are played before the policy is asked again."""
    push: Array
    """Spread of the noise (D,) that pushes demonstrations off their way now and then,
    in units of the commands."""
    demonstrations: int
    """Episodes of the expert, seeds from 0."""
    tests: int
    """Test episodes."""
    start: Callable[[int], Episode]
    """The episode of a seed."""


class ReacherEpisode:
    """The reacher, as `Episode`."""

    def __init__(self, seed: int) -> None:
        """Args: seed: draws point and posture."""
        self._env = reacher.ReacherEnv()
        self.observation, _ = self._env.reset(seed=seed)
        self.over = self.success = False

    @property
    def command(self) -> Array:
        """Angles being commanded (3,) [rad]."""
        return self._env.command

    @property
    def slope(self) -> Array:
        """Their slope (3,) [rad/s]."""
        return self._env.slope

    def plan(self, steps: int) -> Array:
        """The expert's commands (T, 3) [rad]."""
        env = self._env
        return reacher.reaching_chunk(env.point, env.command, env.slope, steps)

    def play(self, command: Array) -> None:
        """Follow one command for 50 ms."""
        self.observation, _, self.success, late, _ = self._env.step(command)
        self.over = self.success or late


class _UnseenRoad(RoadEnv):
    """The road without its pictures: rendering would take most of the time."""

    def _observation(self) -> dict[str, Any]:
        return {"state": self.controller.observe(self.car.read(), self.command)}


ROAD_TRUTH = 11
"""Numbers of the simulator's truth before those that are about pictures."""


class RoadEpisode:
    """The road of the training towns, other cars present, as `Episode`.

    Observation (20): what the car reports of itself (7), the truth about the manoeuvre
    that is asked for (11), the slope of the command (2).
    """

    def __init__(self, seed: int) -> None:
        """Args: seed: draws town, junction, start, traffic and manoeuvre."""
        quiet = replace(TrafficConfig(), lights=False, pedestrians=0.0)
        self._env = _UnseenRoad(RoadEnvConfig(traffic=quiet))
        seen, info = self._env.reset(seed=seed)
        self.slope = np.zeros(CAR_BODY.action_dim)
        self._read(seen, info)
        self.over = self.success = False

    def _read(self, seen: dict[str, Any], info: dict[str, Any]) -> None:
        truth = info["privileged"][:ROAD_TRUTH]
        self.observation = np.concatenate([seen["state"], truth, self.slope])

    @property
    def command(self) -> Array:
        """The command being executed (2,), `CAR_BODY.action`."""
        return self._env.command

    def plan(self, steps: int) -> Array:
        """The expert's commands (T, 2)."""
        return self._env.plan(steps=steps)

    def play(self, command: Array) -> None:
        """Drive by one command for 0.1 s."""
        before = self._env.command
        seen, _, over, late, info = self._env.step(command)
        self.slope = (self._env.command - before) * CAR_BODY.control_hz
        self.success = bool(info["success"])
        self.over = over or late
        self._read(seen, info)


REACHER = Task(
    name="reacher",
    fields=reacher.NAMES,
    lower=reacher.LOWER,
    upper=reacher.UPPER,
    max_rate=reacher.MAX_RATE,
    rest=np.full(3, np.nan),
    rate_hz=reacher.RATE_HZ,
    chunk=10,
    executed=5,
    push=np.full(3, 0.06),
    demonstrations=300,
    tests=200,
    start=ReacherEpisode,
)
ROAD = Task(
    name="road",
    fields=tuple(field.name for field in CAR_BODY.action),
    lower=CAR_BODY.action_lower,
    upper=CAR_BODY.action_upper,
    max_rate=CAR_BODY.action_max_rate,
    rest=CAR_BODY.action_rest,
    rate_hz=CAR_BODY.control_hz,
    chunk=CAR_BODY.chunk_steps,
    executed=CAR_BODY.executed_steps,
    push=np.array([0.06, 0.5]),
    demonstrations=150,
    tests=100,
    start=RoadEpisode,
)
TASKS = {task.name: task for task in (REACHER, ROAD)}
"""By name."""

"""A camera whose frames arrive late."""

from __future__ import annotations

import copy
from collections import deque

import mujoco

LONGEST_S = 1.0
"""No frame is later [s]."""


class LateFrames:
    """Keeps what was true when the frames were taken that arrive only now.

    A frame is taken at the physics step that lies `delay_s` before an observation, not
    at the last control step: a delay of 50 ms is one of 50 ms. Until the first of them
    arrives, the camera shows the beginning of the episode.
    """

    def __init__(
        self,
        model: mujoco.MjModel,
        data: mujoco.MjData,
        *,
        delay_s: float,
        period_s: float,
    ) -> None:
        """Args:
        model: of the scene.
        data: at the beginning of the episode.
        delay_s: age of a frame when it is seen [s]; to the next physics step.
        period_s: from one observation to the next [s].
        """
        self._data = data
        self._delay = round(delay_s / model.opt.timestep)
        self._period = round(period_s / model.opt.timestep)
        self._steps = 0
        self._kept: deque[tuple[int, mujoco.MjData]] = deque()
        if self._delay:
            self._kept.append((0, copy.copy(data)))

    def watch(self) -> None:
        """Call it after every physics step."""
        self._steps += 1
        if self._delay and (self._steps + self._delay) % self._period == 0:
            self._kept.append((self._steps, copy.copy(self._data)))

    @property
    def seen(self) -> mujoco.MjData:
        """What the camera shows now; the scene itself without a delay."""
        if not self._delay:
            return self._data
        due = self._steps - self._delay
        while len(self._kept) > 1 and self._kept[1][0] <= due:
            self._kept.popleft()
        return self._kept[0][1]

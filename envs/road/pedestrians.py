"""People who wait at crosswalks and walk across."""

from __future__ import annotations

import math

import numpy as np

from brownfield.envs.road.manoeuvre import FRONT_M
from brownfield.envs.road.network import Array, Crosswalk
from brownfield.envs.road.path import Pose
from brownfield.robot.car.model import CENTRE_X_M, HALF_LENGTH_M, HALF_WIDTH_M

WALK_M_S = (1.0, 1.6)
"""People's speed [m/s]."""
WAITING_M = 0.7
"""They wait so far from the carriageway [m]."""


class Walker:
    """Somebody who waits at a crosswalk, lets cars pass that could not stop, and then
    walks across."""

    def __init__(
        self, walk: Crosswalk, middle: Array, rng: np.random.Generator
    ) -> None:
        """Args:
        walk: where.
        middle: the point of it that cars drive over (2,) [m].
        rng: draws side, pace, and what makes them start.
        """
        self._middle = middle
        ends = np.array(
            [(walk.left[i] + walk.right[i]) / 2 for i in (0, -1)], dtype=np.float64
        )
        if rng.random() < 0.5:
            ends = ends[::-1]
        self.name = walk.name
        self.start, self.width = ends[0], float(np.linalg.norm(ends[1] - ends[0]))
        self.ahead = (ends[1] - ends[0]) / self.width
        self.pace = float(rng.uniform(*WALK_M_S))
        self.notices_m = float(rng.uniform(9, 24))
        self.along = -WAITING_M
        self.walking = False

    @property
    def position(self) -> Array:
        """(2,) [m]."""
        return self.start + self.along * self.ahead

    @property
    def heading(self) -> float:
        """[rad]."""
        return math.atan2(self.ahead[1], self.ahead[0])

    def beyond(self, x: float, y: float) -> float:
        """How far they have walked past a point of the crosswalk [m]."""
        return self.along - float((np.array([x, y]) - self.start) @ self.ahead)

    def crosses(self) -> bool:
        """Whether they are on their way across."""
        return self.walking and self.along < self.width

    def advance(self, cars: list[Pose], dt_s: float) -> None:
        """Wait or walk for a while.

        Args:
            cars: who might come, the own car first.
            dt_s: how long [s].
        """
        if not self.walking:
            self.walking = self._may_start(cars)
        elif self.along < self.width + WAITING_M and not self._blocked(cars):
            self.along += self.pace * dt_s

    def _may_start(self, cars: list[Pose]) -> bool:
        near = False
        for i, car in enumerate(cars):
            ahead, left = car.sees(*self._middle)
            gap = ahead - FRONT_M
            if abs(left) > 8 or gap < -2 * HALF_LENGTH_M - 1:
                # It has passed, or drives elsewhere.
                near = near or (i == 0 and gap < 0)
                continue
            if gap < car.speed**2 / 4 + 4:
                return False
            near = near or (i == 0 and gap < self.notices_m)
        return near

    def _blocked(self, cars: list[Pose]) -> bool:
        x, y = self.position + 0.8 * self.ahead
        for car in cars:
            ahead, left = car.sees(float(x), float(y))
            if (
                abs(ahead - CENTRE_X_M) < HALF_LENGTH_M + 0.5
                and abs(left) < HALF_WIDTH_M + 0.5
            ):
                return True
        return False

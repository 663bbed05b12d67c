"""Where an object may be put on the worktop while other things stand there."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.envs.kitchen_contents import Kitchen
from brownfield.envs.kitchen_objects import (
    APPROACH_YAW_RAD,
    CORRIDOR_M,
    corridor_blocked,
)

Array = NDArray[np.float64]

CLEAR_M = 0.01
"""Things stand at least so far apart [m]."""
PORTIONS = tuple(np.linspace(1.0, 0.1, 10))
"""Where there is no room for all that is asked, a smaller part of it is tried."""
ALONG_M = tuple(sorted(np.linspace(-0.16, 0.04, 11), key=lambda a: abs(a + 0.1)))
"""So far before (negative) or behind an object something may stand in the hand's way
[m]; where it is most in the way comes first."""


class FreePlaces:
    """Tries places for one object; the episode itself is left as it is."""

    def __init__(self, kitchen: Kitchen, data: mujoco.MjData, name: str) -> None:
        """Args:
        kitchen: where.
        data: of the episode, with current kinematics.
        name: of the object that shall be put somewhere else.
        """
        self._model, self._trial = kitchen.model, copy.copy(data)
        self._top = kitchen.counter_height_m
        objects = {o.name: o for o in (*kitchen.named, *kitchen.clutter)}
        own = objects.pop(name)
        self._kind, self._body = own.kind, kitchen.model.body(name).id
        self._address = int(kitchen.model.joint(name).qposadr[0])
        self._others = [
            (data.xpos[kitchen.model.body(o.name).id, :2].copy(), o.kind.radius_m)
            for o in objects.values()
        ]

    def free(self, xy: Array) -> bool:
        """Whether it may stand upright at (x, y): all of it on the worktop, touching
        nothing else."""
        for centre, radius in self._others:
            if np.hypot(*(xy - centre)) < radius + self._kind.radius_m + CLEAR_M:
                return False
        return self._carried(xy) and not self._touches(xy)

    def moved(
        self, sideways_m: float, first: float, *, left: bool = False
    ) -> Array | None:
        """A free place (x, y) so far along the counter from where it is.

        Args:
            sideways_m: how far [m]; less where there is no room.
            first: 1 or -1: the direction that is tried first.
            left: whether it is the left hand that comes, instead of the right one.

        Returns:
            a place behind nothing that it did not stand behind before, as the hand
            comes; None if there is none.
        """
        here = self._trial.xpos[self._body, :2].copy()
        for portion in PORTIONS:
            for sign in (first, -first):
                xy = here + np.array([0.0, sign * portion * sideways_m])
                if self.free(xy) and self._behind(xy, left) <= self._behind(here, left):
                    return xy
        return None

    def in_the_way(
        self, target: Array, closed: float, first: float, *, left: bool = False
    ) -> Array | None:
        """A free place (x, y) in a hand's way to an object.

        Args:
            target: centre of the object (x, y) [m].
            closed: share of the way on one side of the hand that it closes, from 0 to
                1; less where there is no room.
            first: 1 or -1: the side that is tried first, left or right of the hand; in
                a mirror for the left one.
            left: whether it is the left hand's way instead of the right one's.
        """
        mirror = np.array([1.0, -1.0 if left else 1.0])
        for portion in PORTIONS:
            for sign in (first, -first):
                for offset in self._beside(portion * closed, sign):
                    if self.free(target + mirror * offset):
                        return target + mirror * offset
        return None

    def _beside(self, closed: float, sign: float) -> Iterator[Array]:
        """Offsets (x, y) from an object, for the right hand."""
        half = CORRIDOR_M[1] if sign > 0 else -CORRIDOR_M[0]
        across = sign * ((1 - closed) * half + self._kind.radius_m)
        c, s = np.cos(APPROACH_YAW_RAD), np.sin(APPROACH_YAW_RAD)
        for along in ALONG_M:
            yield np.array([c * along - s * across, s * along + c * across])

    def _behind(self, xy: Array, left: bool) -> set[int]:
        """Which other objects stand in a hand's way to a place (x, y)."""
        mirror = np.array([1.0, -1.0 if left else 1.0])
        return {
            i
            for i, (centre, radius) in enumerate(self._others)
            if corridor_blocked(mirror * xy, mirror * centre, radius, both_ways=False)
        }

    def _carried(self, xy: Array) -> bool:
        """Whether the worktop is below its middle and below its rim."""
        around = np.linspace(0, 2 * np.pi, 8, endpoint=False)
        rim = self._kind.radius_m * np.stack([np.cos(around), np.sin(around)], 1)
        down, above = np.array([0.0, 0.0, -1.0]), 0.01
        for offset in (np.zeros(2), *rim):
            start = np.array([*(xy + offset), self._top + above])
            geom = np.zeros(1, np.int32)
            height = above - mujoco.mj_ray(
                self._model, self._trial, start, down, None, 1, self._body, geom
            )
            if geom[0] < 0 or abs(height) > 0.003:
                return False
        return True

    def _touches(self, xy: Array) -> bool:
        trial, model = self._trial, self._model
        stands = self._top + self._kind.height_m / 2 + 0.002
        trial.qpos[self._address : self._address + 3] = [*xy, stands]
        mujoco.mj_fwdPosition(model, trial)
        bodies = model.geom_bodyid[trial.contact.geom.reshape(-1, 2)]
        own = (bodies == self._body).any(1)
        return bool((trial.contact.dist[own] < 0).any())

"""Where things can be put down in a kitchen: a tray on the counter, a table."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SPOTS = ("tray", "table", "sink", "drawer")
"""What things can be put on or into, or be opened; a sink and a drawer need a layout
with room for one."""
TABLE_HEIGHT_M = (0.74, 0.80)
"""Tables are lower than counters [m]."""
_BOX = mujoco.mjtGeom.mjGEOM_BOX


@dataclass(frozen=True, kw_only=True)
class Spot:
    """A rectangle that things can be put on."""

    centre: tuple[float, float]
    """x and y in its frame [m]: the middle of where things are put."""
    half: tuple[float, float]
    """Half of its extent [m]."""
    top_m: float
    """Height that things stand at [m]."""
    frame: tuple[float, float, float] | None = None
    """x, y [m] and heading [rad] of the frame in which its surface lies as the counter
    lies in the world; None for the world's own."""

    hollow_m: float = 0.0
    """Depth of a hollow that things are dropped into [m]; 0 for a surface that they are
    stood on."""

    def point(self, height_m: float, along_m: float = 0.0) -> Array:
        """A point (3,) above its centre, so far to the left along it, world frame
        [m]."""
        x, y = self.centre
        y += along_m
        if self.frame is not None:
            left, up, yaw = self.frame
            c, s = np.cos(yaw), np.sin(yaw)
            x, y = left + c * x - s * y, up + s * x + c * y
        return np.array([x, y, self.top_m + height_m])

    def offset(self, xy: Array) -> Array:
        """Where a point (x, y) of the world lies from its centre, in its frame [m]."""
        away = np.asarray(xy) - self.point(0.0)[:2]
        if self.frame is None:
            return away
        c, s = np.cos(self.frame[2]), np.sin(self.frame[2])
        return np.array([c * away[0] + s * away[1], -s * away[0] + c * away[1]])

    def covers(self, xy: Array, radius_m: float) -> bool:
        """Whether a disc about (x, y) of the world touches it."""
        gap = np.abs(self.offset(xy)) - np.array(self.half)
        return bool((gap < radius_m + 0.02).all())


def add_spots(
    spec: mujoco.MjSpec,
    names: Sequence[str],
    *,
    counter_height_m: float,
    object_y_m: tuple[float, float],
    left_is_free: bool,
    rng: np.random.Generator,
) -> dict[str, Spot]:
    """Put some of `SPOTS` into a kitchen.

    Args:
        spec: of the kitchen.
        names: which.
        counter_height_m: top of the counter [m].
        object_y_m: where named objects are [m].
        left_is_free: whether there is room for a table to the left.
        rng: draws places, sizes and colours.
    """
    spots = {}
    if "tray" in names:
        spots["tray"] = _tray(spec, counter_height_m, object_y_m, rng)
    if "table" in names:
        left = left_is_free and rng.random() < 0.5
        spots["table"] = _table(spec, left, rng)
    return spots


def _colour(rng: np.random.Generator, most: float) -> list[float]:
    rgb = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0, most), rng.uniform(0.4, 0.9))
    return [*rgb, 1.0]


def _tray(
    spec: mujoco.MjSpec,
    height: float,
    object_y_m: tuple[float, float],
    rng: np.random.Generator,
) -> Spot:
    """A flat tray with a rim, to the left or right of where named objects are."""
    half = np.array([rng.uniform(0.11, 0.14), rng.uniform(0.12, 0.16)])
    low, high = object_y_m
    beside = 0.09 + half[1] + rng.uniform(0.0, 0.08)
    y = float(high + beside if rng.random() < 0.5 else low - beside)
    x = float(rng.uniform(0.40, 0.46))
    colour = _colour(rng, 0.5)
    body = spec.worldbody.add_body(name="tray", pos=[x, y, height])
    body.add_geom(type=_BOX, size=[*half, 0.004], pos=[0, 0, 0.004], rgba=colour)
    for axis in (0, 1):
        for sign in (-1.0, 1.0):
            size, pos = np.array([*half, 0.009]), np.array([0, 0, 0.009])
            size[axis], pos[axis] = 0.006, sign * half[axis]
            body.add_geom(type=_BOX, size=size, pos=pos, rgba=colour)
    return Spot(
        centre=(x, y), half=(float(half[0]), float(half[1])), top_m=height + 0.008
    )


def _table(spec: mujoco.MjSpec, left: bool, rng: np.random.Generator) -> Spot:
    """A table to the left or right of the room, its front edge towards the middle."""
    sign = 1.0 if left else -1.0
    height = float(rng.uniform(*TABLE_HEIGHT_M))
    edge, x0 = float(rng.uniform(1.6, 1.9)), float(rng.uniform(-1.1, -0.8))
    frame = (x0, sign * (edge - 0.25), sign * np.pi / 2)
    half = float(rng.uniform(0.45, 0.6))
    yaw = frame[2]
    body = spec.worldbody.add_body(
        name="table",
        pos=[frame[0], frame[1], 0],
        quat=[np.cos(yaw / 2), 0, 0, np.sin(yaw / 2)],
    )
    colour, legs = _colour(rng, 0.6), _colour(rng, 0.3)
    top = {"friction": [0.8, 0.02, 0.001]}
    body.add_geom(
        name="tabletop",
        type=_BOX,
        size=[0.3, half, 0.02],
        pos=[0.55, 0, height - 0.02],
        rgba=colour,
        **top,
    )
    for x in (0.29, 0.81):
        for y in (-half + 0.04, half - 0.04):
            size, pos = [0.03, 0.03, height / 2 - 0.02], [x, y, height / 2 - 0.02]
            body.add_geom(type=_BOX, size=size, pos=pos, rgba=legs)
    # Far enough back to see the counter and a table on either side.
    room = spec.camera("room")
    room.pos, room.fovy = [-4.4, -2.6, 2.9], 50
    forward = np.array([3.9, 2.6, -2.2]) / np.linalg.norm([3.9, 2.6, -2.2])
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    room.alt.xyaxes = [*right, *np.cross(right, forward)]
    # In the middle, which can be seen, and within reach from its edge.
    return Spot(centre=(0.43, 0.0), half=(0.14, 0.3), top_m=height, frame=frame)

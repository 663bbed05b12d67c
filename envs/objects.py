"""Things on a kitchen counter: those that prompts name, and clutter.

Every object is a free body whose origin is the centre of its bounding cylinder.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

GEOM = mujoco.mjtGeom
CONTACT = {"friction": [1.0, 0.02, 0.001], "condim": 4, "solref": [0.01, 1.0]}


@dataclass(frozen=True, kw_only=True)
class ObjectKind:
    """Size and grasp of one kind of object."""

    radius_m: float
    """Largest distance of a point from the vertical axis [m]."""
    height_m: float
    """Height [m]."""
    grasp_height_m: float
    """Height of the palm's grasp centre above the counter [m]."""
    build: Callable[[mujoco.MjsBody, np.ndarray], None]
    """Adds the geoms to a body, given the colour (r, g, b)."""


def _colour(rgb: np.ndarray, scale: float = 1.0) -> list[float]:
    return [*np.clip(np.asarray(rgb) * scale, 0, 1).tolist(), 1.0]


def _cup(body: mujoco.MjsBody, rgb: np.ndarray) -> None:
    radius, height, walls, thickness = 0.037, 0.095, 12, 0.004
    body.add_geom(
        type=GEOM.mjGEOM_CYLINDER,
        size=[radius, 0.004, 0],
        pos=[0, 0, 0.004 - height / 2],
        mass=0.055,
        rgba=_colour(rgb, 0.45),
        **CONTACT,
    )
    for i in range(walls):
        angle = 2 * np.pi * i / walls
        distance = radius - thickness / 2
        body.add_geom(
            type=GEOM.mjGEOM_BOX,
            size=[
                thickness / 2,
                radius * np.tan(np.pi / walls),
                height / 2 - 0.004,
            ],
            pos=[distance * np.cos(angle), distance * np.sin(angle), 0.004],
            quat=[np.cos(angle / 2), 0, 0, np.sin(angle / 2)],
            mass=0.16 / walls,
            rgba=_colour(rgb),
            **CONTACT,
        )
    for z in (-0.022, 0.022):
        body.add_geom(
            type=GEOM.mjGEOM_CAPSULE,
            size=[0.005, 0.012, 0],
            pos=[radius + 0.012, 0, z],
            quat=[0.7071, 0, 0.7071, 0],
            mass=0.002,
            rgba=_colour(rgb),
            **CONTACT,
        )
    body.add_geom(
        type=GEOM.mjGEOM_CAPSULE,
        size=[0.005, 0.022, 0],
        pos=[radius + 0.025, 0, 0],
        mass=0.003,
        rgba=_colour(rgb),
        **CONTACT,
    )


def _bottle(body: mujoco.MjsBody, rgb: np.ndarray) -> None:
    for kind, radius, half, z, mass, scale in (
        (GEOM.mjGEOM_CYLINDER, 0.033, 0.065, -0.04, 0.22, 1.0),
        (GEOM.mjGEOM_ELLIPSOID, 0.033, 0.03, 0.025, 0.02, 1.0),
        (GEOM.mjGEOM_CYLINDER, 0.013, 0.03, 0.065, 0.02, 1.0),
        (GEOM.mjGEOM_CYLINDER, 0.016, 0.01, 0.095, 0.01, 0.3),
    ):
        ellipsoid = kind == GEOM.mjGEOM_ELLIPSOID
        body.add_geom(
            type=kind,
            size=[radius, radius, half] if ellipsoid else [radius, half, 0],
            pos=[0, 0, z],
            mass=mass,
            rgba=_colour(rgb, scale),
            **CONTACT,
        )


def _box(body: mujoco.MjsBody, rgb: np.ndarray) -> None:
    half = [0.029, 0.029, 0.06]
    body.add_geom(
        type=GEOM.mjGEOM_BOX, size=half, mass=0.24, rgba=_colour(rgb), **CONTACT
    )
    # A pale label, so that a box differs from a can at any angle.
    for axis in (0, 1):
        size = [0.018, 0.018, 0.03]
        size[axis] = 0.0293
        body.add_geom(
            type=GEOM.mjGEOM_BOX,
            size=size,
            mass=0.001,
            rgba=[0.93, 0.92, 0.88, 1],
            contype=0,
            conaffinity=0,
        )


def _bowl(body: mujoco.MjsBody, rgb: np.ndarray) -> None:
    """A deep bowl: a foot, and walls that lean outwards."""
    height, foot, rim, walls, thickness = 0.08, 0.034, 0.045, 12, 0.005
    body.add_geom(
        type=GEOM.mjGEOM_CYLINDER,
        size=[foot, 0.005, 0],
        pos=[0, 0, 0.005 - height / 2],
        mass=0.08,
        rgba=_colour(rgb, 0.6),
        **CONTACT,
    )
    lean = np.arctan2(rim - foot, height)
    outwards = np.array([np.cos(lean / 2), 0, np.sin(lean / 2), 0])
    for i in range(walls):
        angle = 2 * np.pi * i / walls
        middle = (foot + rim) / 2 - thickness / 2
        quat = np.zeros(4)
        around = np.array([np.cos(angle / 2), 0, 0, np.sin(angle / 2)])
        mujoco.mju_mulQuat(quat, around, outwards)
        body.add_geom(
            type=GEOM.mjGEOM_BOX,
            size=[
                thickness / 2,
                rim * np.tan(np.pi / walls),
                height / 2 / np.cos(lean) - 0.002,
            ],
            pos=[middle * np.cos(angle), middle * np.sin(angle), 0.001],
            quat=quat,
            mass=0.14 / walls,
            rgba=_colour(rgb),
            **CONTACT,
        )


NAMED: dict[str, ObjectKind] = {
    "coffee cup": ObjectKind(
        radius_m=0.067, height_m=0.095, grasp_height_m=0.060, build=_cup
    ),
    "bottle": ObjectKind(
        radius_m=0.033, height_m=0.21, grasp_height_m=0.075, build=_bottle
    ),
    "box": ObjectKind(radius_m=0.041, height_m=0.12, grasp_height_m=0.068, build=_box),
    "bowl": ObjectKind(
        radius_m=0.047, height_m=0.08, grasp_height_m=0.055, build=_bowl
    ),
}
"""The objects a prompt can name."""


def _simple(geom: mujoco.mjtGeom, size: list[float], mass: float):
    def build(body: mujoco.MjsBody, rgb: np.ndarray) -> None:
        body.add_geom(type=geom, size=size, mass=mass, rgba=_colour(rgb), **CONTACT)

    return build


def _clutter(
    geom: mujoco.mjtGeom, size: list[float], radius_m: float, height_m: float
) -> ObjectKind:
    return ObjectKind(
        radius_m=radius_m,
        height_m=height_m,
        grasp_height_m=height_m / 2,
        build=_simple(geom, size, 0.3),
    )


CLUTTER: dict[str, ObjectKind] = {
    "plate": _clutter(GEOM.mjGEOM_CYLINDER, [0.09, 0.008, 0], 0.09, 0.016),
    "tin": _clutter(GEOM.mjGEOM_CYLINDER, [0.042, 0.022, 0], 0.042, 0.044),
    "book": _clutter(GEOM.mjGEOM_BOX, [0.08, 0.055, 0.012], 0.097, 0.024),
    "jar": _clutter(GEOM.mjGEOM_CYLINDER, [0.055, 0.07, 0], 0.055, 0.14),
    "orange": _clutter(GEOM.mjGEOM_ELLIPSOID, [0.042, 0.042, 0.038], 0.042, 0.076),
    "brick": _clutter(GEOM.mjGEOM_BOX, [0.05, 0.035, 0.035], 0.061, 0.07),
}
"""What else may lie about; no prompt names it."""

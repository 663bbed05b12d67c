"""A drawer under the counter that can be pulled open by its handle."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.envs.objects import CONTACT

Array = NDArray[np.float64]

JOINT = "drawer"
"""Slides out of the counter; its position is how far it is open [m]."""
HANDLE = "drawer_handle"
"""Site in the middle of the handle."""
LOWEST_COUNTER_M = 0.79
"""Under a lower counter the handle is out of reach of a standing robot [m]."""
OPEN_M = 0.12
"""From here on a drawer is open [m]."""
SHORT_M = 0.02
"""The palm stops so far before the handle, or the fingers meet the front [m]."""
PULL_M = 0.17
"""The expert pulls it so far [m]."""
_TRAVEL_M = 0.28
_FRONT_X_M = 0.277
"""Front of the closed drawer, world frame [m]."""
_STAND_OFF_M = 0.066
"""From the front to the middle of the handle [m]: room for fingers."""
_BELOW_M = 0.125
"""From the counter's top down to the middle of the handle [m]."""
_BOX, _CAPSULE = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CAPSULE


@dataclass(frozen=True, kw_only=True)
class Drawer:
    """Where a drawer is."""

    handle: tuple[float, float, float]
    """Middle of the handle while it is closed, world frame [m]."""

    @property
    def pulled(self) -> Array:
        """Where the palm (3,) is when it has been opened, world frame [m]."""
        return np.array(self.handle) - [SHORT_M + PULL_M, 0.0, 0.0]


def add_drawer(
    spec: mujoco.MjSpec,
    *,
    counter_height_m: float,
    object_y_m: tuple[float, float],
    front: Array,
    rng: np.random.Generator,
) -> Drawer | None:
    """Let a drawer into the counter; None where the counter is too low for one.

    Args:
        spec: of the kitchen.
        counter_height_m: top of the counter [m].
        object_y_m: where named objects are, and the handle too [m].
        front: colour of doors (3,).
        rng: draws place, width and colours.
    """
    y = float(rng.uniform(*object_y_m))
    half = float(rng.uniform(0.16, 0.26))
    shade = float(rng.uniform(0.75, 1.0))
    metal = float(rng.uniform(0.05, 0.75))
    if counter_height_m < LOWEST_COUNTER_M:
        return None
    z = counter_height_m - _BELOW_M
    body = spec.worldbody.add_body(name="drawer", pos=[_FRONT_X_M, y, z])
    body.add_joint(
        name=JOINT,
        type=mujoco.mjtJoint.mjJNT_SLIDE,
        axis=[-1, 0, 0],
        range=[0, _TRAVEL_M],
        limited=True,
        damping=6.0,
        frictionloss=3.0,
    )
    colour = [*np.clip(front * shade, 0, 1), 1.0]
    inside = [*np.clip(front * 0.6, 0, 1), 1.0]
    body.add_geom(
        type=_BOX, size=[0.009, half, 0.068], pos=[0.009, 0, 0], rgba=colour, mass=1.0
    )
    # Walls are seen, not touched: inside the counter they would meet the cabinet.
    unseen = {"contype": 0, "conaffinity": 0, "rgba": inside}
    for size, pos, mass in (
        ([0.14, half - 0.02, 0.005], [0.158, 0, -0.05], 0.6),
        ([0.14, 0.006, 0.045], [0.158, half - 0.026, -0.01], 0.3),
        ([0.14, 0.006, 0.045], [0.158, 0.026 - half, -0.01], 0.3),
        ([0.006, half - 0.02, 0.045], [0.292, 0, -0.01], 0.2),
    ):
        body.add_geom(type=_BOX, size=size, pos=pos, mass=mass, **unseen)
    grey = [metal, metal, metal, 1.0]
    body.add_geom(
        type=_CAPSULE,
        size=[0.011, 0.06, 0],
        pos=[-_STAND_OFF_M, 0, 0],
        rgba=grey,
        mass=0.1,
        **CONTACT,
    )
    for up in (-0.06, 0.06):
        body.add_geom(
            type=_CAPSULE,
            size=[0.006, _STAND_OFF_M / 2, 0],
            pos=[-_STAND_OFF_M / 2, 0, up],
            quat=[0.7071, 0, 0.7071, 0],
            rgba=grey,
            mass=0.02,
            **CONTACT,
        )
    body.add_site(name=HANDLE, pos=[-_STAND_OFF_M, 0, 0])
    return Drawer(handle=(_FRONT_X_M - _STAND_OFF_M, y, z))

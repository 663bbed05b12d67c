"""From where a scene is filmed: walls of a real kitchen may stand before our camera."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

CAMERA = "room"
"""Name of the camera that films."""
SHOWN = ((-0.3, 0.0, 1.3), (-0.3, 0.0, 0.6), (0.35, 0.0, 1.05))
"""What it shall see, kitchen frame [m]: head and knees of who stands at the counter,
and what lies before them."""
TOWARDS = (0.0, 0.0, 0.85)
"""Where it looks from any other place, kitchen frame [m]."""
PLACES = tuple(
    (x, side * y, z)
    for x, y, z in ((-1.5, 2.5, 1.85), (-1.7, 1.6, 1.9), (-1.8, 0.9, 2.0))
    for side in (-1, 1)
)
"""Where else it may stand, kitchen frame [m], the best first."""
NEAR_M = 0.4
"""What is hit so close to what shall be seen belongs to it [m]."""


def clear_view(model: mujoco.MjModel) -> None:
    """Move the camera that films to the first place from which nothing hides what it
    shall show; it stays where all are hidden.

    Args:
        model: a scene in the kitchen frame; its camera is moved in place.
    """
    data = mujoco.MjData(model)
    mujoco.mj_kinematics(model, data)
    camera = model.camera(CAMERA)
    if _seen(model, data, camera.pos):
        return
    for place in PLACES:
        if _seen(model, data, np.array(place)):
            camera.pos, camera.quat = place, _looking(np.array(place))
            return


def _seen(model: mujoco.MjModel, data: mujoco.MjData, eye: NDArray[np.float64]) -> bool:
    """Whether all that is `SHOWN` can be seen from a point (3,)."""
    hit = np.zeros(1, np.int32)
    for point in SHOWN:
        way = np.array(point) - eye
        length = float(np.linalg.norm(way))
        away = mujoco.mj_ray(model, data, eye, way / length, None, 1, -1, hit)
        if 0 <= away < length - NEAR_M:
            return False
    return True


def _looking(eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn (4,) of a camera at a point (3,) that looks at `TOWARDS`, level."""
    back = eye - np.array(TOWARDS)
    back /= np.linalg.norm(back)
    right = np.cross([0.0, 0.0, 1.0], back)
    right /= np.linalg.norm(right)
    turn = np.zeros(4)
    matrix = np.stack([right, np.cross(back, right), back], axis=1)
    mujoco.mju_mat2Quat(turn, matrix.flatten())
    return turn

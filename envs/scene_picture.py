"""A picture of a scene as a kitchen: overview and head camera, with overlays."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.scene_file import Surface, load_scene, surface_of
from brownfield.envs.scene_sidecar import Rectangle

TOP_RGBA = (0.1, 0.8, 0.2, 0.35)
"""Worktop."""
OBJECTS_RGBA = (1.0, 0.8, 0.1, 0.55)
"""Where named objects are put."""
STAND_RGBA = (0.2, 0.4, 1.0, 0.4)
"""Where people stand."""
HEIGHT, WIDTH = 480, 640


def scene_picture(place: str, seed: int = 0) -> NDArray[np.uint8]:
    """Overview and head camera of a seed, side by side (480, 1120, 3).

    Green is the worktop, yellow where named objects are put on it, blue where people
    stand.

    Raises:
        SceneError: the place cannot be used.
    """
    surface = surface_of(load_scene(place), seed)
    env = KitchenEnv(KitchenEnvConfig(place=(place,)))
    env.reset(seed=seed)
    camera = mujoco.MjvCamera()
    camera.lookat[:] = (0.1, 0.0, 0.6)
    camera.distance, camera.azimuth, camera.elevation = 3.4, -35.0, -30.0
    parts = []
    for view, width in ((camera, WIDTH), ("g1/head", HEIGHT)):
        with mujoco.Renderer(env.model, HEIGHT, width) as renderer:
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
            renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
            renderer.update_scene(env.data, view)
            _draw(renderer.scene, surface)
            parts.append(renderer.render().copy())
    env.close()
    return np.concatenate(parts, axis=1)


def _draw(scene: mujoco.MjvScene, surface: Surface) -> None:
    reach = Rectangle(x=surface.object_x_m, y=surface.object_y_m)
    for area, z, rgba in (
        (surface.top, surface.height_m + 0.002, TOP_RGBA),
        (reach, surface.height_m + 0.005, OBJECTS_RGBA),
        (surface.stand, 0.004, STAND_RGBA),
    ):
        low, high = np.array([area.x, area.y]).T
        mujoco.mjv_initGeom(
            scene.geoms[scene.ngeom],
            mujoco.mjtGeom.mjGEOM_BOX,
            np.array([*(high - low) / 2, 0.001]),
            np.array([*(high + low) / 2, z]),
            np.eye(3).flatten(),
            np.array(rgba, dtype=np.float32),
        )
        scene.ngeom += 1

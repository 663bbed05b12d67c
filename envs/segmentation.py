"""Which pixel shows what: pictures of classes, drawn by the simulator.

Nothing that a robot could see; it tells a video tokenizer's training where the small
things are that a robot acts on, and a measurement which pixels to count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mujoco
import numpy as np
from numpy.typing import NDArray

REST = "rest"
"""Class 0: everything that has no name of its own."""


def geom_classes(
    model: mujoco.MjModel, bodies: Mapping[str, Sequence[str]]
) -> NDArray[np.uint8]:
    """Class of every geom (G,): 1 for the first name, 0 for those of no body named.

    Args:
        model: whose geoms.
        bodies: for each class in its order, how the names of its bodies begin.
    """
    starts = [tuple(begin) for begin in bodies.values()]
    classes = np.zeros(model.ngeom, np.uint8)
    for geom in range(model.ngeom):
        body = model.body(model.geom_bodyid[geom]).name
        for number, begin in enumerate(starts, 1):
            if begin and body.startswith(begin):
                classes[geom] = number
    return classes


def draw_classes(
    renderer: mujoco.Renderer,
    data: mujoco.MjData,
    camera: str,
    classes: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Classes (H, W) of what a camera sees.

    Args:
        renderer: of the wanted size; it draws colours again afterwards.
        data: the simulation now.
        camera: its name.
        classes: (G,) as `geom_classes` gives them.
    """
    renderer.update_scene(data, camera)
    renderer.enable_segmentation_rendering()
    try:
        drawn = renderer.render()
    finally:
        renderer.disable_segmentation_rendering()
    number, kind = drawn[..., 0], drawn[..., 1]
    shown = (kind == int(mujoco.mjtObj.mjOBJ_GEOM)) & (number >= 0)
    return np.where(shown, classes[np.where(shown, number, 0)], 0).astype(np.uint8)

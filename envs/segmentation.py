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


def classes_shown(
    geoms: NDArray[np.int32], classes: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Classes (H, W) of what a camera sees.

    Args:
        geoms: (H, W) as `SceneRenderer.geoms` gives them, -1 for none.
        classes: (G,) as `geom_classes` gives them.
    """
    return np.where(geoms < 0, 0, classes[geoms]).astype(np.uint8)

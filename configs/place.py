"""`brownfield place`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from PIL import Image
from tyro.conf import Positional

from brownfield.envs.scene_file import Scene, load_scene
from brownfield.envs.scene_picture import scene_picture
from brownfield.envs.scene_sidecar import FIXTURES


@dataclass(frozen=True, kw_only=True)
class Place:
    """One look at a place."""

    action: Annotated[Literal["check"], Positional]
    """check: tell what is missing or wrong, and draw the place."""

    file: Annotated[str, Positional]
    """Scene (.xml) with its sidecar (.kitchen.yaml) beside it, the sidecar, or the name
    of a shipped one."""

    out: Path = Path("outputs/place.png")
    """PNG to write: overview and head camera; green is the worktop, yellow where
    objects are put on it, blue where people stand."""

    seed: int = 0
    """Which objects and start are drawn."""


def run(config: Place) -> int:
    """Print what was found and draw it; a place that cannot be used is an error."""
    scene = load_scene(config.file)
    for line in describe(scene):
        print(line)
    picture = scene_picture(config.file, config.seed)
    config.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.ascontiguousarray(picture)).save(config.out)
    print(f"picture: {config.out}")
    return 0


def describe(scene: Scene) -> list[str]:
    """What a scene offers and what its sidecar leaves out, a line each."""
    sidecar = scene.sidecar
    lines = [f"{sidecar.path}: a kitchen from {sidecar.scene.name}"]
    for surface in scene.surfaces:
        size = [high - low for low, high in (surface.top.x, surface.top.y)]
        x, y = surface.object_x_m, surface.object_y_m
        lines.append(
            f"worktop {surface.name}: {size[0]:.2f} x {size[1]:.2f} m, "
            f"{surface.height_m:.2f} m above the floor; objects {x[0]:.2f} to "
            f"{x[1]:.2f} m ahead, {y[0]:.2f} to {y[1]:.2f} m to the left"
        )
    lines.append(
        "floor: a plane of the scene" if scene.own_floor else "floor: ours is added"
    )
    missing = [kind for kind in FIXTURES if kind not in sidecar.fixtures]
    if missing:
        lines.append(f"not named, optional: {', '.join(missing)}")
    return lines

"""Ranges that kitchens are drawn from.

The defaults are those of every figure that does not say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brownfield.envs.kitchen_fixtures import SPOTS
from brownfield.envs.kitchen_layout import LAYOUTS, UNSEEN_LAYOUTS
from brownfield.envs.kitchen_materials import MATERIALS
from brownfield.envs.objects import NAMED


@dataclass(frozen=True, kw_only=True)
class KitchenConfig:
    """Ranges that a kitchen is drawn from."""

    counter_height_m: tuple[float, float] = (0.80, 0.95)
    """Height of the counter's top [m]."""
    object_x_m: tuple[float, float] = (0.30, 0.55)
    """Centres of named objects, world frame [m]; the edge is at 0.25."""
    object_y_m: tuple[float, float] = (-0.37, 0.03)
    """Centres of named objects, world frame [m]."""
    object_yaw_rad: tuple[float, float] = (-1.0, 1.0)
    """Heading of named objects [rad]."""
    spots: tuple[str, ...] = ()
    """What else there is to put things on or into: a `tray` beside the named objects, a
    `table` across the room, a `sink` where the layout has room for it; and a `drawer`
    to open where there are cabinets."""
    both_ways: bool = False
    """Whether the left hand finds a free way to every named object too."""
    named: tuple[str, ...] = ("coffee cup", "bottle", "box")
    """Which named objects exist; two or three of them stand on the counter."""
    twins: float = 0.0
    """Chance that two of them are of one name, told apart by side or colour."""
    min_named: int = 2
    """At least so many named objects."""
    hidden: float = 0.0
    """Chance that a jar hides one of them at first, where there is room for a jar."""
    max_clutter: int = 4
    """At most so many pieces of clutter."""
    light: tuple[float, float] = (0.4, 1.6)
    """Factor on all light."""
    light_angle_rad: float = np.pi / 3
    """Largest tilt of the lamp from the vertical [rad]."""
    camera_angle_rad: float = np.deg2rad(2.0)
    """Largest error of the head camera's mounting per axis [rad]."""
    camera_shift_m: float = 0.01
    """Largest shift of the head camera per axis [m]."""
    layout: tuple[str, ...] = ("plain",)
    """Layouts, of which an episode draws one: `plain` (a counter before a wall), those
    of `LAYOUTS`, or `UNSEEN_LAYOUTS`."""
    materials: str = "train"
    """Counters and walls: `train`, or `unseen`, which nothing is recorded with."""
    material_seed: int | None = None
    """Draw height, materials, light, camera and colours from this seed instead of the
    episode's: one kitchen with objects in new places (the narrow preset)."""

    def __post_init__(self) -> None:
        """Refuse layouts and materials that do not exist."""
        known = ("plain", *LAYOUTS, *UNSEEN_LAYOUTS)
        for layout in self.layout or ("none",):
            if layout not in known:
                raise ValueError(
                    f"layout must be of {', '.join(known)}; got {layout!r}"
                )
        for spot in self.spots:
            if spot not in SPOTS:
                raise ValueError(f"spots must be of {', '.join(SPOTS)}; got {spot!r}")
        for name in self.named or ("none",):
            if name not in NAMED:
                raise ValueError(f"named must be of {', '.join(NAMED)}; got {name!r}")
        if len(set(self.named)) < len(self.named):
            raise ValueError(f"named must hold each name once, got {self.named}")
        if self.max_clutter < 0:
            raise ValueError(f"max_clutter must not be negative: {self.max_clutter}")
        for name in ("twins", "hidden"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name} must be within 0 and 1, got {getattr(self, name)}"
                )
        if self.materials not in MATERIALS:
            raise ValueError(
                f"materials must be one of {', '.join(MATERIALS)}; got "
                f"{self.materials!r}"
            )

"""Simulator truth about a manoeuvre, as numbers that a network can learn to tell."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.road.manoeuvre import FRONT_M
from brownfield.envs.road.network import Array
from brownfield.envs.road.road_expert import (
    RoadExpertState,
    lead_gap,
    stopping_way,
    target_point,
)

ROAD_PRIVILEGED_NAMES: tuple[str, ...] = (
    "target_x",
    "target_y",
    "lateral",
    "heading",
    "curvature_near",
    "curvature_far",
    "junction",
    "stop",
    "lead",
    "lead_speed",
    "light",
    "visible",
    "pixel_x",
    "pixel_y",
)
"""Simulator truth about the named manoeuvre, for auxiliary losses and metrics; never
part of an observation. The point that the expert steers for, in the frame of the rear
axle, x forward [m]; error to the line to drive, left positive [m, rad]; its
curvature 6 and 12 m ahead [1/m]; way from the front to the junction (negative inside of
it and behind), to where to stop and to the car ahead, all at most 60 [m]; that car's
speed [m/s]; light: -1 none, 0 green, 0.5 amber, 1 red. The pixel is where the point
that the expert steers for appears in the front camera, -1 to 1 from left to right and
from top to bottom; 2 is far outside."""
FAR_M = 60.0
"""Nothing is farther than this [m]."""
LIGHT_VALUES = {"none": -1.0, "green": 0.0, "amber": 0.5, "red": 1.0}
"""What a light's value is."""


def privileged_of(state: RoadExpertState, pixel: Array) -> NDArray[np.float32]:
    """The numbers (14,) of `ROAD_PRIVILEGED_NAMES`.

    Args:
        state: of the car and of everybody else.
        pixel: where the point that the expert steers for appears (2,).
    """
    reference = state.manoeuvre.reference
    s, left = state.place
    _, _, heading = reference.at(s)
    x, y = target_point(state)
    ahead, aside = x - state.x, y - state.y
    cos, sin = math.cos(state.yaw), math.sin(state.yaw)
    return np.array(
        [
            cos * ahead + sin * aside,
            cos * aside - sin * ahead,
            left,
            math.remainder(state.yaw - heading, 2 * math.pi),
            reference.bend(s + 6),
            reference.bend(s + 12),
            np.clip(state.manoeuvre.enter_s - s - FRONT_M, -FAR_M, FAR_M),
            min(stopping_way(state), FAR_M),
            min(lead_gap(state), FAR_M),
            state.lead_speed,
            LIGHT_VALUES[state.light],
            np.abs(pixel).max() < 1,
            *pixel,
        ],
        dtype=np.float32,
    )

"""How fast to go, and how hard to brake for it: laws that expert and traffic share.

The intelligent driver model follows a car ahead (Treiber, Hennecke and Helbing,
"Congested traffic states in empirical observations and microscopic simulations", 2000);
bends and places to stop at are anticipated along the path.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from brownfield.envs.road.manoeuvre import FRONT_M, STOP_AT_M, Manoeuvre

Light = Literal["none", "green", "amber", "red"]

PULL_M_S2, BRAKE_M_S2 = 1.6, 2.5
"""Comfortable pull and braking of the intelligent driver model [m/s^2]."""
HEADWAY_S, STANDSTILL_M = 1.2, 2.0
"""Its gap to the car ahead: in time [s], and at rest [m]."""
FASTEST_M_S = 8.0
"""No faster, whatever the limit [m/s]."""
SIDEWAYS_M_S2 = 2.0
"""Lateral acceleration in a bend [m/s^2]."""
EASY_M_S2 = 1.5
"""Braking that bends and stops are anticipated with [m/s^2]."""
AHEAD_M = 25.0
"""Bends are looked for so far ahead [m]."""
HARDEST_M_S2 = 5.0
"""No law brakes harder [m/s^2]."""
STANDING_M_S2 = -1.5
"""Holds a standing car [m/s^2]."""
GAIN_1_S = 2.0
"""Of the difference to the wanted speed [1/s]."""


def idm(speed: float, wanted: float, gap: float, closing: float) -> float:
    """Acceleration behind another car [m/s^2].

    Args:
        speed: own [m/s].
        wanted: speed on a free road [m/s].
        gap: bumper to bumper [m].
        closing: own speed less the other's [m/s].
    """
    space = STANDSTILL_M + max(
        0.0,
        speed * HEADWAY_S + speed * closing / (2 * math.sqrt(PULL_M_S2 * BRAKE_M_S2)),
    )
    free = (speed / max(wanted, 0.1)) ** 4
    return PULL_M_S2 * (1 - free - (space / max(gap, 0.3)) ** 2)


def bend_speed(manoeuvre: Manoeuvre, s: float) -> float:
    """Fastest speed at `s` that the bends ahead allow [m/s]."""
    path = manoeuvre.reference
    first = max(0, int(s / 0.5))
    bends = np.abs(path.curvature[first : first + int(AHEAD_M / 0.5) : 2])
    if not len(bends):
        return FASTEST_M_S
    squared = SIDEWAYS_M_S2 / np.maximum(bends, 1e-3)
    squared += 2 * EASY_M_S2 * np.arange(len(bends))
    return float(min(FASTEST_M_S, math.sqrt(squared.min())))


def stop_ahead(
    manoeuvre: Manoeuvre,
    s: float,
    speed: float,
    light: Light,
    taken: tuple[bool, ...],
) -> float:
    """Way to where the rear axle has to stand next; infinite where nowhere [m].

    Args:
        manoeuvre: what is driven.
        s: rear axle along its path [m].
        speed: [m/s].
        light: what the manoeuvre's light shows.
        taken: for each of its crossings, whether somebody is on the way across.
    """
    way = math.inf
    front = s + FRONT_M
    line = manoeuvre.stop_line_s
    if line is not None and front < line + 0.2 and light in ("amber", "red"):
        gap = line - front
        if light == "red" or gap > speed**2 / (2 * BRAKE_M_S2):
            way = min(way, gap - STOP_AT_M)
    for crossing, someone in zip(manoeuvre.crossings, taken, strict=True):
        if someone and front < crossing.enter_s + 0.2:
            way = min(way, crossing.enter_s - front - STOP_AT_M)
    if manoeuvre.ending != "keep":
        way = min(way, manoeuvre.reference_end_s - s)
    return way


def acceleration(
    speed: float, wanted: float, way: float, gap: float, other: float
) -> float:
    """Acceleration that keeps to the wanted speed, stops in time and keeps its distance
    [m/s^2].

    Args:
        speed: own [m/s].
        wanted: speed on a free road [m/s].
        way: to where one has to stand [m].
        gap: to the car ahead, bumper to bumper; infinite without one [m].
        other: its speed [m/s].
    """
    if way < math.inf:
        wanted = min(wanted, math.sqrt(2 * EASY_M_S2 * max(way, 0.0)))
        if way < 0.15 or (wanted < 0.3 and speed < 0.1):
            return max(-HARDEST_M_S2, STANDING_M_S2 - GAIN_1_S * speed)
    pull = min(GAIN_1_S * (wanted - speed), PULL_M_S2)
    if gap < math.inf:
        pull = min(pull, idm(speed, max(wanted, 1.0), gap, speed - other))
        if gap < STANDSTILL_M + 0.3 and speed < 0.1 and other < 0.3:
            return STANDING_M_S2
    return max(pull, -HARDEST_M_S2)

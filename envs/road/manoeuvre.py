"""What one prompt asks for in one place: where to drive, and where it ends."""

from __future__ import annotations

import functools
import itertools
import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from brownfield.envs.road.junctions import Approach, Turn
from brownfield.envs.road.network import (
    Array,
    RoadNetwork,
    heading_change,
)
from brownfield.envs.road.path import SPACING_M, Path
from brownfield.envs.road.street import Street
from brownfield.robot.car.model import CENTRE_X_M, HALF_LENGTH_M

Ending = Literal["keep", "park", "stop"]
ENDINGS: tuple[Ending, ...] = ("keep", "park", "stop")
FRONT_M = CENTRE_X_M + HALF_LENGTH_M
"""The front bumper ahead of the rear axle, which is where a car is on a path [m]."""
KEPT_M = 25.0
"""So far behind the junction a kept lane has been kept [m]."""
STOP_WINDOW_M = (0.0, 4.5)
"""The bumper stops so far before the crosswalk when told to stop at it [m]."""
STOP_AT_M = 1.5
"""It aims at so far before stop lines and crosswalks [m]."""
BAY_LENGTH_M, BAY_WIDTH_M = 8.0, 2.5
"""Of a parking bay [m]."""
BAY_GAP_M = 0.1
"""Between the lane and the bay [m]."""
RAMP_M = 15.0
"""Way from the lane's centre to the bay's, along the lane [m]."""
BAY_BEHIND_M = (26.0, 40.0)
"""The middle of a bay lies so far behind the junction, at least and at most [m]."""
STRAIGHT_1_M = 1 / 60
"""A bay lies where the lane bends less than this [1/m]."""


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A crosswalk over the path."""

    name: str
    """The crosswalk's name in the map."""
    enter_s: float
    """Its near edge along the path [m]."""
    leave_s: float
    """Its far edge [m]."""


@dataclass(frozen=True, kw_only=True)
class Bay:
    """A parking bay to the right of the path."""

    s: float
    """Its middle along the path [m]."""
    left: float
    """Its middle to the left of the path, so negative [m]."""
    lane_edge: float
    """The lane's right edge, likewise [m]."""


@dataclass(frozen=True, kw_only=True)
class Manoeuvre:
    """A way through one junction, and its end."""

    turn: Turn
    """Arm of the junction that the prompt asks for."""
    ending: Ending
    """What the prompt asks for behind it."""
    path: Path = field(repr=False)
    """Centre of the lanes; `s` counts along it."""
    insides: tuple[tuple[float, float], ...]
    """Where the path runs inside of junctions, from and to [m]."""
    end_s: float
    """The rear axle is done here: past it, parked at it, or stopped before it [m]."""
    stop_line_s: float | None
    """Where the light holds cars up, if the approach has one [m]."""
    crossings: tuple[Crossing, ...]
    """Crosswalks on the way, in order."""
    bay: Bay | None
    """The bay to park in, if that is asked for."""
    speed_limit: float
    """[m/s]."""

    @property
    def name(self) -> str:
        """Turn and ending, such as `left park`."""
        return f"{self.turn} {self.ending}"

    @property
    def enter_s(self) -> float:
        """Where the first junction begins, or the end where there is none [m]."""
        return self.insides[0][0] if self.insides else self.end_s

    @property
    def leave_s(self) -> float:
        """Where the first junction ends, or the end where there is none [m]."""
        return self.insides[0][1] if self.insides else self.end_s

    def inside(self, s: float) -> bool:
        """Whether `s` lies in a junction."""
        return any(low <= s <= high for low, high in self.insides)

    @cached_property
    def crossing_to_stop_at(self) -> Crossing | None:
        """The crosswalk that the ending is about."""
        if self.ending != "stop":
            return None
        return next(c for c in self.crossings if c.leave_s > self.leave_s + 1)

    @cached_property
    def reference(self) -> Path:
        """The line to drive: the path, and the ramp into the bay."""
        if self.bay is None:
            return self.path
        s = np.arange(len(self.path.points)) * (
            self.path.length / (len(self.path.points) - 1)
        )
        done = np.clip((s - (self.bay.s - RAMP_M - 3.0)) / RAMP_M, 0, 1)
        return self.path.shifted(self.bay.left * (1 - np.cos(np.pi * done)) / 2)

    @cached_property
    def reference_end_s(self) -> float:
        """`end_s` along the reference, which a ramp makes longer [m]."""
        if self.bay is None:
            return self.end_s
        x, y, heading = self.path.at(self.end_s)
        x -= math.sin(heading) * self.bay.left
        y += math.cos(heading) * self.bay.left
        return self.reference.project(x, y, heading)[0]


@dataclass(frozen=True, kw_only=True)
class Way:
    """What all manoeuvres through one arm share."""

    path: Path
    """Centre of the lanes."""
    stop_line_s: float | None
    """Where the light holds cars up [m]."""
    crossings: tuple[Crossing, ...]
    """Crosswalks over the path."""
    speed_limit: float
    """[m/s]."""


@functools.lru_cache(maxsize=4096)
def way(street: Street, approach: int, turn: Turn) -> Way:
    """The way through one arm, worked out once in a process.

    Args:
        street: the place.
        approach: which of its approaches.
        turn: which of that one's arms.
    """
    network, up = street.network, street.approaches[approach]
    arm = up.arms[turn]
    path = Path(arm.line)
    crossings = crossings_of(network, path)
    lanes = (*up.lanes, *arm.inside, arm.beyond[0])
    return Way(
        path=path,
        stop_line_s=_stop_line(network, up, path, crossings, arm.enter_s),
        crossings=crossings,
        speed_limit=min(network.lanes[name].speed_limit for name in lanes),
    )


def manoeuvres(
    street: Street, approach: int, bays: dict[Turn, Bay]
) -> dict[str, Manoeuvre]:
    """Everything that can be asked for at an approach, by name.

    Args:
        street: the place.
        approach: which of its approaches.
        bays: parking bays behind the junction, by the arm's turn.
    """
    found: dict[str, Manoeuvre] = {}
    for turn, arm in street.approaches[approach].arms.items():
        known = way(street, approach, turn)
        end_s = {"keep": min(arm.leave_s + KEPT_M, known.path.length - 3.0)}
        if turn in bays:
            end_s["park"] = bays[turn].s - CENTRE_X_M
        exits = [c for c in known.crossings if c.leave_s > arm.leave_s + 1]
        if exits and exits[0].enter_s < known.path.length - 4:
            end_s["stop"] = exits[0].enter_s - STOP_AT_M - FRONT_M
        for ending in ENDINGS:
            if ending in end_s:
                found[f"{turn} {ending}"] = Manoeuvre(
                    turn=turn,
                    ending=ending,
                    path=known.path,
                    insides=((arm.enter_s, arm.leave_s),),
                    end_s=end_s[ending],
                    stop_line_s=known.stop_line_s,
                    crossings=known.crossings,
                    bay=bays[turn] if ending == "park" else None,
                    speed_limit=known.speed_limit,
                )
    return found


def along_route(network: RoadNetwork, route: tuple[str, ...]) -> Manoeuvre:
    """A whole route as one manoeuvre: follow it to its end.

    Raises:
        ValueError: a lane of the route does not exist or does not follow the last.
    """
    for i, name in enumerate(route):
        if name not in network.lanes or (
            i and name not in network.lanes[route[i - 1]].following
        ):
            raise ValueError(
                f"{network.name} has no route {' '.join(route)}: lane {name} does not "
                "exist or does not follow"
            )
    path = Path(network.path(route))
    insides, s = [], 0.0
    for name in route:
        end = s + network.lanes[name].length
        if network.lanes[name].junction:
            if insides and s - insides[-1][1] < 0.1:
                insides[-1] = (insides[-1][0], end)
            else:
                insides.append((s, end))
        s = end
    change = heading_change(network.path(route))
    turn: Turn = "straight"
    if abs(change) > math.radians(45):
        turn = "left" if change > 0 else "right"
    return Manoeuvre(
        turn=turn,
        ending="keep",
        path=path,
        insides=tuple(insides),
        end_s=path.length - FRONT_M - 4.0,
        stop_line_s=None,
        crossings=crossings_of(network, path),
        bay=None,
        speed_limit=min(network.lanes[n].speed_limit for n in route),
    )


def place_bay(street: Street, approach: int, turn: Turn, where: float) -> Bay | None:
    """A parking bay behind an arm, or None where there is no room.

    A bay lies on nobody's lane, and clear of crosswalks with the way into it.

    Args:
        street: the place.
        approach: which of its approaches.
        turn: which of that one's arms.
        where: 0 puts it as near to the junction as possible, 1 as far.
    """
    arm = street.approaches[approach].arms[turn]
    known = way(street, approach, turn)
    path, clear_of = known.path, known.crossings
    first = arm.leave_s + BAY_BEHIND_M[0]
    last = min(arm.leave_s + BAY_BEHIND_M[1], path.length - BAY_LENGTH_M / 2 - 1)
    tries = np.arange(first, last + 1e-6, 1.0)
    for s in sorted(tries, key=lambda t: abs(t - (first + where * (last - first)))):
        from_s, to_s = s - RAMP_M - 3, s + BAY_LENGTH_M / 2
        if any(c.enter_s - 2 < to_s and c.leave_s + 2 > from_s for c in clear_of):
            continue
        bends = path.curvature[int(from_s / SPACING_M) : int(to_s / SPACING_M)]
        if np.abs(bends).max() > STRAIGHT_1_M:
            continue
        x, y, heading = path.at(float(s))
        edge = -street.half_width(x, y)
        middle = edge - BAY_GAP_M - BAY_WIDTH_M / 2
        right = np.array([math.sin(heading), -math.cos(heading)])
        ahead = np.array([math.cos(heading), math.sin(heading)])
        spots = [
            np.array([x, y]) - middle * right + along * ahead
            for along in (-BAY_LENGTH_M, 0.0, BAY_LENGTH_M / 2)
        ]
        # Nearer than to the own lane means that another one lies there.
        if min(street.off_lanes(*spot) for spot in spots) > -middle - 0.5:
            return Bay(s=float(s), left=middle, lane_edge=edge)
    return None


def crossings_of(network: RoadNetwork, path: Path) -> tuple[Crossing, ...]:
    """The crosswalks over a path, in order."""
    found = []
    for walk in network.crosswalks:
        at = [_crossed_at(path, line) for line in (walk.left, walk.right)]
        if at[0] is not None and at[1] is not None:
            low, high = sorted((at[0], at[1]))
            found.append(Crossing(name=walk.name, enter_s=low, leave_s=high))
    return tuple(sorted(found, key=lambda c: c.enter_s))


def _stop_line(
    network: RoadNetwork,
    approach: Approach,
    path: Path,
    crossings: tuple[Crossing, ...],
    enter_s: float,
) -> float | None:
    """Where the approach's light holds cars up: at the painted line, else at the end of
    the lane or before a crosswalk there."""
    if not any(approach.lanes[-1] in light.lanes for light in network.lights):
        return None
    painted = [
        s
        for marking in network.markings
        if marking.kind == "stop"
        and (s := _crossed_at(path, marking.line)) is not None
        and enter_s - 12 < s < enter_s + 3
    ]
    if painted:
        return max(painted)
    before = [
        c.enter_s - 1.0 for c in crossings if enter_s - 8 < c.enter_s < enter_s + 2
    ]
    return min([enter_s - 1.0, *before])


def _crossed_at(path: Path, line: Array) -> float | None:
    """`s` where a line (N, 2) crosses the path, None where it does not [m]."""
    points = path.points
    near = np.abs(points[:, None] - line[None]).max(2).min() < 60
    if not near:
        return None
    step = np.diff(points, axis=0)
    for a, b in itertools.pairwise(line):
        edge = b - a
        cross = step[:, 0] * edge[1] - step[:, 1] * edge[0]
        # Where both run the same way they do not cross.
        slanted = np.abs(cross) > 1e-9
        safe = np.where(slanted, cross, 1.0)
        offset = a - points[:-1]
        t = (offset[:, 0] * edge[1] - offset[:, 1] * edge[0]) / safe
        u = (offset[:, 0] * step[:, 1] - offset[:, 1] * step[:, 0]) / safe
        hit = np.flatnonzero(slanted & (t >= 0) & (t < 1) & (u >= 0) & (u <= 1))
        if len(hit):
            return float((hit[0] + t[hit[0]]) * path.length / len(step))
    return None

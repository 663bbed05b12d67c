"""A road network: lanes with their bounds, what follows what, and what is painted.

Every format is read into this; nothing behind it knows where a map came from. World
frame: x east, y north, metres, origin near the map's middle; lanes run in the
direction of travel, left and right as the driver sees them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MarkingKind = Literal["solid", "dashed", "kerb", "stop", "zebra"]


class MapError(ValueError):
    """A map that cannot be used; the message names file, element and id."""


@dataclass(frozen=True, kw_only=True)
class Lane:
    """One lane between two points where lanes meet."""

    name: str
    """Id in the map."""
    left: Array = field(repr=False)
    """Left bound (N, 2) [m]."""
    right: Array = field(repr=False)
    """Right bound (N, 2) [m]."""
    centre: Array = field(repr=False)
    """Centre line (N, 2) [m]."""
    following: tuple[str, ...]
    """Lanes that one may drive on into."""
    junction: str = ""
    """Junction that the lane is part of, empty outside of one."""
    speed_limit: float
    """[m/s]."""

    @cached_property
    def length(self) -> float:
        """Along the centre line [m]."""
        return float(np.linalg.norm(np.diff(self.centre, axis=0), axis=1).sum())

    @cached_property
    def turn(self) -> float:
        """Change of heading from end to end, positive to the left [rad]."""
        return heading_change(self.centre)


@dataclass(frozen=True, kw_only=True)
class Marking:
    """A painted line or a kerb."""

    line: Array = field(repr=False)
    """(N, 2) [m]."""
    kind: MarkingKind
    """What it is."""
    width: float
    """[m]."""


@dataclass(frozen=True, kw_only=True)
class TrafficLight:
    """A light, and what it stops."""

    name: str
    """Id in the map."""
    positions: Array = field(repr=False)
    """Its lamps' posts (P, 2) [m]."""
    lanes: tuple[str, ...]
    """Lanes that it holds up, at their end."""


@dataclass(frozen=True, kw_only=True)
class Crosswalk:
    """Where people cross."""

    name: str
    """Id in the map."""
    left: Array = field(repr=False)
    """One side of the way across (N, 2) [m]."""
    right: Array = field(repr=False)
    """The other (N, 2) [m]."""


@dataclass(frozen=True, kw_only=True)
class RoadNetwork:
    """All of a map."""

    name: str
    """What the map is called."""
    lanes: dict[str, Lane] = field(repr=False)
    """Lanes for cars, by name."""
    markings: tuple[Marking, ...] = field(default=(), repr=False)
    """What is painted, kerbs included."""
    lights: tuple[TrafficLight, ...] = ()
    """Traffic lights."""
    crosswalks: tuple[Crosswalk, ...] = ()
    """Crosswalks."""

    def __post_init__(self) -> None:
        """Refuse a network in which nobody can drive."""
        if not self.lanes:
            raise MapError(f"{self.name} has no lane that a car may use")
        for lane in self.lanes.values():
            for name in lane.following:
                if name not in self.lanes:
                    raise MapError(
                        f"{self.name}: lane {lane.name} leads to lane {name}, which "
                        "does not exist"
                    )

    def moved(self, by: Array) -> RoadNetwork:
        """The same network, shifted by (2,) [m]."""
        return replace(
            self,
            lanes={
                name: replace(
                    lane,
                    left=lane.left + by,
                    right=lane.right + by,
                    centre=lane.centre + by,
                )
                for name, lane in self.lanes.items()
            },
            markings=tuple(replace(m, line=m.line + by) for m in self.markings),
            lights=tuple(replace(x, positions=x.positions + by) for x in self.lights),
            crosswalks=tuple(
                replace(c, left=c.left + by, right=c.right + by)
                for c in self.crosswalks
            ),
        )

    def entries(self) -> list[str]:
        """Lanes that no other leads to, in order of their names."""
        led_to = {name for lane in self.lanes.values() for name in lane.following}
        return sorted(set(self.lanes) - led_to)

    def path(self, route: Iterable[str]) -> Array:
        """Centre line (N, 2) of lanes that follow each other [m]."""
        parts = [self.lanes[name].centre for name in route]
        line = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
        moved = np.linalg.norm(np.diff(line, axis=0), axis=1) > 1e-6
        return line[np.concatenate([[True], moved])]


def one_way(network: RoadNetwork) -> RoadNetwork:
    """The network without lanes that run in both directions, as yards and car parks
    have them: lanelets and their reverse, called `-name`."""
    both = {
        name
        for name in network.lanes
        if name.startswith("-") or f"-{name}" in network.lanes
    }
    lanes = {
        name: replace(lane, following=tuple(n for n in lane.following if n not in both))
        for name, lane in network.lanes.items()
        if name not in both
    }
    return replace(network, lanes=lanes)


def routes(
    network: RoadNetwork, longest: float = 260.0, shortest: float = 80.0
) -> list[tuple[str, ...]]:
    """Ways from where the map begins to where it ends, or as far as `longest`.

    Args:
        network: to drive in.
        longest: a route ends after the lane that reaches this length [m].
        shortest: routes below this length are left out [m].

    Raises:
        MapError: there is none.
    """
    found: list[tuple[str, ...]] = []
    open_ends: list[tuple[tuple[str, ...], float]] = [
        ((name,), network.lanes[name].length) for name in network.entries()
    ]
    while open_ends:
        route, length = open_ends.pop()
        onward = [n for n in network.lanes[route[-1]].following if n not in route]
        if length >= longest or not onward:
            if length >= shortest:
                found.append(route)
            continue
        for name in onward:
            open_ends.append(((*route, name), length + network.lanes[name].length))
    if not found:
        raise MapError(
            f"{network.name} has no drivable route of {shortest:.0f} m or more"
        )
    return sorted(found)


def resampled(line: Array, count: int) -> Array:
    """`count` points (count, 2), evenly spaced along a line (N, 2)."""
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0, along[-1], count)
    return np.stack([np.interp(at, along, line[:, i]) for i in range(2)], 1)


def heading_change(line: Array) -> float:
    """Change of heading from end to end of a line (N, 2), left positive [rad]."""
    step = np.diff(line, axis=0)
    heading = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
    return float(heading[-1] - heading[0])

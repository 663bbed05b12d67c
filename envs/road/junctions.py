"""Junctions as a driver meets them: a way up to one, and the arms that leave it."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from brownfield.envs.road.network import (
    Array,
    MapError,
    RoadNetwork,
    heading_change,
)

Turn = Literal["left", "right", "straight"]
TURNS: tuple[Turn, ...] = ("left", "right", "straight")
TURN_RAD = math.radians(40)
"""A change of heading beyond this is a turn [rad]."""
BACK_RAD = math.radians(150)
"""Beyond this it is a way back, which no prompt asks for [rad]."""
APPROACH_M = (25.0, 60.0)
"""Shortest way up to a junction, and where one begins at the earliest [m]."""
EXIT_M = (24.0, 90.0)
"""Shortest way on behind a junction, and as far as one looks [m]."""
DEEPEST = 12
"""Lanes inside a junction, one behind the other, at most."""


@dataclass(frozen=True, kw_only=True)
class Arm:
    """One way through a junction and on."""

    turn: Turn
    """What a driver calls it."""
    inside: tuple[str, ...]
    """Lanes in the junction."""
    beyond: tuple[str, ...]
    """Lanes behind it."""
    line: Array = field(repr=False)
    """Centre line from the start of the approach (N, 2) [m]."""
    enter_s: float
    """Where the junction begins, along the line [m]."""
    leave_s: float
    """Where it ends [m]."""


@dataclass(frozen=True, kw_only=True)
class Approach:
    """A lane up to a junction, with every arm that may be asked for."""

    junction: str
    """Name of the junction."""
    lanes: tuple[str, ...]
    """Lanes up to it, the last one ends at it."""
    arms: dict[Turn, Arm]
    """Arms by their turn."""


def approaches(network: RoadNetwork) -> list[Approach]:
    """Every approach of a network where there is a choice of arms; if there is none,
    every one with a single arm.

    Raises:
        MapError: there is no junction that one can drive up to and leave.
    """
    before: dict[str, list[str]] = defaultdict(list)
    for lane in network.lanes.values():
        for name in lane.following:
            before[name].append(lane.name)
    found = []
    for name in sorted(network.lanes):
        lane = network.lanes[name]
        if lane.junction or not any(network.lanes[n].junction for n in lane.following):
            continue
        up = _up_to(network, before, name)
        if sum(network.lanes[n].length for n in up) < APPROACH_M[0]:
            continue
        arms = _arms(network, up)
        if arms:
            inside = next(iter(arms.values())).inside[0]
            found.append(
                Approach(junction=network.lanes[inside].junction, lanes=up, arms=arms)
            )
    if not found:
        raise MapError(
            f"{network.name} has no junction with {APPROACH_M[0]:.0f} m of lane before "
            f"it and {EXIT_M[0]:.0f} m behind it"
        )
    return [one for one in found if len(one.arms) > 1] or found


def _up_to(
    network: RoadNetwork, before: dict[str, list[str]], last: str
) -> tuple[str, ...]:
    """Lanes outside of junctions that end with `last`, the straightest way back."""
    up, length = [last], network.lanes[last].length
    while length < APPROACH_M[1]:
        earlier = [
            n for n in before[up[0]] if not network.lanes[n].junction and n not in up
        ]
        if not earlier:
            break
        first = min(earlier, key=lambda n: (abs(network.lanes[n].turn), n))
        up.insert(0, first)
        length += network.lanes[first].length
    return tuple(up)


def _arms(network: RoadNetwork, up: tuple[str, ...]) -> dict[Turn, Arm]:
    arms: dict[Turn, tuple[float, Arm]] = {}
    approach = network.path(up)
    enter = _length(approach)
    for inside, beyond in _ways(network, up[-1]):
        within = network.path((up[-1], *inside))
        onward = network.path(beyond)
        if _length(onward) < EXIT_M[0]:
            continue
        leave = enter + _length(network.path(inside))
        # From the last metres of the approach to the first ones behind the junction.
        ends = np.concatenate([approach[-2:], within[-2:], onward[:2]])
        ends = ends[[0, 1, 4, 5]]
        change = _wrapped_change(ends, network.path((up[-1], *inside, beyond[0])))
        if abs(change) > BACK_RAD:
            continue
        turn: Turn = "straight"
        ideal = 0.0
        if abs(change) > TURN_RAD:
            turn = "left" if change > 0 else "right"
            ideal = math.copysign(math.pi / 2, change)
        off = abs(change - ideal)
        if turn in arms and arms[turn][0] <= off:
            continue
        arm = Arm(
            turn=turn,
            inside=inside,
            beyond=beyond,
            line=network.path((*up, *inside, *beyond)),
            enter_s=enter,
            leave_s=leave,
        )
        arms[turn] = (off, arm)
    return {turn: arms[turn][1] for turn in TURNS if turn in arms}


def _ways(
    network: RoadNetwork, last: str
) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Lanes through the junction behind `last`, and lanes behind it, for every exit."""
    ways = []
    stack: list[tuple[str, ...]] = [
        (n,) for n in network.lanes[last].following if network.lanes[n].junction
    ]
    while stack:
        inside = stack.pop()
        for name in network.lanes[inside[-1]].following:
            if network.lanes[name].junction:
                if name not in inside and len(inside) < DEEPEST:
                    stack.append((*inside, name))
            else:
                ways.append((inside, _onward(network, name)))
    return sorted(ways)


def _onward(network: RoadNetwork, first: str) -> tuple[str, ...]:
    """Lanes from `first` on, outside of junctions and by the straightest way."""
    on, length = [first], network.lanes[first].length
    while length < EXIT_M[1]:
        next_ones = [
            n
            for n in network.lanes[on[-1]].following
            if not network.lanes[n].junction and n not in on
        ]
        if not next_ones:
            break
        on.append(min(next_ones, key=lambda n: (abs(network.lanes[n].turn), n)))
        length += network.lanes[on[-1]].length
    return tuple(on)


def _length(line: Array) -> float:
    return float(np.linalg.norm(np.diff(line, axis=0), axis=1).sum())


def _wrapped_change(ends: Array, line: Array) -> float:
    """Change of heading between the first and last step of `ends` [rad], by the number
    of whole turns that `line` makes."""
    first, last = ends[1] - ends[0], ends[3] - ends[2]
    change = math.atan2(first[0] * last[1] - first[1] * last[0], float(first @ last))
    turns = round((heading_change(line) - change) / (2 * math.pi))
    return change + 2 * math.pi * turns

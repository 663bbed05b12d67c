"""Draws the shipped towns: `python -m brownfield.envs.road.draw_towns`.

Needs the package scenariogeneration, which the development tools bring. Drawing again
gives the same bytes.
"""

from __future__ import annotations

import math
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "towns"

STOP_M = {False: 1.0, True: 6.0}
"""Stop lines are so far before a junction, without and with a crosswalk [m]."""
WALK_M = 3.2
"""A crosswalk's middle is so far before a junction [m]."""
WALK_WIDTH_M = 3.0
SIDEWALK_M = 2.0
LIMIT_KM_H = 50


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A road that meets a junction."""

    road: int
    """Number of the road."""
    end: str
    """Which of its ends: `start` or `end`."""
    degrees: float
    """Where it lies, seen from the junction's middle [deg]."""
    crosswalk: bool = False
    """Whether people cross it."""


@dataclass(frozen=True, kw_only=True)
class Junction:
    """Where roads meet."""

    mouth_m: float
    """From its middle to where its arms end: what makes turns wide [m]."""
    arms: tuple[Arm, ...]
    """The first one must be connected to what was drawn before."""
    lights: bool = False
    """Whether it has traffic lights."""


@dataclass(frozen=True, kw_only=True)
class Town:
    """Roads by number, each a chain of lines, arcs and spirals, and junctions."""

    width_m: float
    """Of a lane [m]."""
    roads: dict[int, tuple[tuple[float, ...], ...]]
    """(length,), (length, curvature) or (length, first and last curvature)."""
    junctions: tuple[Junction, ...]


def _straight(length: float) -> tuple[tuple[float, ...], ...]:
    return ((length,),)


def _bend(
    before: float, curvature: float, length: float, after: float, ramp: float = 20.0
) -> tuple[tuple[float, ...], ...]:
    """A bend between straights, with spirals that lead into and out of it."""
    return (
        (before,),
        (ramp, 0.0, curvature),
        (length, curvature),
        (ramp, curvature, 0.0),
        (after,),
    )


TOWNS: dict[str, Town] = {
    # A cross of right angles, a slanted cross behind a bend, and a fork.
    "alder": Town(
        width_m=3.5,
        roads={
            0: _straight(110),
            1: _bend(60, 0.012, 40, 60),
            2: _straight(105),
            3: _bend(70, -0.01, 30, 50),
            4: _straight(115),
            5: _straight(110),
            6: _straight(105),
            7: _straight(120),
            8: _bend(65, 0.015, 30, 40),
        },
        junctions=(
            Junction(
                mouth_m=13.0,
                lights=True,
                arms=(
                    Arm(road=0, end="end", degrees=180),
                    Arm(road=1, end="start", degrees=0, crosswalk=True),
                    Arm(road=2, end="start", degrees=90, crosswalk=True),
                    Arm(road=3, end="start", degrees=270),
                ),
            ),
            Junction(
                mouth_m=15.0,
                lights=True,
                arms=(
                    Arm(road=1, end="end", degrees=180),
                    Arm(road=4, end="start", degrees=0),
                    Arm(road=5, end="start", degrees=75, crosswalk=True),
                    Arm(road=6, end="start", degrees=255),
                ),
            ),
            Junction(
                mouth_m=12.0,
                arms=(
                    Arm(road=3, end="end", degrees=90),
                    Arm(road=7, end="start", degrees=180),
                    Arm(road=8, end="start", degrees=0, crosswalk=True),
                ),
            ),
        ),
    ),
    # Narrow lanes and tight corners.
    "birch": Town(
        width_m=3.0,
        roads={
            0: _straight(95),
            1: _straight(130),
            2: _straight(100),
            3: _straight(95),
            4: _bend(50, -0.02, 25, 45, 15),
            5: _straight(110),
            6: _straight(100),
        },
        junctions=(
            Junction(
                mouth_m=9.5,
                lights=True,
                arms=(
                    Arm(road=0, end="end", degrees=180, crosswalk=True),
                    Arm(road=1, end="start", degrees=0),
                    Arm(road=2, end="start", degrees=90),
                    Arm(road=3, end="start", degrees=270, crosswalk=True),
                ),
            ),
            Junction(
                mouth_m=14.0,
                lights=True,
                arms=(
                    Arm(road=1, end="end", degrees=180),
                    Arm(road=4, end="start", degrees=60),
                    Arm(road=5, end="start", degrees=0, crosswalk=True),
                    Arm(road=6, end="start", degrees=240),
                ),
            ),
        ),
    ),
    # Wide streets.
    "cedar": Town(
        width_m=3.75,
        roads={
            0: _straight(120),
            1: _bend(55, -0.008, 60, 55),
            2: _straight(115),
            3: _straight(125),
            4: _straight(115),
            5: _straight(110),
            6: _bend(60, 0.01, 40, 50),
            7: _straight(115),
            8: _straight(105),
        },
        junctions=(
            Junction(
                mouth_m=18.0,
                lights=True,
                arms=(
                    Arm(road=0, end="end", degrees=180, crosswalk=True),
                    Arm(road=1, end="start", degrees=0),
                    Arm(road=2, end="start", degrees=105, crosswalk=True),
                    Arm(road=3, end="start", degrees=285),
                ),
            ),
            Junction(
                mouth_m=16.0,
                lights=True,
                arms=(
                    Arm(road=1, end="end", degrees=180),
                    Arm(road=4, end="start", degrees=90, crosswalk=True),
                    Arm(road=5, end="start", degrees=270, crosswalk=True),
                    Arm(road=6, end="start", degrees=0),
                ),
            ),
            Junction(
                mouth_m=17.0,
                arms=(
                    Arm(road=6, end="end", degrees=180),
                    Arm(road=7, end="start", degrees=60),
                    Arm(road=8, end="start", degrees=0),
                ),
            ),
        ),
    ),
    # Three-armed junctions, one behind the other.
    "elm": Town(
        width_m=3.25,
        roads={
            0: _straight(105),
            1: _straight(125),
            2: _straight(100),
            3: _bend(60, 0.014, 25, 55),
            4: _straight(110),
            5: _straight(105),
            6: _straight(115),
            7: _straight(100),
            8: _straight(110),
        },
        junctions=(
            Junction(
                mouth_m=11.0,
                lights=True,
                arms=(
                    Arm(road=0, end="end", degrees=180),
                    Arm(road=1, end="start", degrees=0, crosswalk=True),
                    Arm(road=2, end="start", degrees=270, crosswalk=True),
                ),
            ),
            Junction(
                mouth_m=14.5,
                lights=True,
                arms=(
                    Arm(road=1, end="end", degrees=180),
                    Arm(road=3, end="start", degrees=0),
                    Arm(road=4, end="start", degrees=105, crosswalk=True),
                ),
            ),
            Junction(
                mouth_m=12.5,
                arms=(
                    Arm(road=3, end="end", degrees=180, crosswalk=True),
                    Arm(road=5, end="start", degrees=90),
                    Arm(road=6, end="start", degrees=270),
                ),
            ),
            Junction(
                mouth_m=15.5,
                lights=True,
                arms=(
                    Arm(road=4, end="end", degrees=180),
                    Arm(road=7, end="start", degrees=0, crosswalk=True),
                    Arm(road=8, end="start", degrees=285),
                ),
            ),
        ),
    ),
    # Slanted crosses, and bends up to them.
    "hazel": Town(
        width_m=3.4,
        roads={
            0: _bend(45, 0.01, 40, 45),
            1: _bend(65, 0.016, 35, 60),
            2: _straight(110),
            3: _bend(55, -0.012, 30, 45),
            4: _straight(115),
            5: _straight(105),
            6: _straight(110),
        },
        junctions=(
            Junction(
                mouth_m=16.5,
                lights=True,
                arms=(
                    Arm(road=0, end="end", degrees=180, crosswalk=True),
                    Arm(road=1, end="start", degrees=0),
                    Arm(road=2, end="start", degrees=60),
                    Arm(road=3, end="start", degrees=240, crosswalk=True),
                ),
            ),
            Junction(
                mouth_m=13.5,
                lights=True,
                arms=(
                    Arm(road=1, end="end", degrees=180),
                    Arm(road=4, end="start", degrees=0, crosswalk=True),
                    Arm(road=5, end="start", degrees=105),
                    Arm(road=6, end="start", degrees=285),
                ),
            ),
        ),
    ),
    # Kept out of all training: no radius and no angle of it is found above.
    "rowan": Town(
        width_m=3.65,
        roads={
            0: _straight(115),
            1: _bend(60, -0.013, 35, 60),
            2: _straight(110),
            3: _bend(60, 0.011, 30, 60),
            4: _straight(120),
            5: _straight(105),
            6: _straight(110),
            7: _straight(115),
            8: _straight(105),
        },
        junctions=(
            Junction(
                mouth_m=13.8,
                lights=True,
                arms=(
                    Arm(road=0, end="end", degrees=180, crosswalk=True),
                    Arm(road=1, end="start", degrees=0),
                    Arm(road=2, end="start", degrees=82.5),
                    Arm(road=3, end="start", degrees=262.5, crosswalk=True),
                ),
            ),
            Junction(
                mouth_m=16.6,
                lights=True,
                arms=(
                    Arm(road=1, end="end", degrees=180),
                    Arm(road=4, end="start", degrees=0, crosswalk=True),
                    Arm(road=5, end="start", degrees=67.5),
                    Arm(road=6, end="start", degrees=247.5),
                ),
            ),
            Junction(
                mouth_m=16.0,
                arms=(
                    Arm(road=3, end="end", degrees=180),
                    Arm(road=7, end="start", degrees=0),
                    Arm(road=8, end="start", degrees=247.5, crosswalk=True),
                ),
            ),
        ),
    ),
}
"""The towns; the last one is never trained in."""


def draw(name: str, path: Path) -> None:
    """Write a town.

    Args:
        name: key of `TOWNS`.
        path: `.xodr` file to write; an older one is replaced.
    """
    from scenariogeneration import xodr

    town = TOWNS[name]
    roads = {
        number: _road(xodr, number, chain, town.width_m)
        for number, chain in town.roads.items()
    }
    drawn = xodr.OpenDrive(name)
    for road in roads.values():
        drawn.add_road(road)
    for number, junction in enumerate(town.junctions):
        creator = xodr.CommonJunctionCreator(
            id=100 * (number + 1), name=f"{name} {number}", startnum=100 * (number + 1)
        )
        for arm in junction.arms:
            angle = math.radians(arm.degrees)
            creator.add_incoming_road_cartesian_geometry(
                roads[arm.road],
                junction.mouth_m * math.cos(angle),
                junction.mouth_m * math.sin(angle),
                angle + math.pi,
                "successor" if arm.end == "end" else "predecessor",
            )
        for i, first in enumerate(junction.arms):
            for second in junction.arms[i + 1 :]:
                creator.add_connection(first.road, second.road)
        drawn.add_junction_creator(creator)
    drawn.adjust_roads_and_lanes()
    for road in drawn.roads.values():
        _finish_lanes(xodr, road)
    for junction in town.junctions:
        for arm in junction.arms:
            _furnish(xodr, roads[arm.road], name, junction, arm)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.tmp")
    drawn.write_xml(str(aside))
    # The day it was drawn on is no part of a map.
    text = re.sub(r' date="[^"]*"', "", aside.read_text())
    aside.write_text(text)
    os.replace(aside, path)


def _road(xodr: Any, number: int, chain: tuple[tuple[float, ...], ...], width: float):
    pieces = []
    for length, *curvature in chain:
        if not curvature:
            pieces.append(xodr.Line(length))
        elif len(curvature) == 1:
            pieces.append(xodr.Arc(curvature[0], length))
        else:
            pieces.append(xodr.Spiral(*curvature, length))
    return xodr.create_road(
        pieces,
        id=number,
        left_lanes=1,
        right_lanes=1,
        lane_width=width,
        center_road_mark=xodr.RoadMark(xodr.RoadMarkType.broken, width=0.12),
    )


def _finish_lanes(xodr: Any, road: Any) -> None:
    """No paint inside junctions; sidewalks along roads; a speed limit."""
    ways = road.road_type != -1
    bare = xodr.RoadMark(xodr.RoadMarkType.none, width=0.0)
    for section in road.lanes.lanesections:
        for lane in (section.centerlane, *section.leftlanes, *section.rightlanes):
            if ways:
                lane.roadmark = [bare]
            elif lane is not section.centerlane:
                lane.roadmark = [xodr.RoadMark(xodr.RoadMarkType.solid, width=0.12)]
        if not ways:
            for add in (section.add_left_lane, section.add_right_lane):
                walk = xodr.Lane(lane_type=xodr.LaneType.sidewalk, a=SIDEWALK_M)
                walk.roadmark = [bare]
                add(walk)
    road.add_type(xodr.RoadType.town, 0, speed=LIMIT_KM_H, speed_unit="km/h")


def _furnish(xodr: Any, road: Any, name: str, junction: Junction, arm: Arm) -> None:
    """What stands and is painted where a road meets a junction; ids begin with the
    town's name, for the library wants them unique in a process."""
    town = TOWNS[name]
    length = sum(piece[0] for piece in town.roads[arm.road])
    ahead = arm.end == "end"
    facing = xodr.Orientation.positive if ahead else xodr.Orientation.negative

    def place(before: float) -> float:
        return length - before if ahead else before

    def sideways(right: float) -> float:
        return -right if ahead else right

    stop = place(STOP_M[arm.crosswalk])
    edge = town.width_m + 0.8
    road.add_signal(
        xodr.Signal(
            stop,
            sideways(town.width_m / 2),
            "DE",
            "294",
            id=f"{name}{arm.road}{arm.end[0]}0",
            orientation=facing,
            zOffset=0,
        )
    )
    if junction.lights:
        for i, right in enumerate((edge, -edge), start=1):
            road.add_signal(
                xodr.Signal(
                    stop,
                    sideways(right),
                    "DE",
                    "1000001",
                    id=f"{name}{arm.road}{arm.end[0]}{i}",
                    dynamic=xodr.Dynamic.yes,
                    orientation=facing,
                    zOffset=2.5,
                )
            )
    if arm.crosswalk:
        road.add_object(
            xodr.Object(
                place(WALK_M),
                0.0,
                xodr.ObjectType.crosswalk,
                id=f"{name}{arm.road}{arm.end[0]}9",
                orientation=xodr.Orientation.none,
                zOffset=0,
                hdg=math.pi / 2,
                length=2 * (town.width_m + SIDEWALK_M / 2),
                width=WALK_WIDTH_M,
                height=0.0,
            )
        )


def main() -> int:
    """Draw all towns."""
    for name in TOWNS:
        draw(name, FOLDER / f"{name}.xodr")
        print(f"{FOLDER.name}/{name}.xodr")
    return 0


if __name__ == "__main__":
    sys.exit(main())

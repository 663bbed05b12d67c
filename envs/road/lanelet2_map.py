"""Lanelet2 maps (`.osm`) as road networks, read by the Lanelet2 library itself.

Poggenhans et al., "Lanelet2: A high-definition map framework", ITSC 2018.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import lanelet2
import numpy as np
from numpy.typing import NDArray

from brownfield.envs.road.network import (
    Crosswalk,
    Lane,
    MapError,
    Marking,
    MarkingKind,
    RoadNetwork,
    TrafficLight,
    resampled,
)

Array = NDArray[np.float64]

PAINTED: dict[tuple[str, str], tuple[MarkingKind, float]] = {
    ("line_thin", "solid"): ("solid", 0.12),
    ("line_thin", "dashed"): ("dashed", 0.12),
    ("line_thin", "dashed_solid"): ("solid", 0.12),
    ("line_thin", "solid_dashed"): ("solid", 0.12),
    ("line_thin", ""): ("solid", 0.12),
    ("line_thick", "solid"): ("solid", 0.25),
    ("line_thick", "dashed"): ("dashed", 0.25),
    ("line_thick", "solid_dashed"): ("solid", 0.25),
    ("line_thick", ""): ("solid", 0.25),
    ("curbstone", "low"): ("kerb", 0.15),
    ("curbstone", "high"): ("kerb", 0.15),
    ("curbstone", ""): ("kerb", 0.15),
    ("road_border", ""): ("kerb", 0.10),
    ("stop_line", ""): ("stop", 0.40),
    ("zebra_marking", ""): ("zebra", 0.40),
}
"""Line strings that a camera sees, by type and subtype: kind and width [m]."""


def load_lanelet2(path: Path) -> RoadNetwork:
    """Read a map, projected by UTM around its first node.

    Args:
        path: an `.osm` file.

    Raises:
        MapError: the file is missing or broken, or no car may drive in it.
    """
    if not path.is_file():
        raise MapError(f"no map at {path}")
    origin = lanelet2.io.Origin(*_first_node(path))
    projector = lanelet2.projection.UtmProjector(origin)
    try:
        whole, errors = lanelet2.io.loadRobust(str(path), projector)
    except RuntimeError as error:
        raise MapError(f"{path.name} is no Lanelet2 map: {error}") from error
    if len(errors):
        raise MapError(f"{path.name}: {next(iter(errors))}")
    rules = lanelet2.traffic_rules.create(
        lanelet2.traffic_rules.Locations.Germany,
        lanelet2.traffic_rules.Participants.Vehicle,
    )
    graph = lanelet2.routing.RoutingGraph(whole, rules)
    # A way for both directions is a lane for each.
    drivable = [
        way
        for one in whole.laneletLayer
        for way in (one, one.invert())
        if rules.canPass(way)
    ]
    if not drivable:
        raise MapError(f"{path.name} has no lane that a car may use")
    points = np.array([[p.x, p.y] for one in drivable for p in one.centerline])
    middle = (points.min(0) + points.max(0)) / 2
    junctions = _junctions(drivable, graph)
    lanes = {
        _name(one): _lane(one, graph, rules, middle, junctions.get(one.id, ""))
        for one in drivable
    }
    return RoadNetwork(
        name=path.stem,
        lanes=lanes,
        markings=tuple(_markings(whole.lineStringLayer, middle)),
        lights=tuple(_lights(whole, lanes, middle)),
        crosswalks=tuple(
            Crosswalk(
                name=str(one.id),
                left=_line(one.leftBound, middle),
                right=_line(one.rightBound, middle),
            )
            for one in whole.laneletLayer
            if _attribute(one, "subtype") == "crosswalk"
        ),
    )


def _first_node(path: Path) -> tuple[float, float]:
    """Latitude and longitude [deg]."""
    try:
        for _, element in ElementTree.iterparse(path):
            if element.tag == "node":
                return float(element.attrib["lat"]), float(element.attrib["lon"])
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise MapError(f"{path.name} is no Lanelet2 map: {error!r}") from error
    raise MapError(f"{path.name} is no Lanelet2 map: it has no node")


def _name(one: Any) -> str:
    """Id, with a minus for driving against the direction that it is drawn in."""
    return f"-{one.id}" if one.inverted() else str(one.id)


def _attribute(element: Any, name: str) -> str:
    return element.attributes[name] if name in element.attributes else ""


def _line(points: Iterable[Any], middle: Array) -> Array:
    return np.array([[p.x, p.y] for p in points]) - middle


def _lane(one: Any, graph: Any, rules: Any, middle: Array, junction: str) -> Lane:
    left, right = _line(one.leftBound, middle), _line(one.rightBound, middle)
    # The mean of the bounds at equal shares of their lengths stays between them even
    # where the library's centre line cuts a corner.
    count = max(len(left), len(right), 8)
    left, right = resampled(left, count), resampled(right, count)
    return Lane(
        name=_name(one),
        left=left,
        right=right,
        centre=(left + right) / 2,
        following=tuple(sorted(_name(f) for f in graph.following(one))),
        junction=junction,
        speed_limit=float(rules.speedLimit(one).speedLimit) / 3.6,
    )


def _junctions(drivable: list[Any], graph: Any) -> dict[int, str]:
    """Name of the junction of every lane that crosses another or branches off: lanes
    that touch in this way are one junction, called by its smallest id."""
    ids = {one.id for one in drivable}
    parent: dict[int, int] = {}

    def root(one: int) -> int:
        parent.setdefault(one, one)
        while parent[one] != one:
            one = parent[one]
        return one

    def join(a: int, b: int) -> None:
        low, high = sorted((root(a), root(b)))
        parent[high] = low

    for one in drivable:
        for other in graph.conflicting(one):
            # A way for both directions is no junction with itself.
            if other.id in ids and other.id != one.id:
                join(one.id, other.id)
        branches = graph.following(one)
        if len(branches) > 1:
            for other in branches:
                join(branches[0].id, other.id)
    return {one: str(root(one)) for one in parent}


def _markings(strings: Iterable[Any], middle: Array) -> Iterable[Marking]:
    for string in strings:
        known = PAINTED.get((_attribute(string, "type"), _attribute(string, "subtype")))
        if known is not None and len(string) > 1:
            yield Marking(line=_line(string, middle), kind=known[0], width=known[1])


def _lights(
    whole: Any, lanes: dict[str, Lane], middle: Array
) -> Iterable[TrafficLight]:
    for rule in whole.regulatoryElementLayer:
        if not isinstance(rule, lanelet2.core.TrafficLight):
            continue
        held = [str(one.id) for one in whole.laneletLayer.findUsages(rule)]
        held = sorted(name for name in held if name in lanes)
        posts = [_line(light, middle).mean(0) for light in rule.trafficLights]
        if held and posts:
            yield TrafficLight(
                name=str(rule.id), positions=np.array(posts), lanes=tuple(held)
            )

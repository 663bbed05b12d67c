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

TOLD = 3
"""So many of the library's complaints are told: one fault often has several."""

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
        MapError: the file is missing or broken, or no car may drive in it; the message
            names file, element and id.
    """
    if not path.is_file():
        raise MapError(f"no map at {path}")
    origin = lanelet2.io.Origin(*_checked_nodes(path))
    projector = lanelet2.projection.UtmProjector(origin)
    try:
        whole, errors = lanelet2.io.loadRobust(str(path), projector)
    except RuntimeError as error:
        raise MapError(f"{path.name} is no Lanelet2 map: {error}") from error
    if len(errors):
        raise MapError(f"{path.name}: {_told(errors)}")
    _check_bounds(path.name, whole.laneletLayer)
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


def _checked_nodes(path: Path) -> tuple[float, float]:
    """Latitude and longitude of the first node [deg], after a look at all: the library
    takes a word for 0, and the latter of two nodes with one id."""
    found: dict[str, tuple[float, float]] = {}
    try:
        for _, element in ElementTree.iterparse(path):
            # Editors keep what was deleted; the library passes over it.
            if element.tag != "node" or element.attrib.get("action") == "delete":
                continue
            name = str(element.attrib.get("id"))
            where = f"{path.name} is no Lanelet2 map: node {name}"
            if name in found:
                raise MapError(f"{where} expected an id of its own, got one twice")
            found[name] = (
                _degrees(element, "lat", 90, where),
                _degrees(element, "lon", 180, where),
            )
    except ElementTree.ParseError as error:
        raise MapError(f"{path.name} is no Lanelet2 map: {error!r}") from error
    if not found:
        raise MapError(f"{path.name} is no Lanelet2 map: it has no node")
    return next(iter(found.values()))


def _degrees(node: ElementTree.Element, name: str, largest: float, where: str) -> float:
    text = node.attrib.get(name)
    try:
        value = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = np.nan
    if not abs(value) <= largest:
        raise MapError(
            f"{where} expected {name} in degrees, -{largest} to {largest}, got {text!r}"
        )
    return value


def _told(errors: Iterable[str]) -> str:
    """The library's complaints on one line: a heading, then one by element and id."""
    heading, *rest = [str(one).strip().removeprefix("- ") for one in errors]
    more = f" (and {len(rest) - TOLD} more)" if len(rest) > TOLD else ""
    return f"{heading} {'; '.join(rest[:TOLD])}{more}"


def _check_bounds(file: str, lanelets: Iterable[Any]) -> None:
    """The library pairs a bound of one point with the other bound, a lane that is too
    short and bent."""
    for one in lanelets:
        for side, bound in (("left", one.leftBound), ("right", one.rightBound)):
            count = len({(p.x, p.y) for p in bound})
            if count < 2:
                raise MapError(
                    f"{file}, lanelet {one.id}: its {side} bound, way {bound.id}, "
                    f"expected at least 2 different points, got {count}"
                )


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

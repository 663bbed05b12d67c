"""What is painted and put up along OpenDRIVE roads.

ASAM OpenDRIVE 1.8, sections 11.9 (road marks), 13 (objects) and 14 (signals).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

import numpy as np

from brownfield.envs.road.network import (
    Array,
    Crosswalk,
    Marking,
    MarkingKind,
    TrafficLight,
)
from brownfield.envs.road.opendrive_line import number, whole
from brownfield.envs.road.opendrive_road import LaneRecord, Road, Section

MARKS: dict[str, MarkingKind] = {
    "solid": "solid",
    "broken": "dashed",
    "solid solid": "solid",
    "solid broken": "solid",
    "broken solid": "solid",
    "broken broken": "dashed",
    "curb": "kerb",
    "edge": "solid",
    "botts dots": "dashed",
}
"""Road marks that a camera sees, by type; grass and custom marks are left out."""
RAISED = ("sidewalk", "curb", "border", "walking")
"""Lane types that begin with a kerb."""
LIGHT_TYPES = ("1000001", "1000007", "1000009", "1000010", "1000011")
"""Signals with lamps for cars, by their type in the German catalogue."""
STOP_LINE_TYPE = "294"
"""A line to stop at, in the same catalogue."""
STOP_LINE_M = 0.40
"""Width of a stop line [m]."""
KERB_M = 0.15
"""Width of a kerb [m]."""

Held = Callable[[Road, float, list[int]], list[str]]
"""Lanes that a signal holds up at their end: road, place [m], ids of its lanes."""


def markings_of(road: Road) -> Iterator[Marking]:
    """Lines between lanes, and kerbs."""
    for section in road.sections:
        for lane in section.lanes.values():
            yield from _marks(road, section, lane)
        for left in (True, False):
            inner = 0
            for lane in section.side(left):
                if lane.kind in RAISED:
                    s = road.line.spacing(section.start, section.end)
                    line = road.border(section, inner, s)
                    yield Marking(line=line, kind="kerb", width=KERB_M)
                    break
                inner = lane.id


def _marks(road: Road, section: Section, lane: LaneRecord) -> Iterator[Marking]:
    starts = [section.start + mark[0] for mark in lane.marks] + [section.end]
    for (_, kind, width), start, end in zip(
        lane.marks, starts, starts[1:], strict=False
    ):
        if kind in MARKS and end - start > 0.1:
            s = road.line.spacing(start, end)
            yield Marking(
                line=road.border(section, lane.id, s),
                kind=MARKS[kind],
                width=width or 0.12,
            )


def stop_lines_of(road: Road, file: str) -> Iterator[Marking]:
    """Lines to stop at, drawn as signals or as objects."""
    found = [
        one
        for one in road.element.findall("signals/signal")
        if one.attrib.get("type") == STOP_LINE_TYPE
    ]
    found += [
        one
        for one in road.element.findall("objects/object")
        if "stopline" in _kind(one).replace("_", "").replace(" ", "")
    ]
    for one in found:
        where = _where(road, one, file)
        s = number(one, "s", where)
        section = road.section_at(s)
        ids = [
            i
            for i in _valid_lanes(one, section, where)
            if section.lanes[i].kind in ("driving", "entry", "exit")
        ]
        if ids:
            at = np.array([s])
            inner = min(ids, key=abs)
            ends = (inner - int(np.sign(inner)), max(ids, key=abs))
            line = np.concatenate([road.border(section, i, at) for i in ends])
            yield Marking(line=line, kind="stop", width=STOP_LINE_M)


def lights_of(roads: dict[str, Road], file: str, held: Held) -> Iterator[TrafficLight]:
    """Traffic lights; those that hold up the same lanes are one."""
    signals = {
        one.attrib.get("id", ""): (road, one)
        for road in roads.values()
        for one in road.element.findall("signals/signal")
        if one.attrib.get("dynamic") == "yes" and one.attrib.get("type") in LIGHT_TYPES
    }
    posts: dict[tuple[str, ...], list[tuple[str, Array]]] = defaultdict(list)

    def hold(road: Road, one: Element, name: str, post: Array) -> None:
        where = _where(road, one, file)
        s = number(one, "s", where)
        lanes = tuple(held(road, s, _valid_lanes(one, road.section_at(s), where)))
        if lanes:
            posts[lanes].append((name, post))

    for name, (road, one) in signals.items():
        hold(road, one, name, _place(road, one, file))
    for road in roads.values():
        for reference in road.element.findall("signals/signalReference"):
            name = reference.attrib.get("id", "")
            if name in signals:
                hold(road, reference, name, _place(*signals[name], file))
    for lanes, found in sorted(posts.items()):
        different = dict(found)
        yield TrafficLight(
            name=min(different),
            positions=np.array(list(different.values())),
            lanes=lanes,
        )


def crosswalks_of(road: Road, file: str) -> Iterator[Crosswalk]:
    """Crosswalks, as rectangles across the road."""
    for one in road.element.findall("objects/object"):
        if _kind(one) != "crosswalk" and one.attrib.get("type") != "crosswalk":
            continue
        name = one.attrib.get("id", "")
        where = _where(road, one, file)
        s = number(one, "s", where)
        _, _, heading = road.line.at(np.array([s]))[0]
        middle = _place(road, one, file)
        corners = _corners(road, one, where)
        along = np.array([np.cos(heading), np.sin(heading)])
        across = np.array([-along[1], along[0]])
        reach = (corners - middle) @ np.stack([along, across], 1)
        (low_s, low_t), (high_s, high_t) = reach.min(0), reach.max(0)

        def side(
            at: float, low: float = low_t, high: float = high_t, m: Array = middle,
            a: Array = along, b: Array = across,
        ) -> Array:  # fmt: skip
            return np.stack([m + at * a + low * b, m + at * a + high * b])

        yield Crosswalk(name=f"{road.id}.{name}", left=side(low_s), right=side(high_s))


def _corners(road: Road, one: Element, where: str) -> Array:
    """Outline (N, 2) of an object in the world [m]."""
    s, t = number(one, "s", where), number(one, "t", where)
    x, y, heading = road.line.at(np.array([s]))[0]
    turned = heading + number(one, "hdg", where, 0.0)
    if one.attrib.get("orientation") == "-":
        turned += np.pi
    c, d = np.cos(turned), np.sin(turned)
    middle = np.array([x - np.sin(heading) * t, y + np.cos(heading) * t])
    local = [
        (number(k, "u", where), number(k, "v", where)) for k in one.iter("cornerLocal")
    ]
    placed = [
        (number(k, "s", where), number(k, "t", where)) for k in one.iter("cornerRoad")
    ]
    if placed:
        both = np.array(placed)
        return road.points(both[:, 0], both[:, 1])
    if not local:
        u = number(one, "length", where) / 2
        v = number(one, "width", where) / 2
        local = [(u, v), (u, -v), (-u, -v), (-u, v)]
    return middle + np.array([[c * u - d * v, d * u + c * v] for u, v in local])


def _where(road: Road, one: Element, file: str) -> str:
    return f"{file}, road {road.id}, {one.tag} {one.attrib.get('id')}"


def _place(road: Road, one: Element, file: str) -> Array:
    where = _where(road, one, file)
    s, t = number(one, "s", where), number(one, "t", where, 0.0)
    return road.points(np.array([s]), np.array([t]))[0]


def _valid_lanes(one: Element, section: Section, where: str) -> list[int]:
    """Lanes that a signal or object is for: by <validity>, else by orientation."""
    ranges = [
        sorted((whole(v, "fromLane", where), whole(v, "toLane", where)))
        for v in one.findall("validity")
    ]
    sides = {"+": (-1,), "-": (1,)}.get(one.attrib.get("orientation", ""), (-1, 1))
    ids = [i for i in section.lanes if i]
    if ranges:
        return [i for i in ids if any(low <= i <= high for low, high in ranges)]
    return [i for i in ids if np.sign(i) in sides]


def _kind(one: Element) -> str:
    """Type, subtype or name of an object, whichever says something; small letters."""
    kind = one.attrib.get("type", "")
    if kind in ("", "none", "roadMark"):
        kind = one.attrib.get("subtype") or one.attrib.get("name", "")
    return kind.lower()

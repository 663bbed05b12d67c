"""One OpenDRIVE road: lane sections, and lines at any lane's border.

ASAM OpenDRIVE 1.8, sections 10 and 11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from brownfield.envs.road.network import Array, MapError
from brownfield.envs.road.opendrive_line import (
    ReferenceLine,
    number,
    reference_line,
    whole,
)

DRIVEN = ("driving", "entry", "exit", "onRamp", "offRamp", "connectingRamp")
"""Types of lanes that a car may use."""
NOT_DRIVEN = (
    *("none", "shoulder", "border", "stop", "restricted", "parking", "median"),
    *("biking", "shared", "sidewalk", "walking", "curb", "slipLane", "bidirectional"),
    *("special1", "special2", "special3", "roadWorks", "tram", "rail", "bus", "taxi"),
    *("HOV", "mwyEntry", "mwyExit"),
)
"""The standard's other types, older versions' included: known, and not driven on."""

Cubic = tuple[float, float, float, float, float]
"""Where it begins [m], and coefficients of rising powers."""


def cubics(records: list[Element], offset: str, where: str) -> tuple[Cubic, ...]:
    """Piecewise cubics of records with a, b, c, d, sorted by where they begin."""
    found = [
        (number(r, offset, where), *(number(r, name, where, 0.0) for name in "abcd"))
        for r in records
    ]
    return tuple(sorted(found))  # type: ignore[arg-type]


def value_of(pieces: tuple[Cubic, ...], s: Array) -> Array:
    """Values (N,) of piecewise cubics; 0 without any."""
    value = np.zeros_like(s)
    for start, a, b, c, d in pieces:
        d_s = s - start
        value = np.where(
            (d_s >= -1e-9) | (start == pieces[0][0]),
            a + d_s * (b + d_s * (c + d_s * d)),
            value,
        )
    return value


@dataclass(frozen=True, kw_only=True)
class LaneRecord:
    """One lane in one section."""

    id: int
    """Positive to the left of the reference line, growing outwards."""
    kind: str
    """Type in the map: driving, sidewalk, parking, ..."""
    width: tuple[Cubic, ...] = field(repr=False)
    """Over the distance from the section's start [m]."""
    before: int | None
    """Lane that it continues, in the section or road before."""
    after: int | None
    """Lane that continues it."""
    marks: tuple[tuple[float, str, float], ...]
    """At its outer border: where they begin [m], type, width [m]."""
    speed: float | None
    """Limit [m/s], where the lane has its own."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """Lanes between two places along a road."""

    start: float
    """[m]."""
    end: float
    """[m]."""
    lanes: dict[int, LaneRecord]
    """By id; 0 is the line between the directions."""

    def side(self, left: bool) -> list[LaneRecord]:
        """Lanes of a side, from the middle outwards."""
        ids = sorted(i for i in self.lanes if (i > 0) == left and i != 0)
        return [self.lanes[i] for i in (ids if left else ids[::-1])]


@dataclass(frozen=True, kw_only=True)
class Road:
    """A road as the file has it."""

    id: str
    """Id in the map."""
    junction: str
    """Junction that it is part of; empty outside of one."""
    line: ReferenceLine = field(repr=False)
    """What lanes are measured from."""
    offset: tuple[Cubic, ...] = field(repr=False)
    """Of the lanes' middle from that line [m]."""
    sections: tuple[Section, ...]
    """In order."""
    links: dict[str, tuple[str, str, str]]
    """`predecessor` and `successor`: road or junction, its id, contact point."""
    speed_limit: float
    """[m/s]."""
    element: Element = field(repr=False)
    """The road in the file, for its objects and signals."""

    def border(self, section: Section, lane: int, s: Array) -> Array:
        """Outer border (N, 2) of a lane, of 0 the middle, at places (N,) [m]."""
        t = value_of(self.offset, s)
        for one in section.side(lane > 0) if lane else []:
            if abs(one.id) <= abs(lane):
                width = np.maximum(value_of(one.width, s - section.start), 0.0)
                t = t + (width if lane > 0 else -width)
        return self.points(s, t)

    def points(self, s: Array, t: Array) -> Array:
        """Points (N, 2) at places (N,) along the road and t to its left [m]."""
        x, y, heading = self.line.at(s).T
        return np.stack([x - np.sin(heading) * t, y + np.cos(heading) * t], 1)

    def section_at(self, s: float) -> Section:
        """The section that holds a place."""
        return next((x for x in self.sections if s < x.end - 1e-6), self.sections[-1])


def by_id(elements: list[Element], file: str) -> dict[str, Element]:
    """Elements of one kind by their ids.

    Raises:
        MapError: two have the same: the latter would take the place of the former, in
            whatever leads to it as well.
    """
    found: dict[str, Element] = {}
    for element in elements:
        name = element.attrib.get("id", "")
        if name in found:
            raise MapError(
                f"{file}, {element.tag} {name}: expected an id of its own, got one "
                "twice"
            )
        found[name] = element
    return found


def read_road(element: Element, file: str, default_limit: float) -> Road:
    """Read a road.

    Args:
        element: the <road> element.
        file: name of the file, for messages.
        default_limit: speed limit where the map has none [m/s].

    Raises:
        MapError: what is broken, by road and element.
    """
    where = f"{file}, road {element.attrib.get('id')}"
    if element.attrib.get("rule", "RHT") != "RHT":
        raise MapError(
            f"{where}: rule {element.attrib['rule']!r} is not supported; only RHT "
            "(traffic on the right)"
        )
    line = reference_line(element, where)
    starts = element.findall("lanes/laneSection")
    if not starts:
        raise MapError(f"{where}: <lanes> holds no laneSection")
    places = [number(one, "s", where) for one in starts] + [line.length]
    sections = tuple(
        Section(start=a, end=b, lanes=_lanes(one, where))
        for one, a, b in zip(starts, places[:-1], places[1:], strict=True)
        if b - a > 1e-6
    )
    if not sections:
        raise MapError(
            f"{where}: no laneSection begins before the road ends at "
            f"{line.length:.2f} m; the first begins at {places[0]:.2f} m"
        )
    junction = element.attrib.get("junction", "-1")
    return Road(
        id=element.attrib.get("id", ""),
        junction="" if junction == "-1" else junction,
        line=line,
        offset=cubics(element.findall("lanes/laneOffset"), "s", where),
        sections=sections,
        links=_links(element),
        speed_limit=_speed(element.find("type/speed"), where) or default_limit,
        element=element,
    )


def _links(road: Element) -> dict[str, tuple[str, str, str]]:
    found = {}
    for name in ("predecessor", "successor"):
        link = road.find(f"link/{name}")
        if link is not None:
            found[name] = (
                link.attrib.get("elementType", ""),
                link.attrib.get("elementId", ""),
                link.attrib.get("contactPoint", ""),
            )
    return found


def _lanes(section: Element, where: str) -> dict[int, LaneRecord]:
    lanes = {}
    for lane in section.findall("*/lane"):
        here = f"{where}, lane {lane.attrib.get('id')}"
        marks = [
            (
                number(mark, "sOffset", here, 0.0),
                mark.attrib.get("type", "none"),
                number(mark, "width", here, 0.12),
            )
            for mark in lane.findall("roadMark")
        ]
        if lane.find("border") is not None and lane.find("width") is None:
            raise MapError(f"{here}: <border> is not supported; only <width>")
        name, kind = whole(lane, "id", here), lane.attrib.get("type")
        if name in lanes:
            raise MapError(f"{here}: expected an id of its own, got one twice")
        # Taken for no lane, a misspelt type would close a street without a word. What
        # the middle is called makes no difference.
        if name != 0 and kind not in (*DRIVEN, *NOT_DRIVEN):
            raise MapError(
                f"{here}: unknown type {kind!r}; driven on are {', '.join(DRIVEN)}; "
                f"known and not driven on are {', '.join(NOT_DRIVEN)}"
            )
        lanes[name] = LaneRecord(
            id=name,
            kind=kind or "none",
            width=cubics(lane.findall("width"), "sOffset", here),
            before=_linked(lane, "predecessor", here),
            after=_linked(lane, "successor", here),
            marks=tuple(sorted(marks)),
            speed=_speed(lane.find("speed"), here),
        )
    return lanes


def _linked(lane: Element, name: str, where: str) -> int | None:
    link = lane.find(f"link/{name}")
    return None if link is None else whole(link, "id", where)


def _speed(record: Element | None, where: str) -> float | None:
    """A <speed> in m/s; None without one or without a limit."""
    if record is None or record.attrib.get("max") in (None, "no limit", "undefined"):
        return None
    unit = record.attrib.get("unit", "m/s")
    scale = {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704}.get(unit)
    if scale is None:
        raise MapError(f"{where}: unit of <speed> must be m/s, km/h or mph: {unit!r}")
    return number(record, "max", where) * scale or None

"""OpenDRIVE maps (`.xodr`) as road networks.

ASAM OpenDRIVE 1.8. Two readers were tried first: pyxodr stops at spirals of constant
curvature and leaves out signals and objects; scenariogeneration only writes. So this
one reads what a driver needs, as the file has it, and refuses what it does not know.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from brownfield.envs.road.network import Lane, MapError, RoadNetwork
from brownfield.envs.road.opendrive_left_out import left_out
from brownfield.envs.road.opendrive_line import whole
from brownfield.envs.road.opendrive_objects import (
    crosswalks_of,
    lights_of,
    markings_of,
    stop_lines_of,
)
from brownfield.envs.road.opendrive_road import (
    DRIVEN,
    LaneRecord,
    Road,
    Section,
    by_id,
    read_road,
)

NARROWEST_M = 1.5
"""Nobody drives on lanes that are nowhere wider [m]."""
DEFAULT_LIMIT_M_S = 50 / 3.6
"""Where the map has no limit [m/s]."""
LARGEST_GAP_M = 1.0
"""Lanes that follow each other may be apart by so much [m]."""

Key = tuple[str, int, int]
"""Road, number of the section, lane."""


class MapWarning(UserWarning):
    """A map that is driven in without something that it holds; the message names file,
    element and id."""


def load_opendrive(path: Path) -> RoadNetwork:
    """Read a map.

    Hills, banked bends, and dynamic signals that are no lights for cars are left out,
    each with one `MapWarning` for the whole map.

    Args:
        path: an `.xodr` file.

    Raises:
        MapError: the file is missing or broken, holds what is not supported, or no car
            may drive in it; the message names file, element and id.
    """
    if not path.is_file():
        raise MapError(f"no map at {path}")
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise MapError(f"{path.name} is no OpenDRIVE map: {error}") from error
    if root.tag != "OpenDRIVE":
        raise MapError(f"{path.name} is no OpenDRIVE map: it begins with <{root.tag}>")
    roads = {
        name: read_road(element, path.name, DEFAULT_LIMIT_M_S)
        for name, element in by_id(root.findall("road"), path.name).items()
    }
    drawn = _Drawn(path.name, roads, by_id(root.findall("junction"), path.name))
    lanes = drawn.lanes()
    if not lanes:
        raise MapError(f"{path.name} has no lane that a car may use")
    _check_joins(path.name, lanes)
    points = np.concatenate([lane.centre for lane in lanes.values()])
    middle = (points.min(0) + points.max(0)) / 2
    held = drawn.held_lanes
    network = RoadNetwork(
        name=path.stem,
        lanes=lanes,
        markings=tuple(
            marking
            for road in roads.values()
            for marking in (*markings_of(road), *stop_lines_of(road, path.name))
        ),
        lights=tuple(lights_of(roads, path.name, held)),
        crosswalks=tuple(
            walk for road in roads.values() for walk in crosswalks_of(road, path.name)
        ),
    )
    for message in left_out(roads, path.name):
        warnings.warn(message, MapWarning, stacklevel=2)
    return network.moved(-middle)


class _Drawn:
    """Roads of a file, and how their lanes lead into each other."""

    def __init__(
        self,
        file: str,
        roads: dict[str, Road],
        junctions: dict[str, ElementTree.Element],
    ) -> None:
        self._file, self._roads = file, roads
        self._connections: dict[str, list[ElementTree.Element]] = {}
        for name, junction in junctions.items():
            kind = junction.attrib.get("type", "default")
            if kind != "default":
                raise MapError(
                    f"{file}, junction {name}: type {kind!r} is not supported; only "
                    "default"
                )
            self._connections[name] = junction.findall("connection")

    def lanes(self) -> dict[str, Lane]:
        """All lanes that cars may use, by name."""
        drawn = {
            _name(key): self._lane(road, section, lane, key)
            for road, section, lane, key in self._driven()
        }
        return {name: lane for name, lane in drawn.items() if lane is not None}

    def held_lanes(self, road: Road, s: float, ids: list[int]) -> list[str]:
        """Lanes that a signal on a road holds up at their end: the road's own, or those
        before it where the road is a way through a junction."""
        number = road.sections.index(road.section_at(s))
        keys = [
            (road.id, number, i)
            for i in ids
            if i in road.sections[number].lanes
            and _is_driven(road.sections[number], road.sections[number].lanes[i])
        ]
        if road.junction:
            names = {_name(key) for key in keys}
            everywhere = [(key, self._following(key)) for *_, key in self._driven()]
            keys = [k for k, n in everywhere if names & {_name(x) for x in n}]
            return sorted(_name(key) for key in keys)
        # Up to the last section in the direction of travel.
        ends = []
        for key in keys:
            last = self._last_of_road(key)
            ends.append(_name(last))
        return sorted(set(ends))

    def _last_of_road(self, key: Key) -> Key:
        step = 1 if key[2] < 0 else -1
        while True:
            # A ring leads into itself: its last section is the last all the same.
            onward = (key[0], key[1] + step)
            found = [k for k in self._following(key) if k[:2] == onward]
            if not found:
                return key
            key = found[0]

    def _driven(self) -> Iterator[tuple[Road, Section, LaneRecord, Key]]:
        for road in self._roads.values():
            for number, section in enumerate(road.sections):
                for lane in section.lanes.values():
                    if _is_driven(section, lane):
                        yield road, section, lane, (road.id, number, lane.id)

    def _lane(
        self, road: Road, section: Section, lane: LaneRecord, key: Key
    ) -> Lane | None:
        s = road.line.spacing(section.start, section.end)
        inner = road.border(section, lane.id - int(np.sign(lane.id)), s)
        outer = road.border(section, lane.id, s)
        width = np.linalg.norm(outer - inner, axis=1)
        if width.max() < NARROWEST_M:
            return None
        left, right = inner, outer
        if lane.id > 0:
            # Against the road's direction, the middle is to the left again.
            left, right = inner[::-1], outer[::-1]
        return Lane(
            name=_name(key),
            left=left,
            right=right,
            centre=(left + right) / 2,
            following=tuple(sorted(_name(k) for k in self._following(key))),
            junction=road.junction,
            speed_limit=lane.speed or road.speed_limit,
        )

    def _following(self, key: Key) -> list[Key]:
        """What a lane leads to in its direction of travel."""
        road_id, number, lane_id = key
        road = self._roads[road_id]
        forward = lane_id < 0
        lane = road.sections[number].lanes[lane_id]
        linked = lane.after if forward else lane.before
        onward = number + (1 if forward else -1)
        if 0 <= onward < len(road.sections):
            return self._existing([(road_id, onward, linked)])
        kind, target, contact = road.links.get(
            "successor" if forward else "predecessor", ("", "", "")
        )
        if kind == "road":
            return self._existing([self._entered(target, contact, linked, road_id)])
        if kind == "junction":
            return self._existing(list(self._through(target, road_id, lane_id)))
        return []

    def _through(
        self, junction: str, road: str, lane: int
    ) -> Iterator[tuple[str, int, int | None]]:
        """Ways of a junction that a lane leads into."""
        if junction not in self._connections:
            raise MapError(
                f"{self._file}, road {road}: leads to junction {junction}, which does "
                "not exist"
            )
        for connection in self._connections[junction]:
            if connection.attrib.get("incomingRoad") != road:
                continue
            where = (
                f"{self._file}, junction {junction}, connection "
                f"{connection.attrib.get('id')}"
            )
            for link in connection.findall("laneLink"):
                if whole(link, "from", where) == lane:
                    yield self._entered(
                        connection.attrib.get("connectingRoad", ""),
                        connection.attrib.get("contactPoint", ""),
                        whole(link, "to", where),
                        road,
                    )

    def _entered(
        self, road: str, contact: str, lane: int | None, origin: str
    ) -> tuple[str, int, int | None]:
        """The lane of a road that is entered at one of its ends."""
        if road not in self._roads:
            raise MapError(
                f"{self._file}, road {origin}: leads to road {road}, which does not "
                "exist"
            )
        if contact not in ("start", "end"):
            raise MapError(
                f"{self._file}, road {origin}: contactPoint of road {road} must be "
                f"start or end, got {contact!r}"
            )
        last = len(self._roads[road].sections) - 1
        return road, 0 if contact == "start" else last, lane

    def _existing(self, keys: list[tuple[str, int, int | None]]) -> list[Key]:
        """Those that cars may use."""
        found: list[Key] = []
        for road, number, lane in keys:
            section = self._roads[road].sections[number]
            if lane in section.lanes and _is_driven(section, section.lanes[lane]):
                found.append((road, number, lane))
        return found


def _is_driven(section: Section, lane: LaneRecord) -> bool:
    if lane.id == 0 or lane.kind not in DRIVEN:
        return False
    ends = [piece[1] for piece in lane.width]
    # Wide somewhere: cubics are looked at where they begin and where the section ends.
    reach = section.end - section.start
    ends += [p[1] + (reach - p[0]) * p[2] for p in lane.width]
    return max(ends, default=0.0) >= NARROWEST_M


def _name(key: Key) -> str:
    return f"{key[0]}.{key[1]}.{key[2]}"


def _check_joins(file: str, lanes: dict[str, Lane]) -> None:
    for lane in lanes.values():
        for name in lane.following:
            gap = float(np.linalg.norm(lanes[name].centre[0] - lane.centre[-1]))
            if gap > LARGEST_GAP_M:
                raise MapError(
                    f"{file}, lane {lane.name}: lane {name}, which follows it, begins "
                    f"{gap:.1f} m away"
                )

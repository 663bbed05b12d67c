"""What an OpenDRIVE map holds and is driven in without: told, not refused.

Real towns have hills, banked bends, and lights for trams and people on foot. Whoever
brings such a map wants to drive in it, and to know what is not as it is there.
ASAM OpenDRIVE 1.8, sections 10 (elevation, lateral profile) and 14 (signals).
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median_low

import numpy as np

from brownfield.envs.road.network import Array
from brownfield.envs.road.opendrive_line import number
from brownfield.envs.road.opendrive_objects import LIGHT_TYPES
from brownfield.envs.road.opendrive_road import Road, cubics, value_of

LEVEL_M = 0.01
"""A road is level with the others up to this difference in height [m]."""
FLATTEST = 1e-9
"""Coefficients of banking up to this are no banking [rad, m]."""
NAMED = 20
"""A message names at most so many elements: a town may have a thousand."""


def left_out(roads: dict[str, Road], file: str) -> Iterator[str]:
    """Messages on what is left out, at most one a kind; none for a flat map whose
    dynamic signals are lights for cars.

    Heights and banking change how a car drives and what it sees, but not where to. A
    dynamic signal of another type is left out since most are not for cars (1000002 is
    for people on foot), and named since a catalogue of another country may call a
    car's light so.

    Raises:
        MapError: a profile with a broken number; names file, road and element.
    """
    heights = {name: _heights(road, file) for name, road in roads.items()}
    level = median_low([float(h[0]) for h in heights.values()])
    hilly = [n for n, h in heights.items() if np.abs(h - level).max() > LEVEL_M]
    banked = [name for name, road in roads.items() if _is_banked(road, file)]
    kinds = (("elevationProfile", hilly), ("lateralProfile", banked))
    told = [f"<{kind}> of road {_listed(names)}" for kind, names in kinds if names]
    if told:
        yield f"{file}: roads are drawn flat and level, without {' and '.join(told)}"
    signals = [
        f"road {name}, signal {one.attrib.get('id')} (type {one.attrib.get('type')!r})"
        for name, road in roads.items()
        for one in road.element.findall("signals/signal")
        if one.attrib.get("dynamic") == "yes"
        and one.attrib.get("type") not in LIGHT_TYPES
    ]
    if signals:
        yield (
            f"{file}: dynamic signals hold up no car unless their type is one of "
            f"{', '.join(LIGHT_TYPES)}; left out: {_listed(signals, '; ')}"
        )


def _heights(road: Road, file: str) -> Array:
    """Heights (N,) along the reference line [m]."""
    records = road.element.findall("elevationProfile/elevation")
    pieces = cubics(records, "s", f"{file}, road {road.id}")
    return value_of(pieces, road.line.spacing(0.0, road.line.length))


def _is_banked(road: Road, file: str) -> bool:
    """Whether the road is anything but a flat strip across."""
    where = f"{file}, road {road.id}"
    profile = road.element.findall("lateralProfile/superelevation")
    profile += road.element.findall("lateralProfile/shape")
    return road.element.find("lateralProfile/crossSectionSurface") is not None or any(
        abs(number(record, name, where, 0.0)) > FLATTEST
        for record in profile
        for name in "abcd"
    )


def _listed(names: list[str], between: str = ", ") -> str:
    more = len(names) - NAMED
    return between.join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")

"""Reference lines of OpenDRIVE roads: geometry records laid end to end.

ASAM OpenDRIVE 1.8, section 9 (plan view). Heights and banking are left out: a flat
world needs none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from brownfield.envs.road.network import Array, MapError

KINDS = ("line", "arc", "spiral", "poly3", "paramPoly3")
"""Geometry records that are understood."""
STEP_M = 0.05
"""Spirals are integrated in steps of at most this length [m]."""


def number(element: Element, name: str, where: str, default: float | None = None):
    """An attribute as a number.

    Raises:
        MapError: it is missing without a default, or no finite number.
    """
    text = element.attrib.get(name)
    if text is None and default is not None:
        return default
    try:
        value = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = np.nan
    if not np.isfinite(value):
        raise MapError(
            f"{where}: <{element.tag}> expected a number {name}, got {text!r}"
        )
    return value


def whole(element: Element, name: str, where: str) -> int:
    """An attribute as a whole number.

    Raises:
        MapError: it is missing, or no whole number.
    """
    value = number(element, name, where)
    if value != int(value):
        raise MapError(
            f"{where}: <{element.tag}> expected a whole number {name}, got "
            f"{element.attrib[name]!r}"
        )
    return int(value)


@dataclass(frozen=True, kw_only=True)
class Piece:
    """One geometry record."""

    kind: str
    """One of `KINDS`."""
    s: float
    """Where it begins along the road [m]."""
    length: float
    """[m]."""
    x: float
    """Start [m]."""
    y: float
    """Start [m]."""
    heading: float
    """At the start [rad]."""
    curvature: tuple[float, float] = (0.0, 0.0)
    """At start and end, of lines, arcs and spirals [1/m]."""
    polynomial: Array = field(default_factory=lambda: np.zeros((2, 4)), repr=False)
    """Of poly3 and paramPoly3: coefficients (2, 4) of u and v, rising powers."""
    normalised: bool = False
    """Whether the polynomial's parameter runs from 0 to 1."""

    def at(self, along: Array) -> Array:
        """Points and headings (N, 3) at distances (N,) from the piece's start [m]."""
        if self.kind in ("line", "arc", "spiral"):
            local = self._bent(along)
        else:
            local = self._polynomial(along)
        c, s = np.cos(self.heading), np.sin(self.heading)
        return np.stack(
            [
                self.x + c * local[:, 0] - s * local[:, 1],
                self.y + s * local[:, 0] + c * local[:, 1],
                self.heading + local[:, 2],
            ],
            1,
        )

    def _bent(self, along: Array) -> Array:
        """Curvature is linear in the distance, so heading is its integral; the points
        are that of the heading, by Simpson's rule between samples."""
        first, last = self.curvature
        rate = (last - first) / self.length if self.length > 0 else 0.0

        def heading(s: Array) -> Array:
            return first * s + rate * s * s / 2

        end = max(float(along.max(initial=0.0)), 1e-9)
        knots = np.linspace(0, end, max(2, int(np.ceil(end / STEP_M)) + 1))
        middles = (knots[1:] + knots[:-1]) / 2
        step = np.diff(knots)
        at_knots, at_middles = heading(knots), heading(middles)
        local = [along * 0, along * 0, heading(along)]
        for i, f in enumerate((np.cos, np.sin)):
            part = step / 6 * (f(at_knots[:-1]) + 4 * f(at_middles) + f(at_knots[1:]))
            local[i] = np.interp(along, knots, np.concatenate([[0], np.cumsum(part)]))
        return np.stack(local, 1)

    def _polynomial(self, along: Array) -> Array:
        scale = 1 / self.length if self.normalised else 1.0
        p = along * scale
        powers = np.stack([np.ones_like(p), p, p**2, p**3], 1)
        slopes = np.stack([np.zeros_like(p), np.ones_like(p), 2 * p, 3 * p**2], 1)
        u, v = (powers @ self.polynomial.T).T
        du, dv = (slopes @ self.polynomial.T).T
        return np.stack([u, v, np.arctan2(dv, du)], 1)


@dataclass(frozen=True, kw_only=True)
class ReferenceLine:
    """The line that a road's lanes are measured from."""

    pieces: tuple[Piece, ...]
    """In order."""

    @property
    def length(self) -> float:
        """[m]."""
        last = self.pieces[-1]
        return last.s + last.length

    def at(self, s: Array) -> Array:
        """Points and headings (N, 3) at places (N,) along the road [m]."""
        s = np.clip(np.asarray(s, dtype=np.float64), 0, self.length)
        starts = np.array([piece.s for piece in self.pieces])
        owner = np.clip(np.searchsorted(starts, s + 1e-9) - 1, 0, None)
        out = np.empty((len(s), 3))
        for i, piece in enumerate(self.pieces):
            mine = owner == i
            if mine.any():
                out[mine] = piece.at(np.clip(s[mine] - piece.s, 0, piece.length))
        return out

    def spacing(self, start: float, end: float) -> Array:
        """Places along the road from `start` to `end`, closer where it bends [m]."""
        marks = [start, end]
        for piece in self.pieces:
            low, high = max(piece.s, start), min(piece.s + piece.length, end)
            if high <= low:
                continue
            straight = piece.kind == "line"
            count = max(2, int(np.ceil((high - low) / (4.0 if straight else 0.5))) + 1)
            marks += list(np.linspace(low, high, count))
        places = np.unique(np.round(marks, 6))
        # Records that end a hair before the road does must not leave a stub.
        keep = np.concatenate([[True], np.diff(places) > 1e-3])
        keep[-1] = True
        if len(places) > 2 and places[-1] - places[-2] <= 1e-3:
            keep[-2] = False
        return places[keep]


def reference_line(road: Element, where: str) -> ReferenceLine:
    """Read a road's plan view.

    Args:
        road: the <road> element.
        where: file and road, for messages.

    Raises:
        MapError: a record that is missing, broken or of an unknown kind.
    """
    records = road.findall("planView/geometry")
    pieces = [_piece(record, where) for record in records]
    pieces = sorted((p for p in pieces if p.length > 1e-9), key=lambda p: p.s)
    if not pieces:
        raise MapError(f"{where}: <planView> holds no geometry")
    return ReferenceLine(pieces=tuple(pieces))


def _piece(record: Element, where: str) -> Piece:
    where = f"{where}, geometry at s = {record.attrib.get('s')}"
    shape = next(iter(record), None)
    kind = shape.tag if shape is not None else "nothing"
    if shape is None or kind not in KINDS:
        raise MapError(
            f"{where}: unknown geometry <{kind}>; known are {', '.join(KINDS)}"
        )
    curvature, polynomial, normalised = (0.0, 0.0), np.zeros((2, 4)), False
    if kind == "arc":
        bend = number(shape, "curvature", where)
        curvature = (bend, bend)
    elif kind == "spiral":
        curvature = (
            number(shape, "curvStart", where),
            number(shape, "curvEnd", where),
        )
    elif kind == "poly3":
        # v is a polynomial of u, and u is nearly the distance.
        polynomial[0, 1] = 1.0
        polynomial[1] = [number(shape, name, where) for name in "abcd"]
    elif kind == "paramPoly3":
        for row, axis in enumerate("UV"):
            polynomial[row] = [number(shape, name + axis, where) for name in "abcd"]
        normalised = shape.attrib.get("pRange", "normalized") == "normalized"
    return Piece(
        kind=kind,
        s=number(record, "s", where),
        length=number(record, "length", where),
        x=number(record, "x", where),
        y=number(record, "y", where),
        heading=number(record, "hdg", where),
        curvature=curvature,
        polynomial=polynomial,
        normalised=normalised,
    )

"""Kitchens of several layouts: what stands around the counter that the robot works at.

The counter itself stays where every kitchen has it (its edge at x = 0.25 m, things to
take within half a metre of y = -0.2 m), so that expert and judge know no difference.
Everything here is outside of their reach, to be seen and bumped into.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import mujoco
import numpy as np

from brownfield.envs.kitchen_fixtures import Spot

LAYOUTS = ("straight", "corner", "island", "table")
"""Layouts that are recorded in."""
UNSEEN_LAYOUTS = ("galley", "window")
"""Layouts that nothing is recorded in."""
BASIN_M = 0.12
"""Depth of a sink [m]."""
WORK_Y_M = (-0.98, 0.78)
"""What lies on the counter within is the episode's [m]."""
_BOX, _CYLINDER = mujoco.mjtGeom.mjGEOM_BOX, mujoco.mjtGeom.mjGEOM_CYLINDER
_STEEL, _DARK, _WHITE = (0.68, 0.7, 0.72), (0.07, 0.07, 0.08), (0.92, 0.92, 0.9)


@dataclass(frozen=True, kw_only=True)
class Fitter:
    """Puts furniture into a kitchen; colours and sizes come from its generator."""

    spec: mujoco.MjSpec
    """Of the kitchen, with counter, cabinet and wall in it."""
    height: float
    """Top of the counter [m]."""
    front: np.ndarray
    """Colour of doors (3,)."""
    rng: np.random.Generator
    """Draws everything."""
    sink: bool = False
    """Whether there has to be a sink where the layout has room for one."""
    basins: list[tuple[float, float]] = field(default_factory=list)
    """Along the counter, from where to where a sink was let into it [m]."""

    def box(
        self,
        low: tuple[float, float, float],
        high: tuple[float, float, float],
        colour: object = None,
        *,
        material: str = "",
        solid: bool = True,
    ) -> None:
        """A box between two corners [m], of a colour (3,) or a material."""
        low_, high_ = np.array(low), np.array(high)
        geom = self.spec.worldbody.add_geom(
            type=_BOX, size=(high_ - low_) / 2, pos=(high_ + low_) / 2
        )
        self._finish(geom, colour, material, solid)

    def disc(
        self,
        centre: tuple[float, float, float],
        radius: float,
        half: float,
        colour: object,
        *,
        solid: bool = False,
    ) -> None:
        """An upright cylinder about a centre [m]."""
        geom = self.spec.worldbody.add_geom(
            type=_CYLINDER, size=[radius, half, 0], pos=centre
        )
        self._finish(geom, colour, "", solid)

    def _finish(
        self, geom: mujoco.MjsGeom, colour: object, material: str, solid: bool
    ) -> None:
        if material:
            geom.material = material
        else:
            geom.rgba = [*np.clip(np.asarray(colour, float), 0, 1), 1]
        if not solid:
            geom.contype = geom.conaffinity = 0

    def between(self, low: float, high: float) -> float:
        """A number drawn evenly."""
        return float(self.rng.uniform(low, high))

    def maybe(self, chance: float) -> bool:
        """True by a chance."""
        return bool(self.rng.random() < chance)


def fit_out(layout: str, fitter: Fitter) -> Spot | None:
    """Furnish a kitchen; returns its sink where it has one.

    Raises:
        ValueError: unknown layout.
    """
    if layout not in _FITTED:
        raise ValueError(f"layout must be one of {', '.join(_FITTED)}; got {layout!r}")
    _FITTED[layout](fitter)
    if not fitter.basins:
        return None
    first, last = fitter.basins[0]
    return Spot(
        centre=(0.47, (first + last) / 2),
        half=(0.19, (last - first) / 2),
        top_m=fitter.height - BASIN_M,
        hollow_m=BASIN_M,
    )


def _run_of_cabinets(f: Fitter, left: float, right: float, *, sink: bool) -> None:
    """The counter from y = `right` to y = `left`, with a sink at its left end."""
    h = f.height
    top, cabinet = f.spec.geom("countertop"), f.spec.geom("cabinet")
    end = WORK_Y_M[1] if sink else left
    for geom, depth in ((top, 0.3), (cabinet, 0.27)):
        geom.size[:2] = depth, (end - right) / 2
        geom.pos[1] = (end + right) / 2
    _doors(f, right, left)
    if not sink:
        return
    first, last = end + 0.04, min(end + 0.44, left - 0.06)
    f.basins.append((first, last))
    f.box((0.25, end, h - 0.04), (0.33, left, h), material="countertop")
    f.box((0.73, end, h - 0.04), (0.85, left, h), material="countertop")
    f.box((0.33, end, h - 0.04), (0.73, first, h), material="countertop")
    f.box((0.33, last, h - 0.04), (0.73, left, h), material="countertop")
    f.box((0.31, end, 0.1), (0.85, left, h - 0.24), f.front)
    f.box((0.31, end, h - 0.24), (0.32, left, h - 0.04), f.front)
    f.box((0.33, first, h - BASIN_M - 0.02), (0.73, last, h - BASIN_M), _STEEL)
    for x in ((0.32, 0.33), (0.73, 0.74)):
        f.box((x[0], first, h - BASIN_M - 0.02), (x[1], last, h - 0.002), _STEEL)
    for y in ((first - 0.01, first), (last, last + 0.01)):
        f.box((0.33, y[0], h - BASIN_M - 0.02), (0.73, y[1], h - 0.002), _STEEL)
    middle = (first + last) / 2
    f.disc((0.79, middle, h + 0.13), 0.015, 0.13, _STEEL)
    f.box(
        (0.60, middle - 0.012, h + 0.24), (0.80, middle + 0.012, h + 0.265), _STEEL,
        solid=False,
    )  # fmt: skip


def _doors(f: Fitter, right: float, left: float) -> None:
    """Gaps and handles on the cabinet's front."""
    width = f.between(0.42, 0.62)
    handle = _STEEL if f.maybe(0.5) else _DARK
    for y in np.arange(right + width, left, width):
        f.box(
            (0.303, y - 0.004, 0.12), (0.312, y + 0.004, f.height - 0.05),
            0.5 * f.front, solid=False,
        )  # fmt: skip
        f.box(
            (0.285, y - 0.1, f.height - 0.16), (0.31, y - 0.08, f.height - 0.10),
            handle, solid=False,
        )  # fmt: skip


def _hob(f: Fitter, right: float) -> None:
    """A plate with four rings at the right end, and an oven under it."""
    y = right + 0.04
    f.box((0.32, y, f.height), (0.80, y + 0.16, f.height + 0.004), _DARK, solid=False)
    for x in (0.43, 0.68):
        f.disc((x, y + 0.08, f.height + 0.006), 0.06, 0.002, (0.25, 0.25, 0.26))
    f.box((0.3, y, 0.3), (0.309, y + 0.5, f.height - 0.14), _DARK, solid=False)


def _appliances(f: Fitter, left: float, right: float, *, sink: bool) -> None:
    """Kettle, microwave or toaster where nobody reaches."""
    h = f.height
    ends = [(right + 0.24, WORK_Y_M[0] - 0.02)]
    if not sink:
        ends.append((WORK_Y_M[1] + 0.02, left - 0.04))
    for low, high in ends:
        if high - low < 0.14 or f.maybe(0.25):
            continue
        width = min(high - low, f.between(0.14, 0.42))
        tall = f.between(0.14, 0.3)
        colour = (_WHITE, _DARK, _STEEL, tuple(f.rng.uniform(0.1, 0.9, 3)))
        picked = colour[int(f.rng.integers(len(colour)))]
        f.box((0.5, low, h), (0.78, low + width, h + tall), picked)
        f.box(
            (0.495, low + 0.02, h + 0.03), (0.50, low + 0.7 * width, h + tall - 0.03),
            0.4 * np.array(picked), solid=False,
        )  # fmt: skip


def _wall_cabinets(f: Fitter, left: float, right: float) -> None:
    """Cabinets or shelves over the counter; sometimes neither."""
    cabinet = f.spec.geom("wall_cabinet")
    cabinet.size[1], cabinet.pos[1] = (left - right) / 2, (left + right) / 2
    kind = f.rng.integers(3)
    bottom = f.height + f.between(0.52, 0.66)
    if kind == 0:
        cabinet.pos[2] = bottom + 0.3
        return
    f.spec.delete(cabinet)
    if kind == 1:
        for z in (bottom, bottom + 0.3):
            f.box((0.62, right + 0.1, z), (0.85, left - 0.1, z + 0.025), f.front)
            for y in np.arange(right + 0.2, left - 0.2, f.between(0.16, 0.3)):
                colour = f.rng.uniform(0.1, 0.95, 3)
                half = f.between(0.04, 0.09)
                f.disc((0.74, y, z + 0.025 + half), 0.045, half, colour)


def _fridge(f: Fitter, y: float, x: float = 0.25) -> None:
    """A tall cabinet that begins at y [m]."""
    colour = _WHITE if f.maybe(0.5) else _STEEL
    f.box((x, y, 0.02), (x + 0.6, y + 0.6, f.between(1.6, 2.0)), colour)
    f.box((x - 0.02, y + 0.06, 0.9), (x, y + 0.09, 1.4), _DARK, solid=False)


def _straight(f: Fitter) -> None:
    left, right = f.between(1.25, 1.7), -f.between(1.3, 1.8)
    sink = f.maybe(0.7) or f.sink
    _run_of_cabinets(f, left, right, sink=sink)
    _hob(f, right)
    _appliances(f, left, right, sink=sink)
    _wall_cabinets(f, left, right)
    _fridge(f, left + 0.02 if f.maybe(0.5) else right - 0.62)


def _corner(f: Fitter) -> None:
    """A second counter comes back from the left end, with the wall along it."""
    left, right = f.between(1.45, 1.7), -f.between(1.25, 1.7)
    _run_of_cabinets(f, left, right, sink=False)
    _hob(f, right)
    _appliances(f, left - 0.5, right, sink=False)
    _wall_cabinets(f, left, right)
    out, h = -f.between(0.5, 1.1), f.height
    f.box((out, left - 0.55, h - 0.04), (0.25, left, h), material="countertop")
    f.box((out + 0.03, left - 0.5, 0.1), (0.25, left, h - 0.04), f.front)
    f.box((out - 0.3, left, 0), (0.87, left + 0.04, 2.5), material="wall")
    for x in np.arange(out + 0.25, 0.1, f.between(0.25, 0.4)):
        if f.maybe(0.6):
            half = f.between(0.05, 0.14)
            colour = f.rng.uniform(0.1, 0.95, 3)
            f.disc((x, left - 0.2, h + half), f.between(0.04, 0.08), half, colour)


def _island(f: Fitter) -> None:
    """A counter free on all sides; the wall with the rest stands farther away."""
    left, right = f.between(0.9, 1.3), -f.between(1.1, 1.4)
    _run_of_cabinets(f, left, right, sink=False)
    far = f.between(1.9, 3.0)
    f.spec.geom("wall").pos[0] = far
    f.spec.delete(f.spec.geom("wall_cabinet"))
    h = f.height
    f.box((far - 0.62, -2.2, 0.1), (far - 0.02, 1.0, h - 0.04), f.front)
    f.box((far - 0.65, -2.2, h - 0.04), (far - 0.02, 1.0, h), material="countertop")
    _fridge(f, 1.05, far - 0.64)
    for y in np.arange(-2.0, 0.9, f.between(0.3, 0.6)):
        tall = f.between(0.1, 0.35)
        colour = f.rng.uniform(0.1, 0.95, 3)
        f.box(
            (far - 0.4, y, h), (far - 0.15, y + f.between(0.1, 0.28), h + tall), colour
        )
    for y in (-0.6, 0.4):
        f.disc((0.55, y, 1.75), 0.14, 0.08, f.rng.uniform(0.1, 0.9, 3))


def _table(f: Fitter) -> None:
    """A table on legs; the room goes on behind it."""
    top, half = f.spec.geom("countertop"), f.between(0.75, 1.1)
    for geom in (f.spec.geom("cabinet"), f.spec.geom("wall_cabinet")):
        f.spec.delete(geom)
    top.size[1], top.pos[1] = half, -0.1
    h = f.height
    for x in (0.29, 0.81):
        for y in (-0.1 - half + 0.05, -0.1 + half - 0.05):
            f.box((x - 0.03, y - 0.03, 0), (x + 0.03, y + 0.03, h - 0.04), f.front)
    far = f.between(1.3, 2.8)
    f.spec.geom("wall").pos[0] = far
    for y in (-0.7, 0.3):
        back = f.between(0.45, 0.6)
        x = 1.1 + f.between(0, 0.15)
        f.box((x, y, 0.0), (x + 0.04, y + 0.42, h + back - 0.35), 0.8 * f.front)
    if f.maybe(0.6):
        low, colour = f.between(-1.6, 0.6), f.rng.uniform(0.1, 0.9, 3)
        f.box((far - 0.04, low, 1.1), (far - 0.02, low + 0.7, 1.7), colour, solid=False)


def _galley(f: Fitter) -> None:
    """Two counters face each other; the robot stands between them."""
    _straight(f)
    h, back = f.height, -f.between(2.7, 3.0)
    f.box((back - 0.6, -1.5, 0.1), (back, 1.5, h - 0.04), f.front)
    f.box((back - 0.6, -1.5, h - 0.04), (back + 0.03, 1.5, h), material="countertop")
    f.box((0.86, -1.5, 1.05), (0.875, 1.2, 1.5), 0.7 * f.front, solid=False)
    for y in np.arange(-1.2, 1.0, 0.35):
        f.disc((0.83, y, 1.35), 0.07, 0.012, f.rng.uniform(0.2, 0.9, 3))


def _window(f: Fitter) -> None:
    """A wide window over the counter, bright from outside, with plants on its sill."""
    left, right = f.between(1.2, 1.6), -f.between(1.2, 1.6)
    _run_of_cabinets(f, left, right, sink=True)
    _appliances(f, left, right, sink=True)
    f.spec.delete(f.spec.geom("wall_cabinet"))
    bottom = f.height + f.between(0.12, 0.25)
    daylight = f.spec.add_material(name="daylight", emission=1.0, specular=0.0)
    daylight.rgba = [*(np.array([0.75, 0.87, 1.0]) * f.between(0.8, 1.0)), 1]
    f.box(
        (0.83, -0.9, bottom), (0.848, 0.8, bottom + 0.9),
        material="daylight", solid=False,
    )  # fmt: skip
    for y in (-0.9, -0.05, 0.78):
        f.box((0.815, y, bottom), (0.83, y + 0.03, bottom + 0.9), _WHITE, solid=False)
    f.box((0.76, -0.95, bottom - 0.03), (0.85, 0.85, bottom), _WHITE, solid=False)
    for y in np.arange(-0.8, 0.7, f.between(0.3, 0.5)):
        green = np.array([0.15, 0.4, 0.15]) * f.between(0.6, 1.6)
        f.disc((0.79, y, bottom + 0.04), 0.035, 0.04, (0.6, 0.35, 0.25))
        f.disc((0.79, y, bottom + 0.13), 0.05, 0.05, green)


_FITTED: dict[str, Callable[[Fitter], None]] = {
    "straight": _straight,
    "corner": _corner,
    "island": _island,
    "table": _table,
    "galley": _galley,
    "window": _window,
}

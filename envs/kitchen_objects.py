"""Puts things on a counter, so that a hand finds its way to every named one."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import replace

import mujoco
import numpy as np

from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_contents import Hidden, PlacedObject
from brownfield.envs.objects import CLUTTER, NAMED, ObjectKind
from brownfield.envs.prompts import COLOURS

EDGE_X_M = 0.25
"""Front edge of the counter, world frame [m]."""
HUES = (0.0, 0.07, 0.14, 0.33, 0.5, 0.6, 0.76, 0.9)
"""Hues of named objects, in the order of `COLOURS`."""
MOST_TRIES = 200_000
"""So often places are drawn before there is no room."""
MOST_NAMED = 3
"""So many named objects have room at most."""
APPROACH_YAW_RAD = 0.65
"""Horizontal direction from which the right hand comes to an object [rad]."""
CORRIDOR_M = (-0.15, 0.085)
"""The right hand needs so much room to its right and to its left on that way [m]."""
Placed = list[tuple[str, np.ndarray]]
"""Names and centres (x, y)."""
Holds = Callable[[np.ndarray, float], bool]
"""Whether the counter bears a disc of a centre (x, y) and a radius [m]."""
HIDES = np.array([-0.152, 0.067])
"""From an object to the jar that hides it from the left, x and y [m]: beside the way of
the right hand."""


def corridor_blocked(
    target: np.ndarray, other: np.ndarray, radius_m: float, *, both_ways: bool
) -> bool:
    """Whether `other` (x, y) stands in the right hand's way to `target` (x, y), or in
    either hand's."""
    offset = other - target
    if both_ways and _in_the_way(offset * [1, -1], radius_m):
        return True
    return _in_the_way(offset, radius_m)


def _in_the_way(offset: np.ndarray, radius_m: float) -> bool:
    c, s = np.cos(APPROACH_YAW_RAD), np.sin(APPROACH_YAW_RAD)
    along, across = c * offset[0] + s * offset[1], -s * offset[0] + c * offset[1]
    near = np.hypot(*offset) < 0.125 + radius_m
    right, left = CORRIDOR_M
    return bool(near or (along < 0.05 and right - radius_m < across < left + radius_m))


def _centres(
    chosen: list[str], config: KitchenConfig, rng: np.random.Generator
) -> list[np.ndarray]:
    """Where named objects may stand (x, y); fewer than them where a draw failed."""
    both = config.both_ways

    def apart(i: int, j: int) -> bool:
        # Two hands need more room: the one that waits is there too.
        radius = NAMED[chosen[j]].radius_m + (0.02 if both else 0.0)
        return not corridor_blocked(centres[i], centres[j], radius, both_ways=both)

    centres: list[np.ndarray] = []
    for i in range(len(chosen)):
        # For two hands nearly all draws fail: one object after the other is quicker.
        for _ in range(30 if both else 1):
            place = rng.uniform(*config.object_x_m), rng.uniform(*config.object_y_m)
            centres.append(np.array(place))
            if not both or all(apart(i, j) and apart(j, i) for j in range(i)):
                break
            centres.pop()
        if len(centres) <= i:
            return centres
    pairs = [(i, j) for i in range(len(chosen)) for j in range(len(chosen)) if i != j]
    return centres if both or all(apart(i, j) for i, j in pairs) else []


def _place(config: KitchenConfig, rng: np.random.Generator) -> tuple[Placed, Placed]:
    """Names and centres (x, y) of all objects, so that every named one is in reach."""
    names = list(config.named)
    most = min(len(names), MOST_NAMED)
    count = int(rng.integers(min(config.min_named, most), most + 1))
    pieces = int(rng.integers(0, config.max_clutter + 1))
    twins = bool(config.twins) and rng.random() < config.twins
    for _ in range(MOST_TRIES):
        chosen = [str(n) for n in rng.permutation(names)[:count]]
        if twins:
            chosen = [*chosen[: MOST_NAMED - 1], chosen[0]]
        centres = _centres(chosen, config, rng)
        if len(centres) == len(chosen):
            break
    else:
        raise ValueError(
            f"no room for {count} things within {config.object_x_m} and "
            f"{config.object_y_m} m so that hands reach them: widen object_x_m or "
            "object_y_m"
        )
    placed: Placed = []
    for _ in range(60):
        if len(placed) == pieces:
            break
        name = str(rng.choice(list(CLUTTER)))
        radius = CLUTTER[name].radius_m
        xy = np.array([rng.uniform(0.34, 0.78), rng.uniform(-0.9, 0.7)])
        others = [(c, NAMED[n].radius_m) for n, c in zip(chosen, centres, strict=True)]
        others += [(c, CLUTTER[n].radius_m) for n, c in placed]
        if any(np.hypot(*(xy - c)) < r + radius + 0.03 for c, r in others):
            continue
        if any(
            corridor_blocked(c, xy, radius, both_ways=config.both_ways) for c in centres
        ):
            continue
        placed.append((name, xy))
    return list(zip(chosen, centres, strict=True)), placed


def _hide(
    config: KitchenConfig,
    named: Placed,
    clutter: Placed,
    rng: np.random.Generator,
    holds: Holds | None,
) -> tuple[int, float, np.ndarray] | None:
    """Which named object a jar hides, from which side, and where the jar stands (x, y);
    None where it would be in the way of anything. From the right it would be in the way
    of the right hand, and only the left one could take what is behind it."""
    radius = CLUTTER["jar"].radius_m
    for i in rng.permutation(len(named)):
        name, centre = named[i]
        if NAMED[name].height_m > CLUTTER["jar"].height_m:
            continue
        for side in rng.permutation([1.0, -1.0] if config.both_ways else [1.0]):
            jar = centre + HIDES * [1.0, side]
            others = [c for j, (_, c) in enumerate(named) if j != i]
            free = jar[0] > EDGE_X_M + radius and not any(
                corridor_blocked(c, jar, radius, both_ways=config.both_ways)
                for c in others
            )
            apart = all(
                np.hypot(*(jar - c)) > radius + CLUTTER[n].radius_m + 0.02
                for n, c in clutter
            )
            if free and apart and (holds is None or holds(jar, radius)):
                return int(i), float(side), jar
    return None


def _add_object(
    spec: mujoco.MjSpec,
    name: str,
    kind: ObjectKind,
    xy: np.ndarray,
    height_m: float,
    yaw_rad: float,
    rgb: np.ndarray,
) -> PlacedObject:
    position = np.array([*xy, height_m + kind.height_m / 2 + 0.0005])
    body = spec.worldbody.add_body(
        name=name,
        pos=position,
        quat=[np.cos(yaw_rad / 2), 0, 0, np.sin(yaw_rad / 2)],
    )
    body.add_freejoint(name=name)
    kind.build(body, rgb)
    return PlacedObject(name=name, kind=kind, position=position)


def put_objects(
    spec: mujoco.MjSpec,
    config: KitchenConfig,
    height: float,
    look: np.random.Generator,
    rng: np.random.Generator,
    holds: Holds | None = None,
    spare: str = "",
) -> tuple[tuple[PlacedObject, ...], tuple[PlacedObject, ...], Hidden | None]:
    """Puts named objects and clutter on a counter.

    Args:
        spec: of the kitchen, whose frame is the world's.
        config: ranges.
        height: top of the counter [m].
        look: draws colours of named objects.
        rng: draws everything else.
        holds: whether the counter bears a disc of a centre (x, y) and a radius [m];
            clutter that it does not bear is left out.
        spare: one more piece of clutter, which the caller has to put somewhere; until
            then it stands in the middle, whatever stands there.

    Returns:
        named, clutter: what stands where.
        hidden: which of them is behind which.
    """
    hues = look.permutation(len(HUES))
    named, clutter = _place(config, rng)
    if holds is not None:
        clutter = [(n, xy) for n, xy in clutter if holds(xy, CLUTTER[n].radius_m)]
    named.sort(key=lambda item: item[0])
    behind = None
    if config.hidden and rng.random() < config.hidden:
        behind = _hide(config, named, clutter, rng, holds)
    if behind is not None:
        clutter = [*clutter, ("jar", behind[2])]
    placed_named, placed_clutter = [], []
    for called, xy in named:
        twin = any(one.called == called for one in placed_named)
        # A second one of a name has a hue that no first one has.
        hue = hues[list(NAMED).index(called) + (len(NAMED) if twin else 0)]
        rgb = np.array(
            colorsys.hsv_to_rgb(
                HUES[hue], look.uniform(0.6, 0.95), look.uniform(0.55, 0.95)
            )
        )
        yaw = rng.uniform(*config.object_yaw_rad)
        name = f"{called} 2" if twin else called
        placed = _add_object(spec, name, NAMED[called], xy, height, yaw, rgb)
        placed_named.append(replace(placed, called=called, colour=COLOURS[hue]))
    for i, (name, xy) in enumerate(clutter):
        rgb = rng.uniform(0.15, 0.9, 3)
        placed_clutter.append(
            _add_object(
                spec,
                f"{name} {i}",
                CLUTTER[name],
                xy,
                height,
                rng.uniform(-np.pi, np.pi),
                rgb,
            )
        )
    jar = placed_clutter[-1].name if behind is not None else ""
    if spare:
        # Nothing is drawn for it: the rest of the kitchen stays as it is without.
        middle, grey = np.array([0.5, 0.0]), np.full(3, 0.6)
        piece = CLUTTER[spare], middle, height, 0.0, grey
        placed_clutter.append(_add_object(spec, f"{spare} in the way", *piece))
    hidden = None
    if behind is not None:
        hidden = Hidden(
            name=placed_named[behind[0]].name,
            jar=jar,
            side=behind[1],
        )
    return tuple(placed_named), tuple(placed_clutter), hidden

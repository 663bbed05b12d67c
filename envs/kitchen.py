"""A generator of kitchens: one seed, one kitchen, always the same.

The ranges are the defaults of `KitchenConfig`; every reported figure uses them.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.resources import as_file, files

import mujoco
import numpy as np

from brownfield.envs.kitchen_drawer import Drawer, add_drawer
from brownfield.envs.kitchen_fixtures import SPOTS, TABLE_HEIGHT_M, Spot, add_spots
from brownfield.envs.kitchen_layout import (
    LAYOUTS,
    UNSEEN_LAYOUTS,
    Fitter,
    fit_out,
)
from brownfield.envs.kitchen_materials import MATERIALS
from brownfield.envs.objects import CLUTTER, NAMED, ObjectKind
from brownfield.envs.prompts import COLOURS, SIDES
from brownfield.envs.scene_sidecar import Rectangle
from brownfield.robot.g1.model import g1_spec

EDGE_X_M = 0.25
"""Front edge of the counter, world frame [m]."""
HUES = (0.0, 0.07, 0.14, 0.33, 0.5, 0.6, 0.76, 0.9)
"""Hues of named objects, in the order of `COLOURS`."""
MOST_NAMED = 3
"""So many named objects have room at most."""
LIGHTS = ((1.0, 1.0, 1.0), (0.88, 0.96, 1.1), (1.1, 0.86, 0.62))
"""Colours of light in furnished kitchens: neutral, daylight, lamp light."""
APPROACH_YAW_RAD = 0.65
"""Horizontal direction from which the right hand comes to an object [rad]."""
CORRIDOR_M = (-0.15, 0.085)
"""The right hand needs so much room to its right and to its left on that way [m]."""


@dataclass(frozen=True, kw_only=True)
class KitchenConfig:
    """Ranges that a kitchen is drawn from."""

    counter_height_m: tuple[float, float] = (0.80, 0.95)
    """Height of the counter's top [m]."""
    object_x_m: tuple[float, float] = (0.30, 0.55)
    """Centres of named objects, world frame [m]; the edge is at 0.25."""
    object_y_m: tuple[float, float] = (-0.37, 0.03)
    """Centres of named objects, world frame [m]."""
    object_yaw_rad: tuple[float, float] = (-1.0, 1.0)
    """Heading of named objects [rad]."""
    spots: tuple[str, ...] = ()
    """What else there is to put things on or into: a `tray` beside the named objects, a
    `table` across the room, a `sink` where the layout has room for it; and a `drawer`
    to open where there are cabinets."""
    both_ways: bool = False
    """Whether the left hand finds a free way to every named object too."""
    named: tuple[str, ...] = ("coffee cup", "bottle", "box")
    """Which named objects exist; two or three of them stand on the counter."""
    twins: float = 0.0
    """Chance that two of them are of one name, told apart by side or colour."""
    min_named: int = 2
    """At least so many named objects."""
    hidden: float = 0.0
    """Chance that a jar hides one of them at first, where there is room for a jar."""
    max_clutter: int = 4
    """At most so many pieces of clutter."""
    light: tuple[float, float] = (0.4, 1.6)
    """Factor on all light."""
    light_angle_rad: float = np.pi / 3
    """Largest tilt of the lamp from the vertical [rad]."""
    camera_angle_rad: float = np.deg2rad(2.0)
    """Largest error of the head camera's mounting per axis [rad]."""
    camera_shift_m: float = 0.01
    """Largest shift of the head camera per axis [m]."""
    layout: tuple[str, ...] = ("plain",)
    """Layouts, of which an episode draws one: `plain` (a counter before a wall), those
    of `LAYOUTS`, or `UNSEEN_LAYOUTS`."""
    materials: str = "train"
    """Counters and walls: `train`, or `unseen`, which nothing is recorded with."""
    material_seed: int | None = None
    """Draw height, materials, light, camera and colours from this seed instead of the
    episode's: one kitchen with objects in new places (the narrow preset)."""

    def __post_init__(self) -> None:
        """Refuse layouts and materials that do not exist."""
        known = ("plain", *LAYOUTS, *UNSEEN_LAYOUTS)
        for layout in self.layout or ("none",):
            if layout not in known:
                raise ValueError(
                    f"layout must be of {', '.join(known)}; got {layout!r}"
                )
        for spot in self.spots:
            if spot not in SPOTS:
                raise ValueError(f"spots must be of {', '.join(SPOTS)}; got {spot!r}")
        for name in self.named or ("none",):
            if name not in NAMED:
                raise ValueError(f"named must be of {', '.join(NAMED)}; got {name!r}")
        for name in ("twins", "hidden"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name} must be within 0 and 1, got {getattr(self, name)}"
                )
        if self.materials not in MATERIALS:
            raise ValueError(
                f"materials must be one of {', '.join(MATERIALS)}; got "
                f"{self.materials!r}"
            )


@dataclass(frozen=True, kw_only=True)
class PlacedObject:
    """One object of a kitchen."""

    name: str
    """The MuJoCo body's name: what a prompt calls it, and a number for a second one."""
    kind: ObjectKind
    """Size and grasp."""
    position: np.ndarray = field(repr=False)
    """Initial centre (3,), world frame [m]."""
    called: str = ""
    """What a prompt calls it."""
    colour: str = ""
    """The word for its colour; empty for clutter."""


@dataclass(frozen=True, kw_only=True)
class Hidden:
    """A named object behind a jar."""

    name: str
    """The object's."""
    jar: str
    """The jar's."""
    side: float
    """1 if the jar hides it from the left, -1 from the right."""


@dataclass(frozen=True, kw_only=True)
class Kitchen:
    """A generated kitchen with a G1 in it."""

    model: mujoco.MjModel
    """Compiled; robot elements carry the prefix `g1/`."""
    counter_height_m: float
    """Top of the counter [m]."""
    named: tuple[PlacedObject, ...]
    """Objects that a prompt may name."""
    clutter: tuple[PlacedObject, ...]
    """Objects that it may not."""
    start: Rectangle | None = None
    """Where the robot may start, world frame; None for anywhere."""
    spots: dict[str, Spot] = field(default_factory=dict)
    """What things may be put on, by name."""
    drawer: Drawer | None = None
    """What may be opened."""
    hidden: Hidden | None = None
    """What cannot be seen from where the robot starts."""

    def has(self, name: str) -> bool:
        """Whether there is a spot or a drawer of a name."""
        return name in self.spots or (name == "drawer" and self.drawer is not None)

    def reference(
        self, name: str, rng: np.random.Generator, coloured: float = 0.0
    ) -> str:
        """How to refer to a named object (by its body's name) so that it is clear.

        Args:
            name: the body's.
            rng: draws between side and colour for one of two alike.
            coloured: chance to tell the colour where the name would do.
        """
        one = next(o for o in self.named if o.name == name)
        alike = [o for o in self.named if o.called == one.called]
        if len(alike) == 1:
            told = one.colour if coloured and rng.random() < coloured else ""
            return f"{told} {one.called}".strip()
        other = next(o for o in alike if o is not one)
        side = SIDES[int(one.position[1] < other.position[1])]
        return f"{side if rng.random() < 0.5 else one.colour} {one.called}"

    def find(self, reference: str) -> PlacedObject | None:
        """The named object that a phrase refers to; None if there is none.

        Raises:
            ValueError: it may be any of several.
        """
        told, _, rest = reference.partition(" ")
        called = rest if told in (*COLOURS, *SIDES) else reference
        alike = [o for o in self.named if o.called == called]
        if called == reference:
            fitting = alike
        elif told in COLOURS:
            fitting = [o for o in alike if o.colour == told]
        else:
            leftmost = sorted(alike, key=lambda o: -o.position[1])
            fitting = leftmost[:1] if told == "left" else leftmost[1:]
        if len(fitting) > 1:
            ways = ", ".join(f"{o.colour} {o.called}" for o in fitting)
            raise ValueError(f"{reference!r} may be any of: {ways}")
        return fitting[0] if fitting else None

    def missing(self) -> list[str]:
        """Names and, of what is there, wrong colours that refer to nothing here."""
        here = {o.called for o in self.named}
        names = [name for name in NAMED if name not in here]
        used = {o.colour for o in self.named}
        free = [colour for colour in COLOURS if colour not in used]
        return names + [f"{free[0]} {name}" for name in sorted(here) if free]


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


Placed = list[tuple[str, np.ndarray]]


def _place(config: KitchenConfig, rng: np.random.Generator) -> tuple[Placed, Placed]:
    """Names and centres (x, y) of all objects, so that every named one is in reach."""
    names = list(config.named)
    most = min(len(names), MOST_NAMED)
    count = int(rng.integers(min(config.min_named, most), most + 1))
    pieces = int(rng.integers(0, config.max_clutter + 1))
    twins = bool(config.twins) and rng.random() < config.twins
    while True:
        chosen = [str(n) for n in rng.permutation(names)[:count]]
        if twins:
            chosen = [*chosen[: MOST_NAMED - 1], chosen[0]]
        centres = [
            np.array([rng.uniform(*config.object_x_m), rng.uniform(*config.object_y_m)])
            for _ in chosen
        ]
        if not any(
            corridor_blocked(
                a, b, NAMED[chosen[j]].radius_m, both_ways=config.both_ways
            )
            for i, a in enumerate(centres)
            for j, b in enumerate(centres)
            if i != j
        ):
            break
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


HIDES = np.array([-0.152, 0.067])
"""From an object to the jar that hides it from the left, x and y [m]: beside the way of
the right hand."""


def _hide(
    config: KitchenConfig, named: Placed, clutter: Placed, rng: np.random.Generator
) -> tuple[int, float, np.ndarray] | None:
    """Which named object a jar hides, from which side, and where the jar stands (x, y);
    None where it would be in the way of anything."""
    radius = CLUTTER["jar"].radius_m
    for i in rng.permutation(len(named)):
        name, centre = named[i]
        if NAMED[name].height_m > CLUTTER["jar"].height_m:
            continue
        for side in rng.permutation([1.0, -1.0]):
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
            if free and apart:
                return int(i), float(side), jar
    return None


def _paint(spec: mujoco.MjSpec, name: str, choice, rng: np.random.Generator) -> str:
    """Adds a material of one of the tables, slightly off its colour."""
    _, builtin, mark, first, second = choice
    jitter = rng.uniform(-0.04, 0.04)
    spec.add_texture(
        name=name,
        type=mujoco.mjtTexture.mjTEXTURE_2D,
        builtin=builtin,
        mark=mark,
        rgb1=np.clip(np.array(first) + jitter, 0, 1),
        rgb2=np.clip(np.array(second) + jitter, 0, 1),
        markrgb=np.clip(np.array(second) + jitter, 0, 1),
        random=0.05,
        width=128,
        height=128,
    )
    material = spec.add_material(name=name, specular=0.2, shininess=0.2)
    material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = name
    repeat = rng.uniform(2, 6)
    material.texrepeat = [repeat, repeat]
    material.texuniform = True
    return name


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


def mounted_robot(config: KitchenConfig, look: np.random.Generator) -> mujoco.MjSpec:
    """The G1 with its head camera slightly off, as `look` draws it."""
    robot = g1_spec()
    camera = robot.camera("head")
    camera.pos = camera.pos + look.uniform(-1, 1, 3) * config.camera_shift_m
    error = np.zeros(4)
    vector = look.uniform(-1, 1, 3) * config.camera_angle_rad
    angle = np.linalg.norm(vector)
    axis = vector / angle if angle > 1e-9 else np.array([1.0, 0, 0])
    mujoco.mju_axisAngle2Quat(error, axis, angle)
    turned = np.zeros(4)
    mujoco.mju_mulQuat(turned, camera.quat, error)
    camera.quat = turned
    return robot


def put_objects(
    spec: mujoco.MjSpec,
    config: KitchenConfig,
    height: float,
    look: np.random.Generator,
    rng: np.random.Generator,
    holds: Callable[[np.ndarray, float], bool] | None = None,
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
        behind = _hide(config, named, clutter, rng)
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


def generate_kitchen(
    seed: int, config: KitchenConfig | None = None, spare: str = ""
) -> Kitchen:
    """The kitchen of a seed, with the robot attached.

    Args:
        seed: any non-negative integer; the same seed gives the same kitchen.
        config: ranges; the defaults are those of every reported figure.
        spare: one more piece of clutter, see `put_objects`.
    """
    config = config or KitchenConfig()
    rng = np.random.default_rng([seed, 1])
    look = rng
    if config.material_seed is not None:
        look = np.random.default_rng([config.material_seed, 2])
    with as_file(files("brownfield.envs") / "kitchen.xml") as path:
        spec = mujoco.MjSpec.from_file(str(path))

    # Streams of their own: kitchens from before there were layouts stay as they were.
    style = [config.material_seed if config.material_seed is not None else seed, 7]
    fittings = np.random.default_rng(style)
    layout = config.layout[int(fittings.integers(len(config.layout)))]
    height = float(look.uniform(*config.counter_height_m))
    if layout == "table":
        height = float(fittings.uniform(*TABLE_HEIGHT_M))
    spec.geom("countertop").pos[2] = height - 0.02
    cabinet = spec.geom("cabinet")
    cabinet.size[2] = (height - 0.14) / 2
    cabinet.pos[2] = 0.1 + (height - 0.14) / 2
    counters, walls = MATERIALS[config.materials]
    for geom, table in (("countertop", counters), ("wall", walls), ("floor", counters)):
        choice = table[int(look.integers(len(table)))]
        spec.geom(geom).material = _paint(spec, geom, choice, look)
    front = look.uniform(0.3, 1.0) * np.ones(3) * look.uniform(0.85, 1.0, 3)
    spec.geom("cabinet").rgba = [*front, 1]
    spec.geom("wall_cabinet").rgba = [*front, 1]

    sink = None
    if layout != "plain":
        fitter = Fitter(
            spec=spec,
            height=height,
            front=front,
            rng=fittings,
            sink="sink" in config.spots,
        )
        sink = fit_out(layout, fitter)

    power = look.uniform(*config.light)
    tilt = look.uniform(0, config.light_angle_rad)
    around = look.uniform(0, 2 * np.pi)
    lamp = spec.light("lamp")
    lamp.dir = [
        np.sin(tilt) * np.cos(around),
        np.sin(tilt) * np.sin(around),
        -np.cos(tilt),
    ]
    lamp.diffuse = 0.6 * power * np.ones(3) * look.uniform(0.92, 1.0, 3)
    if layout != "plain":
        shade = LIGHTS[int(fittings.integers(len(LIGHTS)))]
        lamp.diffuse = lamp.diffuse * shade * fittings.uniform(0.9, 1.05, 3)
    spec.visual.headlight.ambient = 0.35 * power * np.ones(3)
    spec.visual.headlight.diffuse = 0.3 * power * np.ones(3)

    robot = mounted_robot(config, look)
    spots = add_spots(
        spec,
        config.spots,
        counter_height_m=height,
        object_y_m=config.object_y_m,
        left_is_free=layout != "corner",
        rng=np.random.default_rng([seed, 8]),
    )
    if sink is not None and "sink" in config.spots:
        spots["sink"] = sink
    drawer = None
    if "drawer" in config.spots and layout != "table":
        drawer = add_drawer(
            spec,
            counter_height_m=height,
            object_y_m=config.object_y_m,
            front=front,
            rng=np.random.default_rng([seed, 13]),
        )
    tray = spots.get("tray")
    placed_named, placed_clutter, hidden = put_objects(
        spec,
        config,
        height,
        look,
        rng,
        None if tray is None else lambda xy, radius: not tray.covers(xy, radius),
        spare,
    )
    spec.attach(robot, prefix="g1/", frame=spec.worldbody.add_frame())
    return Kitchen(
        model=spec.compile(),
        counter_height_m=height,
        named=placed_named,
        clutter=placed_clutter,
        spots=spots,
        drawer=drawer,
        hidden=hidden,
    )

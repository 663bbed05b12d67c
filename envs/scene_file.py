"""An MJCF scene and its sidecar as a kitchen.

The scene is moved, never scaled, into the frame of our own kitchens (x into the
counter, whose edge is at `EDGE_X_M`, floor at 0), so that robot, expert and judge
know no difference.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from importlib.resources import as_file, files

import mujoco
import numpy as np

from brownfield.envs.kitchen import mounted_robot
from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_contents import Kitchen
from brownfield.envs.kitchen_objects import EDGE_X_M, put_objects
from brownfield.envs.scene_sidecar import (
    ENDING,
    Rectangle,
    SceneError,
    Sidecar,
    Worktop,
    find_sidecar,
    load_sidecar,
)
from brownfield.envs.scene_view import clear_view

HEIGHT_M = (0.70, 1.05)
"""Worktops that the palm reaches above the floor [m]; ours are 0.80 to 0.95."""
MARGIN_M = 0.07
"""Centres of objects stay so far from a worktop's edges [m]: the cup's handle."""
LEAST_M = 0.05
"""Objects are drawn from ranges at least so long [m]."""
ROOM_M = 0.5
"""The standing region reaches so far back from the stance [m]: where starts begin."""
ROBOT_BIT = 2
"""Robots and objects have this bit in `contype`; what they touch has it in
`conaffinity`, whatever bits the scene uses for itself."""


@dataclass(frozen=True, kw_only=True)
class Surface:
    """A worktop in its own kitchen frame."""

    name: str
    """As in the sidecar."""
    yaw_rad: float
    """Turn from the scene frame to the kitchen frame [rad]."""
    shift_m: tuple[float, float, float]
    """Shift behind that turn [m]."""
    top: Rectangle
    """Its extent."""
    height_m: float
    """Above the floor [m]."""
    stand: Rectangle
    """Where the robot may start."""
    object_x_m: tuple[float, float]
    """Where centres of named objects may be [m]."""
    object_y_m: tuple[float, float]
    """Where centres of named objects may be [m]."""

    def holds(self, xy: np.ndarray, radius_m: float) -> bool:
        """Whether a disc about (x, y) lies on it."""
        low = np.array([self.top.x[0], self.top.y[0]]) + radius_m
        high = np.array([self.top.x[1], self.top.y[1]]) - radius_m
        return bool((xy >= low).all() and (xy <= high).all())


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A scene that can be a kitchen."""

    sidecar: Sidecar
    """What was read."""
    surfaces: tuple[Surface, ...]
    """Its worktops, all of them in reach."""
    own_floor: bool
    """Whether the scene has a plane where the floor is."""

    @property
    def name(self) -> str:
        """Of the sidecar's file, without its ending."""
        return self.sidecar.path.name.removesuffix(ENDING)


def load_scene(place: str, config: KitchenConfig | None = None) -> Scene:
    """The scene of a place, checked once in a process until a file changes.

    Raises:
        SceneError: names the file and what cannot be used in it.
    """
    path = find_sidecar(place)
    config = config or KitchenConfig()
    ranges = (config.object_x_m, config.object_y_m)
    return _load(place, path.stat().st_mtime_ns, ranges)


@functools.lru_cache(maxsize=8)
def _load(place: str, changed_ns: int, ranges: tuple) -> Scene:
    del changed_ns  # part of the key alone
    sidecar = load_sidecar(place)
    spec = _stripped(sidecar)
    try:
        model = spec.compile()
    except ValueError as error:
        raise SceneError(f"{sidecar.scene} does not compile: {error}") from error
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    wrong: list[str] = []
    own_floor = False
    for i in np.flatnonzero(model.geom_type == mujoco.mjtGeom.mjGEOM_PLANE):
        z = float(data.geom_xpos[i, 2])
        collides = model.geom_contype[i] or model.geom_conaffinity[i]
        if not collides or data.geom_xmat[i, 8] < 0.999:
            continue
        own_floor |= abs(z - sidecar.floor_z) < 2e-3
        if z > sidecar.floor_z + 2e-3:
            wrong.append(
                f"floor_z {sidecar.floor_z:g} lies under the plane "
                f"{model.geom(i).name!r} at {z:g}"
            )
    for kind, parts in sidecar.fixtures.items():
        for part, name in parts.items():
            known = [x.name for x in (spec.bodies if part == "body" else spec.joints)]
            if name not in known:
                wrong.append(_unknown(f"fixtures.{kind}.{part}", name, known))
    surfaces = []
    for name, worktop in sidecar.worktops.items():
        try:
            area, top_z = _extent(worktop, model, data)
            surfaces.append(_surface(name, area, top_z, sidecar, ranges))
        except SceneError as error:
            wrong.append(f"worktops.{name}: {error}")
    if wrong:
        raise SceneError(f"{sidecar.path}: {'; '.join(wrong)}")
    return Scene(sidecar=sidecar, surfaces=tuple(surfaces), own_floor=own_floor)


def surface_of(scene: Scene, seed: int) -> Surface:
    """The worktop of a seed."""
    which = np.random.default_rng([seed, 6]).integers(len(scene.surfaces))
    return scene.surfaces[int(which)]


def scene_kitchen(
    scene: Scene, seed: int, config: KitchenConfig, spare: str = ""
) -> Kitchen:
    """The scene with a seed's worktop, objects and robot.

    Its materials and lights stay; of `config` the objects, their colours and the
    head camera's mounting are drawn. `spare` is as for `put_objects`.
    """
    rng = np.random.default_rng([seed, 1])
    look = rng
    if config.material_seed is not None:
        look = np.random.default_rng([config.material_seed, 2])
    surface = surface_of(scene, seed)
    spec = _room(scene, surface)
    robot = mounted_robot(config, look)
    config = replace(
        config, object_x_m=surface.object_x_m, object_y_m=surface.object_y_m
    )
    named, clutter, hidden = put_objects(
        spec, config, surface.height_m, look, rng, surface.holds, spare
    )
    for thing in (*named, *clutter):
        for geom in spec.body(thing.name).geoms:
            if geom.contype or geom.conaffinity:
                geom.contype |= ROBOT_BIT
    spec.attach(robot, prefix="g1/", frame=spec.worldbody.add_frame())
    model = spec.compile()
    clear_view(model)
    return Kitchen(
        model=model,
        counter_height_m=surface.height_m,
        named=named,
        clutter=clutter,
        start=surface.stand,
        hidden=hidden,
    )


def _unknown(where: str, name: str, known: list[str]) -> str:
    valid = ", ".join(sorted(n for n in known if n and n != "world")) or "none"
    return f"{where}: unknown {name!r}, there are {valid}"


def _stripped(sidecar: Sidecar) -> mujoco.MjSpec:
    """The scene without what is to be taken out, its keyframes and unused meshes."""
    try:
        spec = mujoco.MjSpec.from_file(str(sidecar.scene))
    except ValueError as error:
        raise SceneError(f"{sidecar.scene} is no MJCF scene: {error}") from error
    for key in list(spec.keys):
        spec.delete(key)  # of another number of joints
    for given in sidecar.remove:
        name = given.removeprefix("parent of ")
        body = spec.body(name)
        if body is not None and name != given:
            body = body.parent
        if body is None or body is spec.worldbody or body.name == "world":
            known = [body.name for body in spec.bodies]
            raise SceneError(f"{sidecar.path}: {_unknown('remove', given, known)}")
        spec.delete(body)
    used = {geom.meshname for geom in spec.geoms}
    for mesh in list(spec.meshes):
        if mesh.name not in used:
            spec.delete(mesh)
    return spec


def _extent(
    worktop: Worktop, model: mujoco.MjModel, data: mujoco.MjData
) -> tuple[Rectangle, float]:
    """Rectangle and height of a worktop, scene frame."""
    if worktop.area is not None:
        return worktop.area, worktop.top_z
    boxes = [
        model.geom(i).name
        for i in range(model.ngeom)
        if model.geom_type[i] == mujoco.mjtGeom.mjGEOM_BOX
    ]
    if worktop.geom not in boxes:
        raise SceneError(_unknown("box geom", worktop.geom, boxes))
    geom = data.geom(worktop.geom)
    matrix, half = np.abs(geom.xmat.reshape(3, 3)), model.geom(worktop.geom).size
    if matrix.max(1).min() < 0.999:
        raise SceneError(
            f"the box {worktop.geom!r} is turned; give x, y and top_z of a rectangle "
            "on it instead"
        )
    low, high = geom.xpos - matrix @ half, geom.xpos + matrix @ half
    area = Rectangle(
        x=(float(low[0]), float(high[0])), y=(float(low[1]), float(high[1]))
    )
    return area, float(high[2])


def _turned(area: Rectangle, yaw_rad: float) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corner (2,) of a rectangle turned by quarters."""
    c, s = np.round(np.cos(yaw_rad)), np.round(np.sin(yaw_rad))
    corners = np.array([[c, -s], [s, c]]) @ np.array([area.x, area.y])
    return corners.min(1), corners.max(1)


def _surface(
    name: str, area: Rectangle, top_z: float, sidecar: Sidecar, ranges: tuple
) -> Surface:
    """A worktop seen from where people stand."""
    if abs(sidecar.facing_deg % 90) > 1e-6:
        raise SceneError(
            f"stand.facing_deg must be 0, 90, 180 or 270, got {sidecar.facing_deg:g}"
        )
    height = top_z - sidecar.floor_z
    if not HEIGHT_M[0] <= height <= HEIGHT_M[1]:
        raise SceneError(
            f"{height:.2f} m above floor_z {sidecar.floor_z:g}; the robot works at "
            f"{HEIGHT_M[0]} to {HEIGHT_M[1]} m"
        )
    yaw = -np.deg2rad(sidecar.facing_deg)
    top_low, top_high = _turned(area, yaw)
    stand_low, stand_high = _turned(sidecar.stand, yaw)
    shift = np.array([EDGE_X_M - top_low[0], -(stand_low[1] + stand_high[1]) / 2])
    top_low, top_high, stand_low, stand_high = (
        corner + shift for corner in (top_low, top_high, stand_low, stand_high)
    )
    if stand_high[0] < -0.05 or stand_low[0] > -ROOM_M or stand_high[0] > EDGE_X_M:
        raise SceneError(
            f"the standing region lies {EDGE_X_M - stand_high[0]:.2f} to "
            f"{EDGE_X_M - stand_low[0]:.2f} m from its edge in the direction of "
            f"facing; it must begin within {EDGE_X_M + 0.05:.2f} m in front of it and "
            f"reach back {EDGE_X_M + ROOM_M:.2f} m"
        )
    reach = []
    for axis, (low, high) in enumerate(ranges):
        least, most = max(low, top_low[axis]), min(high, top_high[axis] - MARGIN_M)
        if axis == 1:
            least = max(low, top_low[axis] + MARGIN_M)
        if most - least < LEAST_M:
            raise SceneError(
                f"too small or out of reach: objects would be {least:.2f} to "
                f"{most:.2f} m {('ahead', 'to the left')[axis]} of who stands there"
            )
        reach.append((float(least), float(most)))

    def rectangle(low: np.ndarray, high: np.ndarray) -> Rectangle:
        return Rectangle(
            x=(float(low[0]), float(high[0])), y=(float(low[1]), float(high[1]))
        )

    return Surface(
        name=name,
        yaw_rad=float(yaw),
        shift_m=(float(shift[0]), float(shift[1]), -sidecar.floor_z),
        top=rectangle(top_low, top_high),
        height_m=height,
        stand=rectangle(stand_low, stand_high),
        object_x_m=reach[0],
        object_y_m=reach[1],
    )


def _room(scene: Scene, surface: Surface) -> mujoco.MjSpec:
    """Our physics, cameras and floor with the scene attached, kitchen frame."""
    with as_file(files("brownfield.envs") / "kitchen.xml") as path:
        spec = mujoco.MjSpec.from_file(str(path))
    child = _stripped(scene.sidecar)
    for name in ("countertop", "cabinet", "wall", "wall_cabinet"):
        spec.delete(spec.geom(name))
    floor = spec.geom("floor")
    if scene.own_floor:
        spec.delete(floor)
    else:
        # Where people stand may cut through drawers and doors: it bears feet and
        # what is dropped, nothing of the scene.
        floor.contype, floor.conaffinity = 0, ROBOT_BIT
        floor.rgba = [0.55, 0.55, 0.52, 1]
    if list(child.lights):
        spec.delete(spec.light("lamp"))
        for field in ("ambient", "diffuse", "specular"):
            value = getattr(child.visual.headlight, field)
            setattr(spec.visual.headlight, field, value)
    for geom in child.geoms:
        if geom.contype or geom.conaffinity:
            geom.conaffinity |= ROBOT_BIT
    # Sizes and options of the scene would be dropped with a warning: ours hold.
    for name in ("njmax", "nconmax", "memory", "nuser_actuator", "nuser_body"):
        setattr(child, name, getattr(spec, name))
    for name in (n for n in dir(spec.option) if not n.startswith("_")):
        setattr(child.option, name, getattr(spec.option, name))
    frame = spec.worldbody.add_frame(
        pos=surface.shift_m,
        quat=[np.cos(surface.yaw_rad / 2), 0, 0, np.sin(surface.yaw_rad / 2)],
    )
    spec.attach(child, prefix="scene/", frame=frame)
    return spec

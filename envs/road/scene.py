"""The picture and the physics of a street: one model per map, actors put in place.

One merged mesh per colour and no shadows keep a 64x64 frame in milliseconds; what an
episode does not use is transparent and far below.
"""

from __future__ import annotations

import copy
import functools
import math

import mujoco
import numpy as np

from brownfield.envs.road.geometry import Mesh, merged, meshes, strip
from brownfield.envs.road.manoeuvre import (
    BAY_GAP_M,
    BAY_LENGTH_M,
    BAY_WIDTH_M,
    FRONT_M,
    RAMP_M,
    Manoeuvre,
)
from brownfield.envs.road.network import Array
from brownfield.envs.road.speed_law import Light
from brownfield.envs.road.street import Street
from brownfield.envs.road.traffic import (
    AWAY,
    PARKED_MOST,
    WALKERS_MOST,
    Traffic,
)
from brownfield.robot.car.model import (
    CENTRE_X_M,
    HALF_LENGTH_M,
    HALF_WIDTH_M,
    car_spec,
)

TIMESTEP_S = 0.005
"""Of the physics [s]."""
BAYS_MOST = 3
"""One bay for every arm of a junction."""
LAMPS: tuple[Light, ...] = ("red", "amber", "green")
"""From top to bottom."""
LIT = {"red": (1, 0.05, 0.03), "amber": (1, 0.5, 0), "green": (0.05, 1, 0.25)}
DARK = {"red": (0.16, 0.02, 0.02), "amber": (0.14, 0.1, 0), "green": (0, 0.12, 0.03)}
NEAR_LIGHT_M = 4.5
"""The near light stands so far behind the stop line, or a driver waiting there could
not see it [m]."""
LAMP_M = (0.25, 0.75)
"""Smallest and largest radius of a lamp [m]."""
LAMP_SHARE = 0.028
"""Radius of a lamp by its distance from the stop line: four pixels of 64x64."""

_COLOURS: dict[str, tuple[float, float, float]] = {
    "ground": (0.34, 0.46, 0.25),
    "sidewalk": (0.62, 0.60, 0.57),
    "asphalt": (0.27, 0.27, 0.29),
    "kerb": (0.72, 0.72, 0.70),
    "line": (0.95, 0.95, 0.93),
    "house_0": (0.72, 0.62, 0.50),
    "house_1": (0.62, 0.45, 0.38),
    "house_2": (0.78, 0.76, 0.70),
    "roof": (0.45, 0.25, 0.20),
}
"""Colours that an episode's are drawn around."""


@functools.lru_cache(maxsize=16)
def street_model(street: Street) -> mujoco.MjModel:
    """The compiled model of a street; nobody may write to it."""
    spec = mujoco.MjSpec()
    spec.compiler.degree = False
    spec.option.timestep = TIMESTEP_S
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    spec.option.impratio = 10
    spec.stat.extent, spec.stat.center = 100, [0, 0, 0]
    spec.visual.map.znear, spec.visual.map.zfar = 0.003, 4
    spec.visual.quality.shadowsize = 0
    spec.visual.quality.offsamples = 0
    spec.visual.quality.numslices, spec.visual.quality.numstacks = 12, 6
    spec.visual.global_.offwidth, spec.visual.global_.offheight = 960, 720
    spec.visual.headlight.specular = [0, 0, 0]
    spec.add_texture(
        name="sky",
        type=mujoco.mjtTexture.mjTEXTURE_SKYBOX,
        builtin=mujoco.mjtBuiltin.mjBUILTIN_GRADIENT,
        rgb1=[0.45, 0.62, 0.85],
        rgb2=[0.85, 0.9, 0.95],
        width=32,
        height=192,
    )
    glow = spec.add_material(name="glow", emission=0.7, specular=0.0)
    glow.rgba = [1, 1, 1, 1]
    world = spec.worldbody
    world.add_light(
        name="sun",
        pos=[0, 0, 80],
        type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL,
        castshadow=False,
        specular=[0, 0, 0],
    )
    world.add_camera(name="map", pos=[0, 0, 100], fovy=45)
    # A plane is drawn as thousands of triangles: it is felt, two others are seen.
    world.add_geom(
        name="road",
        type=mujoco.mjtGeom.mjGEOM_PLANE,
        size=[4000, 4000, 1],
        contype=1,
        conaffinity=8,
        group=3,
    )
    middle, far = street.middle, street.reach + 350
    corner = np.array([[-far, far], [far, far]]) + middle
    ground = strip(corner, corner - [0, 2 * far], 0.0)
    for name, mesh in {"ground": ground, **meshes(street.network)}.items():
        _add_mesh(spec, name, mesh)
        _draw(world, "mesh", mesh=name, name=name, rgb=_COLOURS[name])
    _add_car(world, "lead")
    for i in range(PARKED_MOST):
        _add_car(world, f"parked_{i}")
    for i in range(WALKERS_MOST):
        _add_walker(world, f"walker_{i}")
    for name in ("light_near", "light_far"):
        _add_light(world, name)
    for name, mesh in _bay_meshes().items():
        _add_mesh(spec, name, mesh)
    for i in range(BAYS_MOST):
        _add_bay(world, f"bay_{i}")
    spec.attach(car_spec(), prefix="ego/", frame=world.add_frame())
    return spec.compile()


def _add_mesh(spec: mujoco.MjSpec, name: str, mesh: Mesh) -> None:
    part = spec.add_mesh(name=name)
    part.uservert = mesh.vertices.ravel().tolist()
    part.userface = mesh.faces.ravel().tolist()
    # Flat things have no volume.
    part.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL


def _draw(
    body: mujoco.MjsBody,
    shape: str,
    *,
    rgb: tuple[float, ...],
    size: tuple[float, ...] = (0.1, 0.1, 0.1),
    pos: tuple[float, ...] = (0, 0, 0),
    name: str = "",
    mesh: str = "",
    glows: bool = False,
) -> None:
    """Add something that is seen and not felt."""
    geom = body.add_geom(
        type=getattr(mujoco.mjtGeom, f"mjGEOM_{shape.upper()}"),
        rgba=[*rgb, 1],
        contype=0,
        conaffinity=0,
        mass=0,
    )
    if name:
        geom.name = name
    if mesh:
        geom.meshname = mesh
    else:
        geom.size, geom.pos = [*size, 0, 0][:3], pos
    if shape == "cylinder" and glows:
        # Its flat side looks along x.
        geom.quat = [math.sqrt(0.5), 0, math.sqrt(0.5), 0]
    if glows:
        geom.material = "glow"


def _add_car(world: mujoco.MjsBody, name: str) -> None:
    body = world.add_body(name=name, mocap=True, pos=[0, 0, AWAY])
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[HALF_LENGTH_M, HALF_WIDTH_M, 0.34],
        pos=[CENTRE_X_M, 0, 0.6],
        contype=2,
        conaffinity=4,
    )
    dark = (0.10, 0.12, 0.15)
    _draw(body, "box", rgb=dark, size=(1.2, 0.76, 0.28), pos=(1.0, 0, 1.2))
    _draw(
        body,
        "box",
        rgb=(0.05, 0.05, 0.05),
        size=(HALF_LENGTH_M - 0.3, HALF_WIDTH_M - 0.06, 0.14),
        pos=(CENTRE_X_M, 0, 0.15),
    )
    _draw(
        body,
        "box",
        rgb=(0.85, 0.05, 0.05),
        size=(0.03, 0.8, 0.07),
        pos=(CENTRE_X_M - HALF_LENGTH_M, 0, 0.75),
        glows=True,
    )


def _add_walker(world: mujoco.MjsBody, name: str) -> None:
    body = world.add_body(name=name, mocap=True, pos=[0, 0, AWAY])
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[0.16, 0.28, 0.38],
        pos=[0, 0, 1.15],
        contype=2,
        conaffinity=4,
    )
    _draw(body, "box", rgb=(0.12, 0.12, 0.2), size=(0.13, 0.2, 0.4), pos=(0, 0, 0.4))
    _draw(body, "sphere", rgb=(0.9, 0.72, 0.58), size=(0.16,), pos=(0, 0, 1.68))


def _add_light(world: mujoco.MjsBody, name: str) -> None:
    body = world.add_body(name=name, mocap=True, pos=[0, 0, AWAY])
    grey, black = (0.3, 0.3, 0.32), (0.04, 0.04, 0.05)
    # Not at the body's origin, or MuJoCo would take it to stay there for good.
    foot = (0.1, 0.0, 1.0)
    _draw(body, "box", rgb=grey, pos=foot, name=f"{name}_post")
    _draw(body, "box", rgb=black, pos=foot, name=f"{name}_head")
    for lamp in LAMPS:
        _draw(
            body,
            "cylinder",
            rgb=DARK[lamp],
            size=(0.2, 0.03),
            pos=foot,
            name=f"{name}_{lamp}",
            glows=True,
        )


def _bay_meshes() -> dict[str, Mesh]:
    """A bay seen from its middle, x along the lane: asphalt with ways in and out, blue
    floor, white edge, and the sign at its far end."""
    half, edge = BAY_LENGTH_M / 2, BAY_WIDTH_M / 2
    lane = edge + BAY_GAP_M
    across = np.array([0.0, -1.0])
    along = np.array([-half - RAMP_M * 0.8, -half - 2, half + 1.0, half + 6])
    near = np.stack([along, np.full(4, lane)], 1)
    far = near + np.array([[0.05], [lane + edge + 0.3]])[[0, 1, 1, 0]] * across
    line = 0.25

    def rectangle(x: tuple[float, float], y: tuple[float, float], z: float) -> Mesh:
        left = np.array([[x[0], y[1]], [x[1], y[1]]])
        return strip(left, left - [[0, y[1] - y[0]], [0, y[1] - y[0]]], z)

    lines = [
        rectangle((-half, half), (edge - line, edge), 0.05),
        rectangle((-half, half), (-edge, -edge + line), 0.05),
        rectangle((-half, -half + line), (-edge, edge), 0.05),
        rectangle((half - line, half), (-edge, edge), 0.05),
        *_letter(),
    ]
    return {
        "bay_asphalt": strip(near, far, 0.025),
        "bay_floor": rectangle((-half, half), (-edge, edge), 0.04),
        "bay_line": merged(lines),
    }


def _letter() -> list[Mesh]:
    """A white P on the floor, upright for who comes along x."""
    blocks = [
        ((-2.2, 2.2), (0.35, 0.65)),
        ((1.8, 2.2), (-0.6, 0.65)),
        ((-0.2, 0.2), (-0.6, 0.65)),
        ((-0.2, 2.2), (-0.6, -0.3)),
    ]
    out = []
    for x, y in blocks:
        left = np.array([[x[0], y[1]], [x[1], y[1]]])
        out.append(strip(left, left - [0, y[1] - y[0]], 0.05))
    return out


def _add_bay(world: mujoco.MjsBody, name: str) -> None:
    body = world.add_body(name=name, mocap=True, pos=[0, 0, AWAY])
    blue, white = (0.1, 0.25, 0.75), (0.95, 0.95, 0.95)
    _draw(body, "mesh", rgb=_COLOURS["asphalt"], mesh="bay_asphalt")
    _draw(body, "mesh", rgb=blue, mesh="bay_floor", name=f"{name}_floor")
    _draw(body, "mesh", rgb=white, mesh="bay_line")
    x, y = BAY_LENGTH_M / 2 + 1.2, -BAY_WIDTH_M / 2 - 0.4
    _draw(body, "box", rgb=(0.4, 0.4, 0.4), size=(0.05, 0.05, 1.3), pos=(x, y, 1.3))
    for rgb, size, shift in (
        (white, (0.03, 0.62, 0.62), (0.0, 0.0, 0.0)),
        (blue, (0.03, 0.55, 0.55), (-0.03, 0.0, 0.0)),
        (white, (0.03, 0.07, 0.38), (-0.06, 0.2, 0.0)),
        (white, (0.03, 0.2, 0.06), (-0.06, 0.0, 0.33)),
        (white, (0.03, 0.2, 0.06), (-0.06, 0.0, 0.0)),
        (white, (0.03, 0.07, 0.2), (-0.06, -0.15, 0.17)),
    ):
        pos = (x + shift[0], y + shift[1], 2.8 + shift[2])
        _draw(body, "box", rgb=rgb, size=size, pos=pos, glows=True)


class Scene:
    """A street that one environment may write to."""

    def __init__(self, street: Street) -> None:
        """Args: street: where; its model is compiled once in a process."""
        self.street = street
        self.model = copy.copy(street_model(street))
        self.data = mujoco.MjData(self.model)
        self._rgba = self.model.geom_rgba.copy()
        self._mocap = {
            name: int(self.model.body(name).mocapid[0])
            for name in (self.model.body(i).name for i in range(self.model.nbody))
            if self.model.body(name).mocapid[0] >= 0
        }
        self._lamps = {
            lamp: [
                self.model.geom(f"{n}_{lamp}").id for n in ("light_near", "light_far")
            ]
            for lamp in LAMPS
        }

    def dress(self, rng: np.random.Generator) -> None:
        """Draw the colours and the daylight of an episode, and take all actors away."""
        model = self.model
        mujoco.mj_resetData(model, self.data)
        model.geom_rgba[:] = self._rgba
        for name, colour in _COLOURS.items():
            shade = rng.uniform(0.8, 1.2) * rng.uniform(0.92, 1.08, 3)
            if name in ("line", "asphalt", "kerb"):
                shade = rng.uniform(0.85, 1.15) * np.ones(3)
            if mujoco.mj_name2id(model, mujoco.mjtObj.mjOBJ_GEOM, name) >= 0:
                model.geom(name).rgba[:3] = np.clip(colour * shade, 0.02, 1)
        for name in ("lead", *(f"parked_{i}" for i in range(PARKED_MOST))):
            model.geom(name).rgba[:3] = rng.uniform(0.15, 0.95, 3)
        for i in range(WALKERS_MOST):
            model.geom(f"walker_{i}").rgba[:3] = rng.permutation([0.95, 0.5, 0.1])
        model.geom("ego/chassis").rgba[:3] = rng.uniform(0.2, 0.9, 3)
        bright = rng.uniform(0.85, 1.2)
        around, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.9)
        model.light("sun").dir[:] = [
            np.sin(tilt) * np.cos(around),
            np.sin(tilt) * np.sin(around),
            -np.cos(tilt),
        ]
        model.light("sun").diffuse[:] = 0.55 * bright * rng.uniform(0.94, 1.0, 3)
        model.vis.headlight.ambient[:] = 0.42 * bright
        model.vis.headlight.diffuse[:] = 0.18 * bright
        for name in self._mocap:
            self._hide(name)

    def furnish(
        self, asked: Manoeuvre, others: dict[str, Manoeuvre], traffic: Traffic
    ) -> None:
        """Put in place what stands still in an episode: bays, light, parked cars.

        Args:
            asked: what the prompt asks for.
            others: everything that could be asked for, by name.
            traffic: who is there.
        """
        bays = [m for m in others.values() if m.bay is not None]
        for i, one in enumerate(bays[:BAYS_MOST]):
            assert one.bay is not None
            x, y, yaw = one.path.at(one.bay.s)
            left = one.bay.left
            self._show(
                f"bay_{i}", x - math.sin(yaw) * left, y + math.cos(yaw) * left, yaw
            )
        for i, car in enumerate(traffic.parked):
            self._show(f"parked_{i}", car.x, car.y, car.yaw)
        if traffic.has_light and asked.stop_line_s is not None:
            self._place_lights(asked, others)
        x, y, _ = asked.path.at((asked.enter_s + asked.leave_s) / 2)
        self.model.camera("map").pos[:] = [x, y, 110]

    def move(self, traffic: Traffic) -> None:
        """Put everybody who moves where they are now, and light the lamps."""
        lead = traffic.lead
        if lead is None:
            self._hide("lead")
        else:
            self._show("lead", lead.x, lead.y, lead.yaw)
        for i, walker in enumerate(traffic.walkers):
            x, y = walker.position
            self._show(f"walker_{i}", x, y, walker.heading)
        if traffic.has_light:
            shown = traffic.light
            for lamp, geoms in self._lamps.items():
                colour = LIT[lamp] if lamp == shown else DARK[lamp]
                self.model.geom_rgba[geoms, :3] = colour

    def _place_lights(self, asked: Manoeuvre, others: dict[str, Manoeuvre]) -> None:
        assert asked.stop_line_s is not None
        line_s = asked.stop_line_s
        x, y, yaw = asked.path.at(line_s)
        ahead = np.array([math.cos(yaw), math.sin(yaw)])
        right = np.array([math.sin(yaw), -math.cos(yaw)])
        here = np.array([x, y])
        side = self.street.half_width(*asked.path.at(line_s - 2)[:2]) + 0.7
        near = here + NEAR_LIGHT_M * ahead + side * right
        self._put_light("light_near", near, yaw, NEAR_LIGHT_M, 3.0)
        far = here + 16.0 * ahead + 1.2 * right
        straight = next((m for m in others.values() if m.turn == "straight"), None)
        if straight is not None:
            fx, fy, heading = straight.path.at(straight.leave_s + 1)
            far = np.array([fx, fy]) + side * np.array(
                [math.sin(heading), -math.cos(heading)]
            )
        else:
            for way in np.arange(8.0, 32.0, 1.0):
                far = here + way * ahead + 1.2 * right
                if self.street.off_lanes(*far) > 3.5:
                    break
        self._put_light(
            "light_far", far, yaw, float((far - here) @ ahead) + FRONT_M - 2.9, 3.6
        )

    def _put_light(
        self, name: str, foot: Array, yaw: float, distance: float, height: float
    ) -> None:
        """Args:
        name: of the light.
        foot: where its post stands (2,) [m].
        yaw: heading of those who look at it [rad].
        distance: from the stop line, which sizes the lamps [m].
        height: of the lowest lamp's lower edge [m].
        """
        model = self.model
        radius = float(np.clip(LAMP_SHARE * distance, *LAMP_M))
        self._show(name, foot[0], foot[1], yaw)
        pitch = 2.15 * radius
        middle = height + 1.5 * pitch
        post, head = model.geom(f"{name}_post"), model.geom(f"{name}_head")
        post.size[:] = [0.08, 0.08, height / 2]
        post.pos[:] = [0.1, 0, height / 2]
        head.size[:] = [0.12, 1.15 * radius, 1.6 * pitch]
        head.pos[:] = [0.1, 0, middle]
        for i, lamp in enumerate(LAMPS):
            disc = model.geom(f"{name}_{lamp}")
            disc.size[:2] = [radius, 0.04]
            disc.pos[:] = [-0.03, 0, middle + (1 - i) * pitch]

    def _show(self, name: str, x: float, y: float, yaw: float) -> None:
        slot = self._mocap[name]
        self.data.mocap_pos[slot] = [x, y, 0]
        self.data.mocap_quat[slot] = [math.cos(yaw / 2), 0, 0, math.sin(yaw / 2)]
        self._set_alpha(name, 1.0)

    def _hide(self, name: str) -> None:
        slot = self._mocap[name]
        # Each in its own place, so that nothing touches down there either.
        self.data.mocap_pos[slot] = [20.0 * slot, 0, AWAY]
        self.data.mocap_quat[slot] = [1, 0, 0, 0]
        self._set_alpha(name, 0.0)

    def _set_alpha(self, name: str, alpha: float) -> None:
        body = self.model.body(name)
        first, count = int(body.geomadr[0]), int(body.geomnum[0])
        self.model.geom_rgba[first : first + count, 3] = alpha

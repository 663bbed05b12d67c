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
from numpy.typing import NDArray

from brownfield.envs.road.geometry import meshes, strip
from brownfield.envs.road.manoeuvre import FRONT_M, Manoeuvre
from brownfield.envs.road.network import Array
from brownfield.envs.road.scene_parts import (
    AWAY_M,
    COLOURS,
    DARK,
    LAMPS,
    LIT,
    add_bay,
    add_car,
    add_light,
    add_mesh,
    add_walker,
    bay_meshes,
    draw,
)
from brownfield.envs.road.street import Street
from brownfield.envs.road.traffic import PARKED_MOST, WALKERS_MOST, Traffic
from brownfield.envs.segmentation import geom_classes
from brownfield.robot.car.model import car_spec

TIMESTEP_S = 0.005
"""Of the physics [s]."""
SEGMENTS: dict[str, tuple[str, ...]] = {
    "lead car": ("lead",),
    "parked car": ("parked_",),
    "pedestrian": ("walker_",),
    "traffic light": ("light_",),
    "lit lamp": (),
    "bay": ("bay_",),
}
"""What a picture of classes tells apart, by the beginnings of the bodies' names; which
lamp is lit changes."""
BAYS_MOST = 3
"""One bay for every arm of a junction."""
NEAR_LIGHT_M = 4.5
"""The near light stands so far behind the stop line, or a driver waiting there could
not see it [m]."""
FAR_LIGHT_M = 21.0
"""The far light is no farther behind the stop line: in a wide junction it hangs over
it [m]."""
LAMP_M = 0.25
"""Smallest radius of a lamp [m]."""
LAMP_SHARE = 0.032
"""Radius of a lamp by its distance from a driver at the stop line: at least four pixels
of 64x64 have its colour, wherever it falls between them."""


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
        add_mesh(spec, name, mesh)
        draw(world, "mesh", mesh=name, name=name, rgb=COLOURS[name])
    add_car(world, "lead")
    for i in range(PARKED_MOST):
        add_car(world, f"parked_{i}")
    for i in range(WALKERS_MOST):
        add_walker(world, f"walker_{i}")
    for name in ("light_near", "light_far"):
        add_light(world, name)
    for name, mesh in bay_meshes().items():
        add_mesh(spec, name, mesh)
    for i in range(BAYS_MOST):
        add_bay(world, f"bay_{i}")
    spec.attach(car_spec(), prefix="ego/", frame=world.add_frame())
    return spec.compile()


class Scene:
    """A street that one environment may write to."""

    def __init__(self, street: Street) -> None:
        """Args: street: where; its model is compiled once in a process."""
        self.street = street
        self.model = copy.copy(street_model(street))
        self.data = mujoco.MjData(self.model)
        self._rgba = self.model.geom_rgba.copy()
        self._classes = geom_classes(self.model, SEGMENTS)
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
        for name, colour in COLOURS.items():
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

    def classes(self, traffic: Traffic) -> NDArray[np.uint8]:
        """Class of every geom (G,) now, as `SEGMENTS` counts them from 1."""
        classes = self._classes.copy()
        if traffic.has_light and traffic.light in self._lamps:
            lit = list(SEGMENTS).index("lit lamp") + 1
            classes[self._lamps[traffic.light]] = lit
        return classes

    def _place_lights(self, asked: Manoeuvre, others: dict[str, Manoeuvre]) -> None:
        assert asked.stop_line_s is not None
        line_s = asked.stop_line_s
        x, y, yaw = asked.path.at(line_s)
        ahead = np.array([math.cos(yaw), math.sin(yaw)])
        right = np.array([math.sin(yaw), -math.cos(yaw)])
        here = np.array([x, y])
        side = self.street.half_width(*asked.path.at(line_s - 2)[:2]) + 0.7
        near = here + NEAR_LIGHT_M * ahead + side * right
        self._put_light("light_near", near, yaw, NEAR_LIGHT_M, 3.0, stands=True)
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
        way = float((far - here) @ ahead)
        hung = max(0.0, way - FAR_LIGHT_M)
        self._put_light(
            "light_far",
            far - hung * ahead,
            yaw,
            way - hung + FRONT_M - 2.9,
            3.6,
            stands=hung == 0,
        )

    def _put_light(
        self,
        name: str,
        foot: Array,
        yaw: float,
        distance: float,
        height: float,
        *,
        stands: bool,
    ) -> None:
        """Args:
        name: of the light.
        foot: where its post stands (2,) [m].
        yaw: heading of those who look at it [rad].
        distance: from the stop line, which sizes the lamps [m].
        height: of the lowest lamp's lower edge [m].
        stands: on a post; otherwise it hangs from wires too thin to see.
        """
        model = self.model
        radius = max(LAMP_M, LAMP_SHARE * distance)
        self._show(name, foot[0], foot[1], yaw)
        pitch = 2.15 * radius
        middle = height + 1.5 * pitch
        post, head = model.geom(f"{name}_post"), model.geom(f"{name}_head")
        post.size[:] = [0.08, 0.08, height / 2 if stands else 0.01]
        post.pos[:] = [0.1, 0, height / 2 if stands else height]
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
        self.data.mocap_pos[slot] = [20.0 * slot, 0, AWAY_M]
        self.data.mocap_quat[slot] = [1, 0, 0, 0]
        self._set_alpha(name, 0.0)

    def _set_alpha(self, name: str, alpha: float) -> None:
        body = self.model.body(name)
        first, count = int(body.geomadr[0]), int(body.geomnum[0])
        self.model.geom_rgba[first : first + count, 3] = alpha

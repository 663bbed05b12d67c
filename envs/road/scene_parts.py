"""The shapes of whoever and whatever is put into a street."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from brownfield.envs.road.geometry import Mesh, merged, strip
from brownfield.envs.road.manoeuvre import (
    BAY_GAP_M,
    BAY_LENGTH_M,
    BAY_WIDTH_M,
    RAMP_M,
)
from brownfield.envs.road.speed_law import Light
from brownfield.robot.car.model import CENTRE_X_M, HALF_LENGTH_M, HALF_WIDTH_M

AWAY_M = -60.0
"""Height of what is not there [m]."""
LAMPS: tuple[Light, ...] = ("red", "amber", "green")
"""From top to bottom."""
LIT = {"red": (1, 0.05, 0.03), "amber": (1, 0.5, 0), "green": (0.05, 1, 0.25)}
DARK = {"red": (0.16, 0.02, 0.02), "amber": (0.14, 0.1, 0), "green": (0, 0.12, 0.03)}
COLOURS: dict[str, tuple[float, float, float]] = {
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


def add_mesh(spec: mujoco.MjSpec, name: str, mesh: Mesh) -> None:
    """Make triangles known by a name."""
    part = spec.add_mesh(name=name)
    part.uservert = mesh.vertices.ravel().tolist()
    part.userface = mesh.faces.ravel().tolist()
    # Flat things have no volume.
    part.inertia = mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL


def draw(
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


def add_car(world: mujoco.MjsBody, name: str) -> None:
    """A car that is moved and not simulated; its origin is the rear axle."""
    body = world.add_body(name=name, mocap=True, pos=[0, 0, AWAY_M])
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[HALF_LENGTH_M, HALF_WIDTH_M, 0.34],
        pos=[CENTRE_X_M, 0, 0.6],
        contype=2,
        conaffinity=4,
    )
    dark = (0.10, 0.12, 0.15)
    draw(body, "box", rgb=dark, size=(1.2, 0.76, 0.28), pos=(1.0, 0, 1.2))
    draw(
        body,
        "box",
        rgb=(0.05, 0.05, 0.05),
        size=(HALF_LENGTH_M - 0.3, HALF_WIDTH_M - 0.06, 0.14),
        pos=(CENTRE_X_M, 0, 0.15),
    )
    draw(
        body,
        "box",
        rgb=(0.85, 0.05, 0.05),
        size=(0.03, 0.8, 0.07),
        pos=(CENTRE_X_M - HALF_LENGTH_M, 0, 0.75),
        glows=True,
    )


def add_walker(world: mujoco.MjsBody, name: str) -> None:
    """Somebody on foot, who looks along x."""
    body = world.add_body(name=name, mocap=True, pos=[0, 0, AWAY_M])
    body.add_geom(
        name=name,
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[0.16, 0.28, 0.38],
        pos=[0, 0, 1.15],
        contype=2,
        conaffinity=4,
    )
    draw(body, "box", rgb=(0.12, 0.12, 0.2), size=(0.13, 0.2, 0.4), pos=(0, 0, 0.4))
    draw(body, "sphere", rgb=(0.9, 0.72, 0.58), size=(0.16,), pos=(0, 0, 1.68))


def add_light(world: mujoco.MjsBody, name: str) -> None:
    """A traffic light whose lamps look against x; it is shaped when it is placed."""
    body = world.add_body(name=name, mocap=True, pos=[0, 0, AWAY_M])
    grey, black = (0.3, 0.3, 0.32), (0.04, 0.04, 0.05)
    # Not at the body's origin, or MuJoCo would take it to stay there for good.
    foot = (0.1, 0.0, 1.0)
    draw(body, "box", rgb=grey, pos=foot, name=f"{name}_post")
    draw(body, "box", rgb=black, pos=foot, name=f"{name}_head")
    for lamp in LAMPS:
        draw(
            body,
            "cylinder",
            rgb=DARK[lamp],
            size=(0.2, 0.03),
            pos=foot,
            name=f"{name}_{lamp}",
            glows=True,
        )


def bay_meshes() -> dict[str, Mesh]:
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


def add_bay(world: mujoco.MjsBody, name: str) -> None:
    """A parking bay with its sign."""
    body = world.add_body(name=name, mocap=True, pos=[0, 0, AWAY_M])
    blue, white = (0.1, 0.25, 0.75), (0.95, 0.95, 0.95)
    draw(body, "mesh", rgb=COLOURS["asphalt"], mesh="bay_asphalt")
    draw(body, "mesh", rgb=blue, mesh="bay_floor", name=f"{name}_floor")
    draw(body, "mesh", rgb=white, mesh="bay_line")
    x, y = BAY_LENGTH_M / 2 + 1.2, -BAY_WIDTH_M / 2 - 0.4
    draw(body, "box", rgb=(0.4, 0.4, 0.4), size=(0.05, 0.05, 1.3), pos=(x, y, 1.3))
    for rgb, size, shift in (
        (white, (0.03, 0.62, 0.62), (0.0, 0.0, 0.0)),
        (blue, (0.03, 0.55, 0.55), (-0.03, 0.0, 0.0)),
        (white, (0.03, 0.07, 0.38), (-0.06, 0.2, 0.0)),
        (white, (0.03, 0.2, 0.06), (-0.06, 0.0, 0.33)),
        (white, (0.03, 0.2, 0.06), (-0.06, 0.0, 0.0)),
        (white, (0.03, 0.07, 0.2), (-0.06, -0.15, 0.17)),
    ):
        pos = (x + shift[0], y + shift[1], 2.8 + shift[2])
        draw(body, "box", rgb=rgb, size=size, pos=pos, glows=True)

"""A generator of kitchens: one seed, one kitchen, always the same."""

from __future__ import annotations

from importlib.resources import as_file, files

import mujoco
import numpy as np

from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_contents import Kitchen
from brownfield.envs.kitchen_drawer import add_drawer
from brownfield.envs.kitchen_fixtures import TABLE_HEIGHT_M, add_spots
from brownfield.envs.kitchen_layout import Fitter, fit_out
from brownfield.envs.kitchen_materials import MATERIALS
from brownfield.envs.kitchen_objects import put_objects
from brownfield.robot.g1.model import g1_spec

LIGHTS = ((1.0, 1.0, 1.0), (0.88, 0.96, 1.1), (1.1, 0.86, 0.62))
"""Colours of light in furnished kitchens: neutral, daylight, lamp light."""


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

"""The camera sees what it is meant to see."""

import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road.geometry import box, merged, meshes, strip
from brownfield.envs.road.manoeuvre import FRONT_M, STOP_AT_M
from brownfield.envs.road.maps import TRAINING_TOWNS, UNSEEN_TOWN
from brownfield.envs.road.road_env import RoadEnv, RoadEnvConfig
from brownfield.envs.road.scene import Scene
from brownfield.envs.road.scene_parts import LAMPS
from brownfield.envs.road.street import Street
from brownfield.envs.road.traffic import PHASES_S, TrafficConfig
from brownfield.robot.car.model import WHEEL_RADIUS_M

sys.path.insert(0, str(Path(__file__).parent))
drivers = importlib.import_module("road_drivers")
LIGHTS = TrafficConfig(lead=0, parked=0, lights=True, pedestrians=0, bays=1)


@pytest.fixture(scope="module")
def env() -> Iterator[RoadEnv]:
    with drivers.crossroads_env(LIGHTS, pictures=True) as env:
        yield env


def put(env: RoadEnv, s: float, left: float = 0.0) -> None:
    """Put the car on the path of what is asked for."""
    x, y, yaw = env.asked.path.at(s)
    x, y = x - math.sin(yaw) * left, y + math.cos(yaw) * left
    q = env.car.q_address
    env.data.qpos[q : q + 7] = [
        x, y, WHEEL_RADIUS_M, math.cos(yaw / 2), 0, 0, math.sin(yaw / 2),
    ]  # fmt: skip
    importlib.import_module("mujoco").mj_forward(env.model, env.data)


def look(env: RoadEnv) -> np.ndarray:
    return env.picture("ego/front", 64, 64).astype(int)


def show(env: RoadEnv, light: str) -> None:
    before = [name for name, _ in PHASES_S].index(light)
    env.traffic._clock_s = sum(seconds for _, seconds in PHASES_S[:before]) + 0.01
    env.scene.move(env.traffic)


def lit_pixels(picture: np.ndarray, light: str) -> np.ndarray:
    """Where a picture has the colour of a lit lamp (64, 64)."""
    red, green, blue = picture[..., 0], picture[..., 1], picture[..., 2]
    if light == "green":
        return (green > 170) & (red < 110) & (blue < 150)
    between = (green > 100) if light == "amber" else (green < 90)
    return (red > 200) & between & (green < 240) & (blue < 90)


@pytest.mark.parametrize("prompt", ["go straight", "turn left", "turn right"])
def test_a_driver_at_the_stop_line_sees_the_lamps(env: RoadEnv, prompt: str) -> None:
    for seed in range(4):
        env.reset(seed=seed, options={"prompt": prompt})
        line = env.asked.stop_line_s
        assert line is not None
        put(env, line - STOP_AT_M - FRONT_M)
        for light in LAMPS:
            show(env, light)
            seen = lit_pixels(look(env), light)
            for other in LAMPS:
                if other != light:
                    assert not lit_pixels(look(env), other).any()
            assert seen[:, 32:].sum() >= 4, f"{light}: {seen.sum()} pixels"


@pytest.mark.parametrize("place", [*TRAINING_TOWNS, UNSEEN_TOWN])
def test_each_lamp_of_every_town_covers_four_pixels_at_its_stop_line(
    place: str,
) -> None:
    with RoadEnv(RoadEnvConfig(place=(place,), traffic=LIGHTS)) as env:
        seen = set()
        for seed in range(24):
            env.reset(seed=seed)
            line = env.asked.stop_line_s
            if line is None or env.asked.name in seen:
                continue
            seen.add(env.asked.name)
            put(env, line - STOP_AT_M - FRONT_M)
            show(env, "red")
            both = lit_pixels(look(env), "red").sum()
            env.scene._hide("light_near")
            far = lit_pixels(look(env), "red").sum()
            assert far >= 4, f"seed {seed}: far light, {far} pixels"
            assert both - far >= 4, f"seed {seed}: near light, {both - far} pixels"
        assert seen


def test_a_bay_is_seen_from_the_junction_on_and_fills_the_view_before_it(
    env: RoadEnv,
) -> None:
    for seed, prompt in enumerate(("go straight", "turn left", "turn right")):
        env.reset(seed=seed, options={"prompt": prompt + " then park"})
        bay = env.asked.bay
        assert bay is not None
        slot = [m.turn for m in env._offered.values() if m.bay is not None].index(
            env.asked.turn
        )
        for back, least in ((26.0, 6), (12.0, 60)):
            put(env, bay.s - back)
            env.scene._set_alpha(f"bay_{slot}", 1.0)
            with_bay = look(env)
            env.scene._set_alpha(f"bay_{slot}", 0.0)
            changed = np.abs(with_bay - look(env)).max(2) > 40
            assert changed.sum() >= least, f"{changed.sum()} pixels {back} m before it"


def test_markings_are_seen(env: RoadEnv) -> None:
    for seed in range(4):
        env.reset(seed=seed)
        picture = look(env)[36:]
        road = np.median(picture.reshape(-1, 3), 0)
        bright = (picture.min(2) > road.max() + 50).sum()
        assert bright > 25, f"{bright} bright pixels on the road"


def test_a_seed_has_its_colours_and_actors_leave_no_trace(env: RoadEnv) -> None:
    env.reset(seed=5)
    first = look(env)
    env.reset(seed=6)
    assert np.abs(look(env) - first).max() > 20
    env.reset(seed=5)
    assert np.array_equal(look(env), first)


def test_the_map_shows_the_car_and_its_junction(env: RoadEnv) -> None:
    env.reset(seed=2)
    before = env.picture("map", 128, 128).astype(int)
    put(env, env.asked.enter_s)
    assert np.abs(env.picture("map", 128, 128) - before).max(2).sum() > 100


def test_scenes_do_not_share_what_they_change() -> None:
    town = importlib.import_module("crossroads")
    street = Street(town.crossroads())
    one, two = Scene(street), Scene(street)
    one.dress(np.random.default_rng(1))
    assert not np.array_equal(one.model.geom_rgba, two.model.geom_rgba)


def test_strips_and_boxes_face_outwards() -> None:
    left = np.array([[0.0, 1.0], [2.0, 1.0], [4.0, 2.0]])
    flat = strip(left, left - [0, 1], 0.5)
    corners = flat.vertices[flat.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normal[:, 2] > 0).all() and (flat.vertices[:, 2] == 0.5).all()
    house = box(np.array([5.0, 3.0]), np.array([2.0, 1.0, 4.0]), 0.4)
    corners = house.vertices[house.faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outwards = corners.mean(1) - [5.0, 3.0, 2.0]
    assert ((normal * outwards).sum(1) > 0).all()
    both = merged([flat, house])
    assert len(both.vertices) == len(flat.vertices) + len(house.vertices)
    assert both.faces.max() == len(both.vertices) - 1


def test_houses_stand_off_the_road() -> None:
    town = importlib.import_module("crossroads")
    street = Street(town.crossroads())
    drawn = meshes(street.network)
    for i in range(3):
        for x, y, _ in drawn[f"house_{i}"].vertices:
            assert street.off_lanes(x, y) > 2.5

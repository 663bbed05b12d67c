"""Laws of the kitchen generator."""

import itertools

import mujoco
import numpy as np
import pytest

from brownfield.envs.kitchen import generate_kitchen
from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_layout import LAYOUTS, UNSEEN_LAYOUTS
from brownfield.envs.kitchen_materials import COUNTERS, MATERIALS, WALLS
from brownfield.envs.kitchen_objects import HUES


def test_default_ranges_are_the_promised_ones() -> None:
    config = KitchenConfig()
    assert config.counter_height_m == (0.80, 0.95)
    assert np.diff(config.object_x_m) >= 0.25 and np.diff(config.object_y_m) >= 0.40
    assert config.object_yaw_rad == (-1.0, 1.0)
    assert config.light == (0.4, 1.6)
    assert np.isclose(config.light_angle_rad, np.pi / 3)
    assert np.isclose(np.rad2deg(config.camera_angle_rad), 2.0)
    assert config.camera_shift_m == 0.01
    assert config.min_named == 2 and config.max_clutter == 4
    assert len(HUES) >= 6 and len(COUNTERS) >= 8 and len(WALLS) >= 8


def test_kitchens_stay_within_their_ranges_and_objects_apart() -> None:
    config = KitchenConfig()
    counts, clutter = set(), set()
    for seed in range(12):
        kitchen = generate_kitchen(seed)
        low, high = config.counter_height_m
        assert low <= kitchen.counter_height_m <= high
        counts.add(len(kitchen.named))
        clutter.add(len(kitchen.clutter))
        for thing in kitchen.named:
            x, y, _ = thing.position
            assert config.object_x_m[0] <= x <= config.object_x_m[1]
            assert config.object_y_m[0] <= y <= config.object_y_m[1]
        things = (*kitchen.named, *kitchen.clutter)
        for a, b in itertools.combinations(things, 2):
            gap = np.linalg.norm(a.position[:2] - b.position[:2])
            assert gap > max(a.kind.radius_m, b.kind.radius_m)
    assert counts == {2, 3} and len(clutter) > 2


@pytest.mark.parametrize("layout", [*LAYOUTS, *UNSEEN_LAYOUTS])
def test_furniture_leaves_robot_and_objects_their_room(layout: str) -> None:
    for seed in range(3):
        kitchen = generate_kitchen(seed, KitchenConfig(layout=(layout,)))
        model, data = kitchen.model, mujoco.MjData(kitchen.model)
        joint = model.joint("g1/floating_base_joint")
        for x, y in ((-0.4, 0.3), (-0.5, 0.7), (-1.8, -0.7)):
            data.qpos[joint.qposadr[0] : joint.qposadr[0] + 3] = x, y, 0.79
            mujoco.mj_forward(model, data)
            touching = {
                tuple(sorted(_side(model, geom) for geom in contact.geom))
                for contact in data.contact
                if contact.dist < -0.003
            }
            assert ("furniture", "robot") not in touching, (layout, seed, x, y)
            assert ("furniture", "things") not in touching, (layout, seed)
        data.qpos[joint.qposadr[0]] = -2.2
        mujoco.mj_step(model, data, nstep=200)
        for thing in (*kitchen.named, *kitchen.clutter):
            moved = data.body(thing.name).xpos - thing.position
            assert np.abs(moved).max() < 0.003, (layout, thing.name)


def _side(model: mujoco.MjModel, geom: int) -> str:
    name = model.body(model.geom_bodyid[geom]).name
    if name.startswith("g1/"):
        return "robot"
    return "furniture" if name == "world" else "things"


def test_layouts_change_nothing_in_plain_kitchens() -> None:
    plain = generate_kitchen(5)
    furnished = generate_kitchen(5, KitchenConfig(layout=("straight",)))
    assert furnished.model.ngeom > plain.model.ngeom
    assert furnished.counter_height_m == plain.counter_height_m
    for one, other in zip(plain.named, furnished.named, strict=True):
        assert one.name == other.name
        assert np.array_equal(one.position, other.position)
    table = generate_kitchen(5, KitchenConfig(layout=("table",)))
    assert 0.74 <= table.counter_height_m <= 0.80
    both = {
        generate_kitchen(s, KitchenConfig(layout=("plain", "island"))).model.ngeom
        > plain.model.ngeom + 10
        for s in range(6)
    }
    assert both == {True, False}


def test_unseen_materials_are_kept_apart() -> None:
    seen, unseen = (
        {choice[0] for table in MATERIALS[name] for choice in table}
        for name in ("train", "unseen")
    )
    assert not seen & unseen and len(unseen) >= 6
    assert not set(LAYOUTS) & set(UNSEEN_LAYOUTS)
    with pytest.raises(ValueError, match=r"layout must be of plain, .*got 'cave'"):
        KitchenConfig(layout=("cave",))
    with pytest.raises(ValueError, match="materials must be one of train, unseen"):
        KitchenConfig(materials="gold")


def test_a_seed_always_gives_the_same_kitchen() -> None:
    first, second = generate_kitchen(7), generate_kitchen(7)
    for name in ("body_pos", "geom_rgba", "light_dir", "cam_quat", "tex_data"):
        assert np.array_equal(getattr(first.model, name), getattr(second.model, name))
    other = generate_kitchen(8)
    assert other.counter_height_m != first.counter_height_m


def test_objects_rest_where_they_are_put() -> None:
    kitchen = generate_kitchen(1)
    data = mujoco.MjData(kitchen.model)
    joint = kitchen.model.joint("g1/floating_base_joint")
    data.qpos[joint.qposadr[0]] = -3.0
    mujoco.mj_step(kitchen.model, data, nstep=400)
    for thing in (*kitchen.named, *kitchen.clutter):
        moved = data.body(thing.name).xpos - thing.position
        assert np.abs(moved).max() < 0.003, thing.name


def test_one_kitchen_with_objects_in_new_places() -> None:
    config = KitchenConfig(material_seed=3)
    first, second = generate_kitchen(1, config), generate_kitchen(2, config)
    assert first.counter_height_m == second.counter_height_m
    assert np.array_equal(first.model.light_dir, second.model.light_dir)
    assert not np.array_equal(first.named[0].position, second.named[0].position)

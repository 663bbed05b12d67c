"""Laws of the kitchen generator."""

import itertools

import mujoco
import numpy as np

from brownfield.envs.kitchen import (
    COUNTERS,
    HUES,
    WALLS,
    KitchenConfig,
    generate_kitchen,
)


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

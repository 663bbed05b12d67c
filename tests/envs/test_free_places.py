"""A free place bears an object and touches nothing; looking for one changes nothing."""

import mujoco
import numpy as np
import pytest

from brownfield.envs.free_places import FreePlaces
from brownfield.envs.kitchen import generate_kitchen
from brownfield.envs.kitchen_contents import Kitchen
from brownfield.envs.kitchen_objects import EDGE_X_M, corridor_blocked


@pytest.fixture(scope="module")
def scene() -> tuple[Kitchen, mujoco.MjData]:
    kitchen = generate_kitchen(102)
    data = mujoco.MjData(kitchen.model)
    mujoco.mj_forward(kitchen.model, data)
    return kitchen, data


def test_an_object_is_free_where_it_stands_but_not_elsewhere(scene) -> None:
    kitchen, data = scene
    thing, *others = (*kitchen.named, *kitchen.clutter)
    places, radius = FreePlaces(kitchen, data, thing.name), thing.kind.radius_m
    here = thing.position[:2]
    assert places.free(here)
    for other in others:
        assert not places.free(other.position[:2])
    over_the_edge = np.array([EDGE_X_M + radius - 0.01, here[1]])
    assert not places.free(over_the_edge)
    # The wall behind the counter, and where the counter ends.
    assert not places.free(np.array([0.85 - radius + 0.01, -0.9]))
    assert not places.free(np.array([0.6, 1.2 - radius + 0.01]))


def test_looking_leaves_the_episode_alone(scene) -> None:
    kitchen, data = scene
    before, contacts = data.qpos.copy(), data.ncon
    places = FreePlaces(kitchen, data, kitchen.named[0].name)
    assert places.moved(0.1, 1.0) is not None
    assert np.array_equal(data.qpos, before) and data.ncon == contacts


@pytest.mark.parametrize("first", [1.0, -1.0])
def test_an_object_moves_along_the_counter_alone(scene, first: float) -> None:
    kitchen, data = scene
    for thing in kitchen.named:
        xy = FreePlaces(kitchen, data, thing.name).moved(0.05, first)
        assert xy is not None
        assert xy[0] == pytest.approx(thing.position[0])
        assert 0 < abs(xy[1] - thing.position[1]) <= 0.05 + 1e-9


def test_nothing_is_moved_behind_something_as_either_hand_comes(scene) -> None:
    kitchen, data = scene
    everything = [*kitchen.named, *kitchen.clutter]
    for left, side in ((False, 1.0), (True, -1.0)):
        mirror = np.array([1.0, side])

        def behind(xy: np.ndarray, name: str, mirror: np.ndarray = mirror) -> set[str]:
            return {
                other.name
                for other in everything
                if other.name != name
                and corridor_blocked(
                    mirror * xy,
                    mirror * other.position[:2],
                    other.kind.radius_m,
                    both_ways=False,
                )
            }

        for thing in kitchen.named:
            places = FreePlaces(kitchen, data, thing.name)
            for first in (1.0, -1.0):
                xy = places.moved(0.2, first, left=left)
                if xy is not None:
                    before = behind(thing.position[:2], thing.name)
                    assert behind(xy, thing.name) <= before

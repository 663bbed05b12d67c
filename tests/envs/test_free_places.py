"""A free place bears an object and touches nothing; looking for one changes nothing."""

import mujoco
import numpy as np
import pytest

from brownfield.envs.free_places import FreePlaces
from brownfield.envs.kitchen import generate_kitchen
from brownfield.envs.kitchen_contents import Kitchen
from brownfield.envs.kitchen_objects import EDGE_X_M


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

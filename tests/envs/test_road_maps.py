"""The shipped towns: drivable, different from each other, and drawn by a script."""

import os
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road import draw_towns
from brownfield.envs.road.maps import (
    TOWNS_FOLDER,
    TRAINING_TOWNS,
    UNSEEN_TOWN,
    load_map,
)
from brownfield.envs.road.network import Lane, MapError, routes

TOWNS = (*TRAINING_TOWNS, UNSEEN_TOWN)


def _turns(town: str) -> list[Lane]:
    lanes = load_map(town).lanes.values()
    return [lane for lane in lanes if lane.junction and abs(lane.turn) > 0.35]


def _middles(town: str) -> set[str]:
    return {lane.junction for lane in load_map(town).lanes.values() if lane.junction}


@pytest.mark.parametrize("town", TOWNS)
def test_a_town_is_driven_without_gaps(town: str) -> None:
    network = load_map(town)
    for lane in network.lanes.values():
        for name in lane.following:
            gap = network.lanes[name].centre[0] - lane.centre[-1]
            assert np.linalg.norm(gap) < 0.05
    assert len(routes(network)) >= 8
    turns = np.array([lane.turn for lane in _turns(town)])
    assert (turns > 0).sum() >= 4 and (turns < 0).sum() >= 4
    straight = [x for x in network.lanes.values() if x.junction and abs(x.turn) < 0.2]
    assert len(straight) >= 4


@pytest.mark.parametrize("town", TOWNS)
def test_lights_hold_up_lanes_that_end_at_a_junction(town: str) -> None:
    network = load_map(town)
    assert len(network.lights) >= 6 and len(network.crosswalks) >= 3
    stops = [m.line.mean(0) for m in network.markings if m.kind == "stop"]
    for light in network.lights:
        for name in light.lanes:
            lane = network.lanes[name]
            onward = [network.lanes[n] for n in lane.following]
            assert onward and all(x.junction for x in onward)
            nearest = min(np.linalg.norm(lane.centre[-1] - stop) for stop in stops)
            assert nearest < 7


def test_the_unseen_town_has_radii_and_angles_of_its_own() -> None:
    seen = [lane for town in TRAINING_TOWNS for lane in _turns(town)]
    radii = np.array([lane.length / abs(lane.turn) for lane in seen])
    angles = np.rad2deg([abs(lane.turn) for lane in seen])
    assert len(_middles(UNSEEN_TOWN)) >= 3
    assert len(set(np.round(radii, 1))) >= 20
    for lane in _turns(UNSEEN_TOWN):
        assert abs(lane.length / abs(lane.turn) - radii).min() > 0.05
        assert abs(np.rad2deg(abs(lane.turn)) - angles).min() > 5


@pytest.mark.parametrize("town", TOWNS)
def test_drawing_again_gives_the_same_file(town: str, tmp_path: Path) -> None:
    pytest.importorskip("scenariogeneration")
    assert set(draw_towns.TOWNS) == set(TOWNS)
    draw_towns.draw(town, tmp_path / "again.xodr")
    shipped = (TOWNS_FOLDER / f"{town}.xodr").read_bytes()
    assert (tmp_path / "again.xodr").read_bytes() == shipped


def test_a_map_is_read_once_until_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "mine.xodr"
    path.write_bytes((TOWNS_FOLDER / "birch.xodr").read_bytes())
    first = load_map(str(path))
    assert load_map(str(path)) is first and first.name == "mine"
    os.utime(path, ns=(1, 1))
    assert load_map(str(path)) is not first


def test_places_that_do_not_exist() -> None:
    with pytest.raises(MapError, match=r"'oak' is neither .*alder, .*rowan.*\.xodr or"):
        load_map("oak")
    with pytest.raises(MapError, match=r"no map at .*oak\.osm"):
        load_map("trees/oak.osm")

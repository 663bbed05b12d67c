"""Real maps become lanes that lead somewhere."""

import itertools
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road.lanelet2_map import load_lanelet2
from brownfield.envs.road.network import (
    Lane,
    MapError,
    RoadNetwork,
    heading_change,
    resampled,
    routes,
)

MAP = Path(os.environ.get("BROWNFIELD_DATA", "../shared/data")) / "maps/karlsruhe.osm"


@pytest.fixture(scope="module")
def karlsruhe() -> RoadNetwork:
    """Four pieces of a real town."""
    if not MAP.is_file():
        pytest.skip(f"no map at {MAP}; set BROWNFIELD_DATA")
    return load_lanelet2(MAP)


def test_lanes_are_as_wide_as_lanes_and_follow_without_a_gap(
    karlsruhe: RoadNetwork,
) -> None:
    widths = []
    for lane in karlsruhe.lanes.values():
        widths.append(np.linalg.norm(lane.left - lane.right, axis=1).mean())
        for name in lane.following:
            gap = karlsruhe.lanes[name].centre[0] - lane.centre[-1]
            assert np.linalg.norm(gap) < 0.05
    assert 3.0 < np.median(widths) < 5.5


def test_the_left_bound_is_on_the_left(karlsruhe: RoadNetwork) -> None:
    for lane in karlsruhe.lanes.values():
        ahead = lane.centre[-1] - lane.centre[0]
        across = (lane.left - lane.right).mean(0)
        if abs(lane.turn) < 1:
            assert ahead[0] * across[1] - ahead[1] * across[0] > 0


def test_routes_through_karlsruhe(karlsruhe: RoadNetwork) -> None:
    found = routes(karlsruhe)
    assert len(found) >= 27
    turns = np.rad2deg([heading_change(karlsruhe.path(route)) for route in found])
    assert (turns > 45).sum() >= 6 and (turns < -45).sum() >= 6
    for route in found:
        for lane, onward in itertools.pairwise(route):
            assert onward in karlsruhe.lanes[lane].following
        path = karlsruhe.path(route)
        assert np.linalg.norm(np.diff(path, axis=0), axis=1).max() < 30


def test_what_is_painted_is_read(karlsruhe: RoadNetwork) -> None:
    kinds = [marking.kind for marking in karlsruhe.markings]
    assert kinds.count("stop") == 28 and kinds.count("dashed") > 100
    assert len(karlsruhe.lights) == 6 and len(karlsruhe.crosswalks) == 8
    for light in karlsruhe.lights:
        for name in light.lanes:
            end = karlsruhe.lanes[name].centre[-1]
            assert np.linalg.norm(light.positions - end, axis=1).min() < 60


def test_branches_and_crossings_are_junctions(karlsruhe: RoadNetwork) -> None:
    for lane in karlsruhe.lanes.values():
        if len(lane.following) > 1:
            inside = {karlsruhe.lanes[name].junction for name in lane.following}
            assert len(inside) == 1 and "" not in inside


def _straight(name: str, following: tuple[str, ...] = ()) -> Lane:
    x = np.linspace(0, 100, 20)
    line = np.stack([x, np.zeros_like(x)], 1)
    return Lane(
        name=name,
        left=line + np.array([0, 1.75]),
        right=line - np.array([0, 1.75]),
        centre=line,
        following=following,
        speed_limit=13.9,
    )


def test_networks_that_lead_nowhere_are_refused() -> None:
    with pytest.raises(MapError, match="no lane that a car may use"):
        RoadNetwork(name="empty", lanes={})
    with pytest.raises(MapError, match="lane a leads to lane b"):
        RoadNetwork(name="torn", lanes={"a": _straight("a", ("b",))})
    alone = RoadNetwork(name="short", lanes={"a": _straight("a")})
    assert routes(alone) == [("a",)]
    with pytest.raises(MapError, match="no drivable route of 200 m"):
        routes(alone, shortest=200)
    ring = replace(_straight("a"), following=("a",))
    with pytest.raises(MapError, match="no drivable route"):
        routes(RoadNetwork(name="ring", lanes={"a": ring}))


def test_resampling_keeps_ends_and_spacing() -> None:
    line = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 3.0]])
    points = resampled(line, 9)
    assert np.allclose(points[[0, -1]], line[[0, -1]])
    assert np.allclose(np.linalg.norm(np.diff(points, axis=0), axis=1), 0.5)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<osm></osm>", "no node"),
        ("<osm><node id='1' lat='x' lon='8'/></osm>", "no Lanelet2 map"),
        ("not xml", "no Lanelet2 map"),
        ("<osm><node id='1' lat='49' lon='8.4'/></osm>", "no lane"),
        ("<osm><node id='1' lat='49' lon='8.4'/><node", "no Lanelet2 map"),
    ],
)
def test_broken_files_are_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.osm"
    path.write_text(text)
    with pytest.raises(MapError, match=said) as caught:
        load_lanelet2(path)
    assert "broken.osm" in str(caught.value)


def test_a_missing_map_is_named(tmp_path: Path) -> None:
    with pytest.raises(MapError, match="no map at"):
        load_lanelet2(tmp_path / "nowhere.osm")


def _lanelet(
    left: str = "<nd ref='1'/><nd ref='2'/>",
    last: str = "lat='49.001'",
    extra: str = "",
) -> str:
    """A map of one lane of 111 m to the north."""
    return (
        "<osm><node id='1' lat='49' lon='8.4'/><node id='2' lat='49.001' lon='8.4'/>"
        f"<node id='3' lat='49' lon='8.40005'/><node id='4' {last} lon='8.40005'/>"
        f"{extra}<way id='10'>{left}</way>"
        "<way id='11'><nd ref='3'/><nd ref='4'/></way><relation id='20'>"
        "<member type='way' role='left' ref='10'/>"
        "<member type='way' role='right' ref='11'/><tag k='type' v='lanelet'/>"
        "<tag k='subtype' v='road'/><tag k='location' v='urban'/>"
        "<tag k='one_way' v='yes'/></relation></osm>"
    )


def test_a_lanelet_is_a_lane(tmp_path: Path) -> None:
    path = tmp_path / "lane.osm"
    # What an editor keeps of a node that was deleted is no fault.
    for extra in ("", "<node id='5' action='delete' lat='x'/>"):
        path.write_text(_lanelet(extra=extra))
        (lane,) = load_lanelet2(path).lanes.values()
        assert lane.name == "20" and lane.length == pytest.approx(111.2, abs=0.1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            _lanelet(last="lat='x'"),
            "is no Lanelet2 map: node 4 expected lat in degrees, -90 to 90, got 'x'",
        ),
        (_lanelet(last=""), "node 4 expected lat in degrees, -90 to 90, got None"),
        (_lanelet(last="lat='91'"), "node 4 expected lat .*, got '91'"),
        (_lanelet(last="lat='nan'"), "node 4 expected lat .*, got 'nan'"),
        (
            _lanelet(extra="<node id='5' lat='49' lon='181'/>"),
            "node 5 expected lon in degrees, -180 to 180, got '181'",
        ),
        (
            _lanelet(extra="<node id='1' lat='49.1' lon='8.4'/>"),
            "node 1 expected an id of its own, got one twice",
        ),
        (
            _lanelet("<nd ref='1'/>"),
            "lanelet 20: its left bound, way 10, expected at least 2 different points, "
            "got 1",
        ),
        (
            _lanelet("<nd ref='1'/><nd ref='1'/>"),
            "lanelet 20: its left bound, way 10, .* got 1",
        ),
        (
            _lanelet("<nd ref='1'/><nd ref='99'/>"),
            r"Map: Error reading primitive with id 10 from file: Way references "
            r"nonexisting points; Error .*; Error parsing primitive 20: ",
        ),
        (
            _lanelet().replace("ref='11'", "ref='77'"),
            "Error reading primitive with id 20 .* nonexistent member 77; ",
        ),
        (
            _lanelet("<nd ref='98'/><nd ref='99'/>").replace("ref='11'", "ref='77'"),
            r"primitive with id 10 .*primitive with id 20 .* \(and 2 more\)$",
        ),
    ],
)
def test_broken_elements_are_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.osm"
    path.write_text(text)
    with pytest.raises(MapError, match=rf"^broken\.osm.*{said}") as caught:
        load_lanelet2(path)
    assert "\n" not in str(caught.value) and "\t" not in str(caught.value)

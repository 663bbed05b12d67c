"""Junctions offer arms, and manoeuvres follow from them."""

import importlib
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road.junctions import TURNS, approaches
from brownfield.envs.road.manoeuvre import (
    FRONT_M,
    RAMP_M,
    along_route,
    manoeuvres,
    place_bay,
)
from brownfield.envs.road.network import Lane, MapError, RoadNetwork
from brownfield.envs.road.street import Street

sys.path.insert(0, str(Path(__file__).parent))
town = importlib.import_module("crossroads")


@pytest.fixture(scope="module")
def street() -> Street:
    return Street(town.crossroads())


def test_every_approach_has_its_arms_where_they_are(street: Street) -> None:
    assert len(street.approaches) == 4
    for approach in street.approaches:
        assert tuple(approach.arms) == TURNS
        for turn, arm in approach.arms.items():
            first = arm.line[1] - arm.line[0]
            last = arm.line[-1] - arm.line[-2]
            across = first[0] * last[1] - first[1] * last[0]
            assert {"left": 1, "right": -1, "straight": 0}[turn] == round(
                across / np.linalg.norm(first) / np.linalg.norm(last)
            )
            assert arm.leave_s - arm.enter_s == pytest.approx(
                {"left": 20, "right": 15, "straight": 22}[turn], abs=5
            )


def test_manoeuvres_end_where_they_should(street: Street) -> None:
    bays = {}
    for turn in TURNS:
        bay = place_bay(street, 0, turn, 0.5)
        assert bay is not None
        bays[turn] = bay
    found = manoeuvres(street, 0, bays)
    assert len(found) == 9
    for name, one in found.items():
        assert name == one.name
        assert one.stop_line_s == pytest.approx(one.enter_s - 6, abs=0.3)
        assert [c.enter_s < one.enter_s for c in one.crossings] == [True, False]
        reference = one.reference
        x, y, yaw = reference.at(one.reference_end_s)
        s, left = one.path.project(x, y, yaw)
        assert s == pytest.approx(one.end_s, abs=0.3)
        wanted = one.bay.left if one.bay else 0.0
        assert left == pytest.approx(wanted, abs=0.05)
        if one.ending == "stop":
            target = one.crossing_to_stop_at
            assert target is not None and one.end_s + FRONT_M < target.enter_s
        # The car's wheels cannot turn tighter than 4.7 m.
        assert np.abs(reference.curvature).max() < 1 / 4.9


def test_a_bay_lies_beside_the_lane_and_the_ramp_behind_the_junction(
    street: Street,
) -> None:
    for where in (0.0, 1.0):
        bay = place_bay(street, 1, "right", where)
        assert bay is not None
        assert bay.left < bay.lane_edge - 1 and bay.lane_edge < -1.5
        arm = street.approaches[1].arms["right"]
        assert bay.s - RAMP_M - 3 > arm.leave_s


def test_a_route_is_one_manoeuvre(street: Street) -> None:
    one = along_route(street.network, ("in_0", "0_1", "out_1"))
    assert one.turn == "right" and one.ending == "keep"
    assert one.insides[0][0] == pytest.approx(town.ARM, abs=0.1)
    assert one.inside(town.ARM + 1) and not one.inside(town.ARM - 1)
    with pytest.raises(ValueError, match="lane out_1 does not exist or"):
        along_route(street.network, ("in_0", "out_1"))


def test_a_map_without_junctions_says_so() -> None:
    x = np.linspace(0, 100, 20)
    line, side = np.stack([x, 0 * x], 1), np.array([0, 1.75])
    lane = Lane(
        name="a",
        left=line + side,
        right=line - side,
        centre=line,
        following=(),
        speed_limit=13.9,
    )
    network = RoadNetwork(name="road", lanes={"a": lane})
    with pytest.raises(MapError, match="no junction with 25 m"):
        approaches(network)
    alone = Street(network)
    assert alone.approaches == [] and "no junction" in alone.no_approach
    assert alone.off_lanes(50, 3) == pytest.approx(3)
    assert alone.half_width(50, 3) == pytest.approx(1.75)
    assert math.isclose(along_route(network, ("a",)).path.length, 100, abs_tol=0.6)

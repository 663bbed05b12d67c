"""Every way to fail has a driver that fails so."""

import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road.path import Pose
from brownfield.envs.road.road_env import RoadEnv
from brownfield.envs.road.traffic import NO_TRAFFIC, PHASES_S, TrafficConfig

sys.path.insert(0, str(Path(__file__).parent))
drivers = importlib.import_module("road_drivers")
BAYS = TrafficConfig(lead=0, parked=0, lights=False, pedestrians=0, bays=1)
FULL = TrafficConfig(lead=1, parked=1, lights=True, pedestrians=1, bays=1)


def told(env: RoadEnv, prompt: str, seed: int = 0) -> None:
    env.reset(seed=seed, options={"prompt": prompt})


@pytest.fixture(scope="module")
def empty() -> Iterator[RoadEnv]:
    with drivers.crossroads_env(BAYS, time_limit_s=30) as env:
        yield env


@pytest.fixture(scope="module")
def busy() -> Iterator[RoadEnv]:
    with drivers.crossroads_env(FULL) as env:
        yield env


def test_leaving_the_lane(empty: RoadEnv) -> None:
    told(empty, "turn left at the junction")
    info = drivers.drive(empty, drivers.constant(0.06, 0.0))
    assert info["reason"] == "left the lane" and not info["success"]
    assert info["did"] is None


@pytest.mark.parametrize("asked", ["left", "right", "straight"])
@pytest.mark.parametrize("off", [-3.4, -2.5, -1.3, 1.3, 2.5, 3.4])
def test_leaving_the_lane_behind_the_junction(
    empty: RoadEnv, asked: str, off: float
) -> None:
    told(empty, f"go {asked} at the junction, then keep the lane")
    slide(empty, off)
    said = {"left the lane", "left the road in the junction"}
    assert empty.judge.reason in said and not empty.judge.success


@pytest.mark.parametrize("asked", ["left", "right", "straight"])
@pytest.mark.parametrize("off", [-1.1, 0.0, 1.1])
def test_keeping_the_lane_behind_the_junction(
    empty: RoadEnv, asked: str, off: float
) -> None:
    told(empty, f"go {asked} at the junction, then keep the lane")
    slide(empty, off)
    assert not empty.judge.reason and empty.judge.success
    assert empty.judge.arm == asked


def slide(env: RoadEnv, off: float) -> None:
    """Show the judge a car that comes out of the junction `off` metres to the left."""
    asked = env.asked
    for s in np.arange(asked.enter_s - 5, asked.end_s + 1, 0.25):
        x, y, yaw = asked.path.at(s)
        through = (s - asked.enter_s) / (asked.leave_s - asked.enter_s)
        left = off * np.clip(through, 0, 1)
        x, y = x - math.sin(yaw) * left, y + math.cos(yaw) * left
        pose = Pose(x=x, y=y, yaw=yaw, speed=5.0)
        env.judge.watch(env.data, pose)
        env.judge.step(pose, 0.1)


@pytest.mark.parametrize("taken", ["left", "right", "straight"])
def test_taking_another_arm(empty: RoadEnv, taken: str) -> None:
    asked = {"left": "right", "right": "straight", "straight": "left"}[taken]
    told(empty, f"go {asked} at the junction")
    info = drivers.drive(empty, drivers.expert_for(f"{taken} keep"))
    assert info["reason"] == "took the wrong arm" and info["did"] == taken


def test_getting_lost_in_the_junction(empty: RoadEnv) -> None:
    told(empty, "go straight at the junction")

    def lost(env: RoadEnv) -> np.ndarray:
        pose, asked = env.pose(), env.asked
        s, _ = asked.path.project(pose.x, pose.y, pose.yaw)
        if s < asked.enter_s + 9:
            return drivers.expert(env)
        return np.array([-0.5, 0.0])

    info = drivers.drive(empty, lost)
    assert info["reason"] == "left the road in the junction"


def test_standing_still(empty: RoadEnv) -> None:
    told(empty, "go straight at the junction")
    info = drivers.drive(empty, drivers.constant(0.0, -2.0))
    assert info["reason"] == "stood still"


def test_driving_past_the_bay_and_onto_the_crosswalk(empty: RoadEnv) -> None:
    told(empty, "turn right at the junction, then park")
    assert empty.asked.ending == "park"
    info = drivers.drive(empty, drivers.expert_for("right keep"))
    assert info["reason"] == "drove past the bay" and info["did"] == "right"
    told(empty, "turn right at the junction, then stop at the crosswalk")
    info = drivers.drive(empty, drivers.expert_for("right keep"))
    assert info["reason"] == "drove onto the crosswalk"


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("then park", "out of time: not parked"),
        ("then stop at the crosswalk", "out of time: not stopped at the crosswalk"),
        ("then keep the lane", "out of time: not at the end"),
    ],
)
def test_running_out_of_time(empty: RoadEnv, ending: str, said: str) -> None:
    told(empty, f"turn left at the junction, {ending}")
    assert empty.judge.unfinished() == "out of time: not through the junction"
    empty.judge.arm = "left"
    assert empty.judge.unfinished() == said


def test_time_runs_out() -> None:
    with drivers.crossroads_env(NO_TRAFFIC, time_limit_s=1.0) as env:
        *_, late, info = [env.step(np.zeros(2)) for _ in range(10)][-1]
    assert late and info["reason"] == "out of time: not through the junction"


def _light(env: RoadEnv, shown: str) -> None:
    """Make the light show something from now on for a few seconds."""
    clock = 0.0
    for light, seconds in PHASES_S:
        if light == shown:
            break
        clock += seconds
    env.traffic._clock_s = clock


def test_crossing_a_red_line(busy: RoadEnv) -> None:
    told(busy, "go straight at the junction", seed=1)
    busy.traffic.has_lead, busy.traffic.walkers = False, []

    def hurried(env: RoadEnv) -> np.ndarray:
        _light(env, "red")
        return drivers.expert_as(light="green")(env)

    info = drivers.drive(busy, hurried)
    assert info["reason"] == "crossed a red line"
    assert info["met"] == {"red light": False}


def test_waiting_at_a_red_light_heeds_it(busy: RoadEnv) -> None:
    told(busy, "go straight at the junction", seed=1)
    busy.traffic.has_lead, busy.traffic.walkers = False, []
    _light(busy, "red")
    info = drivers.drive(busy, drivers.expert_as())
    assert info["success"] and info["met"] == {"red light": True}


def test_cutting_people_off(busy: RoadEnv) -> None:
    reasons = set()
    for seed in range(6):
        told(busy, "go straight at the junction", seed=seed)
        busy.traffic.has_light = busy.traffic.has_lead = False
        for walker in busy.traffic.walkers:
            walker.notices_m = 60.0
            walker._may_start = lambda *_: True
            walker.pace = 0.35
        info = drivers.drive(busy, drivers.blind)
        reasons.add(info["reason"])
        if info["reason"] == "did not give way":
            assert info["met"] == {"person crossing": False}
    assert "did not give way" in reasons
    assert reasons <= {"did not give way", "hit a pedestrian", ""}


def test_touching_a_pedestrian(busy: RoadEnv) -> None:
    told(busy, "go straight at the junction")
    busy.traffic.has_lead = False
    pose = busy.pose()
    walker = busy.traffic.walkers[0]
    walker.start = np.array(
        [pose.x + 6 * math.cos(pose.yaw), pose.y + 6 * math.sin(pose.yaw)]
    )
    walker.ahead, walker.along = np.array([0.0, 0.0]), 0.0
    info = drivers.drive(busy, drivers.constant(0.0, 1.0))
    assert info["reason"] == "hit a pedestrian"


def test_touching_the_car_ahead(busy: RoadEnv) -> None:
    told(busy, "go straight at the junction")
    busy.traffic.has_light, busy.traffic.walkers = False, []
    busy.traffic._lead_wanted = 0.5
    info = drivers.drive(busy, drivers.expert_as(lead_s=math.inf))
    assert info["reason"] == "hit the car ahead"


def test_touching_a_parked_car(busy: RoadEnv) -> None:
    told(busy, "go straight at the junction")
    busy.traffic.has_lead = False
    pose = busy.pose()
    # Straight in front: the judge does not ask whose fault it was.
    at = busy.model.body("parked_0").mocapid[0]
    busy.data.mocap_pos[at, :2] = [
        pose.x + 9 * math.cos(pose.yaw),
        pose.y + 9 * math.sin(pose.yaw),
    ]
    info = drivers.drive(busy, drivers.constant(0.0, 1.0))
    assert info["reason"] == "hit a parked car"


def test_waiting_at_a_red_light_is_no_standing_still(busy: RoadEnv) -> None:
    told(busy, "go straight at the junction", seed=1)
    busy.traffic.has_lead, busy.traffic.walkers = False, []
    for _ in range(250):
        _light(busy, "red")
        *_, over, late, info = busy.step(drivers.expert(busy))
        assert not over and not late, info["reason"]
    assert busy.pose().speed < 0.1
    assert drivers.drive(busy, drivers.expert)["success"]

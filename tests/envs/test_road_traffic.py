"""Everybody else keeps to the rules too."""

import importlib
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road.manoeuvre import FRONT_M
from brownfield.envs.road.path import Pose
from brownfield.envs.road.pedestrians import Walker
from brownfield.envs.road.road_env import RoadEnv
from brownfield.envs.road.speed_law import acceleration, idm
from brownfield.envs.road.traffic import (
    NO_TRAFFIC,
    PARKED_MOST,
    PHASES_S,
    TrafficConfig,
)

sys.path.insert(0, str(Path(__file__).parent))
drivers = importlib.import_module("road_drivers")
FULL = TrafficConfig(lead=1, parked=1, lights=True, pedestrians=1, bays=1)
MIDDLE = np.array([14.5, 1.75])
FAR = Pose(x=1e4, y=1e4, yaw=0, speed=0)


@pytest.fixture(scope="module")
def env() -> Iterator[RoadEnv]:
    with drivers.crossroads_env(FULL) as env:
        yield env


def test_everything_can_be_switched_off() -> None:
    with drivers.crossroads_env(NO_TRAFFIC) as env:
        for seed in range(5):
            env.reset(seed=seed)
            traffic = env.traffic
            assert traffic.lead is None and traffic.light == "none"
            assert not traffic.walkers and not traffic.parked
            assert env.asked.ending != "park"
    with pytest.raises(ValueError, match="lead is a chance between 0 and 1"):
        TrafficConfig(lead=2)


def test_everything_can_be_switched_on(env: RoadEnv) -> None:
    env.reset(seed=1)
    traffic = env.traffic
    assert traffic.lead is not None and traffic.light != "none"
    assert traffic.walkers and 2 <= len(traffic.parked) <= PARKED_MOST


def test_lights_go_round(env: RoadEnv) -> None:
    env.reset(seed=2)
    shown = []
    for _ in range(400):
        env.traffic.advance(FAR, 0.1)
        if not shown or shown[-1] != env.traffic.light:
            shown.append(env.traffic.light)
    order = [light for light, _ in PHASES_S]
    start = order.index(shown[0])
    assert shown == [order[(start + i) % 3] for i in range(len(shown))]
    assert len(shown) >= 6


def test_parked_cars_are_off_the_lanes_and_clear_of_bays(env: RoadEnv) -> None:
    for seed in range(8):
        env.reset(seed=seed)
        for car in env.traffic.parked:
            assert env.scene.street.off_lanes(car.x, car.y) > 2.6
            for one in env._offered.values():
                if one.bay is not None:
                    x, y, _ = one.path.at(one.bay.s)
                    assert math.hypot(car.x - x, car.y - y) > 8


def test_the_car_ahead_never_crosses_a_red_line(env: RoadEnv) -> None:
    crossed = 0
    for seed in range(12):
        env.reset(seed=seed)
        traffic = env.traffic
        line = traffic._lead_way.stop_line_s
        assert line is not None
        for _ in range(300):
            before = traffic._lead_s + FRONT_M
            traffic.advance(FAR, 0.1)
            if before <= line < traffic._lead_s + FRONT_M:
                assert traffic.light != "red"
                crossed += 1
    assert crossed >= 8


def test_people_wait_for_who_cannot_stop_and_then_cross(env: RoadEnv) -> None:
    walk = env.scene.street.network.crosswalks[0]
    for seed in range(6):
        walker = Walker(walk, MIDDLE, np.random.default_rng(seed))
        near = Pose(x=MIDDLE[0] + FRONT_M + 4, y=1.75, yaw=math.pi, speed=6.0)
        walker.advance([near], 0.1)
        assert not walker.walking
        stopped = Pose(x=near.x + 2, y=1.75, yaw=math.pi, speed=0.0)
        for _ in range(120):
            walker.advance([stopped], 0.1)
        assert walker.walking and not walker.crosses()
        assert walker.along == pytest.approx(walker.width + 0.7, abs=0.2)


def test_people_do_not_walk_into_cars(env: RoadEnv) -> None:
    walk = env.scene.street.network.crosswalks[0]
    walker = Walker(walk, MIDDLE, np.random.default_rng(0))
    walker.walking = True
    on_it = Pose(x=16.0, y=1.75, yaw=math.pi, speed=0.0)
    for _ in range(200):
        walker.advance([on_it], 0.1)
        ahead, left = on_it.sees(*walker.position)
        assert not (abs(ahead - 1.35) < 2.2 and abs(left) < 0.88)


def test_nobody_takes_part_on_a_path_that_they_are_not_on(env: RoadEnv) -> None:
    env.reset(seed=1)
    traffic, asked = env.traffic, env.asked
    traffic._lead_way, traffic._lead_s = asked, asked.enter_s - 12
    s, speed = traffic.ahead_on(asked, asked.enter_s - 25)
    assert s == pytest.approx(asked.enter_s - 12, abs=0.1) and speed > 0
    assert traffic.ahead_on(asked, asked.enter_s - 5)[0] == math.inf
    other = next(m for m in env._offered.values() if m.turn != asked.turn)
    traffic._lead_s = asked.leave_s + 15
    assert traffic.ahead_on(other, asked.enter_s - 25)[0] == math.inf


def test_speed_laws() -> None:
    assert idm(8, 8, 1e3, 0) == pytest.approx(0, abs=0.01)
    assert idm(8, 8, 10, 0) < -0.5 < 0 < idm(2, 8, 50, 0)
    assert idm(5, 8, 12, 5) < idm(5, 8, 12, 0)
    assert acceleration(0, 8, math.inf, math.inf, 0) > 1
    assert acceleration(0, 8, 0.0, math.inf, 0) < 0
    assert acceleration(6, 8, 5.0, math.inf, 0) < -2
    assert acceleration(0, 8, math.inf, 2.0, 0) < 0

"""Everybody else on the road: a car ahead, parked cars, a light, people who cross."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from brownfield.envs.road.manoeuvre import FRONT_M, Crossing, Manoeuvre
from brownfield.envs.road.network import Array
from brownfield.envs.road.path import Path, Pose
from brownfield.envs.road.pedestrians import Walker
from brownfield.envs.road.speed_law import (
    BRAKE_M_S2,
    FASTEST_M_S,
    Light,
    acceleration,
    bend_speed,
    idm,
    stop_ahead,
)
from brownfield.envs.road.street import Street
from brownfield.robot.car.model import CENTRE_X_M, HALF_LENGTH_M, HALF_WIDTH_M

PARKED_MOST, WALKERS_MOST = 6, 4
"""So many parked cars and people are there at most."""
PHASES_S: tuple[tuple[Light, float], ...] = (
    ("green", 9.0),
    ("amber", 3.0),
    ("red", 8.0),
)
"""What a light shows, and how long [s]."""
PASSED_M = 1.8
"""Who is so far beyond the middle of a car's path is out of its way [m]."""
PARKED_CLEAR_M = 9.0
"""Parked cars keep so far from junctions, crosswalks and bays [m]."""
LEAD_CLEAR_M = 6.0
"""The car ahead starts so far from the own one and from a stop line [m]."""


@dataclass(frozen=True, kw_only=True)
class TrafficConfig:
    """Who else is on the road; every part can be switched off."""

    lead: float = 0.5
    """Chance of a car ahead."""
    parked: float = 0.4
    """Chance of a parked car where one could stand, up to six."""
    lights: bool = True
    """Whether lights work where the map has some; switched off, they are not there."""
    pedestrians: float = 0.6
    """Chance of somebody at a crosswalk on the way."""
    bays: float = 0.5
    """Chance of a parking bay where none is asked for; 0 takes all of them away."""

    def __post_init__(self) -> None:
        """Refuse chances outside of 0..1."""
        for name in ("lead", "parked", "pedestrians", "bays"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"{name} is a chance between 0 and 1, got {getattr(self, name)}"
                )


NO_TRAFFIC = TrafficConfig(lead=0, parked=0, lights=False, pedestrians=0, bays=0)
"""An empty road."""


class Traffic:
    """The state of everybody else in one episode."""

    def __init__(
        self,
        config: TrafficConfig,
        street: Street,
        drawn: Manoeuvre,
        others: dict[str, Manoeuvre],
        start_s: float,
        rng: np.random.Generator,
    ) -> None:
        """Args:
        config: who is there at all.
        street: the place.
        drawn: what the seed's own prompt asks for; another prompt in the same scene
            meets the same people.
        others: everything that could be asked for, by name.
        start_s: where the car starts along the path [m].
        rng: draws everything.
        """
        self._drawn = drawn
        self.has_light = config.lights and drawn.stop_line_s is not None
        cycle = sum(seconds for _, seconds in PHASES_S)
        self._clock_s = float(rng.uniform(0, cycle))
        self._draw_lead(config, others, start_s, rng)
        self.walkers: list[Walker] = []
        crosswalks = {walk.name: walk for walk in street.network.crosswalks}
        for crossing, middle in _crossings(others):
            walker = Walker(crosswalks[crossing.name], middle, rng)
            wanted = rng.random() < config.pedestrians
            ahead = crossing.enter_s > start_s + FRONT_M + 8
            if wanted and ahead and len(self.walkers) < WALKERS_MOST:
                self.walkers.append(walker)
        self.parked: list[Pose] = _park(config, street, drawn, others, start_s, rng)

    def _draw_lead(
        self,
        config: TrafficConfig,
        others: dict[str, Manoeuvre],
        start_s: float,
        rng: np.random.Generator,
    ) -> None:
        ways = [m for m in others.values() if m.ending == "keep"] or [self._drawn]
        wanted, ahead = float(rng.uniform(3, 6)), float(rng.uniform(14, 28))
        own = rng.random() < 0.5
        way = ways[int(rng.integers(len(ways)))]
        if own:
            way = next((m for m in ways if m.turn == self._drawn.turn), way)
        self._lead_way = way
        self._lead_wanted = wanted
        self._lead_s, self._lead_speed = start_s + ahead, wanted
        self.has_lead = bool(rng.random() < config.lead)
        line = way.stop_line_s
        if self.has_light and line is not None:
            # Far enough from the line to stop at it, whatever the light shows.
            self._lead_s = min(self._lead_s, line - FRONT_M - LEAD_CLEAR_M)
            self._lead_speed = min(wanted, math.sqrt(2 * BRAKE_M_S2 * LEAD_CLEAR_M) / 2)
        gap = self._lead_s - start_s - 2 * HALF_LENGTH_M
        self.has_lead = self.has_lead and gap > LEAD_CLEAR_M

    @property
    def light(self) -> Light:
        """What the light shows."""
        if not self.has_light:
            return "none"
        left = self._clock_s % sum(seconds for _, seconds in PHASES_S)
        for light, seconds in PHASES_S:
            left -= seconds
            if left < 0:
                return light
        return PHASES_S[-1][0]

    @property
    def lead(self) -> Pose | None:
        """The car ahead, None where there is none (any more)."""
        if not self.has_lead:
            return None
        x, y, yaw = self._lead_way.path.at(self._lead_s)
        return Pose(x=x, y=y, yaw=yaw, speed=self._lead_speed)

    def taken(self, manoeuvre: Manoeuvre) -> tuple[bool, ...]:
        """For each crossing of a manoeuvre, whether somebody is in the way."""
        return tuple(self._in_the_way(manoeuvre, c) for c in manoeuvre.crossings)

    def _in_the_way(self, manoeuvre: Manoeuvre, crossing: Crossing) -> bool:
        x, y, _ = manoeuvre.path.at((crossing.enter_s + crossing.leave_s) / 2)
        return any(
            walker.crosses() and walker.beyond(x, y) < PASSED_M
            for walker in self.walkers
            if walker.name == crossing.name
        )

    def ahead_on(self, manoeuvre: Manoeuvre, s: float) -> tuple[float, float]:
        """The car ahead as somebody on a manoeuvre sees it.

        Args:
            manoeuvre: what is driven.
            s: rear axle along its path [m].

        Returns:
            lead_s: its rear axle along the path, infinite without one [m].
            lead_speed: along the path [m/s].
        """
        lead = self.lead
        if lead is None:
            return math.inf, 0.0
        at, left = manoeuvre.path.project(lead.x, lead.y, lead.yaw)
        middle = left + CENTRE_X_M * math.sin(lead.yaw - manoeuvre.path.at(at)[2])
        if at < s or abs(middle) > 2.2 or at > manoeuvre.path.length + 20:
            return math.inf, 0.0
        return at, lead.speed

    def advance(self, ego: Pose, dt_s: float) -> None:
        """Let time pass.

        Args:
            ego: where the car is, for those who watch out for it.
            dt_s: how long [s].
        """
        self._clock_s += dt_s
        if self.has_lead:
            self._advance_lead(dt_s)
        lead = self.lead
        cars = [ego] if lead is None else [ego, lead]
        for walker in self.walkers:
            walker.advance(cars, dt_s)

    def _advance_lead(self, dt_s: float) -> None:
        way = self._lead_way
        wanted = min(self._lead_wanted, FASTEST_M_S, bend_speed(way, self._lead_s))
        to_stop = stop_ahead(
            way, self._lead_s, self._lead_speed, self.light, self.taken(way)
        )
        pull = acceleration(self._lead_speed, wanted, to_stop, math.inf, 0.0)
        if pull > 0:
            pull = min(pull, idm(self._lead_speed, wanted, math.inf, 0.0))
        self._lead_speed = max(0.0, self._lead_speed + pull * dt_s)
        self._lead_s += self._lead_speed * dt_s
        if self._lead_s > way.path.length + 30:
            self.has_lead = False


def _crossings(ways: dict[str, Manoeuvre]) -> list[tuple[Crossing, Array]]:
    """Every crosswalk that some way crosses, once, and where it is crossed (2,) [m]."""
    found: dict[str, tuple[Crossing, Array]] = {}
    for way in ways.values():
        for crossing in way.crossings:
            x, y, _ = way.path.at((crossing.enter_s + crossing.leave_s) / 2)
            found.setdefault(crossing.name, (crossing, np.array([x, y])))
    return list(found.values())


def _park(
    config: TrafficConfig,
    street: Street,
    drawn: Manoeuvre,
    others: dict[str, Manoeuvre],
    start_s: float,
    rng: np.random.Generator,
) -> list[Pose]:
    """Parked cars beside the way up to the junction and the ways out of it."""
    ways = {m.turn: m for m in others.values()}
    ways[drawn.turn] = drawn
    bays = [(m.path, m.bay) for m in others.values() if m.bay is not None]
    parked: list[Pose] = []
    for turn in sorted(ways):
        way = ways[turn]
        spots = np.arange(way.leave_s + PARKED_CLEAR_M, way.path.length - 5, 8.0)
        if turn == drawn.turn:
            up = np.arange(start_s - 6, way.enter_s - PARKED_CLEAR_M, 8.0)
            spots = np.concatenate([up, spots])
        for s in spots + rng.uniform(0, 1.5):
            wanted = rng.random() < config.parked
            if not wanted or len(parked) == PARKED_MOST:
                continue
            if any(
                c.enter_s - PARKED_CLEAR_M < s < c.leave_s + 4 for c in way.crossings
            ):
                continue
            x, y, yaw = way.path.at(float(s))
            off = street.half_width(x, y) + HALF_WIDTH_M + 0.35
            x, y = x + math.sin(yaw) * off, y - math.cos(yaw) * off
            middle = (x + CENTRE_X_M * math.cos(yaw), y + CENTRE_X_M * math.sin(yaw))
            if street.off_lanes(*middle) < off - 0.4:
                continue
            if any(_near_bay(path, bay.s, x, y) for path, bay in bays):
                continue
            if any(np.hypot(x - p.x, y - p.y) < 6 for p in parked):
                continue
            parked.append(Pose(x=x, y=y, yaw=yaw, speed=0.0))
    return parked


def _near_bay(path: Path, bay_s: float, x: float, y: float) -> bool:
    bx, by, yaw = path.at(bay_s)
    dx, dy = x - bx, y - by
    along = math.cos(yaw) * dx + math.sin(yaw) * dy
    across = -math.sin(yaw) * dx + math.cos(yaw) * dy
    return -26 < along < 14 and abs(across) < 6

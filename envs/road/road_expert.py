"""A scripted driver without timers.

It is a pure function of the true state and the previous command, so it labels its own
demonstrations and a learner's states alike. Pure pursuit steers (Coulter,
"Implementation of the pure pursuit path tracking algorithm", 1992).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from brownfield.envs.road.manoeuvre import FRONT_M, Manoeuvre
from brownfield.envs.road.network import Array
from brownfield.envs.road.path import wrapped
from brownfield.envs.road.speed_law import (
    FASTEST_M_S,
    Light,
    acceleration,
    bend_speed,
    stop_ahead,
)
from brownfield.robot.car.body import CAR_BODY, STEERING_RATE_RAD_S
from brownfield.robot.car.model import CENTRE_X_M, HALF_LENGTH_M, WHEELBASE_M

LOOKAHEAD_M = (3.0, 9.0)
"""Nearest and farthest point that is steered for [m]."""
STEP_S = 1.0 / CAR_BODY.control_hz
STEERING_STEP_RAD = STEERING_RATE_RAD_S * STEP_S
"""Largest change of the steering command from step to step [rad]."""


@dataclass(frozen=True, kw_only=True)
class RoadExpertState:
    """The truth that the expert sees; world frame unless said."""

    manoeuvre: Manoeuvre
    """What is asked for."""
    x: float
    """Rear axle [m]."""
    y: float
    """Rear axle [m]."""
    yaw: float
    """Heading [rad]."""
    speed: float
    """[m/s]."""
    command: Array
    """Command being executed (2,), `CAR_BODY.action`."""
    light: Light
    """What the manoeuvre's light shows."""
    taken: tuple[bool, ...]
    """For each of its crossings, whether somebody is on the way across."""
    lead_s: float
    """Rear axle of the car ahead along the path, infinite without one [m]."""
    lead_speed: float
    """Its speed [m/s]."""

    @cached_property
    def place(self) -> tuple[float, float]:
        """Where the car is along the line that it should drive, and how far to the left
        of it [m]."""
        return self.manoeuvre.reference.project(self.x, self.y, self.yaw)


def lookahead(speed: float) -> float:
    """How far ahead one steers for [m]."""
    return min(max(0.6 * speed + 2.5, LOOKAHEAD_M[0]), LOOKAHEAD_M[1])


def target_point(state: RoadExpertState) -> tuple[float, float]:
    """The point that is steered for, in the world [m]."""
    s, _ = state.place
    x, y, _ = state.manoeuvre.reference.at(s + lookahead(state.speed))
    return x, y


def stopping_way(state: RoadExpertState) -> float:
    """Way to where the car has to stand next; infinite where nowhere [m]."""
    s, _ = state.place
    return stop_ahead(state.manoeuvre, s, state.speed, state.light, state.taken)


def lead_gap(state: RoadExpertState) -> float:
    """Bumper to bumper to the car ahead; infinite without one [m]."""
    s, _ = state.place
    return state.lead_s - (HALF_LENGTH_M - CENTRE_X_M) - (s + FRONT_M)


def expert_command(state: RoadExpertState) -> tuple[Array, str]:
    """The next command (2,) and the name of the phase.

    Returns:
        command: in the units of `CAR_BODY.action`, within its limits.
        phase: approach, turn, leave, wait, follow, park or stop.
    """
    manoeuvre = state.manoeuvre
    s, _ = state.place
    x, y = target_point(state)
    aim = wrapped(math.atan2(y - state.y, x - state.x) - state.yaw)
    distance = math.hypot(x - state.x, y - state.y)
    steering = math.atan2(2 * WHEELBASE_M * math.sin(aim), distance)

    wanted = min(FASTEST_M_S, manoeuvre.speed_limit, bend_speed(manoeuvre, s))
    way, gap = stopping_way(state), lead_gap(state)
    free = acceleration(state.speed, wanted, math.inf, math.inf, 0.0)
    pull = acceleration(state.speed, wanted, way, gap, state.lead_speed)
    phase = "approach" if s < manoeuvre.enter_s else "leave"
    if manoeuvre.inside(s):
        phase = "turn"
    if pull < free - 1e-6:
        alone = acceleration(state.speed, wanted, way, math.inf, 0.0)
        if pull < alone - 1e-6:
            phase = "follow"
        elif manoeuvre.ending != "keep" and way >= manoeuvre.reference_end_s - s - 1e-6:
            phase = manoeuvre.ending
        else:
            phase = "wait"
    return clip_command(np.array([steering, pull]), state.command), phase


def clip_command(command: Array, previous: Array) -> Array:
    """A command (2,) within the body's limits, whose steering is no farther from the
    previous one's than the wheels can turn."""
    command = np.clip(command, CAR_BODY.action_lower, CAR_BODY.action_upper)
    command[0] = np.clip(
        command[0], previous[0] - STEERING_STEP_RAD, previous[0] + STEERING_STEP_RAD
    )
    return command


def _advance(state: RoadExpertState, command: Array) -> RoadExpertState:
    """The state after a command, by the kinematic bicycle; lights and people stay as
    they are and the car ahead keeps its speed."""
    speed = max(0.0, state.speed + command[1] * STEP_S)
    middle = (state.speed + speed) / 2
    steering = (state.command[0] + command[0]) / 2
    turned = middle * math.tan(steering) / WHEELBASE_M * STEP_S
    heading = state.yaw + turned / 2
    return replace(
        state,
        x=state.x + middle * STEP_S * math.cos(heading),
        y=state.y + middle * STEP_S * math.sin(heading),
        yaw=state.yaw + turned,
        speed=speed,
        command=command,
        lead_s=state.lead_s + state.lead_speed * STEP_S,
    )


def expert_chunk(
    state: RoadExpertState, steps: int = CAR_BODY.chunk_steps
) -> tuple[Array, str]:
    """The expert's plan (T, 2) from a state, unrolled by kinematics, and its phase."""
    chunk, first = [], ""
    for _ in range(steps):
        command, phase = expert_command(state)
        first = first or phase
        chunk.append(command)
        state = _advance(state, command)
    return np.array(chunk), first

"""The car as a Body."""

from __future__ import annotations

from brownfield.robot.body import Body, Camera, Field

STEERING_LIMIT_RAD = 0.52
"""Largest angle of the road wheels [rad]."""
STEERING_RATE_RAD_S = 0.36
"""Fastest change of that angle [rad/s]: what production interfaces allow."""
ACCELERATION_M_S2 = (-6.0, 2.0)
"""Hardest braking and strongest pull [m/s^2]."""

_ACTION = (
    Field(
        name="steering",
        unit="rad",
        lower=-STEERING_LIMIT_RAD,
        upper=STEERING_LIMIT_RAD,
        max_rate=STEERING_RATE_RAD_S,
    ),
    Field(
        name="acceleration",
        unit="m/s^2",
        lower=ACCELERATION_M_S2[0],
        upper=ACCELERATION_M_S2[1],
        rest=-2.0,
    ),
)
_STATE = (
    ("speed", "m/s", 40.0),
    ("yaw_rate", "rad/s", 2.0),
    ("acceleration_x", "m/s^2", 12.0),
    ("acceleration_y", "m/s^2", 12.0),
    ("steering", "rad", 0.7),
    ("command_steering", "rad", 0.7),
    ("command_acceleration", "m/s^2", 8.0),
)

CAR_BODY = Body(
    name="car",
    action=_ACTION,
    state=tuple(
        Field(name=name, unit=unit, lower=-bound, upper=bound)
        for name, unit, bound in _STATE
    ),
    cameras=(Camera(name="front", height=64, width=64, fovy_deg=75.0),),
    control_hz=10.0,
    chunk_steps=8,
    executed_steps=2,
)
"""Commands: angle of the road wheels, positive to the left, and acceleration; a car
that nobody commands keeps its wheels and brakes gently to a stop. States: what a car
reports of its motion in its own frame (x forward, y left), and the command being
executed."""

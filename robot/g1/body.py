"""The Unitree G1 with hands as a Body."""

from __future__ import annotations

import math

from brownfield.robot.body import Body, Camera, Field
from brownfield.robot.g1.joints import HAND_JOINTS, JOINTS


def _velocity(name: str, unit: str, lower: float, upper: float) -> Field:
    return Field(name=name, unit=unit, lower=lower, upper=upper, rest=0.0)


def _held(name: str, unit: str, lower: float, upper: float, max_rate: float) -> Field:
    return Field(name=name, unit=unit, lower=lower, upper=upper, max_rate=max_rate)


_ACTION = (
    _velocity("base_vx", "m/s", -0.5, 0.6),
    _velocity("base_vy", "m/s", -0.4, 0.4),
    _velocity("base_wz", "rad/s", -0.7, 0.7),
    _held("palm_x", "m", 0.0, 0.65, 0.4),
    _held("palm_y", "m", -0.6, 0.35, 0.4),
    _held("palm_z", "m", -0.1, 0.5, 0.4),
    _held("palm_rx", "rad", -1.6, 1.6, 1.0),
    _held("palm_ry", "rad", -1.6, 1.6, 1.0),
    _held("palm_rz", "rad", -1.6, 1.6, 1.0),
    _held("grip", "1", 0.0, 1.0, 2.0),
)


def _state() -> tuple[Field, ...]:
    fields = [(f"q_{j}", "rad", math.pi) for j in JOINTS]
    fields += [(f"dq_{j}", "rad/s", 20.0) for j in JOINTS]
    fields += [(f"gyro_{axis}", "rad/s", 10.0) for axis in "xyz"]
    fields += [(f"gravity_{axis}", "1", 1.0) for axis in "xyz"]
    fields += [(f"hand_q_{j}", "rad", math.pi) for j in HAND_JOINTS]
    fields += [(f"command_{f.name}", f.unit, 2.0) for f in _ACTION]
    fields += [(f"palm_fk_{axis}", "m", 1.0) for axis in "xyz"]
    fields += [
        (f"gait_{wave}_{side}", "1", 1.0)
        for wave in ("cos", "sin")
        for side in ("left", "right")
    ]
    return tuple(
        Field(name=name, unit=unit, lower=-bound, upper=bound)
        for name, unit, bound in fields
    )


G1_BODY = Body(
    name="g1",
    action=_ACTION,
    state=_state(),
    cameras=(Camera(name="head", height=128, width=128, fovy_deg=62.0),),
    control_hz=10.0,
    chunk_steps=8,
    executed_steps=2,
    joints=JOINTS,
)
"""Commands: base velocity in the pelvis' heading frame, right palm pose in the pelvis
frame (rotation vector), grip. States: joints in wire order, IMU, hands, the command
being executed, the palm by forward kinematics, gait phase."""

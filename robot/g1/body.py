"""The Unitree G1 with hands as a Body."""

from __future__ import annotations

import math
from dataclasses import replace

from brownfield.robot.body import Body, Camera, Field
from brownfield.robot.g1.joints import HAND_JOINTS, JOINTS


def _velocity(name: str, unit: str, lower: float, upper: float) -> Field:
    return Field(name=name, unit=unit, lower=lower, upper=upper, rest=0.0)


def _held(name: str, unit: str, lower: float, upper: float, max_rate: float) -> Field:
    return Field(name=name, unit=unit, lower=lower, upper=upper, max_rate=max_rate)


def _arm(prefix: str, y: tuple[float, float]) -> tuple[Field, ...]:
    """Pose of a palm and its grip."""
    return (
        _held(f"{prefix}palm_x", "m", 0.0, 0.65, 0.4),
        _held(f"{prefix}palm_y", "m", *y, 0.4),
        _held(f"{prefix}palm_z", "m", -0.1, 0.5, 0.4),
        _held(f"{prefix}palm_rx", "rad", -1.6, 1.6, 1.0),
        _held(f"{prefix}palm_ry", "rad", -1.6, 1.6, 1.0),
        _held(f"{prefix}palm_rz", "rad", -1.6, 1.6, 1.0),
        _held(f"{prefix}grip", "1", 0.0, 1.0, 2.0),
    )


_ACTION = (
    _velocity("base_vx", "m/s", -0.5, 0.6),
    _velocity("base_vy", "m/s", -0.4, 0.4),
    _velocity("base_wz", "rad/s", -0.7, 0.7),
    *_arm("", (-0.6, 0.35)),
)
_BOTH = (*_ACTION, *_arm("left_", (-0.35, 0.6)))


def _state(action: tuple[Field, ...], palms: tuple[str, ...]) -> tuple[Field, ...]:
    fields = [(f"q_{j}", "rad", math.pi) for j in JOINTS]
    fields += [(f"dq_{j}", "rad/s", 20.0) for j in JOINTS]
    fields += [(f"gyro_{axis}", "rad/s", 10.0) for axis in "xyz"]
    fields += [(f"gravity_{axis}", "1", 1.0) for axis in "xyz"]
    fields += [(f"hand_q_{j}", "rad", math.pi) for j in HAND_JOINTS]
    fields += [(f"command_{f.name}", f.unit, 2.0) for f in action]
    fields += [(f"{palm}_fk_{axis}", "m", 1.0) for palm in palms for axis in "xyz"]
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
    state=_state(_ACTION, ("palm",)),
    cameras=(Camera(name="head", height=128, width=128, fovy_deg=62.0),),
    control_hz=10.0,
    chunk_steps=8,
    executed_steps=2,
    joints=JOINTS,
)
"""Commands: base velocity in the pelvis' heading frame, right palm pose in the pelvis
frame (rotation vector), grip. States: joints in wire order, IMU, hands, the command
being executed, the palm by forward kinematics, gait phase."""

G1_TWO_HANDS = replace(
    G1_BODY,
    name="g1_two_hands",
    action=_BOTH,
    state=_state(_BOTH, ("palm", "left_palm")),
)
"""The same robot with both palms in its commands: after those of the right palm come
pose and grip of the left one."""

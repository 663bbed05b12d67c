"""Joints of the Unitree G1 in wire order: gains, limits and postures by name.

Gains of legs and waist are those that the balance policy was taught with; armature is
the identified rotor inertia reflected through the gears.
"""

from __future__ import annotations

import numpy as np

_LEG = ("hip_pitch", "hip_roll", "hip_yaw", "knee", "ankle_pitch", "ankle_roll")
_ARM = (
    "shoulder_pitch",
    "shoulder_roll",
    "shoulder_yaw",
    "elbow",
    "wrist_roll",
    "wrist_pitch",
    "wrist_yaw",
)
_HAND = ("thumb_0", "thumb_1", "thumb_2", "index_0", "index_1", "middle_0", "middle_1")

JOINTS: tuple[str, ...] = (
    *(f"left_{j}_joint" for j in _LEG),
    *(f"right_{j}_joint" for j in _LEG),
    "waist_yaw_joint",
    "waist_roll_joint",
    "waist_pitch_joint",
    *(f"left_{j}_joint" for j in _ARM),
    *(f"right_{j}_joint" for j in _ARM),
)
"""The 29 body joints, in the order of LowCmd and LowState."""
LEG_WAIST = JOINTS[:15]
"""Joints of the balance policy."""
ARMS = JOINTS[15:]
"""Joints of both arms, left first."""
RIGHT_ARM = JOINTS[22:]
"""Joints of the right arm."""
HAND_JOINTS: tuple[str, ...] = tuple(
    f"{side}_hand_{j}_joint" for side in ("left", "right") for j in _HAND
)
"""The 14 finger joints, left hand first."""

_GAINS = {
    "hip_pitch": (40.18, 2.558),
    "hip_yaw": (40.18, 2.558),
    "waist_yaw": (40.18, 2.558),
    "hip_roll": (99.10, 6.309),
    "knee": (99.10, 6.309),
    "ankle": (28.50, 1.814),
    "waist_roll": (28.50, 1.814),
    "waist_pitch": (28.50, 1.814),
    "shoulder": (60.0, 3.0),
    "elbow": (60.0, 3.0),
    # Explicit damping needs kd dt / inertia below 1, and wrists are light.
    "wrist": (60.0, 1.0),
}
_TORQUE_LIMIT = {
    "hip_pitch": 88.0,
    "hip_yaw": 88.0,
    "waist_yaw": 88.0,
    "hip_roll": 139.0,
    "knee": 139.0,
    "ankle": 50.0,
    "waist_roll": 50.0,
    "waist_pitch": 50.0,
    "shoulder": 25.0,
    "elbow": 25.0,
    "wrist_roll": 25.0,
    "wrist_pitch": 5.0,
    "wrist_yaw": 5.0,
}
_ARMATURE = {
    "hip_pitch": 0.010177520,
    "hip_yaw": 0.010177520,
    "waist_yaw": 0.010177520,
    "hip_roll": 0.025101925,
    "knee": 0.025101925,
    "ankle": 0.00721945,
    "waist_roll": 0.00721945,
    "waist_pitch": 0.00721945,
    "shoulder": 0.003609725,
    "elbow": 0.003609725,
    "wrist_roll": 0.003609725,
    "wrist_pitch": 0.00425,
    "wrist_yaw": 0.00425,
}


def _by_name(table: dict[str, float]) -> np.ndarray:
    """One value (29,) per joint: the entry whose key occurs in the joint's name."""
    values = []
    for joint in JOINTS:
        found = [value for key, value in table.items() if key in joint]
        assert len(found) == 1, joint
        values.append(found[0])
    return np.array(values)


KP = _by_name({key: gains[0] for key, gains in _GAINS.items()})
"""Position gains (29,) [Nm/rad]."""
KD = _by_name({key: gains[1] for key, gains in _GAINS.items()})
"""Damping gains (29,) [Nm s/rad]."""
TORQUE_LIMIT = _by_name(_TORQUE_LIMIT)
"""Largest torques (29,) [Nm]."""
ARMATURE = _by_name(_ARMATURE)
"""Reflected rotor inertia (29,) [kg m^2]."""

HAND_KP, HAND_KD, HAND_TORQUE_LIMIT = 20.0, 0.3, 1.4
"""Finger gains [Nm/rad, Nm s/rad] and torque limit [Nm]; the limit
does the squeezing."""

_LEG_POSE = (-0.312, 0.0, 0.0, 0.669, -0.363, 0.0)
_LEFT_ARM_POSE = (0.2, 0.2, 0.0, 0.6, 0.0, 0.0, 0.0)
_RIGHT_ARM_POSE = (0.2, -0.2, 0.0, 0.6, 0.0, 0.0, 0.0)
DEFAULT_POSE = np.array(
    [*_LEG_POSE, *_LEG_POSE, 0.0, 0.0, 0.0, *_LEFT_ARM_POSE, *_RIGHT_ARM_POSE]
)
"""Posture that the balance policy stands in (29,) [rad]."""
HAND_OPEN = np.array([0.0, 0.70, 0.0, 0.0, 0.0, 0.0, 0.0])
"""Right hand open (7,) [rad]."""
HAND_CLOSED = np.array([0.0, 0.25, -1.0, 1.15, 1.2, 1.15, 1.2])
"""Right hand closed (7,) [rad]; an overdriven thumb would spring a cup away."""
HAND_MIRROR = np.array([1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0])
"""Signs that make angles of the right hand (7,) those of the left one in a mirror."""

"""The G1 with hands as a MuJoCo spec: motors, camera, palm sites, contact."""

from __future__ import annotations

import mujoco
import numpy as np

from brownfield.robot.g1.assets import g1_assets
from brownfield.robot.g1.joints import (
    ARMATURE,
    HAND_JOINTS,
    HAND_TORQUE_LIMIT,
    JOINTS,
    TORQUE_LIMIT,
)

CAMERA_POSITION_M = (0.06, 0.0175, 0.42)
"""Head camera on `torso_link` [m]: an approximation of the robot's own."""
CAMERA_PITCH_RAD = np.deg2rad(32.0)
"""Pitch of the head camera, down [rad]."""
CAMERA_FOVY_DEG = 62.0
"""Vertical field of view of the head camera [deg]."""
PALM_M = (0.122, 0.060, 0.0)
"""Grasp centre in `right_wrist_yaw_link` [m]; y is mirrored for the left hand. The
palm faces +y of the right wrist, the fingers point along +x."""


def _camera_quaternion(pitch_rad: float) -> np.ndarray:
    """Orientation (w, x, y, z) of a camera that looks along +x, pitched down."""
    z = np.array([-np.cos(pitch_rad), 0.0, np.sin(pitch_rad)])
    x = np.array([0.0, -1.0, 0.0])
    quaternion = np.zeros(4)
    mujoco.mju_mat2Quat(quaternion, np.stack([x, np.cross(z, x), z], 1).flatten())
    return quaternion


def g1_spec() -> mujoco.MjSpec:
    """The robot alone: free-floating, torque motors named like their joints.

    The robot collides with the world but not with itself: self-contact of 31 mesh
    hulls costs a third of a physics step, and joint limits keep the arms apart well
    enough for what they do here.
    """
    spec = mujoco.MjSpec.from_file(str(g1_assets() / "g1_with_hands.xml"))
    for key in list(spec.keys):
        spec.delete(key)
    armature = dict(zip(JOINTS, ARMATURE, strict=True))
    limit = dict(zip(JOINTS, TORQUE_LIMIT, strict=True))
    for joint in spec.joints:
        if joint.name in armature:
            joint.armature = armature[joint.name]
            # The default stop gives 0.13 rad under a stumbling robot; steel does not.
            joint.solref_limit = [0.004, 1.0]
            joint.solimp_limit = [0.95, 0.99, 0.001, 0.5, 2.0]
    for actuator in list(spec.actuators):
        spec.delete(actuator)
    for name in (*JOINTS, *HAND_JOINTS):
        # Position servos would hide the gains and clamp away the feed-forward.
        most = limit.get(name, HAND_TORQUE_LIMIT)
        motor = spec.add_actuator(
            name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT
        )
        motor.set_to_motor()
        motor.ctrllimited = True
        motor.ctrlrange = [-most, most]
    for geom in spec.geoms:
        collides = bool(geom.contype or geom.conaffinity)
        if not collides:
            continue
        geom.contype, geom.conaffinity = 2, 1
        parent = geom.parent.name
        if "hand" in parent or "wrist_yaw" in parent:
            geom.friction = [1.2, 0.02, 0.001]
            geom.condim = 4
            geom.priority = 1
            geom.solref = [0.01, 1.0]
    for side, sign in (("right", 1.0), ("left", -1.0)):
        spec.body(f"{side}_wrist_yaw_link").add_site(
            name=f"{side}_palm",
            pos=[PALM_M[0], sign * PALM_M[1], PALM_M[2]],
            size=[0.008, 0, 0],
            group=5,
        )
    spec.body("torso_link").add_camera(
        name="head",
        pos=CAMERA_POSITION_M,
        quat=_camera_quaternion(float(CAMERA_PITCH_RAD)),
        fovy=CAMERA_FOVY_DEG,
    )
    return spec

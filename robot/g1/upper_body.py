"""Kinematics and gravity of the G1's waist and arms in the pelvis frame.

The balance policy owns the legs and the waist, so the arms are solved on a reduced
model whose root is the pelvis: three waist joints, which follow the measurement, and
the arm joints. The root never moves, so every position is in the pelvis frame.
"""

from __future__ import annotations

import mink
import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.robot.g1.joints import JOINTS
from brownfield.robot.g1.model import g1_spec

Array = NDArray[np.float64]

REACHING_ARM = np.array([-0.3, -0.4, -0.1, 0.1, 0.4, 0.3, 0.3])
"""Right arm in the middle of its work (7,) [rad]. Seven joints leave one freedom; drawn
to this posture the elbow stays down instead of wandering to the joint limits."""
MIRROR = np.array([1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0])
"""Signs that make angles of one arm (7,) those of the other in a mirror."""
_ARM_RANGE = {
    "shoulder_pitch": (-3.0, 0.9),
    "shoulder_roll": (-1.5, 0.3),
    "shoulder_yaw": (-1.1, 1.0),
}
"""Of the right arm, tighter than the joints' own limits: beyond lies a second,
folded-back solution."""

WAIST = JOINTS[12:15]
LEFT_ARM = JOINTS[15:22]
RIGHT_ARM = JOINTS[22:29]
ARMS_BY_SIDE = {"left": LEFT_ARM, "right": RIGHT_ARM}
"""Arm joints by side."""


def rotation_from_vector(vector: Array) -> Array:
    """Rotation matrix (3, 3) of a rotation vector (3,) [rad] (Rodrigues)."""
    angle = float(np.linalg.norm(vector))
    quaternion, matrix = np.zeros(4), np.zeros(9)
    axis = vector / angle if angle > 1e-9 else np.array([1.0, 0.0, 0.0])
    mujoco.mju_axisAngle2Quat(quaternion, axis, angle)
    mujoco.mju_quat2Mat(matrix, quaternion)
    return matrix.reshape(3, 3)


def vector_from_rotation(matrix: Array) -> Array:
    """Rotation vector (3,) [rad] of a rotation matrix (3, 3)."""
    quaternion, vector = np.zeros(4), np.zeros(3)
    mujoco.mju_mat2Quat(quaternion, np.ascontiguousarray(matrix).reshape(9))
    mujoco.mju_quat2Vel(vector, quaternion, 1.0)
    return vector


def _reduced_model(joints: tuple[str, ...]) -> mujoco.MjModel:
    """The G1 with only `joints` left and its pelvis fixed at the origin."""
    spec = g1_spec()
    for elements in (spec.keys, spec.actuators, spec.sensors, spec.excludes):
        for element in list(elements):
            spec.delete(element)
    for geom in list(spec.geoms):
        spec.delete(geom)
    for joint in list(spec.joints):
        if joint.name not in joints:
            spec.delete(joint)
    pelvis = spec.body("pelvis")
    pelvis.pos, pelvis.quat = [0, 0, 0], [1, 0, 0, 0]
    return spec.compile()


def reaching_arm(side: str) -> Array:
    """An arm in the middle of its work (7,) [rad].

    Args:
        side: `left` or `right`.
    """
    return REACHING_ARM if side == "right" else MIRROR * REACHING_ARM


def mirrored_pose(pose: Array) -> Array:
    """A palm's pose (6,) in the pelvis frame as the other palm has it in a mirror.

    Args:
        pose: position [m], and rotation vector [rad] of pose_pelvis_from_palm.
    """
    return pose * np.array([1.0, -1.0, 1.0, -1.0, 1.0, -1.0])


class ArmKinematics:
    """Inverse and forward kinematics of one palm in the pelvis frame (mink)."""

    def __init__(
        self, side: str = "right", dt_s: float = 0.02, max_joint_speed: float = 2.5
    ) -> None:
        """Start at the middle of the arm's work.

        Args:
            side: `left` or `right`.
            dt_s: tick [s].
            max_joint_speed: bound on arm joint speed [rad/s].
        """
        arm = ARMS_BY_SIDE[side]
        joints = (*WAIST, *arm)
        model = _reduced_model(joints)
        for name, bounds in _ARM_RANGE.items():
            joint = model.joint(f"{side}_{name}_joint")
            sign = 1.0 if side == "right" else MIRROR[list(arm).index(joint.name)]
            lower, upper = sorted(sign * bound for bound in bounds)
            joint.range = [max(lower, joint.range[0]), min(upper, joint.range[1])]
        self._dt_s = dt_s
        self._configuration = mink.Configuration(model)
        self._probe = mujoco.MjData(model)
        self._palm = model.site(f"{side}_palm").id
        self._waist = np.array([model.joint(n).qposadr[0] for n in WAIST])
        self._arm = np.array([model.joint(n).qposadr[0] for n in arm])
        self._palm_task = mink.FrameTask(
            f"{side}_palm",
            "site",
            position_cost=20.0,
            orientation_cost=[2.0, 2.0, 0.4],
            lm_damping=0.5,
        )
        # The waist belongs to the balance policy: too dear for the solver to move.
        cost = np.full(model.nv, 200.0)
        cost[[model.joint(n).dofadr[0] for n in arm]] = 0.05
        self._posture_task = mink.PostureTask(model, cost=cost)
        self._posture = self._configuration.q.copy()
        self._posture[self._arm] = reaching_arm(side)
        self._limits = [
            mink.ConfigurationLimit(model),
            mink.VelocityLimit(model, {n: max_joint_speed for n in joints}),
        ]
        self.lower = model.jnt_range[[model.joint(n).id for n in arm], 0]
        self.upper = model.jnt_range[[model.joint(n).id for n in arm], 1]

    def reset(self, waist: Array, arm: Array) -> None:
        """Start from waist (3,) and arm (7,) angles [rad]."""
        q = self._configuration.q.copy()
        q[self._waist], q[self._arm] = waist, arm
        self._configuration.update(q)

    def solve(self, waist: Array, position: Array, rotation: Array) -> Array:
        """One tick towards a palm pose; returns the arm's targets (7,) [rad].

        Args:
            waist: measured waist angles (3,) [rad].
            position: palm position (3,) in the pelvis frame [m].
            rotation: rotation vector (3,) of pose_pelvis_from_palm [rad].
        """
        q = self._configuration.q.copy()
        q[self._waist] = waist
        q[self._arm] = np.clip(q[self._arm], self.lower, self.upper)
        self._configuration.update(q)
        self._posture[self._waist] = waist
        self._posture_task.set_target(self._posture)
        self._palm_task.set_target(
            mink.SE3.from_rotation_and_translation(
                mink.SO3.from_matrix(rotation_from_vector(rotation)), position
            )
        )
        velocity = mink.solve_ik(
            self._configuration,
            [self._palm_task, self._posture_task],
            self._dt_s,
            "daqp",
            damping=1e-3,
            limits=self._limits,
        )
        self._configuration.integrate_inplace(velocity, self._dt_s)
        return np.clip(self._configuration.q[self._arm], self.lower, self.upper)

    def palm(self, waist: Array, arm: Array) -> tuple[Array, Array]:
        """Palm position (3,) [m] and rotation (3, 3) in the pelvis frame."""
        self._probe.qpos[self._waist] = waist
        self._probe.qpos[self._arm] = arm
        mujoco.mj_kinematics(self._probe.model, self._probe)
        matrix = self._probe.site_xmat[self._palm].reshape(3, 3)
        return self._probe.site_xpos[self._palm].copy(), matrix.copy()


class ArmGravity:
    """Torques that hold both arms against gravity, from angles and IMU alone."""

    def __init__(self) -> None:
        joints = (*WAIST, *LEFT_ARM, *RIGHT_ARM)
        self._model = _reduced_model(joints)
        self._data = mujoco.MjData(self._model)
        self._q = np.array([self._model.joint(n).qposadr[0] for n in joints])
        self._arms = np.array([self._model.joint(n).dofadr[0] for n in joints[3:]])
        self._torque = np.zeros(self._model.nv)

    def torque(self, q: Array, gravity: Array) -> Array:
        """Holding torque (14,) [Nm] of left then right arm.

        Args:
            q: waist, left arm, right arm angles (17,) [rad].
            gravity: unit vector of gravity in the pelvis frame (3,).
        """
        self._model.opt.gravity[:] = 9.81 * gravity
        self._data.qpos[self._q] = q
        # mink.Configuration never runs the inverse dynamics; without this term the
        # arm sags by centimetres.
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_comVel(self._model, self._data)
        mujoco.mj_rne(self._model, self._data, 0, self._torque)
        return self._torque[self._arms].copy()

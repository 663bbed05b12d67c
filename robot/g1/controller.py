"""Whole-body controller of the G1: task commands to joint commands, at 50 Hz.

    task command (base velocity, palm pose, grip)
        -> balance policy (legs, waist) + arm kinematics + gravity feed-forward
        -> joint command with gains, executed by the PD of a Link at 500 Hz

Only what the robot itself reports is read.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.body import Body
from brownfield.robot.g1.balance import BalancePolicy
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.g1.joints import (
    DEFAULT_POSE,
    HAND_CLOSED,
    HAND_MIRROR,
    HAND_OPEN,
    KD,
    KP,
)
from brownfield.robot.g1.upper_body import (
    ArmGravity,
    ArmKinematics,
    mirrored_pose,
    reaching_arm,
    vector_from_rotation,
)
from brownfield.robot.link import JointCommand, RobotState

Array = NDArray[np.float64]

READY_POSITION = np.array([0.17, -0.25, 0.33])
"""Palm before a reach, pelvis frame [m]: above every counter, so that the fingers
cannot hook under an edge."""
READY_ROTATION = np.array([0.0, 0.0, 0.2])
"""Rotation vector of the ready palm, pelvis frame [rad]."""
READY_COMMAND = np.concatenate([np.zeros(3), READY_POSITION, READY_ROTATION, [0.0]])
"""The command at rest before a reach (10,)."""
READY_BOTH = np.concatenate([READY_COMMAND, mirrored_pose(READY_COMMAND[3:9]), [0.0]])
"""The same for both palms (17,)."""
STANDING_SPEED = 0.02
"""Base commands below this in every axis mean standing [m/s, rad/s]."""

_WAIST, _LEFT, _RIGHT = slice(12, 15), slice(15, 22), slice(22, 29)


def gravity_in_pelvis(quaternion: Array) -> Array:
    """Unit gravity (3,) in the pelvis frame of an IMU quaternion (w, x, y, z)."""
    w, x, y, z = quaternion
    return np.array(
        [2 * (w * y - x * z), -2 * (y * z + w * x), 2 * (x * x + y * y) - 1.0]
    )


def ready_arm_pose(side: str = "right") -> Array:
    """Angles of an arm (7,) [rad] that put its palm at its ready pose.

    Args:
        side: `left` or `right`.
    """
    kinematics = ArmKinematics(side)
    arm, pose = reaching_arm(side), READY_COMMAND[3:9]
    if side == "left":
        pose = mirrored_pose(pose)
    kinematics.reset(DEFAULT_POSE[_WAIST], arm)
    for _ in range(150):
        arm = kinematics.solve(DEFAULT_POSE[_WAIST], pose[:3], pose[3:])
    return arm


class WholeBodyController:
    """Turns one task command per tick into one joint command."""

    def __init__(
        self, balance: BalancePolicy | None = None, body: Body = G1_BODY
    ) -> None:
        """Args: balance: of legs and waist. body: whose commands, of one hand or both;
        an arm without commands hangs as in `DEFAULT_POSE`."""
        self.balance = balance or BalancePolicy.load()
        self.body = body
        self.kinematics = ArmKinematics()
        self._gravity = ArmGravity()
        self.ready_arm = ready_arm_pose()
        self.left: ArmKinematics | None = None
        if body.action_dim > G1_BODY.action_dim:
            self.left = ArmKinematics("left")
            self.ready_left_arm = ready_arm_pose("left")
        self.reset()

    @property
    def ready(self) -> Array:
        """The command at rest before a reach (D,)."""
        return (READY_COMMAND if self.left is None else READY_BOTH).copy()

    def reset(self) -> None:
        """Forget the past; the arms start at their ready pose."""
        self.balance.reset()
        self.kinematics.reset(DEFAULT_POSE[_WAIST], self.ready_arm)
        if self.left is not None:
            self.left.reset(DEFAULT_POSE[_WAIST], self.ready_left_arm)

    def tick(self, state: RobotState, command: Array) -> JointCommand:
        """One tick of 20 ms.

        Args:
            state: what the robot reports.
            command: task command (D,) in the units of the body's action; values
                outside of its limits are clipped, base commands under
                `STANDING_SPEED` mean standing.

        Raises:
            ValueError: the command has another shape or holds a NaN.
        """
        command = np.asarray(command, dtype=np.float64)
        body = self.body
        if command.shape != (body.action_dim,) or not np.isfinite(command).all():
            raise ValueError(
                f"expected {body.action_dim} finite command values, got {command}"
            )
        command = np.clip(command, body.action_lower, body.action_upper)
        base = command[:3]
        if np.abs(base).max() < STANDING_SPEED:
            base = np.zeros(3)
        gravity = gravity_in_pelvis(state.quaternion)
        q = DEFAULT_POSE.copy()
        q[:15] = self.balance.act(state.gyro, gravity, state.q, state.dq, base)
        q[_RIGHT] = self.kinematics.solve(state.q[_WAIST], command[3:6], command[6:9])
        hand = np.zeros(14)
        hand[7:] = _hand(command[9])
        if self.left is not None:
            q[_LEFT] = self.left.solve(state.q[_WAIST], command[10:13], command[13:16])
            hand[:7] = HAND_MIRROR * _hand(command[16])
        torque = np.zeros(len(q))
        torque[15:] = self._gravity.torque(state.q[12:], gravity)
        return JointCommand(
            q=q, dq=np.zeros(len(q)), kp=KP, kd=KD, tau=torque, hand_q=hand
        )

    def observe(self, state: RobotState, command: Array) -> NDArray[np.float32]:
        """The state vector (S,) of the body, from onboard sensing alone.

        Args:
            state: what the robot reports.
            command: the command being executed (D,).
        """
        position, _ = self.kinematics.palm(state.q[_WAIST], state.q[_RIGHT])
        if self.left is not None:
            left, _ = self.left.palm(state.q[_WAIST], state.q[_LEFT])
            position = np.concatenate([position, left])
        phase = self.balance.phase
        return np.concatenate(
            [
                state.q,
                state.dq,
                state.gyro,
                gravity_in_pelvis(state.quaternion),
                state.hand_q,
                command,
                position,
                np.cos(phase),
                np.sin(phase),
            ]
        ).astype(np.float32)


def _hand(grip: float) -> Array:
    """Angles of the right hand (7,) [rad] of a grip from 0, open, to 1."""
    return (1.0 - grip) * HAND_OPEN + grip * HAND_CLOSED


def palm_pose(controller: WholeBodyController, state: RobotState) -> Array:
    """Measured palm pose (6,): position [m] and rotation vector [rad], pelvis frame."""
    position, matrix = controller.kinematics.palm(state.q[_WAIST], state.q[_RIGHT])
    return np.concatenate([position, vector_from_rotation(matrix)])

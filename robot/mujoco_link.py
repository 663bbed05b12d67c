"""A Link to a G1 simulated in MuJoCo: the robot's motor law at every physics step."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.robot.g1.joints import (
    HAND_JOINTS,
    HAND_KD,
    HAND_KP,
    HAND_TORQUE_LIMIT,
    JOINTS,
    TORQUE_LIMIT,
)
from brownfield.robot.link import JointCommand, RobotState

Array = NDArray[np.float64]


class MujocoLink:
    """Reads and drives the G1 of a model; addresses everything by name."""

    def __init__(
        self, model: mujoco.MjModel, data: mujoco.MjData, prefix: str = ""
    ) -> None:
        """Args: prefix: what the robot's names begin with, such as `g1/`."""
        self._model, self._data = model, data
        joints = [model.joint(prefix + n) for n in JOINTS]
        hands = [model.joint(prefix + n) for n in HAND_JOINTS]
        base = model.joint(prefix + "floating_base_joint")
        self._base_q, self._base_v = int(base.qposadr[0]), int(base.dofadr[0])
        self.q_address = np.array([j.qposadr[0] for j in joints])
        """Addresses of the body joints in qpos (29,)."""
        self.v_address = np.array([j.dofadr[0] for j in joints])
        """Addresses of the body joints in qvel (29,)."""
        self.hand_q_address = np.array([j.qposadr[0] for j in hands])
        """Addresses of the finger joints in qpos (14,)."""
        self.hand_v_address = np.array([j.dofadr[0] for j in hands])
        """Addresses of the finger joints in qvel (14,)."""
        order = (*JOINTS, *HAND_JOINTS)
        self._motors = np.array([model.actuator(prefix + n).id for n in order])
        self._q = np.concatenate([self.q_address, self.hand_q_address])
        self._v = np.concatenate([self.v_address, self.hand_v_address])
        limit = np.full(len(order), HAND_TORQUE_LIMIT)
        limit[: len(JOINTS)] = TORQUE_LIMIT
        self._limit = limit
        self._command: JointCommand | None = None
        self._target = np.zeros(len(order))
        self._kp = np.zeros(len(order))
        self._kd = np.full(len(order), 1.0)
        self._bias = np.zeros(len(order))

    def read(self) -> RobotState:
        """The state now; the accelerometer needs a finished physics step."""
        data, base, speed = self._data, self._base_q, self._base_v
        rotation = np.zeros(9)
        quaternion = data.qpos[base + 3 : base + 7].copy()
        mujoco.mju_quat2Mat(rotation, quaternion)
        force = data.qacc[speed : speed + 3].copy()
        force[2] += 9.81
        return RobotState(
            time_s=float(data.time),
            q=data.qpos[self.q_address].copy(),
            dq=data.qvel[self.v_address].copy(),
            tau=data.ctrl[self._motors[: len(JOINTS)]].copy(),
            quaternion=quaternion,
            gyro=data.qvel[speed + 3 : speed + 6].copy(),
            accelerometer=rotation.reshape(3, 3).T @ force,
            hand_q=data.qpos[self.hand_q_address].copy(),
            hand_dq=data.qvel[self.hand_v_address].copy(),
        )

    def write(self, command: JointCommand) -> None:
        """Follow `command` from the next physics step on.

        Raises:
            ValueError: a part has another shape or holds a NaN.
        """
        count = len(JOINTS)
        expected = dict.fromkeys(("q", "dq", "kp", "kd", "tau"), count)
        for name, size in (expected | {"hand_q": len(HAND_JOINTS)}).items():
            value = getattr(command, name)
            if value.shape != (size,) or not np.isfinite(value).all():
                raise ValueError(f"{name}: expected {size} finite values, got {value}")
        self._command = command
        self._target[:count], self._target[count:] = command.q, command.hand_q
        self._kp[:count], self._kp[count:] = command.kp, HAND_KP
        self._kd[:count], self._kd[count:] = command.kd, HAND_KD
        self._bias[:count] = command.tau + command.kd * command.dq
        self._bias[count:] = 0.0

    def stop(self) -> None:
        """Damping only."""
        if self._command is None:
            return
        zero = np.zeros(len(JOINTS))
        self.write(replace(self._command, kp=zero, tau=zero, dq=zero))
        self._kp[:] = 0.0

    def advance(self, steps: int) -> None:
        """Simulate `steps` physics steps under the motor law."""
        data, model = self._data, self._model
        for _ in range(steps):
            torque = (
                self._bias
                + self._kp * (self._target - data.qpos[self._q])
                - self._kd * data.qvel[self._v]
            )
            data.ctrl[self._motors] = np.clip(torque, -self._limit, self._limit)
            mujoco.mj_step(model, data)

"""Link: the controller's only way to a body, simulated or real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RobotState:
    """What a robot reports; joints in the wire order of its body."""

    time_s: float
    """Time of the measurement [s]."""
    q: Array
    """Joint angles (J,) [rad]."""
    dq: Array
    """Joint speeds (J,) [rad/s]."""
    tau: Array
    """Joint torques (J,) [Nm]."""
    quaternion: Array
    """Orientation of the IMU in the world (w, x, y, z)."""
    gyro: Array
    """Angular velocity (3,), body frame [rad/s]."""
    accelerometer: Array
    """Specific force (3,), body frame [m/s^2]."""
    hand_q: Array
    """Finger angles, left hand first [rad]."""
    hand_dq: Array
    """Finger speeds, left hand first [rad/s]."""


@dataclass(frozen=True, kw_only=True)
class JointCommand:
    """Motor law tau + kp (q* - q) + kd (dq* - dq), per joint in wire order."""

    q: Array
    """Targets (J,) [rad]."""
    dq: Array
    """Target speeds (J,) [rad/s]."""
    kp: Array
    """Position gains (J,) [Nm/rad]."""
    kd: Array
    """Damping gains (J,) [Nm s/rad]."""
    tau: Array
    """Feed-forward (J,) [Nm]."""
    hand_q: Array
    """Finger targets, left hand first [rad]."""


class Link(Protocol):
    """A way to a body; the controller cannot tell one from another."""

    def read(self) -> RobotState:
        """The newest state."""
        ...

    def write(self, command: JointCommand) -> None:
        """Replace the command that the motors follow."""
        ...

    def stop(self) -> None:
        """Damping only: the safe end."""
        ...

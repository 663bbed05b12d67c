"""A way to a car: angle and acceleration in, what the car reports out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.robot.car.model import (
    MASS_KG,
    TRACK_M,
    WHEEL_DAMPING,
    WHEEL_INERTIA_KG_M2,
    WHEEL_RADIUS_M,
    WHEELBASE_M,
    WHEELS,
)

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CarState:
    """What a car reports; its own frame, x forward, y left."""

    time_s: float
    """Time of the measurement [s]."""
    speed: float
    """Along x at the rear axle [m/s]."""
    yaw_rate: float
    """Positive to the left [rad/s]."""
    acceleration_x: float
    """Forward [m/s^2]."""
    acceleration_y: float
    """To the left [m/s^2]."""
    steering: float
    """Angle of the road wheels, positive to the left [rad]."""


@dataclass(frozen=True, kw_only=True)
class CarCommand:
    """What a car's own controllers are asked for."""

    steering: float
    """Angle of the road wheels, positive to the left [rad]."""
    acceleration: float
    """Along x [m/s^2]; braking never drives backwards."""


class CarLink(Protocol):
    """A way to a car; the controller cannot tell one from another."""

    def read(self) -> CarState:
        """The newest state."""
        ...

    def write(self, command: CarCommand) -> None:
        """Replace the command that the car follows."""
        ...


def ackermann(steering: float) -> tuple[float, float]:
    """Angles of the left and right front wheel [rad] that share one turning centre
    with the angle `steering` in the middle of the axle [rad]."""
    slope = np.tan(steering)
    left = np.arctan2(WHEELBASE_M * slope, WHEELBASE_M - slope * TRACK_M / 2)
    right = np.arctan2(WHEELBASE_M * slope, WHEELBASE_M + slope * TRACK_M / 2)
    return float(left), float(right)


class MujocoCar:
    """Reads and drives the car of a model; addresses everything by name."""

    def __init__(
        self, model: mujoco.MjModel, data: mujoco.MjData, prefix: str = ""
    ) -> None:
        """Args: prefix: what the car's names begin with."""
        self._model, self._data = model, data
        base = model.joint(f"{prefix}car")
        self.q_address, self.v_address = int(base.qposadr[0]), int(base.dofadr[0])
        steers = [model.joint(f"{prefix}steer_{w}") for w in WHEELS[:2]]
        self._steer_q = [int(j.qposadr[0]) for j in steers]
        self._steer = [model.actuator(f"{prefix}steer_{w}").id for w in WHEELS[:2]]
        self._drive = [model.actuator(f"{prefix}drive_{w}").id for w in WHEELS]
        spins = [model.joint(f"{prefix}drive_{w}") for w in WHEELS]
        self._spin_v = np.array([int(j.dofadr[0]) for j in spins])
        self._acceleration = 0.0

    def read(self) -> CarState:
        """The state now; accelerations need a finished physics step."""
        data, v = self._data, self.v_address
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(
            rotation, data.qpos[self.q_address + 3 : self.q_address + 7]
        )
        axes = rotation.reshape(3, 3)
        speed = axes.T @ data.qvel[v : v + 3]
        pull = axes.T @ data.qacc[v : v + 3]
        left, right = (np.tan(data.qpos[q]) for q in self._steer_q)
        # The mean of the wheels' turning radii is the middle's.
        middle = 0.0 if left * right <= 0 else 2 * left * right / (left + right)
        return CarState(
            time_s=float(data.time),
            speed=float(speed[0]),
            yaw_rate=float(data.qvel[v + 5]),
            acceleration_x=float(pull[0]),
            acceleration_y=float(pull[1]),
            steering=float(np.arctan(middle)),
        )

    def write(self, command: CarCommand) -> None:
        """Follow `command` from the next physics step on.

        Raises:
            ValueError: a value is not finite.
        """
        if not np.isfinite([command.steering, command.acceleration]).all():
            raise ValueError(f"expected finite steering and acceleration: {command}")
        self._data.ctrl[self._steer] = ackermann(command.steering)
        self._acceleration = command.acceleration

    def advance(self, steps: int) -> None:
        """Simulate `steps` physics steps; the engine makes up for wheels and drag."""
        data = self._data
        inert = MASS_KG + 4 * WHEEL_INERTIA_KG_M2 / WHEEL_RADIUS_M**2
        torque = inert * self._acceleration * WHEEL_RADIUS_M / 4
        for _ in range(steps):
            spin = data.qvel[self._spin_v]
            if torque < 0:
                # A brake holds and never pushes.
                data.ctrl[self._drive] = torque * np.tanh(2 * spin)
            else:
                data.ctrl[self._drive] = torque + WHEEL_DAMPING * spin
            mujoco.mj_step(self._model, data)

"""Controller of the car: a command in, what the car can follow out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.car.body import CAR_BODY, STEERING_RATE_RAD_S
from brownfield.robot.car.link import CarCommand, CarState

Array = NDArray[np.float64]

TICK_S = 0.02
"""Time between two ticks [s]."""


class CarController:
    """Turns one task command per tick into one command of the car, at 50 Hz.

    The wheels turn no faster than the body allows, whatever is asked for.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self, steering: float = 0.0) -> None:
        """Forget the past; the wheels stand at `steering` [rad]."""
        self._steering = steering

    def tick(self, state: CarState, command: Array) -> CarCommand:
        """One tick of 20 ms.

        Args:
            state: what the car reports.
            command: (2,) in the units of `CAR_BODY.action`; values outside the body's
                limits are clipped.

        Raises:
            ValueError: the command has another shape or holds a NaN.
        """
        del state  # The car's own loops close on speed and angle.
        command = np.asarray(command, dtype=np.float64)
        if command.shape != (CAR_BODY.action_dim,) or not np.isfinite(command).all():
            raise ValueError(
                f"expected {CAR_BODY.action_dim} finite command values, got {command}"
            )
        command = np.clip(command, CAR_BODY.action_lower, CAR_BODY.action_upper)
        most = STEERING_RATE_RAD_S * TICK_S
        self._steering += float(np.clip(command[0] - self._steering, -most, most))
        return CarCommand(steering=self._steering, acceleration=float(command[1]))

    def observe(self, state: CarState, command: Array) -> NDArray[np.float32]:
        """The state vector (7,) of `CAR_BODY.state`.

        Args:
            state: what the car reports.
            command: the command being executed (2,).
        """
        return np.array(
            [
                state.speed,
                state.yaw_rate,
                state.acceleration_x,
                state.acceleration_y,
                state.steering,
                *command,
            ],
            dtype=np.float32,
        )

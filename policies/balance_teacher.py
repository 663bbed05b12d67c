"""The teacher of the balance policy: an ONNX locomotion policy, at training time only.

The PPO policy for the 29-joint G1 of amazon-far/holosoma (Apache-2.0), found in the
`holosoma-inference` wheel as a file; the package itself is never imported.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.g1.joints import DEFAULT_POSE

Array = NDArray[np.float64]

COMMAND_KNOTS = {
    "vx": (
        (-0.30, -0.136, 0.0, 0.119, 0.30, 0.446, 0.539),
        (-0.50, -0.250, 0.0, 0.100, 0.22, 0.500, 0.750),
    ),
    "vy": (
        (-0.167, -0.127, -0.05, 0.0, 0.05, 0.127, 0.167),
        (-0.500, -0.250, -0.10, 0.0, 0.10, 0.250, 0.500),
    ),
    "wz": (
        (-0.80, -0.534, -0.262, 0.0, 0.262, 0.534, 0.80),
        (-0.90, -0.600, -0.300, 0.0, 0.300, 0.600, 0.90),
    ),
}
"""Mean speed of the teacher (first row) at a command (second row), per axis, measured
over 8 s with moving arms in one run a command, as `balance_trials.steady` does, then
rounded by hand and made symmetric sideways and in turning; it overshoots slow commands
and saturates on fast ones. Harder commands than these would make it hardly faster, and
it falls more often."""


def teacher_command(command: Array) -> Array:
    """The command (3,) that makes the teacher move at `command` (3,) on average."""
    return np.array(
        [
            np.interp(value, speeds, commands)
            for value, (speeds, commands) in zip(
                command, COMMAND_KNOTS.values(), strict=True
            )
        ]
    )


def teacher_path(name: str = "ppo_g1_29dof.onnx") -> Path:
    """Where the teacher's file is.

    Raises:
        FileNotFoundError: it is not installed; the message has the command.
    """
    spec = importlib.util.find_spec("holosoma_inference")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("the teacher is not installed; run: make teacher")
    return Path(spec.origin).parent / "models/loco/g1_29dof" / name


class BalanceTeacher:
    """The teacher with its arms masked: it never sees what the arms do."""

    def __init__(self, rescale: bool = True) -> None:
        """Args: rescale: feed it `teacher_command(command)` instead of `command`."""
        import onnxruntime  # pyright: ignore[reportMissingImports]

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(teacher_path()), options)
        self._rescale = rescale

    def act(
        self,
        gyro: Array,
        gravity: Array,
        q: Array,
        dq: Array,
        command: Array,
        phase: Array,
        last: Array,
    ) -> Array:
        """Raw output (15,) for legs and waist; arguments as `BalancePolicy`, with the
        gait phase (2,) and the last raw output (15,)."""
        if self._rescale:
            command = teacher_command(command)
        arms = np.zeros(14)
        angles = np.concatenate([(q - DEFAULT_POSE)[:15], arms])
        speeds = np.concatenate([dq[:15] * 0.05, arms])
        # The teacher's observation terms stand in alphabetical order.
        observation = np.concatenate(
            [
                last,
                arms,
                gyro * 0.25,
                command[2:3],
                command[:2],
                np.cos(phase),
                angles,
                speeds,
                gravity,
                np.sin(phase),
            ]
        )
        inputs = {"actor_obs": observation.astype(np.float32)[None]}
        output = np.asarray(self._session.run(None, inputs)[0])[0, :15]
        return np.clip(output, -100, 100).astype(np.float64)

"""What a body is about in a row, coarsely: rare phases are drawn more often."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Phases = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.int64]]
"""Labels (R, T, D) and commands being executed (R, D) -> phase (R,) from 0 up."""


def humanoid_phases(
    label: NDArray[np.float32], last: NDArray[np.float32]
) -> NDArray[np.int64]:
    """(R,) 0-15: hand closed, base moving, palm moving, hand about to move."""
    first, end = label[:, 0], label[:, -1]
    closed = last[:, 9] > 0.5
    walking = np.abs(first[:, :3]).max(1) > 0.02
    reaching = np.abs(end[:, 3:6] - last[:, 3:6]).max(1) > 0.01
    grasping = np.abs(end[:, 9] - last[:, 9]) > 0.05
    bits = np.stack([closed, walking, reaching, grasping], 1)
    return (bits * np.array([1, 2, 4, 8])).sum(1)


def car_phases(
    label: NDArray[np.float32], last: NDArray[np.float32]
) -> NDArray[np.int64]:
    """(R,) 0-14: five classes of steering, from right to left, times braking, rolling
    and speeding up."""
    steering = np.digitize(label[:, -1, 0], [-0.2, -0.04, 0.04, 0.2])
    pull = np.digitize(label[:, 0, 1], [-0.7, 0.4])
    return steering * 3 + pull


PHASES: dict[str, Phases] = {"g1": humanoid_phases, "car": car_phases}
"""By the body's name."""

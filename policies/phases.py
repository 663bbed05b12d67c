"""What a body is about in a row, coarsely: rare phases are drawn more often."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.expert import OPENING_GRIP
from brownfield.robot.body import Body

Phases = Callable[[NDArray[np.float32], NDArray[np.float32]], NDArray[np.int64]]
"""Labels (R, T, D) and commands being executed (R, D) -> phase (R,) from 0 up."""


def humanoid_phases(
    label: NDArray[np.float32], last: NDArray[np.float32]
) -> NDArray[np.int64]:
    """(R,) 0-15: a hand closed, base moving, a palm moving, a hand about to move."""
    first, end = label[:, 0], label[:, -1]
    # One hand has 7 commands after the base's 3: palm position, rotation, grip.
    hands = range(3, last.shape[1], 7)
    palms = np.concatenate([np.arange(at, at + 3) for at in hands])
    grips = np.array([at + 6 for at in hands])
    closed = (last[:, grips] > 0.5).any(1)
    walking = np.abs(first[:, :3]).max(1) > 0.02
    reaching = np.abs(end[:, palms] - last[:, palms]).max(1) > 0.01
    grasping = (np.abs(end[:, grips] - last[:, grips]) > 0.05).any(1)
    bits = np.stack([closed, walking, reaching, grasping], 1)
    return (bits * np.array([1, 2, 4, 8])).sum(1)


def opened_hands(
    label: NDArray[np.float32], last: NDArray[np.float32], body: Body
) -> NDArray[np.bool_]:
    """(R,) whether a hand that is closed shall open: never for a body without hands.

    Args:
        label: (R, T, D) chunks.
        last: (R, D) commands being executed.
        body: whose they are.
    """
    grips = [i for i, field in enumerate(body.action) if field.name.endswith("grip")]
    closed = last[:, grips] > OPENING_GRIP
    opens = closed & (label[:, -1, grips] < last[:, grips] - 0.05)
    return np.asarray(opens.any(1))


def car_phases(
    label: NDArray[np.float32], last: NDArray[np.float32]
) -> NDArray[np.int64]:
    """(R,) 0-14: five classes of steering, from right to left, times braking, rolling
    and speeding up."""
    steering = np.digitize(label[:, -1, 0], [-0.2, -0.04, 0.04, 0.2])
    pull = np.digitize(label[:, 0, 1], [-0.7, 0.4])
    return steering * 3 + pull


PHASES: dict[str, Phases] = {
    "g1": humanoid_phases,
    "g1_two_hands": humanoid_phases,
    "car": car_phases,
}
"""By the body's name."""

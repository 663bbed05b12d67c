"""Phases tell apart what must not drown."""

import numpy as np

from brownfield.policies.phases import PHASES, car_phases
from brownfield.robot.bodies import BODIES


def test_every_body_has_phases() -> None:
    assert set(BODIES) <= set(PHASES)


def test_a_car_that_turns_brakes_or_rolls_is_in_another_phase() -> None:
    straight = np.zeros((1, 8, 2), np.float32)
    left, right, brakes = straight.copy(), straight.copy(), straight.copy()
    left[:, :, 0], right[:, :, 0], brakes[:, :, 1] = 0.3, -0.3, -2.0
    last = np.zeros((1, 2), np.float32)
    found = {int(car_phases(x, last)[0]) for x in (straight, left, right, brakes)}
    assert len(found) == 4
    assert max(found) < 15

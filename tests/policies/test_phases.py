"""Phases tell apart what must not drown."""

import numpy as np

from brownfield.policies.phases import PHASES, car_phases, opened_hands
from brownfield.robot.bodies import BODIES, CAR_BODY
from brownfield.robot.g1.body import G1_TWO_HANDS


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


def test_only_a_closed_hand_can_be_opened() -> None:
    grip = [field.name for field in G1_TWO_HANDS.action].index("left_grip")
    last = np.zeros((4, G1_TWO_HANDS.action_dim), np.float32)
    last[:, grip] = [1.0, 1.0, 0.5, 0.0]
    label = np.repeat(last[:, None], 8, 1)
    label[0, :, grip], label[2, :, grip] = 0.2, 0.0
    found = opened_hands(label, last, G1_TWO_HANDS)
    assert found.tolist() == [True, False, False, False]
    car = np.ones((2, 8, 2), np.float32)
    none = opened_hands(car, car[:, 0], CAR_BODY)
    assert not none.any()

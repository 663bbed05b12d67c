"""Laws of how the scripted expert reaches for an object and closes its hand."""

import numpy as np

from brownfield.envs.expert import (
    GRASP_OFFSET,
    GRASP_ROTATION,
    PREGRASP_OFFSET,
    ExpertState,
    advance,
    expert_command,
)
from brownfield.robot.g1.controller import READY_COMMAND
from brownfield.robot.g1.upper_body import vector_from_rotation

GRASP_TURN = vector_from_rotation(GRASP_ROTATION)
OBJECT = np.array([0.42, -0.13, 0.95])


def _reaches(aim: np.ndarray) -> ExpertState:
    """A robot whose open hand has come to a place (3,) [m]."""
    position = np.array([-0.02, 0.0, 0.75])
    command = READY_COMMAND.copy()
    command[3:6], command[6:9] = aim - position, GRASP_TURN
    return ExpertState(
        position=position,
        rotation=np.eye(3),
        velocity=np.zeros(3),
        gyro=np.zeros(3),
        grasp_point=OBJECT,
        rest_height_m=0.95,
        palm=aim,
        command=command,
    )


def _moves(state: ExpertState) -> np.ndarray:
    """How the hand's aim is moved (3,) [m]."""
    return expert_command(state)[0][3:6] - state.command[3:6]


def test_goes_on_and_back_by_degrees() -> None:
    """Who sees an object to two centimetres gets about the same told as who knows."""
    grasp = OBJECT + GRASP_OFFSET
    ahead = (GRASP_OFFSET - PREGRASP_OFFSET) / np.linalg.norm(
        GRASP_OFFSET - PREGRASP_OFFSET
    )
    beside = np.cross([0.0, 0.0, 1.0], ahead)
    beside /= np.linalg.norm(beside)
    for left in (0.08, 0.05):
        told = np.array(
            [
                _moves(_reaches(grasp - left * ahead + across * beside))
                for across in np.linspace(0.0, 0.12, 61)
            ]
        )
        onward = told @ ahead
        assert onward[0] > 0.01 and onward[-1] < -0.015
        assert (np.diff(onward) < 1e-6).all()
        assert np.linalg.norm(np.diff(told, axis=0), axis=1).max() < 0.004


def test_comes_to_an_object_from_anywhere_beside_it() -> None:
    rng = np.random.default_rng(0)
    grasp = OBJECT + GRASP_OFFSET
    for _ in range(200):
        state = _reaches(grasp + rng.uniform(-0.25, 0.25, 3))
        phases = set()
        for _ in range(70):
            command, phase = expert_command(state)
            phases.add(phase)
            state = advance(state, command, phase, 0.1)
        assert "lift" in phases


def test_closes_from_two_centimetres_and_comes_there() -> None:
    grasp = OBJECT + GRASP_OFFSET
    for off in ([0.0, 0.015, 0.0], [-0.015, 0.0, 0.0], [0.0, -0.01, 0.01]):
        state = _reaches(grasp + off)
        phases = []
        for _ in range(11):
            command, phase = expert_command(state)
            phases.append(phase)
            state = advance(state, command, phase, 0.1)
        assert phases == ["close"] * 10 + ["lift"]
        assert np.linalg.norm((state.palm - grasp)[:2]) < 0.003
    # A hand that is half closed does not chase what follows it.
    moving = _reaches(grasp + np.array([0.0, 0.015, 0.0]))
    moving.command[9] = 0.6
    assert np.allclose(_moves(moving), 0.0)
    aside = np.array([0.0, 0.03, 0.0])
    assert expert_command(_reaches(grasp + aside))[1] == "approach"

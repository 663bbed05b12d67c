"""Laws of the scripted expert: no memory, no surprises."""

from dataclasses import replace

import numpy as np

from brownfield.envs.expert import (
    HALF_VIEW_RAD,
    ExpertState,
    expert_command,
    stance_error,
    view_angles,
)
from brownfield.envs.expert_place import CARRY_POSITION, go_command, place_command
from brownfield.envs.expert_plan import expert_chunk
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.g1.controller import READY_COMMAND


def _state(**changes) -> ExpertState:
    rotation = np.eye(3)
    position = np.array([0.0, 0.0, 0.75])
    state = ExpertState(
        position=position,
        rotation=rotation,
        velocity=np.zeros(3),
        gyro=np.zeros(3),
        grasp_point=np.array([0.42, -0.13, 0.95]),
        rest_height_m=0.95,
        palm=position + READY_COMMAND[3:6],
        command=READY_COMMAND.copy(),
    )
    return replace(state, **changes)


def _heading(yaw: float) -> np.ndarray:
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]])


def test_same_state_same_command() -> None:
    state = _state(position=np.array([-0.7, 0.2, 0.75]))
    first, second = expert_command(state), expert_command(state)
    assert np.array_equal(first[0], second[0]) and first[1] == second[1]


def test_walks_towards_a_far_object_and_stands_at_a_near_one() -> None:
    command, phase = expert_command(_state(position=np.array([-1.0, 0.0, 0.75])))
    assert phase == "walk" and command[0] > 0.2
    command, phase = expert_command(_state())
    assert phase == "pregrasp" and np.abs(command[:3]).max() == 0


def test_searches_for_what_is_out_of_view() -> None:
    away = _state(position=np.array([-1.0, 0.0, 0.75]), rotation=_heading(0.9))
    command, phase = expert_command(away)
    assert phase == "search" and command[2] < -0.3 and command[0] == 0
    aside = _state(position=np.array([-0.5, 1.0, 0.75]))
    command, phase = expert_command(aside)
    assert phase == "search" and command[0] < 0


def _carries(**changes) -> ExpertState:
    """With something in the closed hand, pulled to the body."""
    command = READY_COMMAND.copy()
    command[3:6], command[9] = CARRY_POSITION + np.array([0, 0, 0.25]), 1.0
    position = np.array([-0.2, 0.0, 0.75])
    palm = position + command[3:6]
    held = _state(command=command, position=position, palm=palm, grasp_point=palm)
    return replace(held, **changes)


def test_a_goal_out_of_view_is_looked_for_alike_on_either_side() -> None:
    """Nobody knows where what cannot be seen is: its side must not decide."""
    trays = [np.array([0.43, y, 0.9]) for y in (-0.95, 0.95)]
    for yaw, spin in ((0.0, 0.0), (-0.4, -0.6), (-1.2, -0.6), (-0.9, 0.6)):
        state = _carries(rotation=_heading(yaw))
        state.command[2] = spin
        held = replace(state, palm=state.position + state.rotation @ state.command[3:6])
        held = replace(held, grasp_point=held.palm)
        way = 0.6 if yaw < -1.1 or spin > 0 else -0.6
        hidden = 0
        for tray in trays:
            if abs(view_angles(replace(held, grasp_point=tray))[0]) > HALF_VIEW_RAD:
                command, phase = place_command(replace(held, goal=tray))
                np.testing.assert_allclose(command[:3], [0.0, 0.0, way])
                assert phase == "carry"
                hidden += 1
        assert hidden
    tables = [(-0.9, side * 1.5, side * np.pi / 2) for side in (-1.0, 1.0)]
    for yaw, spin, way in ((0.3, 0.0, 0.6), (-0.3, 0.0, -0.6), (0.3, -0.6, -0.6)):
        said = []
        for frame in tables:
            there = np.array([frame[0], frame[1] * 1.3, 0.77])
            goes = _state(
                position=np.array([-0.8, 0.0, 0.75]),
                rotation=_heading(yaw),
                goal=there,
                frame=np.array(frame),
                goes=True,
            )
            goes.command[2] = spin
            said.append(go_command(goes)[0][:3])
        np.testing.assert_array_equal(*said)
        np.testing.assert_allclose(said[0], [0.0, 0.0, way])


def test_a_goal_beside_stays_in_view_on_the_way() -> None:
    """Found by turning, it is walked to sideways, not turned away from."""
    tray = np.array([0.43, 0.9, 0.9])
    state = _carries(rotation=_heading(0.7), goal=tray)
    state = replace(state, palm=state.position + state.rotation @ state.command[3:6])
    command, phase = place_command(replace(state, grasp_point=state.palm))
    assert phase == "carry" and abs(command[2]) < 0.35 and command[1] > 0.1


def test_waits_until_the_body_is_quiet() -> None:
    _, phase = expert_command(_state(velocity=np.array([0.3, 0.0, 0.0])))
    assert phase == "settle"


def test_reopens_a_hand_that_closed_on_air() -> None:
    command = READY_COMMAND.copy()
    command[3], command[9] = 0.35, 0.6
    closed = _state(command=command, palm=np.array([0.35, -0.3, 1.1]))
    answer, phase = expert_command(closed)
    assert phase == "reopen" and answer[9] < 0.6


def test_lifts_what_it_holds() -> None:
    command = READY_COMMAND.copy()
    command[3:6], command[9] = [0.42, -0.13, 0.2], 1.0
    holding = _state(command=command, palm=np.array([0.42, -0.13, 0.95]))
    answer, phase = expert_command(holding)
    assert phase == "lift" and answer[5] > command[5] and answer[9] == 1.0


def test_chunks_keep_the_limits_and_begin_with_the_command() -> None:
    state = _state(position=np.array([-1.2, 0.4, 0.75]))
    chunk, phase = expert_chunk(state)
    assert chunk.shape == (G1_BODY.chunk_steps, G1_BODY.action_dim) and phase == "walk"
    assert (chunk >= G1_BODY.action_lower).all()
    assert (chunk <= G1_BODY.action_upper).all()
    assert np.allclose(chunk[0], expert_command(state)[0])


def test_geometry_reads_as_named() -> None:
    assert np.allclose(stance_error(_state()), 0)
    left = _state(grasp_point=np.array([1.0, 0.5, 0.95]))
    assert view_angles(left)[0] > 0

"""Laws of the scripted expert: no memory, no surprises."""

from dataclasses import replace

import numpy as np
import pytest

from brownfield.envs.expert import (
    APPROACH,
    BACKED_TO_RAD,
    GRASP_OFFSET,
    HALF_VIEW_RAD,
    LADEN_BACK_M_S,
    LIFT_M,
    PREGRASP_OFFSET,
    TURNED_TO_RAD,
    ExpertState,
    advance,
    clip_command,
    expert_command,
    stance_error,
    view_angles,
)
from brownfield.envs.expert_place import (
    CARRY_POSITION,
    go_command,
    place_command,
    stands_right,
)
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


def test_what_fingers_hold_is_not_let_go_of() -> None:
    """An object may hang lower in a closed hand than a hand would close on it."""
    held = _carries(goal=np.array([0.43, -0.3, 0.9]))
    for away, kept in ((0.07, True), (0.09, False)):
        hangs = replace(held, grasp_point=held.palm - [0.0, 0.0, away])
        assert bool(place_command(hangs)[0][9] == 1.0) is kept
    # Who has only begun to close gives up sooner, and later the further it has closed.
    for grip, away, kept in ((0.1, 0.07, False), (0.5, 0.07, True), (0.5, 0.09, False)):
        held.command[9] = grip
        beside = replace(held, goal=None, grasp_point=held.palm - [0.0, 0.0, away])
        assert bool(expert_command(beside)[0][9] > grip) is kept


def test_before_its_goal_nobody_knows_how_high_a_thing_stood() -> None:
    goal = np.array([0.43, -0.3, 0.8])
    held = _carries(goal=goal, position=np.array([-0.04, -0.17, 0.75]))
    for forward in (CARRY_POSITION[0], CARRY_POSITION[0] + 0.08):
        command = held.command.copy()
        command[3:6] = [forward, CARRY_POSITION[1], 0.19]
        palm = held.position + command[3:6]
        near = replace(held, command=command, palm=palm, grasp_point=palm)
        said = [
            place_command(replace(near, rest_height_m=height)) for height in (0.8, 0.95)
        ]
        np.testing.assert_array_equal(said[0][0], said[1][0])
        assert said[0][1] == said[1][1] == "reach"


def test_who_carries_something_does_not_follow_every_step() -> None:
    held = _carries(goal=np.array([0.43, 0.9, 0.9]), rest_height_m=0.9)
    level = 0.9 + 0.16 - held.grasp_point[2]
    for off, moves in ((0.05, False), (-0.02, False), (0.08, True), (-0.05, True)):
        lifted = [0.0, 0.0, level + off]
        command = held.command.copy()
        command[5] += lifted[2]
        palm = held.palm + lifted
        there = replace(held, command=command, palm=palm, grasp_point=palm)
        said, phase = place_command(there)
        assert phase == "carry"
        assert bool(abs(said[5] - command[5]) > 1e-9) is moves


def test_what_stands_near_is_lifted_before_anybody_walks() -> None:
    """A hand may close where it carries: what it holds must clear the counter."""
    held = _carries(goal=np.array([0.43, 0.4, 0.9]), rest_height_m=0.9)
    command = held.command.copy()
    command[5] = 0.9 - held.position[2]
    palm = held.position + command[3:6]
    low = replace(held, command=command, palm=palm, grasp_point=palm)
    said, phase = place_command(low)
    assert phase == "lift" and not said[:3].any() and said[5] > command[5]
    hangs = replace(low, goal=None, grasp_point=palm - [0.0, 0.0, 0.07])
    for _ in range(20):
        said, phase = expert_command(hangs)
        hangs = advance(hangs, clip_command(said), phase, 0.1)
    assert hangs.grasp_point[2] == pytest.approx(0.9 + LIFT_M)


def test_who_carries_something_aside_steps_back_first() -> None:
    """What sticks out would pass over what else stands on the counter."""
    for side in (-1.0, 1.0):
        turned = _heading(side * 0.3)
        goal = np.array([0.43, side * 0.35 - 0.13, 0.9])
        held = _carries(goal=goal, rest_height_m=0.75, rotation=turned)
        for x, steps_aside in ((-0.05, False), (-0.19, True)):
            position = np.array([x, 0.0, 0.75])
            palm = position + turned @ held.command[3:6]
            there = replace(held, position=position, palm=palm, grasp_point=palm)
            said, phase = place_command(there)
            assert phase == "carry" and said[0] < (0.01 if steps_aside else -0.1)
            along = (turned @ [said[0], said[1], 0.0])[1]
            assert bool(side * along > 0.1) is steps_aside


def test_who_stands_still_with_something_in_the_hand_keeps_it() -> None:
    """The plan must not lose what hangs in the fingers when the palm comes to its
    command."""
    held = _carries(goal=np.array([0.43, -0.3, 0.78]), rest_height_m=0.78)
    hangs = replace(
        held,
        palm=held.palm - [0.0, 0.0, 0.03],
        grasp_point=held.palm - [0.0, 0.0, 0.09],
        gyro=np.array([0.5, 0.0, 0.0]),
        position=np.array([-0.04, -0.17, 0.75]),
    )
    shift = hangs.position - held.position
    hangs = replace(
        hangs, palm=hangs.palm + shift, grasp_point=hangs.grasp_point + shift
    )
    assert place_command(hangs)[1] == "settle"
    chunk, _ = expert_chunk(hangs)
    assert (chunk[:, 9] == 1.0).all()


def test_a_hand_may_come_from_the_side_while_it_is_far_off() -> None:
    """Where it begins there is room; where its fingers close there is not."""
    state = _state(position=np.array([-0.02, -0.04, 0.75]))
    start = state.grasp_point + PREGRASP_OFFSET
    way = GRASP_OFFSET - PREGRASP_OFFSET
    aside = np.cross(APPROACH, [0.0, 0.0, 1.0])
    for share, off, goes_on in (
        (0.1, 0.05 * aside, True),
        (0.1, 0.09 * aside, False),
        (0.1, np.array([0.0, 0.0, -0.05]), False),
        (0.9, 0.05 * aside, False),
        (0.9, 0.02 * aside, True),
    ):
        palm = start + share * way + off
        command = state.command.copy()
        command[3:6] = palm - state.position
        there = replace(state, command=command, palm=palm)
        phase = expert_command(there)[1]
        assert (phase == "approach") is goes_on, (share, off, phase)


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
        assert hidden == (2 if yaw > -0.5 else 1)
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


TRAYS = {f"tray {y}": (np.array([0.43, y, 0.9]), None) for y in (-0.95, 0.95)}
TABLES = {
    f"table {side}": (
        np.array([-0.9, side * 1.95, 0.77]),
        np.array([-0.9, side * 1.5, side * np.pi / 2]),
    )
    for side in (-1.0, 1.0)
}


@pytest.mark.parametrize("drift", [(0, 0), (3, 0), (-3, 0), (0, 3), (0, -3)])
@pytest.mark.parametrize("name", [*TRAYS, *TABLES])
def test_every_goal_is_found_and_reached(name: str, drift: tuple[int, int]) -> None:
    """By kinematics, with legs that drift by some cm/s whatever they are told."""
    goal, frame = (TRAYS | TABLES)[name]
    slip = np.array([*drift, 0]) / 100 * 0.1
    state = _carries(position=np.array([0.0, 0.0, 0.75]), goal=goal, frame=frame)
    state = replace(state, palm=state.position + state.command[3:6])
    state = replace(state, grasp_point=state.palm, rest_height_m=0.9)
    seen = []
    for _ in range(300):
        command, phase = place_command(state)
        seen.append(phase)
        if phase in ("settle", "reach"):
            break
        state = advance(state, clip_command(command), phase, 0.1)
        state = replace(
            state,
            position=state.position + slip,
            palm=state.palm + slip,
            grasp_point=state.grasp_point + slip,
        )
        # Nobody walks into the counter on the way.
        assert state.position[0] < 0.12
    assert seen[-1] in ("settle", "reach")
    assert np.linalg.norm((goal - state.position)[:2]) < 0.7


def test_who_faces_away_from_the_counter_backs_away_from_it_all_the_same() -> None:
    goal, frame = TABLES["table -1.0"]
    for yaw in (-2.6, -1.7, 1.7, 2.6):
        crowded = np.array([-0.05, 0.0, 0.75])
        state = _state(position=crowded, rotation=_heading(yaw), goal=goal, frame=frame)
        command, _ = go_command(replace(state, goes=True))
        assert (_heading(yaw) @ np.array([*command[:2], 0.0]))[0] < -0.25


@pytest.mark.parametrize("name", TABLES)
def test_near_a_table_nobody_has_to_know_where_its_middle_is(name: str) -> None:
    """All along the middle of it the same is done; from beyond it is gone to."""
    goal, frame = TABLES[name]
    x, y, heading = frame
    turn = _heading(heading)

    def doing(aside: float) -> np.ndarray:
        there = turn.T @ (goal - [x, y, 0.0])
        before = np.array([there[0] - 0.47, there[1] + 0.13 + aside, 0.75])
        position = turn @ before + [x, y, 0.0]
        held = _carries(position=position, rotation=turn, goal=goal, frame=frame)
        palm = held.position + held.rotation @ held.command[3:6]
        held = replace(held, palm=palm, grasp_point=palm, along_m=0.15)
        return place_command(held)[0]

    middle = doing(0.0)
    for aside in (-0.14, 0.14):
        np.testing.assert_allclose(doing(aside), middle, atol=1e-9)
    assert doing(0.35)[1] < -0.1 and doing(-0.35)[1] > 0.1


def test_what_stands_beside_the_middle_of_a_table_is_let_go_of() -> None:
    goal, frame = TABLES["table -1.0"]
    along = _heading(frame[2]) @ np.array([0.0, 1.0, 0.0])
    for aside, right in ((0.0, True), (0.18, True), (-0.18, True), (0.25, False)):
        held = _carries(grasp_point=goal + aside * along, goal=goal, frame=frame)
        held.command[3:6] = held.rotation.T @ (held.grasp_point - held.position)
        held = replace(held, palm=held.grasp_point, along_m=0.15)
        assert stands_right(held) == right


def test_lets_go_of_what_leans_and_stands_on_its_rim() -> None:
    goal, up = np.array([0.43, -0.2, 0.9]), np.array([0.0, 0.0, 0.03])
    held = _carries(goal=goal, grasp_point=goal + up)
    held.command[3:6] = held.grasp_point - held.position
    free = replace(held, palm=held.grasp_point)
    assert not stands_right(free)
    assert stands_right(replace(held, palm=held.grasp_point + up))
    # What hangs higher is let go of by nobody.
    high = replace(held, grasp_point=goal + 2 * up, palm=goal + 3 * up)
    assert not stands_right(high)


def test_who_looks_for_something_goes_on_until_it_is_well_in_view() -> None:
    """At the border the previous command decides, or one goes to and fro."""
    state = _state(position=np.array([-0.8, 0.42, 0.75]))
    bearing = abs(view_angles(state)[0])
    assert BACKED_TO_RAD < bearing < HALF_VIEW_RAD
    on, back = state.command.copy(), state.command.copy()
    on[:3], back[:3] = [0.3, -0.3, 0.0], [-0.3, 0.0, 0.0]
    assert expert_command(replace(state, command=on))[0][1] < -0.3
    np.testing.assert_allclose(
        expert_command(replace(state, command=back))[0][:2], [-0.3, 0.0]
    )
    # Where it is well in view both go on, where it is not both step back.
    middle = replace(state, grasp_point=np.array([0.42, 0.2, 0.95]))
    outside = replace(state, grasp_point=np.array([0.42, -0.9, 0.95]))
    for command in (on, back):
        assert expert_command(replace(middle, command=command))[0][0] > 0.2
        assert expert_command(replace(outside, command=command))[0][0] == -0.3


def test_who_turns_to_find_a_goal_goes_on_until_it_is_well_in_view() -> None:
    tray = np.array([0.43, 0.9, 0.9])
    state = _carries(rotation=_heading(0.6), goal=tray)
    state = replace(state, palm=state.position + state.rotation @ state.command[3:6])
    state = replace(state, grasp_point=state.palm)
    bearing = abs(view_angles(replace(state, grasp_point=tray))[0])
    assert TURNED_TO_RAD < bearing < HALF_VIEW_RAD
    turning = state.command.copy()
    turning[2] = 0.6
    command, phase = place_command(replace(state, command=turning))
    assert phase == "carry"
    np.testing.assert_allclose(command[:3], [0.0, 0.0, 0.6])
    # Who has it in view already, or turns away from it, walks to it.
    away = state.command.copy()
    away[1:3] = [0.35, -0.35]
    for before in (state.command, away):
        command, _ = place_command(replace(state, command=before))
        assert abs(command[2]) < 0.4 and command[1] > 0.1


def test_how_far_off_its_goal_a_thing_is_let_go_of() -> None:
    goal = np.array([0.43, -0.2, 0.9])
    for within, off, right in (
        (0.05, 0.04, True),
        (0.05, 0.06, False),
        (0.09, 0.08, True),
        (0.09, 0.10, False),
    ):
        held = _carries(
            goal=goal, grasp_point=goal + np.array([off, 0.0, 0.0]), within_m=within
        )
        held.command[3:6] = held.grasp_point - held.position
        held = replace(held, palm=held.grasp_point)
        assert stands_right(held) is right
        assert (place_command(held)[1] == "release") is right


def test_over_a_sink_a_thing_may_fall_and_the_hand_rises_out() -> None:
    goal = np.array([0.47, -0.2, 0.9])
    for height in (-0.1, -0.05, 0.0, 0.05):
        over = goal + np.array([0.05, 0.0, height])
        held = _carries(goal=goal, grasp_point=over, within_m=0.07, drops=True)
        held.command[3:6] = held.grasp_point - held.position
        held = replace(held, palm=held.grasp_point)
        assert place_command(held)[1] == "release"
        opened = held.command.copy()
        opened[9] = 0.0
        fallen = replace(held, command=opened, grasp_point=goal - [0.0, 0.0, 0.15])
        command, phase = place_command(fallen)
        assert phase == "retreat"
        if height < 0:
            np.testing.assert_allclose(command[3:6] - opened[3:6], [0.0, 0.0, 0.02])
        # Nothing is pulled against the rim: it ends in the ready pose.
        state = fallen
        for _ in range(40):
            command, phase = place_command(state)
            state = replace(state, command=command)
            state = replace(state, palm=state.position + command[3:6])
        assert phase == "done"
    # What stands beside the hollow is not in it.
    beside = goal + np.array([-0.18, 0.0, 0.03])
    stands = _carries(goal=goal, grasp_point=beside, within_m=0.07, drops=True)
    stands.command[9] = 0.0
    assert not stands_right(stands)
    assert stands_right(replace(stands, grasp_point=beside - [0.0, 0.0, 0.2]))


def test_a_goal_beside_stays_in_view_on_the_way() -> None:
    """Found by turning, it is walked to sideways, not turned away from."""
    tray = np.array([0.43, 0.9, 0.9])
    state = _carries(rotation=_heading(0.7), goal=tray)
    state = replace(state, palm=state.position + state.rotation @ state.command[3:6])
    command, phase = place_command(replace(state, grasp_point=state.palm))
    assert phase == "carry" and abs(command[2]) < 0.35 and command[1] > 0.1


def test_a_goal_that_was_lost_again_is_looked_for_on_its_side() -> None:
    """What it has just seen on the left is not looked for on the right first."""
    tray = np.array([0.43, 0.9, 0.9])
    for side in (-1.0, 1.0):
        goal = tray * [1.0, side, 1.0]
        for yaw, aside in ((0.3, 0.0), (0.05, 0.3)):
            for spin in (-0.2, 0.0, 0.2):
                held = _carries(rotation=_heading(side * yaw), goal=goal)
                position = np.array([-0.2, 0.0, 0.75])
                palm = position + held.rotation @ held.command[3:6]
                held = replace(held, position=position, palm=palm, grasp_point=palm)
                command = held.command.copy()
                command[1:3] = side * aside, side * spin
                said, phase = place_command(replace(held, command=command))
                assert phase == "carry" and side * said[2] > 0.5, (side, yaw, spin)


def test_who_carries_something_is_told_to_step_back_faster() -> None:
    """Or it would stay where it is, see `LADEN_BACK_M_S`."""

    def at(x: float, y: float, before: tuple[float, float]) -> ExpertState:
        held = _carries(goal=np.array([0.43, 0.0, 0.9]))
        command, position = held.command.copy(), np.array([x, y, 0.75])
        command[:2], palm = before, position + command[3:6]
        return replace(
            held, command=command, position=position, palm=palm, grasp_point=palm
        )

    for away in (0.06, 0.1, 0.3):
        held = at(-0.04 + away, 0.13, (-0.3, 0.0))
        said, phase = place_command(held)
        assert phase == "carry" and said[0] < -LADEN_BACK_M_S - 0.06, away
        # Its plan knows that this is less.
        after = advance(held, clip_command(said), phase, 0.1)
        assert -0.04 < after.position[0] - held.position[0] < -0.006
    # Who has begun goes on; for who steps aside a centimetre makes no difference.
    for before, goes_back in (((-0.3, 0.0), True), ((0.0, 0.2), False)):
        for away in (0.0, 0.01, 0.02):
            said = place_command(at(-0.04 + away, 0.0, before))[0]
            assert bool(said[0] < -LADEN_BACK_M_S) is goes_back
            assert goes_back or abs(said[0]) < 0.06


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

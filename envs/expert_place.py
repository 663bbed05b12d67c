"""The demonstrator puts an object down where it is wanted, without timers.

What is to be done next follows from the truth and the previous command: pick it up;
with it in the hand, pull it to the body, look for where it goes, walk there, reach out,
lower it; where it stands right, let go and pull the hand back.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.expert import (
    APPROACH,
    CLOSED_GRIP,
    GRASP_ROTATION,
    LADEN_ASIDE,
    LADEN_BACK_M_S,
    OPENING_GRIP,
    STANCE_Y_M,
    TURNED_TO_RAD,
    ExpertState,
    expert_command,
    is_in_hand,
    is_lost,
    is_quiet,
    seen_from,
    stance_error,
    towards,
    view_angles,
    walk,
)
from brownfield.robot.g1.controller import (
    READY_POSITION,
    READY_ROTATION,
    STANDING_SPEED,
)
from brownfield.robot.g1.upper_body import rotation_from_vector, vector_from_rotation

Array = NDArray[np.float64]

CARRY_POSITION = np.array([0.30, -0.13, 0.0])
"""Palm while carrying, pelvis frame [m], where the head camera sees what it holds; the
height is what clears the counter."""
CARRY_RISE_M = 0.16
"""An object is carried so far above where it stood, and brought so far above what it
shall stand on [m]."""
LEVEL_M = (-0.03, 0.06)
"""On the way it may be so much lower or higher [m]: the hand does not follow every
step's rise and fall."""
BACK_M = 0.05
"""To put something down the robot stands so much farther away than to take it, or its
elbow rests on the counter [m]."""
CLEAR_X_M = -0.30
"""From here back there is room to turn about with something in the hand [m]."""
CROWDED_X_M = -0.15
"""Who turns already may drift as far as this [m]."""
ABOVE_M = 0.07
"""It is brought so far above its goal before it is lowered [m]."""
SLOPE = 0.5
"""Farther from its goal it is higher by so much of the way that is left [m/m]."""
PRESSED_M = 0.025
"""A hand that hangs so far above its aim is held up by something [m]."""
LOST_RAD = 0.8
"""Turned away so far from a surface that is out of view, nothing tells where it is
[rad]."""
SEEK_RAD_S = 0.6
"""Turning on the spot to find a goal [rad/s]."""
SEEK_X_M = -0.12
"""From here back the robot can look to both sides, which takes less room [m]."""
SEEK_RAD = 1.1
"""So far it looks to either side along the counter [rad]."""
ASIDE_X_M = -0.2
"""From here back something can be carried along the counter [m]."""
KEPT_RAD = (0.15, 0.34)
"""On the way to its side the goal stays this near to the middle of the view [rad], far
from it and at it: what is kept near the border is lost and found by turns."""
FAR_M = (0.5, 0.15)
"""So far along the counter is far from it and at it [m]."""
FACING_RAD = 0.2
"""Turned away from the counter by more, it has been looking to that side [rad]."""
OVER = 0.6
"""An object is lowered from this share of how far off its goal it may stand."""
STILL_RIGHT_M = 0.025
"""What the hand has begun to let go of may stand so much farther off [m]."""
FALLS_M = 0.022
"""It is let go of so low above where it shall stand [m]: who sees this to a centimetre
or two must not wait for the last one."""
IN_HOLLOW_M = (-0.3, 0.12)
"""What shall fall into a hollow is let go of so much lower or higher than planned [m];
what stands beside a hollow is above the plan."""


def goal_ahead(state: ExpertState) -> ExpertState:
    """The state with its goal moved along the surface, as far as it may be, to where
    the hand reaches from where the robot is: the middle of a long edge cannot be seen
    from near."""
    if state.goal is None or not state.along_m:
        return state
    there = seen_from(state, state.frame)
    assert there.goal is not None
    beside = there.position[1] - STANCE_Y_M - there.goal[1]
    shift = float(np.clip(beside, -state.along_m, state.along_m))
    heading = 0.0 if state.frame is None else float(state.frame[2])
    along = np.array([-np.sin(heading), np.cos(heading), 0.0])
    return replace(state, goal=state.goal + shift * along, along_m=0.0)


def holds(state: ExpertState) -> bool:
    """Whether the object is in the closed hand."""
    return state.command[9] > CLOSED_GRIP and is_in_hand(state)


def stands_right(state: ExpertState) -> bool:
    """Whether the object stands where it shall; once the hand opens, with more room."""
    assert state.goal is not None
    there = seen_from(state, state.frame)
    assert there.goal is not None
    offset = there.grasp_point - there.goal
    offset[1] -= np.clip(offset[1], -state.along_m, state.along_m)
    closed = state.command[9] > OPENING_GRIP
    within = state.within_m
    across, above = (within, FALLS_M) if closed else (within + STILL_RIGHT_M, 0.045)
    aim = state.position + state.rotation @ state.command[3:6]
    if closed and state.palm[2] < state.goal[2] - 0.025:
        # It has slipped up in the hand, which can go no lower.
        above = 0.04
    elif closed and aim[2] < state.palm[2] - PRESSED_M:
        # It leans in the hand and stands on its rim already.
        above = 0.04
    below = -above
    if state.drops:
        opened = state.command[9] <= 0.05
        below, above = IN_HOLLOW_M[0], 0.0 if opened else IN_HOLLOW_M[1]
        across = within if closed else 0.22
    return float(np.hypot(*offset[:2])) < across and below < float(offset[2]) < above


def place_command(state: ExpertState) -> tuple[Array, str]:
    """The next command (10,) and the name of the phase.

    Returns:
        command: in the units of `G1_BODY.action`.
        phase: those of `expert_command`, and pull, carry, reach, lower, release,
            retreat or done.
    """
    assert state.goal is not None
    right = stands_right(state)
    state = goal_ahead(state)
    there = seen_from(state, state.frame)
    if right:
        return let_go(there)
    if holds(state):
        return _bring(there, state)
    return expert_command(state)


def go_command(state: ExpertState) -> tuple[Array, str]:
    """The next command (10,) of a robot that goes to the goal with nothing: `go`, then
    `done`."""
    state = goal_ahead(state)
    there = seen_from(state, state.frame)
    assert there.goal is not None
    there = replace(there, grasp_point=there.goal, covered=False)
    previous = state.command
    palm, rotation = previous[3:6], previous[6:9]
    ready = palm + towards(READY_POSITION - palm, 0.035)
    turned = rotation + towards(READY_ROTATION - rotation, 0.09)
    opened = max(0.0, previous[9] - 0.2)
    error, yaw = float(np.linalg.norm(stance_error(there))), abs(there.yaw)
    standing = bool(np.abs(previous[:3]).max() < STANDING_SPEED)
    far = error > (0.12 if standing else 0.05) or yaw > (0.22 if standing else 0.09)
    velocity = np.zeros(3)
    if far:
        velocity = _way(there, state)
    phase = "go" if far else "done"
    return np.concatenate([velocity, ready, turned, [opened]]), phase


def _way(there: ExpertState, here: ExpertState) -> Array:
    """Base velocity (3,) to where the robot stands to reach a goal.

    A goal that is out of view is looked for, as by someone who does not know where it
    is: on the counter by looking to one side and then to the other, across the room by
    turning on the spot, and by stepping back from a surface that is faced already.
    Which way it turns is told by the previous command (on the counter see `_looks_to`);
    at first by where it is turned to, or away from the counter with what is in the
    hand. The counter itself needs no search: it is always seen.

    Args:
        there: in the frame of the goal's surface, with the goal as what is to be taken.
        here: in the world.
    """
    if here.frame is None:
        return walk(there, search=False) if here.goes else _beside(there)
    spin = here.command[2]
    room = CROWDED_X_M if abs(spin) > 0.1 else CLEAR_X_M
    if here.position[0] > room and abs(there.yaw) > 0.3:
        return _back(here)
    if is_lost(there, _turning_to(there)) and abs(there.yaw) > LOST_RAD:
        first = here.yaw if here.goes else -1.0
        way = spin if abs(spin) > 0.1 else first
        return np.array([0.0, 0.0, np.copysign(SEEK_RAD_S, way)])
    return walk(there)


def _turning_to(state: ExpertState) -> float | None:
    """Where the goal counts as found by who is turning towards it [rad]; None for who
    is not."""
    spin = state.command[2]
    return (
        TURNED_TO_RAD if abs(spin) > 0.3 and spin * view_angles(state)[0] > 0 else None
    )


def _back(state: ExpertState) -> Array:
    """Base velocity (3,) away from the counter, wherever the robot is turned to."""
    return 0.3 * np.array([-np.cos(state.yaw), np.sin(state.yaw), 0.0])


def _laden(velocity: Array, before: Array) -> Array:
    """A base velocity (3,) as it has to be told with something held out in front.

    Args:
        velocity: that it shall have.
        before: the previous command (10,); who steps back already goes on until it is
            there, so that swaying by a centimetre makes no difference.
    """
    vx, vy, wz = velocity
    if vx < (-STANDING_SPEED if before[0] < -0.1 else -0.06):
        vx = max(vx - LADEN_BACK_M_S, -0.5)
    return np.array([vx, np.clip(LADEN_ASIDE * vy, -0.4, 0.4), wz])


def _beside(state: ExpertState) -> Array:
    """Base velocity (3,) to a goal somewhere along the counter, kept in view."""
    aside_m = float(stance_error(state)[1])
    lost = is_lost(state, _turning_to(state))
    if lost and float(np.linalg.norm(stance_error(state))) > 0.2:
        spin = state.command[2]
        way = _looks_to(state)
        left = (way > 0.0 and state.yaw < SEEK_RAD) or state.yaw < -SEEK_RAD
        turn = np.array([0.0, 0.0, SEEK_RAD_S if left else -SEEK_RAD_S])
        if state.position[0] > SEEK_X_M:
            # Who has begun to turn goes on, or would begin anew on the same side.
            return _back(state) + (turn if abs(spin) > 0.1 else 0.0)
        return turn
    velocity = walk(state, search=False)
    if abs(aside_m) > 0.15:
        # What sticks out before the robot passes before other things, not over them.
        velocity[0] = np.clip(1.3 * (ASIDE_X_M - state.position[0]), -0.35, 0.35)
        velocity[1] *= state.position[0] < ASIDE_X_M + 0.06
    kept = float(np.interp(abs(aside_m), FAR_M[::-1], KEPT_RAD[::-1]))
    aside = view_angles(state)[0] + state.yaw
    heading = np.copysign(max(0.0, abs(aside) - kept), aside)
    # More slowly than who turns to find it.
    velocity[2] = np.clip(-1.4 * (state.yaw - heading), -0.28, 0.28)
    return velocity


def _looks_to(state: ExpertState) -> float:
    """On which side along the counter a goal is looked for: left (> 0) or right.

    Who turns fast goes on; who is turned to one side has been looking there, and who
    steps aside has seen it there. Otherwise it goes on turning, or begins on the right.
    """
    _, aside, spin = state.command[:3]
    if abs(spin) > 0.3:
        return spin
    if abs(state.yaw) > FACING_RAD:
        return state.yaw
    if abs(aside) > 0.1:
        return aside
    return spin if abs(spin) > 0.1 else -1.0


def let_go(state: ExpertState) -> tuple[Array, str]:
    """Opens the hand (10,), pulls it back and brings it to its ready pose."""
    previous = state.command
    grip = max(0.0, previous[9] - 0.2)
    still, palm, rotation = np.zeros(3), previous[3:6], previous[6:9]
    if previous[9] > 0.3:
        return np.concatenate([still, palm, rotation, [grip]]), "release"
    away = float(np.linalg.norm(state.palm - state.grasp_point))
    at_ready = float(np.linalg.norm(palm - READY_POSITION)) < 0.03
    if state.drops and state.goal is not None and state.palm[2] < state.goal[2]:
        # Out of the hollow before it goes back.
        up = palm + np.array([0.0, 0.0, 0.02])
        return np.concatenate([still, up, rotation, [grip]]), "retreat"
    if away < 0.14 and not at_ready:
        back = state.rotation.T @ (-0.025 * APPROACH + np.array([0.0, 0.0, 0.004]))
        return np.concatenate([still, palm + back, rotation, [grip]]), "retreat"
    ready = palm + towards(READY_POSITION - palm, 0.035)
    turned = rotation + towards(READY_ROTATION - rotation, 0.09)
    phase = "done" if at_ready else "retreat"
    return np.concatenate([still, ready, turned, [grip]]), phase


def _bring(state: ExpertState, here: ExpertState) -> tuple[Array, str]:
    """With the object in the hand: to where it goes, and down.

    Args:
        state: in the frame of the goal's surface.
        here: in the world.
    """
    assert state.goal is not None
    previous = state.command
    palm, rotation = previous[3:6], previous[6:9]
    # On the way the hand keeps to the body, before the surface to that.
    heading = rotation_from_vector(np.array([0.0, 0.0, state.yaw]))
    ahead = np.eye(3) if abs(state.yaw) < 0.3 else heading
    wanted = vector_from_rotation(state.rotation.T @ ahead @ GRASP_ROTATION)
    turned = rotation + towards(wanted - rotation, 0.08)
    aim = state.position + state.rotation @ palm
    # The object need not sit in the hand as planned: where it is decides.
    lag = state.grasp_point - state.palm
    over = state.goal - lag
    across = float(np.hypot(*(aim - over)[:2]))
    standing = bool(np.abs(previous[:3]).max() < STANDING_SPEED)
    before = state.goal - [BACK_M, 0.0, 0.0]
    at_goal = replace(state, grasp_point=before, covered=False)
    error, yaw = float(np.linalg.norm(stance_error(at_goal))), abs(state.yaw)
    pulled = palm[0] < CARRY_POSITION[0] + 0.04
    reaching = palm[0] > CARRY_POSITION[0] + 0.02
    if reaching and across < 0.3 and error < 0.22:
        far = False
    elif standing:
        far = error > 0.10 or yaw > 0.2
    else:
        far = error > 0.05 or yaw > 0.09
    # Before its goal nobody sees any more how high it stood at first: there it comes
    # down a slope, so that it is never both too low and too high.
    surface = max(state.rest_height_m, float(state.goal[2])) if far else state.goal[2]
    slope = float(np.clip(SLOPE * (across - 0.05), 0.0, CARRY_RISE_M - ABOVE_M))
    over_m = CARRY_RISE_M if far else ABOVE_M + slope
    above = float(aim[2] + lag[2] - surface) - over_m
    rise = float(np.clip(-above, -0.02, 0.02))
    if pulled and LEVEL_M[0] < above < LEVEL_M[1]:
        rise = 0.0
    still = np.zeros(3)
    # Who walks sways.
    room = 0.11 if far and pulled else 0.06
    if state.grasp_point[2] - surface < over_m - room and across > state.within_m:
        new = palm + state.rotation.T @ np.array([0.0, 0.0, rise])
        return np.concatenate([still, new, turned, [1.0]]), "lift"
    if far:
        target = CARRY_POSITION.copy()
        target[2] = palm[2] + rise
        new = palm + towards(target - palm, 0.025)
        velocity = _laden(_way(at_goal, here), previous) if pulled else still
        phase = "carry" if pulled else "pull"
        return np.concatenate([velocity, new, turned, [1.0]]), phase
    if pulled and not (standing and is_quiet(state)):
        return np.concatenate([still, palm, turned, [1.0]]), "settle"
    lowered = state.grasp_point[2] < state.goal[2] + 0.05
    if across > state.within_m * (1.0 if lowered else OVER):
        target = over + np.array([0.0, 0.0, over_m])
        new_aim, phase = aim + towards(target - aim, 0.022), "reach"
    else:
        # By where the object is: a hand that leans on something hangs behind its aim.
        left = state.goal - state.grasp_point
        step = np.array([*(0.3 * left[:2]), np.clip(left[2] - 0.004, -0.012, 0.0)])
        new_aim = state.palm + towards(aim + step - state.palm, 0.045)
        phase = "lower"
    new = state.rotation.T @ (new_aim - state.position)
    return np.concatenate([still, new, turned, [1.0]]), phase

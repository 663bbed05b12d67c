"""A scripted demonstrator that picks up an object, without timers.

It is a pure function of the true state and the previous command, so it labels its own
demonstrations and a learner's states alike (DAgger), and everything that decides its
phase can be seen: picture, joints, grip and previous command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.body import Body
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.g1.controller import (
    READY_POSITION,
    READY_ROTATION,
    STANDING_SPEED,
)
from brownfield.robot.g1.upper_body import rotation_from_vector, vector_from_rotation

Array = NDArray[np.float64]

GRASP_YAW_RAD = 0.3
"""Heading of the palm at the grasp, world frame [rad]."""
STANCE_Y_M = 0.13
"""The robot stands so far to the left of the object [m]."""
STANCE_X_M = 0.42
"""The object is so far ahead of the pelvis at the stance [m], where the edge allows."""
STANCE_RANGE_M = (-0.10, 0.08)
"""Closest and farthest stance from the nominal one, world x [m]."""
HANDLE_X_M = 0.36
"""A handle, lower than what stands on the counter, is so far ahead [m]."""
LIFT_M = 0.15
"""Height that the palm command is raised by [m]."""
CAMERA_PELVIS_M = np.array([0.056, 0.0175, 0.464])
"""Nominal head camera in the pelvis frame [m]."""
CAMERA_PITCH_RAD = np.deg2rad(32.0)
"""Nominal pitch of the head camera, down [rad]."""
HALF_VIEW_RAD = np.deg2rad(28.0)
"""Half the field of view less a margin [rad]."""
TURNED_TO_RAD = 0.26
"""Who turns to look for something goes on until it is so near to the middle of the
picture [rad], not only until it is in view: with one border for both a learner that
sees it vaguely goes to and fro there."""
BACKED_TO_RAD = 0.40
"""The same for who steps back to look for it [rad]."""
LOOK_BEHIND_X_M = -0.8
"""From here the picture shows half a metre and more of a counter to either side: what
cannot be seen is no longer looked for from farther back [m]."""
NEAR_X_M = -0.25
"""From here on who looks for what is covered goes to where it stands: from the middle,
where it was looked for, it was not to be seen [m]."""
EITHER_SIDE_M = 0.15
"""So far to either side of a table's middle, or of `COUNTER_POINT`, will do as well
[m]."""
COUNTER_POINT = (0.42, -0.04)
"""Going to the counter means to stand before this point of it, x and y [m]."""
HELD_M = 0.065
"""A hand closes on an object whose grasp point is this near to the palm [m]."""
CLOSES_M = 0.02
"""It begins to close so near to where it should [m], and comes there while it closes:
who sees this to a centimetre or two must not wait for the last one."""
SERVO_M = 0.006
"""So far it comes in a step [m], until it is half closed: then the object may follow
the hand."""
ASKEW_M = 0.03
"""An open hand may be so far beside its way before an object [m]."""
EASE_M = (0.01, 0.03)
"""It goes on, more slowly, up to so much farther beside its way, and back from there;
at full speed both ways so much this side of it or beyond [m]. With one border for both
a learner that sees the object to two centimetres went on and back by turns."""
CLOSED_GRIP = 0.97
"""From this grip on a hand is closed; one that lifts from 0.88 on drops things."""
OPENING_GRIP = 0.9
"""Below this grip a hand that was closed lets go."""
HALF_GRIP = 0.5
"""From this grip on fingers may hold something."""
KEPT_M = 0.08
"""In a hand that is half closed it may hang this far [m]: what fingers hold is not let
go of."""

LADEN_BACK_M_S = 0.2
"""Told to step back more slowly than this the robot stays where it is, as long as it
holds something out in front; told to step back faster, it is about so much slower
[m/s]."""
LADEN_ASIDE = 1.5
"""Sideways it does less than half of what it is told; by so much it is told more."""
CARRIED = ("pull", "carry", "reach", "lower")
"""Phases in which the object follows the hand."""

GRASP_ROTATION = np.array(
    [
        [np.cos(GRASP_YAW_RAD), -np.sin(GRASP_YAW_RAD), 0.0],
        [np.sin(GRASP_YAW_RAD), np.cos(GRASP_YAW_RAD), 0.0],
        [0.0, 0.0, 1.0],
    ]
)
APPROACH = GRASP_ROTATION @ np.array([0.94, 0.34, 0.0])
GRASP_OFFSET = GRASP_ROTATION @ np.array([0.012, 0.0, 0.0])
PREGRASP_OFFSET = -0.13 * APPROACH + np.array([0.0, 0.0, 0.04])


@dataclass(frozen=True, kw_only=True)
class ExpertState:
    """The truth that the expert sees; world frame unless said."""

    position: Array
    """Pelvis (3,) [m]."""
    rotation: Array
    """Rotation of the pelvis (3, 3), world from pelvis."""
    velocity: Array
    """Velocity of the pelvis (3,) [m/s]."""
    gyro: Array
    """Angular velocity (3,), pelvis frame [rad/s]."""
    grasp_point: Array
    """Where the palm should close on the named object (3,) [m]."""
    rest_height_m: float
    """Height of the grasp point while the object stands on the counter [m]."""
    palm: Array
    """Measured right palm (3,) [m]."""
    command: Array
    """Command being executed (10,), `G1_BODY.action`."""
    goal: Array | None = None
    """Where the grasp point shall be when the object is put down (3,) [m]; None where
    it is to be lifted."""
    frame: Array | None = None
    """Where the goal's surface lies: x, y [m] and heading [rad] of the frame in which
    it is as the counter is in the world; None for the counter itself."""
    along_m: float = 0.0
    """So far to either side of the goal, along its surface, will do as well [m]."""
    within_m: float = 0.06
    """The object stands right so near to its goal [m]."""
    covered: bool = False
    """Whether something stands before the object, so that the camera cannot see it."""
    drops: bool = False
    """Whether the object shall be let go of above a hollow."""
    goes: bool = False
    """Whether the robot shall go to the goal with nothing."""
    opens: bool = False
    """Whether what is taken is a handle that shall be pulled to the goal."""

    @property
    def yaw(self) -> float:
        """Heading relative to the counter [rad]."""
        return float(np.arctan2(self.rotation[1, 0], self.rotation[0, 0]))


def seen_from(state: ExpertState, frame: Array | None) -> ExpertState:
    """The state in the frame (x, y, heading) of another surface.

    Args:
        state: world frame.
        frame: of the surface; None leaves the state as it is.
    """
    if frame is None:
        return state
    c, s = np.cos(frame[2]), np.sin(frame[2])
    turn = np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]])
    origin = np.array([frame[0], frame[1], 0.0])
    return replace(
        state,
        position=turn @ (state.position - origin),
        rotation=turn @ state.rotation,
        velocity=turn @ state.velocity,
        grasp_point=turn @ (state.grasp_point - origin),
        palm=turn @ (state.palm - origin),
        goal=None if state.goal is None else turn @ (state.goal - origin),
        frame=None,
    )


def stance_error(state: ExpertState) -> Array:
    """Way to the stance point (2,) in the heading frame [m]."""
    if state.opens:
        x = state.grasp_point[0] - HANDLE_X_M
    else:
        x = np.clip(state.grasp_point[0] - STANCE_X_M, *STANCE_RANGE_M)
    error = np.array([x, state.grasp_point[1] + STANCE_Y_M]) - state.position[:2]
    c, s = np.cos(state.yaw), np.sin(state.yaw)
    return np.array([c * error[0] + s * error[1], -s * error[0] + c * error[1]])


def view_angles(state: ExpertState) -> tuple[float, float]:
    """Bearing and elevation of the object in the nominal camera [rad], left and up."""
    point = state.rotation.T @ (state.grasp_point - state.position) - CAMERA_PELVIS_M
    c, s = np.cos(CAMERA_PITCH_RAD), np.sin(CAMERA_PITCH_RAD)
    forward = c * point[0] - s * point[2]
    up = s * point[0] + c * point[2]
    return float(np.arctan2(point[1], forward)), float(np.arctan2(up, forward))


def in_view(state: ExpertState) -> bool:
    """Whether the object is between the left and the right border of the picture, and
    nothing stands before it."""
    return not is_lost(state, None)


def is_lost(state: ExpertState, found_rad: float | None) -> bool:
    """Whether the object has to be looked for.

    Args:
        state: the truth.
        found_rad: where it counts as found by who is looking for it, as the previous
            command tells [rad]; None for who is not.
    """
    within = HALF_VIEW_RAD if found_rad is None else found_rad
    return state.covered or abs(view_angles(state)[0]) > within


def towards(vector: Array, longest: float) -> Array:
    """A vector, shortened where it is longer than `longest`."""
    length = float(np.linalg.norm(vector))
    return vector if length <= longest else vector * (longest / length)


def is_quiet(state: ExpertState) -> bool:
    """Whether base and body hardly move."""
    slow = float(np.hypot(*state.velocity[:2])) < 0.08
    return slow and float(np.abs(state.gyro).max()) < 0.3


def is_in_hand(state: ExpertState) -> bool:
    """Whether the object is where the palm closes on it, or in the closing hand."""
    away = float(np.linalg.norm(state.grasp_point - state.palm))
    # Who has begun to close gives up later.
    most = np.interp(state.command[9], (0.05, HALF_GRIP), (HELD_M, KEPT_M))
    return away < float(most)


def walk(state: ExpertState, *, search: bool = True) -> Array:
    """Base velocity (3,) towards the stance.

    Args:
        state: the truth.
        search: keep the object in view.
    """
    error = stance_error(state)
    # The only way to step back without a step aside.
    backs = state.command[0] < -0.2 and abs(state.command[1]) < 0.1
    near = state.covered and state.position[0] > NEAR_X_M
    unseen = search and not near and is_lost(state, BACKED_TO_RAD if backs else None)
    # Who has gone to look behind something goes on, or would turn back half-way.
    goes_on = np.abs(state.command[:2]).max() > 0.1 and state.command[0] > -0.2
    if unseen and state.covered and (goes_on or state.position[0] <= LOOK_BEHIND_X_M):
        # Nobody knows what is behind what, nor whether it is there: as if it were not,
        # the robot goes to the counter, and sees behind things on its way.
        x, y = COUNTER_POINT
        aside = np.clip(state.position[1] - y, -EITHER_SIDE_M, EITHER_SIDE_M)
        middle = np.array([x, y + aside - STANCE_Y_M, 0.0])
        return walk(replace(state, grasp_point=middle, covered=False), search=False)
    if unseen and float(np.linalg.norm(error)) > 0.25:
        # Search: face the counter, which is always seen, then step back until the
        # object enters the picture.
        if abs(state.yaw) > (0.25 if backs else 0.12):
            return np.array([0.0, 0.0, np.clip(-1.4 * state.yaw, -0.6, 0.6)])
        return np.array([-0.3, 0.0, np.clip(-1.4 * state.yaw, -0.6, 0.6)])
    # Sideways before forwards, or the object leaves the picture on the way.
    forward = error[0] - 0.7 * max(0.0, abs(error[1]) - 0.1)
    velocity = np.array(
        [
            np.clip(1.3 * forward, -0.35, 0.5),
            np.clip(1.3 * error[1], -0.35, 0.35),
            np.clip(-1.4 * state.yaw, -0.6, 0.6),
        ]
    )
    if np.abs(velocity).max() < 0.04:
        velocity[0] = 0.04
    return velocity


def expert_command(state: ExpertState) -> tuple[Array, str]:
    """The next command (10,) and the name of the phase.

    Returns:
        command: in the units of `G1_BODY.action`.
        phase: search, walk, settle, pregrasp, approach, close, reopen, back or lift.
    """
    previous = state.command
    palm_command, rotation_command, grip = previous[3:6], previous[6:9], previous[9]
    error = float(np.linalg.norm(stance_error(state)))
    yaw = abs(state.yaw)
    at_ready = float(np.linalg.norm(palm_command - READY_POSITION)) < 0.03
    standing = bool(np.abs(previous[:3]).max() < STANDING_SPEED)
    # Hysteresis through the previous command: a standing robot tolerates more, a
    # reaching one more still.
    if not at_ready:
        far = error > 0.22 or yaw > 0.5
    elif standing:
        far = error > 0.12 or yaw > 0.22
    else:
        far = error > 0.05 or yaw > 0.09
    in_hand = is_in_hand(state)
    held = grip > 0.5 and in_hand

    to_ready = palm_command + towards(READY_POSITION - palm_command, 0.035)
    to_ready_rotation = rotation_command + towards(
        READY_ROTATION - rotation_command, 0.09
    )
    still = np.zeros(3)
    if far and not held:
        velocity = walk(state) if at_ready else still
        phase = "walk" if in_view(state) else "search"
        opened = max(0.0, grip - 0.2)
        return (
            np.concatenate([velocity, to_ready, to_ready_rotation, [opened]]),
            phase,
        )
    if at_ready and not (standing and is_quiet(state)):
        opened = max(0.0, grip - 0.2)
        return np.concatenate([still, to_ready, to_ready_rotation, [opened]]), "settle"

    target_rotation = vector_from_rotation(state.rotation.T @ GRASP_ROTATION)
    rotation = rotation_command + towards(target_rotation - rotation_command, 0.08)
    aim = state.position + state.rotation @ palm_command
    grasp = state.grasp_point + GRASP_OFFSET
    pregrasp = state.grasp_point + PREGRASP_OFFSET
    length = float(np.linalg.norm(grasp - pregrasp))
    direction = (grasp - pregrasp) / length
    if held or (grip > 0.05 and in_hand):
        if grip > CLOSED_GRIP:
            # By where the object is: it may hang in the fingers.
            left = state.rest_height_m + LIFT_M - aim[2]
            rise = np.clip(left + state.palm[2] - state.grasp_point[2], -0.02, 0.02)
            new_aim, new_grip, phase = aim + np.array([0.0, 0.0, rise]), 1.0, "lift"
        else:
            new_aim = aim + towards(grasp - aim, SERVO_M * (grip < HALF_GRIP))
            new_grip, phase = min(1.0, grip + 0.1), "close"
    elif grip > 0.05:
        new_aim, new_grip, phase = (
            aim - 0.015 * direction,
            max(0.0, grip - 0.2),
            "reopen",
        )
    else:
        new_grip = 0.0
        along = float((aim - pregrasp) @ direction)
        on_way = pregrasp + along * direction
        across = float(np.linalg.norm(aim - on_way))
        # Far off it may still come from the side or from above; the fingers meet it
        # about straight.
        level = float(np.interp(aim[2] - on_way[2], (-0.045, -0.015), (0.0, 1.0)))
        room = 0.3 * max(0.0, length - along - 0.04) * level
        askew = across - ASKEW_M - room
        ease = float(np.clip((EASE_M[0] - askew) / EASE_M[1], -1.0, 1.0))
        # Sideways as long as it does not go straight back, so that it never stays.
        aside = 0.024 * float(np.clip(1.0 - askew / sum(EASE_M), 0.0, 1.0))
        if ease > 0.0 and along > -0.03:
            step = ease * min(0.02, max(0.004, 0.35 * (length - along)))
            on_line = pregrasp + min(along + step, length) * direction
            new_aim, phase = aim + towards(on_line - aim, aside), "approach"
            near = float(np.linalg.norm(aim - grasp)) < CLOSES_M
            if near and float(np.linalg.norm(state.palm - grasp)) < 0.035:
                new_grip, phase = 0.1, "close"
        elif along > 0.03:
            there = pregrasp + min(along, length) * direction
            back = 0.02 * ease * direction + towards(there - aim, aside)
            new_aim, phase = aim + back, "back"
        else:
            new_aim, phase = aim + towards(pregrasp - aim, 0.03), "pregrasp"
    palm = state.rotation.T @ (new_aim - state.position)
    return np.concatenate([still, palm, rotation, [new_grip]]), phase


def clip_command(command: Array, body: Body = G1_BODY) -> Array:
    """A command (D,) within a body's limits, with the base exactly still below
    `STANDING_SPEED`."""
    command = np.clip(command, body.action_lower, body.action_upper)
    if np.abs(command[:3]).max() < STANDING_SPEED:
        command[:3] = 0.0
    return command


def advance(state: ExpertState, command: Array, phase: str, dt_s: float) -> ExpertState:
    """The state after a command, by kinematics alone."""
    c, s = np.cos(state.yaw), np.sin(state.yaw)
    turn = rotation_from_vector(np.array([0.0, 0.0, command[2] * dt_s]))
    vx, vy = command[:2]
    if phase == "carry":
        vx, vy = min(vx + LADEN_BACK_M_S, 0.0) if vx < 0.0 else vx, vy / LADEN_ASIDE
    base = np.array([c * vx - s * vy, s * vx + c * vy, 0.0])
    position = state.position + base * dt_s
    rotation = turn @ state.rotation
    palm = position + rotation @ command[3:6]
    stopped = np.abs(command[:3]).max() < STANDING_SPEED
    calm = 0.6 if stopped else 1.0
    grasp_point = state.grasp_point
    # Who stands still before it reaches out may hold something too.
    if phase in CARRIED or (phase == "settle" and command[9] > CLOSED_GRIP):
        grasp_point = grasp_point + palm - state.palm
    elif phase == "draw":
        grasp_point = grasp_point + (palm - state.palm) * [1, 0, 0]
    elif phase == "lift":
        grasp_point = grasp_point + (palm - state.palm) * [0, 0, 1]
    return replace(
        state,
        position=position,
        rotation=rotation,
        velocity=state.velocity * calm,
        gyro=state.gyro * calm,
        grasp_point=grasp_point,
        palm=palm,
        command=command,
    )

"""The demonstrator with both hands: it takes what is asked for with the nearer one.

The left hand is the right one in a mirror: the world is mirrored, the one-handed expert
asked, and its command mirrored back. The other arm goes to its ready pose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.expert import ExpertState, advance, towards
from brownfield.envs.expert_plan import next_command
from brownfield.robot.g1.body import G1_TWO_HANDS
from brownfield.robot.g1.controller import READY_BOTH, STANDING_SPEED
from brownfield.robot.g1.upper_body import mirrored_pose

Array = NDArray[np.float64]

SIDES = {"right": slice(3, 10), "left": slice(10, 17)}
"""Palm and grip of each hand in a command (17,)."""
MARGIN_M = 0.05
"""Both hands are as near when the object is no farther to the left along the counter
[m]; then it is the right one's."""
_FLIP = np.diag([1.0, -1.0, 1.0])
_BASE = np.array([1.0, -1.0, -1.0])


@dataclass(frozen=True, kw_only=True)
class HandsState:
    """What the expert sees; world frame, see `ExpertState`."""

    body: ExpertState
    """Of the robot and the object; its palm is the right one, its command (17,)."""
    left_palm: Array
    """Measured left palm (3,) [m]."""


def hand_for(state: HandsState) -> str:
    """The hand that takes the object: the one at work, else the nearer one."""
    command = state.body.command
    for side, part in SIDES.items():
        away = np.linalg.norm(command[part][:3] - READY_BOTH[part][:3]) > 0.03
        if away and command[part][6] > 0.05:
            return side
    reaching = [
        side
        for side, part in SIDES.items()
        if np.linalg.norm(command[part][:3] - READY_BOTH[part][:3]) > 0.03
    ]
    if len(reaching) == 1:
        return reaching[0]
    # Along the counter: seen from the robot a turn would change it.
    aside = state.body.grasp_point[1] - state.body.position[1]
    return "left" if aside > MARGIN_M else "right"


def seen_by(state: HandsState, side: str) -> ExpertState:
    """The state as the one-handed expert sees it, in a mirror for the left hand."""
    body = state.body
    own = body.command[SIDES[side]]
    if side == "right":
        return replace(body, command=np.concatenate([body.command[:3], own]))
    pose = mirrored_pose(own[:6])
    return replace(
        body,
        position=_FLIP @ body.position,
        rotation=_FLIP @ body.rotation @ _FLIP,
        velocity=_FLIP @ body.velocity,
        gyro=body.gyro * [-1.0, 1.0, -1.0],
        grasp_point=_FLIP @ body.grasp_point,
        palm=_FLIP @ state.left_palm,
        goal=None if body.goal is None else _FLIP @ body.goal,
        frame=None if body.frame is None else body.frame * [1.0, -1.0, -1.0],
        command=np.concatenate([_BASE * body.command[:3], pose, own[6:]]),
    )


def hands_command(state: HandsState) -> tuple[Array, str]:
    """The next command (17,) and the name of the phase, see `next_command`."""
    side = hand_for(state)
    said, phase = next_command(seen_by(state, side))
    command = state.body.command.copy()
    if side == "left":
        said = np.concatenate([_BASE * said[:3], mirrored_pose(said[3:9]), said[9:]])
    command[:3], command[SIDES[side]] = said[:3], said[3:]
    idle = SIDES["left" if side == "right" else "right"]
    ready = READY_BOTH[idle]
    command[idle][:3] += towards(ready[:3] - command[idle][:3], 0.035)
    command[idle][3:6] += towards(ready[3:6] - command[idle][3:6], 0.09)
    command[idle.stop - 1] = max(0.0, command[idle.stop - 1] - 0.2)
    return command, phase


def hands_chunk(state: HandsState, steps: int) -> tuple[Array, str]:
    """The expert's plan (T, 17) from a state, unrolled by kinematics, and its phase."""
    chunk, first, dt_s = [], "", 1.0 / G1_TWO_HANDS.control_hz
    for _ in range(steps):
        side = hand_for(state)
        command, phase = hands_command(state)
        command = clip_hands(command)
        first = first or phase
        chunk.append(command)
        seen = seen_by(replace(state, body=replace(state.body, command=command)), side)
        after = advance(seen_by(state, side), seen.command, phase, dt_s)
        state = _unseen(state, after, side, command)
    return np.array(chunk), first


def clip_hands(command: Array) -> Array:
    """A command (17,) within limits, with the base exactly still below
    `STANDING_SPEED`."""
    body = G1_TWO_HANDS
    command = np.clip(command, body.action_lower, body.action_upper)
    if np.abs(command[:3]).max() < STANDING_SPEED:
        command[:3] = 0.0
    return command


def _unseen(
    state: HandsState, after: ExpertState, side: str, command: Array
) -> HandsState:
    """The state after a command, from what the one-handed expert would see."""
    if side == "left":
        after = replace(
            after,
            position=_FLIP @ after.position,
            rotation=_FLIP @ after.rotation @ _FLIP,
            velocity=_FLIP @ after.velocity,
            gyro=after.gyro * [-1.0, 1.0, -1.0],
            grasp_point=_FLIP @ after.grasp_point,
            palm=_FLIP @ after.palm,
            goal=state.body.goal,
            frame=state.body.frame,
        )
    palms = {
        name: after.position + after.rotation @ command[part][:3]
        for name, part in SIDES.items()
    }
    body = replace(after, palm=palms["right"], command=command)
    return HandsState(body=body, left_palm=palms["left"])

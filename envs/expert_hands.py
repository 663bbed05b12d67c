"""The demonstrator with both hands: it takes what is asked for with the nearer one, or
with the only one that has a way to it.

The left hand is the right one in a mirror: the world is mirrored, the one-handed expert
asked, and its command mirrored back. The other arm goes to its ready pose.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.expert import (
    ExpertState,
    advance,
    clip_command,
    in_view,
    towards,
)
from brownfield.envs.expert_plan import next_command
from brownfield.robot.g1.body import G1_TWO_HANDS
from brownfield.robot.g1.controller import READY_BOTH
from brownfield.robot.g1.upper_body import mirrored_pose

Array = NDArray[np.float64]

SIDES = {"right": slice(3, 10), "left": slice(10, 17)}
"""Palm and grip of each hand in a command (17,)."""
STAYS_M = 0.10
"""A hand that was chosen stays while the object is no farther on the other side than
this [m]: the other one is raised."""
RAISED_M = 0.12
"""The hand that has nothing to do waits so far above its ready pose, where no bottle
reaches [m]."""
_FLIP = np.diag([1.0, -1.0, 1.0])


@dataclass(frozen=True, kw_only=True)
class HandsState:
    """What the expert sees; world frame, see `ExpertState`."""

    body: ExpertState
    """Of the robot and the object; its palm is the right one, its command (17,)."""
    left_palm: Array
    """Measured left palm (3,) [m]."""
    free: str | None = None
    """The only hand that has a way to the object; None for the nearer one."""


def hand_for(state: HandsState) -> str:
    """The hand that takes the object: the one at work, else the nearer one; the right
    one where there is nothing to take, or before an object was ever seen."""
    if state.body.goes:
        return "right"
    hands = {side: state.body.command[part] for side, part in SIDES.items()}
    reaching = [side for side, hand in hands.items() if _reaches(side, hand)]
    closed = [side for side in reaching if hands[side][6] > 0.05]
    if closed or len(reaching) == 1:
        return (closed or reaching)[0]
    raised = _raised(state)
    if not in_view(state.body):
        # Nobody knows on which side it is.
        return "left" if raised == ["right"] else "right"
    if state.free is not None:
        return state.free
    # Along the counter: seen from the robot a turn would change it.
    aside = state.body.grasp_point[1] - state.body.position[1]
    if len(raised) == 1:
        # Who waits above has not been chosen: swaying must not change that.
        aside += STAYS_M if raised[0] == "right" else -STAYS_M
    return "left" if aside > 0 else "right"


def _is_chosen(state: HandsState) -> bool:
    """Whether one hand is to take something, so that the other one gives way."""
    if state.body.goes:
        return False
    hands = ((side, state.body.command[part]) for side, part in SIDES.items())
    reaching = any(_reaches(side, hand) for side, hand in hands)
    return reaching or in_view(state.body) or len(_raised(state)) == 1


def _raised(state: HandsState) -> list[str]:
    """The hands that are above their ready pose."""
    command = state.body.command
    return [s for s, part in SIDES.items() if _raised_m(s, command[part]) > 0.02]


def _reaches(side: str, hand: Array) -> bool:
    """Whether a hand (7,) is away from where it waits, ready or raised."""
    away = hand[:3] - READY_BOTH[SIDES[side]][:3]
    away[2] -= _raised_m(side, hand)
    return float(np.linalg.norm(away)) > 0.03


def _raised_m(side: str, hand: Array) -> float:
    """How far a hand (7,) is above its ready pose, as far as a waiting one is [m]."""
    above = hand[2] - READY_BOTH[SIDES[side]][2]
    return float(np.clip(above, 0.0, RAISED_M))


def seen_by(state: HandsState, side: str) -> ExpertState:
    """The state as the one-handed expert sees it, in a mirror for the left hand."""
    body, own = state.body, state.body.command[SIDES[side]]
    command = np.concatenate([body.command[:3], own])
    if side == "right":
        return replace(body, command=command)
    return _mirrored(replace(body, palm=state.left_palm, command=command))


def hands_command(state: HandsState) -> tuple[Array, str]:
    """The next command (17,) and the name of the phase, see `next_command`."""
    side = hand_for(state)
    if len(_raised(state)) == 1:
        # Chosen for what was seen already: who passes what stands before it goes on.
        state = replace(state, body=replace(state.body, covered=False))
    said, phase = next_command(seen_by(state, side))
    command = state.body.command.copy()
    if side == "left":
        said = _mirrored_command(said)
    command[:3], command[SIDES[side]] = said[:3], said[3:]
    idle = SIDES["left" if side == "right" else "right"]
    waits = READY_BOTH[idle].copy()
    waits[2] += RAISED_M * _is_chosen(state)
    command[idle][:3] += towards(waits[:3] - command[idle][:3], 0.035)
    command[idle][3:6] += towards(waits[3:6] - command[idle][3:6], 0.09)
    command[idle.stop - 1] = max(0.0, command[idle.stop - 1] - 0.2)
    return command, phase


def hands_chunk(state: HandsState, steps: int) -> tuple[Array, str]:
    """The expert's plan (T, 17) from a state, unrolled by kinematics, and its phase."""
    chunk, first, dt_s = [], "", 1.0 / G1_TWO_HANDS.control_hz
    for _ in range(steps):
        side = hand_for(state)
        command, phase = hands_command(state)
        command = clip_command(command, G1_TWO_HANDS)
        first = first or phase
        chunk.append(command)
        seen = seen_by(replace(state, body=replace(state.body, command=command)), side)
        after = advance(seen_by(state, side), seen.command, phase, dt_s)
        state = replace(_unseen(after, side, command), free=state.free)
    return np.array(chunk), first


def _mirrored(state: ExpertState) -> ExpertState:
    """A state of one hand (its command (10,)) with left and right exchanged."""
    return replace(
        state,
        position=_FLIP @ state.position,
        rotation=_FLIP @ state.rotation @ _FLIP,
        velocity=_FLIP @ state.velocity,
        gyro=state.gyro * [-1.0, 1.0, -1.0],
        grasp_point=_FLIP @ state.grasp_point,
        palm=_FLIP @ state.palm,
        command=_mirrored_command(state.command),
        goal=None if state.goal is None else _FLIP @ state.goal,
        frame=None if state.frame is None else state.frame * [1.0, -1.0, -1.0],
    )


def _mirrored_command(command: Array) -> Array:
    """A command (10,) of one hand as the other one gets it."""
    base = command[:3] * [1.0, -1.0, -1.0]
    return np.concatenate([base, mirrored_pose(command[3:9]), command[9:]])


def _unseen(after: ExpertState, side: str, command: Array) -> HandsState:
    """The state after a command, from what the one-handed expert would see."""
    if side == "left":
        after = _mirrored(after)
    palms = {
        name: after.position + after.rotation @ command[part][:3]
        for name, part in SIDES.items()
    }
    body = replace(after, palm=palms["right"], command=command)
    return HandsState(body=body, left_palm=palms["left"])

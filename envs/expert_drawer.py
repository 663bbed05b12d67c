"""The demonstrator opens a drawer, without timers.

The handle is an upright bar, taken as a cup is; with it in the hand the palm comes
back, and once the drawer is open the hand lets go.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.expert import (
    GRASP_ROTATION,
    OPENING_GRIP,
    ExpertState,
    expert_command,
    towards,
)
from brownfield.envs.expert_place import holds, let_go
from brownfield.robot.g1.upper_body import vector_from_rotation

Array = NDArray[np.float64]

CLEAR_M = 0.14
"""A hand so far from the handle is free of it [m]."""
NEAR_M = 0.21
"""A palm nearer to the pelvis than this can pull no further: the robot steps back
[m]."""


def is_open(state: ExpertState) -> bool:
    """Whether the handle is where it shall be; once the hand opens, with more room."""
    assert state.goal is not None
    room = 0.005 if state.command[9] > OPENING_GRIP else 0.04
    return bool(state.grasp_point[0] < state.goal[0] + room)


def open_command(state: ExpertState) -> tuple[Array, str]:
    """The next command (10,) and the name of the phase.

    Returns:
        command: in the units of `G1_BODY.action`.
        phase: those of `expert_command`, and draw, release, retreat or done.
    """
    if is_open(state):
        command, phase = let_go(state)
        away = float(np.linalg.norm(state.palm - state.grasp_point))
        if phase == "retreat" and away < CLEAR_M:
            # The arm is folded already: the robot takes the hand back with it.
            command[0] = -0.2
        return command, phase
    if not holds(state):
        return expert_command(state)
    palm, rotation = state.command[3:6], state.command[6:9]
    wanted = vector_from_rotation(state.rotation.T @ GRASP_ROTATION)
    turned = rotation + towards(wanted - rotation, 0.08)
    assert state.goal is not None
    # By where the handle is, with a lead that pulls.
    aim = state.position + state.rotation @ palm
    left = state.goal - state.grasp_point
    lead = np.array([-0.045, 0.5 * left[1], state.grasp_point[2] - state.palm[2]])
    new_aim = aim + towards(state.palm + lead - aim, 0.025)
    new = state.rotation.T @ (new_aim - state.position)
    back = -0.15 if new[0] < NEAR_M else 0.0
    new[0] = max(new[0], NEAR_M - 0.04)
    return np.concatenate([[back, 0.0, 0.0], new, turned, [1.0]]), "draw"

"""The demonstrator's plan: its next commands, unrolled by kinematics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.expert import ExpertState, advance, clip_command, expert_command
from brownfield.envs.expert_drawer import open_command
from brownfield.envs.expert_place import go_command, place_command
from brownfield.robot.g1.body import G1_BODY

Array = NDArray[np.float64]


def next_command(state: ExpertState) -> tuple[Array, str]:
    """The next command (10,) and the name of the phase, whatever is to be done."""
    if state.goes:
        return go_command(state)
    if state.opens:
        return open_command(state)
    return expert_command(state) if state.goal is None else place_command(state)


def expert_chunk(
    state: ExpertState, steps: int = G1_BODY.chunk_steps
) -> tuple[Array, str]:
    """The expert's plan (T, 10) from a state, unrolled by kinematics, and its phase."""
    chunk, first = [], ""
    for _ in range(steps):
        command, phase = next_command(state)
        command = clip_command(command)
        first = first or phase
        chunk.append(command)
        state = advance(state, command, phase, 1.0 / G1_BODY.control_hz)
    return np.array(chunk), first

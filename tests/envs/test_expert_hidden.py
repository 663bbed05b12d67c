"""What something hides is looked for as if it were not there."""

from collections.abc import Iterator
from dataclasses import replace

import mujoco
import numpy as np
import pytest

from brownfield.envs.expert import (
    COUNTER_POINT,
    EITHER_SIDE_M,
    ExpertState,
    advance,
    expert_command,
)
from brownfield.envs.expert_hands import SIDES, hand_for, hands_command
from brownfield.envs.expert_place import go_command
from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.robot.g1.controller import READY_COMMAND


def _state(x: float, y: float, thing_y: float, **changes) -> ExpertState:
    """Before a counter, with something on it that is covered."""
    position = np.array([x, y, 0.75])
    state = ExpertState(
        position=position,
        rotation=np.eye(3),
        velocity=np.zeros(3),
        gyro=np.zeros(3),
        grasp_point=np.array([0.42, thing_y, 0.95]),
        rest_height_m=0.95,
        palm=position + READY_COMMAND[3:6],
        command=READY_COMMAND.copy(),
        covered=True,
    )
    return replace(state, **changes)


def _told(state: ExpertState, *base: float) -> ExpertState:
    """The same after another base velocity."""
    command = state.command.copy()
    command[:3] = base
    return replace(state, command=command)


THINGS_Y = (-0.6, -0.13, 0.4)


def test_from_near_it_steps_back_as_from_what_is_out_of_view() -> None:
    states = [_state(-0.5, 0.3, y) for y in THINGS_Y]
    states.append(_state(-0.5, 0.3, 2.0, covered=False))
    said = [expert_command(state) for state in states]
    assert all(phase == "search" for _, phase in said)
    for command, _ in said:
        np.testing.assert_array_equal(command[:3], [-0.3, 0.0, 0.0])


def test_from_afar_it_goes_where_it_would_go_if_nothing_were_there() -> None:
    """Nobody can tell yet what is behind something, and whether anything is."""
    x, y = COUNTER_POINT
    middle = np.array([x, y - 0.13, 0.95])
    for at, yaw in (((-0.9, 0.6), 0.0), ((-1.5, -0.7), 0.3), ((-1.2, 0.1), -0.2)):
        c, s = np.cos(yaw), np.sin(yaw)
        turned = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        states = [_state(*at, thing_y, rotation=turned) for thing_y in THINGS_Y]
        commands = [expert_command(state)[0] for state in states]
        assert np.ptp(commands, axis=0).max() == 0
        # As `KitchenTruth` tells what is not there.
        absent = replace(
            states[0], goal=middle, along_m=EITHER_SIDE_M, goes=True, covered=False
        )
        np.testing.assert_allclose(commands[0], go_command(absent)[0])


def test_who_is_on_the_way_does_not_turn_back() -> None:
    state = _state(-0.5, 0.3, 0.4)
    for base in ((0.3, 0.0, 0.0), (0.0, -0.3, 0.0)):
        command, phase = expert_command(_told(state, *base))
        assert phase == "search" and command[0] > -0.2 and command[1] < 0
    # Who steps back and is carried aside goes on too.
    command, _ = expert_command(_told(state, -0.3, 0.15, 0.0))
    assert command[0] == -0.3


@pytest.mark.parametrize("thing_y", THINGS_Y)
def test_it_comes_to_what_stays_covered_from_anywhere(thing_y: float) -> None:
    for x in (-1.4, -0.8, -0.5, -0.3, 0.0):
        for y in (-0.5, 0.0, 0.5):
            state, phase = _state(x, y, thing_y), ""
            for _ in range(200):
                command, phase = expert_command(state)
                if phase not in ("search", "walk", "settle"):
                    break
                state = advance(state, command, phase, 0.1)
            assert phase == "pregrasp", (x, y, state.position)


@pytest.fixture(scope="module")
def env() -> Iterator[KitchenEnv]:
    """A kitchen where a jar hides something wherever there is room for it."""
    kitchen = KitchenConfig(hidden=1.0, object_y_m=(-0.5, 0.25), named=("box", "bowl"))
    env = KitchenEnv(KitchenEnvConfig(start="wide", hands="both", kitchen=kitchen))
    yield env
    env.close()


def test_who_has_chosen_a_hand_goes_on_past_the_jar(env: KitchenEnv) -> None:
    """Else it would turn back at every border of what the jar covers."""
    for seed in range(680700, 680720):
        env.reset(seed=seed)
        if env.kitchen.hidden is not None:
            break
    state = env.hands_state()
    at = np.array([-0.5, state.body.grasp_point[1] + 0.3, 0.75])
    before = replace(state.body, position=at, rotation=np.eye(3))
    command = before.command.copy()
    command[SIDES["right" if state.free == "left" else "left"]][2] += 0.1
    seen = [
        hands_command(
            replace(state, body=replace(before, command=command, covered=covered))
        )[0]
        for covered in (True, False)
    ]
    np.testing.assert_array_equal(seen[0], seen[1])
    unchosen = replace(state, body=replace(before, covered=True))
    assert hands_command(unchosen)[0][0] == -0.3


def test_a_jar_that_was_moved_leaves_both_hands_free(env: KitchenEnv) -> None:
    for seed in range(680700, 680720):
        env.reset(seed=seed)
        if env.kitchen.hidden is not None:
            break
    hidden = env.kitchen.hidden
    assert hidden is not None
    assert env.hands_state().free == ("right" if hidden.side > 0 else "left")
    address = env.model.joint(hidden.jar).qposadr[0]
    env.data.qpos[address : address + 2] += [0.0, 0.3 * hidden.side]
    mujoco.mj_forward(env.model, env.data)
    assert env.hands_state().free is None


def test_the_hand_beside_the_jar_takes_it(env: KitchenEnv) -> None:
    """The nearer hand may be the one whose way the jar stands in."""
    taken: dict[float, int] = {}
    for seed in range(680700, 680720):
        env.reset(seed=seed)
        hidden = env.kitchen.hidden
        if hidden is None or taken.get(hidden.side):
            continue
        side = "right" if hidden.side > 0 else "left"
        state = env.hands_state()
        found = replace(state, body=replace(state.body, covered=False))
        # Before it, on either side of it.
        for y in (-0.12, 0.12):
            at = np.array([-0.4, found.body.grasp_point[1] + y, 0.75])
            body = replace(found.body, position=at, rotation=np.eye(3))
            assert hand_for(replace(found, body=body)) == side
        over, info = False, {}
        while not over:
            command = env.clip(hands_command(env.hands_state())[0])
            _, _, done, late, info = env.step(command)
            over = done or late
        assert info["success"] and info["hand"] == side, (seed, info["reason"])
        taken[hidden.side] = seed
    assert set(taken) == {-1.0, 1.0}

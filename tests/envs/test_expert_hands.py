"""The demonstrator with both hands: a mirror's law, and either hand at work."""

from dataclasses import replace

import numpy as np
import pytest

from brownfield.envs import kitchen_truth
from brownfield.envs.expert import (
    EITHER_SIDE_M,
    STANCE_RANGE_M,
    STANCE_X_M,
    STANCE_Y_M,
    clip_command,
    in_view,
)
from brownfield.envs.expert_hands import (
    RAISED_M,
    SIDES,
    HandsState,
    hand_for,
    hands_chunk,
    hands_command,
)
from brownfield.envs.expert_place import CARRY_POSITION
from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.robot.g1.body import G1_TWO_HANDS
from brownfield.robot.g1.controller import READY_BOTH
from brownfield.robot.g1.upper_body import mirrored_pose


@pytest.fixture(scope="module")
def env() -> KitchenEnv:
    return KitchenEnv(KitchenEnvConfig(hands="both"))


def _mirrored(state: HandsState) -> HandsState:
    flip, base = np.diag([1.0, -1.0, 1.0]), np.array([1.0, -1.0, -1.0])
    body = state.body
    hands = [body.command[SIDES[side]] for side in ("left", "right")]
    swapped = [np.append(mirrored_pose(hand[:6]), hand[6]) for hand in hands]
    return HandsState(
        body=replace(
            body,
            position=flip @ body.position,
            rotation=flip @ body.rotation @ flip,
            velocity=flip @ body.velocity,
            gyro=-flip @ body.gyro,
            grasp_point=flip @ body.grasp_point,
            goal=None if body.goal is None else flip @ body.goal,
            frame=None if body.frame is None else body.frame * base,
            palm=flip @ state.left_palm,
            command=np.concatenate([base * body.command[:3], *swapped]),
        ),
        left_palm=flip @ body.palm,
        free={"left": "right", "right": "left"}.get(state.free or ""),
    )


def _holding(state: HandsState) -> HandsState:
    """The same with what is asked for in the hand that takes it, pulled to the body."""
    side = hand_for(state)
    command = state.body.command.copy()
    x, y, _ = CARRY_POSITION
    command[SIDES[side]][:3] = x, y if side == "right" else -y, 0.3
    command[SIDES[side]][6] = 1.0
    palm = state.body.position + state.body.rotation @ command[SIDES[side]][:3]
    body = replace(state.body, command=command, grasp_point=palm)
    if side == "right":
        return replace(state, body=replace(body, palm=palm))
    return replace(state, body=body, left_palm=palm)


@pytest.mark.parametrize("task", ["pick", "bring"])
def test_a_mirrored_world_gets_a_mirrored_command(task: str) -> None:
    env = KitchenEnv(KitchenEnvConfig(hands="both", tasks=(task,)))
    for seed in range(4):
        env.reset(seed=seed)
        for _ in range(15):
            env.step(env.plan(steps=1)[0])
        state = env.hands_state()
        if task == "bring":
            state = _holding(state)
        other = _mirrored(state)
        assert {hand_for(state), hand_for(other)} == {"left", "right"}
        command, phase = hands_command(state)
        turned, same = hands_command(other)
        assert phase == same
        np.testing.assert_allclose(turned[:3], command[:3] * [1, -1, -1], atol=1e-9)
        for one, two in (("left", "right"), ("right", "left")):
            np.testing.assert_allclose(
                turned[SIDES[one]][:6],
                mirrored_pose(command[SIDES[two]][:6]),
                atol=1e-9,
            )
    env.close()


def test_the_idle_hand_waits_above_what_stands_there(env: KitchenEnv) -> None:
    env.reset(seed=0)
    state = env.hands_state()
    side = hand_for(state)
    idle = SIDES["left" if side == "right" else "right"]
    moved = state.body.command.copy()
    moved[idle][:3] += 0.02
    waits = READY_BOTH[idle].copy()
    waits[2] += RAISED_M
    for _ in range(8):
        body = replace(state.body, command=moved)
        assert hand_for(replace(state, body=body)) == side
        moved, _ = hands_command(replace(state, body=body))
    np.testing.assert_allclose(moved[idle], waits, atol=1e-9)
    chunk, _ = hands_chunk(state, 8)
    assert chunk.shape == (8, 17)
    np.testing.assert_allclose(
        chunk[0], clip_command(hands_command(state)[0], G1_TWO_HANDS)
    )
    rates = np.abs(np.diff(chunk, axis=0)) * G1_TWO_HANDS.control_hz
    assert (rates <= G1_TWO_HANDS.action_max_rate + 1e-6).all()


@pytest.mark.parametrize(("seed", "side"), [(0, "left"), (3, "right")])
def test_either_hand_lifts_what_is_asked_for(seed: int, side: str) -> None:
    env = KitchenEnv(KitchenEnvConfig(hands="both"))
    try:
        observation, info = env.reset(seed=seed)
        assert observation["state"].shape == (G1_TWO_HANDS.state_dim,)
        over = late = False
        used, seen = set(), False
        while not (over or late):
            state = env.hands_state()
            seen |= in_view(state.body)
            if seen:
                used.add(hand_for(state))
            observation, _, over, late, info = env.step(env.plan(steps=1)[0])
        assert info["success"], info["reason"]
        assert env.doing() == "lifting"
        # Once it was seen, swaying does not change it.
        assert used == {side}
        assert info["hand"] == side
    finally:
        env.close()


def test_no_hand_is_chosen_for_what_was_never_seen(env: KitchenEnv) -> None:
    """Both stay ready: a raised one would tell on which side nobody can know."""
    env.reset(seed=0)
    state = env.hands_state()
    heading = np.eye(3)
    body = replace(state.body, position=np.array([-0.3, 0.0, 0.75]), rotation=heading)
    told = []
    for aside in (-0.6, 0.6):
        unseen = replace(body, grasp_point=np.array([0.45, aside, 0.95]))
        assert not in_view(unseen)
        command, phase = hands_command(replace(state, body=unseen))
        assert phase == "search"
        np.testing.assert_allclose(command[3:], READY_BOTH[3:], atol=1e-6)
        told.append(command)
        # Who was chosen when it was seen stays so.
        for side, other in (("left", "right"), ("right", "left")):
            raised = unseen.command.copy()
            raised[SIDES[other]][2] += RAISED_M
            chosen = replace(state, body=replace(unseen, command=raised))
            assert hand_for(chosen) == side
            kept, _ = hands_command(chosen)
            assert kept[SIDES[other]][2] > READY_BOTH[SIDES[other]][2] + 0.1
    np.testing.assert_array_equal(*told)


def test_the_truth_about_carrying_is_of_the_hand_that_carries(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The way told is to where that hand reaches the table, beside it and before it."""
    monkeypatch.setattr(kitchen_truth, "holds", lambda state: True)
    env = KitchenEnv(KitchenEnvConfig(hands="both", tasks=("bring",)))
    sides = set()
    for seed in range(6):
        env.reset(seed=seed)
        state = env.hands_state()
        body, side = state.body, hand_for(state)
        assert body.goal is not None and body.frame is not None
        x, y, heading = body.frame
        c, s = np.cos(heading), np.sin(heading)
        turn = np.array([[c, -s], [s, c]])
        goal = turn.T @ (body.goal[:2] - [x, y])
        # Anywhere near the middle of the table: where the hand is.
        beside = STANCE_Y_M * (1 if side == "right" else -1)
        here = float((turn.T @ (body.position[:2] - [x, y]))[1])
        goal[1] += np.clip(here - beside - goal[1], -EITHER_SIDE_M, EITHER_SIDE_M)
        # Where it stands there: the stance of a thing on the counter, in that frame.
        ahead = np.clip(goal[0] - STANCE_X_M, *STANCE_RANGE_M)
        stance = np.array([ahead, goal[1] + beside])
        way = turn @ stance + [x, y] - body.position[:2]
        c, s = np.cos(body.yaw), np.sin(body.yaw)
        told = env.privileged()
        np.testing.assert_allclose(
            told[3:5], np.array([[c, s], [-s, c]]) @ way, atol=1e-5
        )
        place = np.array([*(turn @ goal + [x, y]), body.goal[2]])
        seen = body.rotation.T @ (place - body.position)
        np.testing.assert_allclose(told[:3], seen, atol=1e-5)
        np.testing.assert_allclose(told[7:], env.truth.pixel(place), atol=1e-5)
        sides.add(side)
    assert sides == {"left", "right"}

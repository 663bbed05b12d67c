"""A policy that looks into a mirror too answers a mirrored look in a mirror."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.policies.agent import PolicyAgent
from brownfield.policies.bench import fit_quickly, made_up_windows
from brownfield.policies.checkpoint import Checkpoint
from brownfield.policies.mirror import exchange
from brownfield.policies.mirror_look import MirrorLook
from brownfield.policies.model import ModelConfig
from brownfield.policies.policy import StreamPolicy
from brownfield.policies.port_sizes import port_sizes
from brownfield.policies.tokenize import fit_action
from brownfield.robot.g1.body import G1_BODY, G1_TWO_HANDS

ACTION = exchange([field.name for field in G1_TWO_HANDS.action])
STATE = exchange([field.name for field in G1_TWO_HANDS.state])
MIDDLE = 63
"""Id that means rest or no change, of 127."""


@pytest.fixture(scope="module")
def looks() -> list[dict[str, Any]]:
    """What is seen while the expert moves for two seconds."""
    env = KitchenEnv(KitchenEnvConfig(hands="both"))
    observation, _ = env.reset(seed=4)
    seen = [observation]
    for _ in range(20):
        observation = env.step(env.plan()[0])[0]
        seen.append(observation)
    env.close()
    return seen[::2]


def mirrored(look: dict[str, Any]) -> dict[str, Any]:
    """A look from beyond the mirror."""
    order, sign = STATE
    return {"head": look["head"][:, ::-1].copy(), "state": look["state"][order] * sign}


def said(agent: PolicyAgent, looks: list[dict[str, Any]], prompt: str) -> np.ndarray:
    """Ids (looks, knots, D)."""
    agent.reset(prompt)
    ids = [agent.act({k: look[k] for k in ("head", "state")}) for look in looks]
    return np.array(ids).reshape(len(looks), -1, len(ACTION[0]))


def test_beyond_the_mirror_it_says_the_mirrored_answer(
    looks: list[dict[str, Any]],
) -> None:
    order, sign = ACTION
    agent = PolicyAgent("g1_kitchens")
    here = said(agent, looks, "pick up the left cup")
    there = said(agent, [mirrored(look) for look in looks], "pick up the right cup")
    back = np.where(sign < 0, 2 * MIDDLE - there, there)[..., order]
    # Of two ids that are as likely, or a mean that is rounded, either may be said.
    assert np.abs(here - back).max() <= 1
    assert (here == back).mean() > 0.99


def test_alone_it_does_not(looks: list[dict[str, Any]]) -> None:
    order, sign = ACTION
    agent = PolicyAgent("g1_kitchens", mirror=False)
    here = said(agent, looks, "pick up the left cup")
    there = said(agent, [mirrored(look) for look in looks], "pick up the right cup")
    back = np.where(sign < 0, 2 * MIDDLE - there, there)[..., order]
    assert (here == back).mean() < 0.9


def test_a_mean_is_of_what_both_find_likely() -> None:
    look = MirrorLook(G1_TWO_HANDS)
    names = [field.name for field in G1_TWO_HANDS.action]
    logits = torch.full((2, 2 * len(names), 127), -30.0)
    logits[..., MIDDLE] = 0.0
    palm, other = names.index("palm_y"), names.index("left_palm_y")
    logits[0, palm, 80] = 2.0
    # Beyond the mirror the left hand goes as far to the other side.
    logits[1, other, 2 * MIDDLE - 80] = 2.0
    mean = look.mean(logits).softmax(-1)
    torch.testing.assert_close(mean[0, palm], logits[0, palm].softmax(-1))
    still = logits[0, other].softmax(-1)
    torch.testing.assert_close(mean[0, other], still)
    assert mean.shape == (1, 2 * len(names), 127)


def test_only_two_alike_sides_have_a_mirror() -> None:
    with pytest.raises(ValueError, match="both sides"):
        MirrorLook(G1_BODY)
    with pytest.raises(ValueError, match="both sides"):
        PolicyAgent("g1_kitchen", mirror=True)


def test_the_longest_prompt_may_say_left() -> None:
    agent = PolicyAgent("g1_kitchens")
    agent.reset("pick up the left cup, the cup that stands on the left, please!!!")
    with pytest.raises(ValueError, match="at most 64 bytes"):
        agent.reset("pick up the left cup, the cup that stands on the left, please!!!!")
    agent.reset("Pick up the LEFT cup")


def test_strings_have_no_mean() -> None:
    """A policy that answers id after id looks into no mirror, however it learned."""
    windows = made_up_windows(64, G1_TWO_HANDS)
    strings = {windows.body: fit_action(windows, "ladder")}
    tokenizers = replace(fit_quickly(windows), action=strings)
    ports = {G1_TWO_HANDS.name: port_sizes(G1_TWO_HANDS.name, tokenizers, 6)}
    model = ModelConfig(width=32, layers=2, heads=2)
    policy = StreamPolicy(model, ports, tokenizers.video)
    checkpoint = Checkpoint(
        policy=policy, tokenizers=tokenizers, facts={"config": {"mirror": True}}
    )
    agent = PolicyAgent(checkpoint)
    agent.reset("pick up the cup")
    state = np.zeros(agent.body.state_dim, np.float32)
    agent.act({"head": np.zeros((64, 64, 3), np.uint8), "state": state})
    with pytest.raises(ValueError, match="with strings"):
        PolicyAgent(checkpoint, mirror=True)

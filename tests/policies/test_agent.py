"""The agent: pure in its observation, clear about bad input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from brownfield.policies.agent import PolicyAgent
from brownfield.policies.token_stream import grammar_of
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.trajectory import Trajectory


@pytest.fixture(scope="module")
def agent(checkpoint_folder: Path) -> PolicyAgent:
    return PolicyAgent(checkpoint_folder)


@pytest.fixture
def observation(episode: Trajectory) -> dict[str, Any]:
    return {"head": episode.frames["head"][0], "state": episode.state[0]}


def test_ids_are_legal_and_repeatable(
    agent: PolicyAgent, observation: dict[str, Any]
) -> None:
    agent.reset("pick up the coffee cup")
    ids = agent.act(observation)
    assert ids.shape == (agent.action_tokenizer.n_tokens,) and ids.dtype == np.int64
    assert ((ids >= 0) & (ids < agent.action_tokenizer.vocab_size)).all()
    assert np.array_equal(ids, agent.act(observation))
    assert agent.thought is not None
    assert agent.thought.video_ids.shape == (8, 8)
    assert agent.thought.state_ids.shape == (G1_BODY.state_dim,)


def test_what_was_seen_and_said_is_one_stream(
    agent: PolicyAgent, observation: dict[str, Any]
) -> None:
    agent.reset("pick up the box")
    said = [agent.act(observation) for _ in range(3)]
    agent.imagine(observation, said[0])
    assert agent.stream is not None and len(agent.stream) == 3
    vocabulary = agent.checkpoint.vocabulary
    assert vocabulary is not None
    grammar = grammar_of(agent.checkpoint.tokenizers, agent.body, vocabulary)
    arrays = grammar.parse(agent.stream.ids())
    assert bytes(arrays.text.astype(np.uint8)).decode() == "pick up the box"
    assert arrays.video["head"].shape == (3, 8, 8)
    assert np.array_equal(arrays.action, said[:2])


def test_pictures_come_from_tokens(
    agent: PolicyAgent, observation: dict[str, Any]
) -> None:
    agent.reset("pick up the box")
    ids = agent.act(observation)
    for frame in (agent.seen_frame(), agent.imagine(observation, ids)):
        assert frame.shape == (64, 64, 3) and frame.dtype == np.uint8


def test_an_observed_prompt_is_obeyed(
    agent: PolicyAgent, observation: dict[str, Any]
) -> None:
    agent.reset("pick up the box")
    agent.act(observation | {"prompt": "pick up the bottle"})
    assert agent.prompt == "pick up the bottle"


def test_bad_observations_are_named(
    agent: PolicyAgent, observation: dict[str, Any]
) -> None:
    agent.reset("pick up the box")
    broken = observation["state"].copy()
    broken[3] = np.nan
    with pytest.raises(ValueError, match=G1_BODY.state[3].name):
        agent.act(observation | {"state": broken})
    with pytest.raises(ValueError, match=r"shape \(95,\)"):
        agent.act(observation | {"state": np.zeros(4, np.float32)})
    with pytest.raises(ValueError, match="uint8"):
        agent.act(observation | {"head": np.zeros((128, 128, 3))})
    with pytest.raises(ValueError, match="lacks 'state'"):
        agent.act({"head": observation["head"]})


@pytest.mark.parametrize("prompt", ["", "x" * 10_000])
def test_bad_prompts_are_refused(agent: PolicyAgent, prompt: str) -> None:
    with pytest.raises(ValueError, match="prompt"):
        agent.reset(prompt)


def test_two_hands_that_stand_still_say_something_else_after_a_while() -> None:
    agent = PolicyAgent("g1_kitchens")
    agent.reset("open the drawer")
    frame = np.full((64, 64, 3), 128, np.uint8)
    still = {"head": frame, "state": np.zeros(agent.body.state_dim, np.float32)}
    said = [agent.act(still, step=step) for step in range(0, 20, 2)]
    assert np.array_equal(said[-2], said[-1])
    drawn = agent.act(still, step=20)
    assert not np.array_equal(said[-1], drawn)
    # A look that is taken again, for a film, says the same.
    assert np.array_equal(drawn, agent.act(still, step=20))
    assert np.array_equal(said[-1], agent.act(still, step=22))

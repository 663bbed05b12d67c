"""The small policy and its comparison, in miniature."""

import importlib.util
from dataclasses import replace

import numpy as np
import pytest
import torch

from brownfield.policies.learnability import (
    LearnabilityConfig,
    contestant,
    demonstrate,
    drive_expert,
    learnability,
    learnability_rows,
)
from brownfield.policies.token_policy import TokenPolicy, TokenPolicyConfig

SPEC = importlib.util.find_spec("tokenizers")
HAS_BPE = SPEC is not None and SPEC.origin is not None
SMALL = LearnabilityConfig(
    tokenizers=("ladder", "bins"),
    demonstrations=6,
    steps=3,
    batch=16,
    tests=4,
    training_seeds=(0,),
)


def test_writing_is_what_teaching_taught():
    torch.manual_seed(0)
    policy = TokenPolicy(TokenPolicyConfig(observation=5, vocab_size=9, longest=6))
    seen = torch.randn(7, 5)
    ids = policy.write(seen, None)
    assert ids.shape == (7, 6) and (ids < 9).all()
    logits = policy(seen, ids[:, :-1])
    assert logits.shape == (7, 6, 10)
    # One pass over a string says the same as writing it id by id.
    assert torch.equal(logits[..., :9].argmax(-1), ids)


def test_no_id_sees_what_follows():
    policy = TokenPolicy(TokenPolicyConfig(observation=5, vocab_size=9, longest=6))
    seen, ids = torch.randn(2, 5), torch.randint(0, 9, (2, 5))
    other = ids.clone()
    other[:, 3:] = (other[:, 3:] + 1) % 9
    first, second = policy(seen, ids), policy(seen, other)
    torch.testing.assert_close(first[:, :4], second[:, :4])
    assert not torch.allclose(first[:, 4:], second[:, 4:])


def test_contestants_come_back():
    demos = demonstrate(SMALL)
    names = LearnabilityConfig().tokenizers
    for name in names if HAS_BPE else ("ladder", "B-spline", "bins"):
        own = contestant(name, demos, LearnabilityConfig(demonstrations=6))
        assert len(own.strings) == len(demos.last)
        assert own.rmse < 0.05
    with pytest.raises(ValueError, match="ladder, FAST"):
        contestant("words", demos, SMALL)


@pytest.mark.skipif(not HAS_BPE, reason="the extra `peers` is not installed")
def test_a_grammar_makes_every_string_whole():
    demos = demonstrate(SMALL)
    own = contestant("FAST", demos, LearnabilityConfig(demonstrations=6))
    longest = max(map(len, own.strings)) + 40
    config = TokenPolicyConfig(
        observation=14, vocab_size=own.vocab_size, longest=longest
    )
    policy = TokenPolicy(config)
    ids = policy.write(torch.randn(5, 14), own.allowed).numpy()
    for string in ids:
        rows = own.decode(string[string != policy.end], demos.last[0], demos.last[0])
        assert rows.shape == (SMALL.what.chunk, 3) and np.isfinite(rows).all()


@pytest.mark.parametrize("task", ["reacher", "road"])
def test_the_comparison_runs(task):
    result = learnability(replace(SMALL, task=task))
    rows = learnability_rows(result)
    assert [row[0] for row in rows] == ["expert", "ladder", "bins"]
    assert len(result["tokenizers"]["ladder"]["success"][0]) == 4


def test_an_unknown_task_is_told():
    with pytest.raises(ValueError, match="reacher, road"):
        LearnabilityConfig(task="chess")


def test_the_expert_manages_every_task():
    for name, least in (("reacher", 10), ("road", 9)):
        assert drive_expert(replace(SMALL, task=name, tests=10)).sum() >= least

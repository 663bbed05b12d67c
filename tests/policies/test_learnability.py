"""The small policy and its comparison, in miniature."""

import importlib.util
from dataclasses import replace

import pytest
import torch

from brownfield.policies.learnability import (
    LearnabilityConfig,
    contestant,
    demonstrate,
    drive_expert,
    fast_grammar,
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
    from brownfield.tokenizers.fast import FastTokenizer

    demos = demonstrate(SMALL)
    codec = FastTokenizer.fit(
        demos.chunk,
        demos.last,
        demos.velocity,
        SMALL.what.rate_hz,
        relative=True,
        merge="characters",
        vocab_size=1024,
        scale=30.0,
    )
    longest = max(
        len(codec.encode(c, a)) for c, a in zip(demos.chunk, demos.last, strict=True)
    )
    config = TokenPolicyConfig(
        observation=14, vocab_size=codec.vocab_size, longest=longest
    )
    torch.manual_seed(1)
    policy = TokenPolicy(config)
    ids = policy.write(5 * torch.randn(50, 14), fast_grammar(codec, longest)).numpy()
    assert not any(codec.fails(string[string != policy.end]) for string in ids)
    # Without the grammar the same policy says what is no motion.
    free = policy.write(5 * torch.randn(50, 14), None).numpy()
    assert any(codec.fails(string[string != policy.end]) for string in free)


def test_gains_are_paired_by_seed():
    runs = [[True, True, False, True]] * 3
    worse = [[True, False, False, True]] * 3
    rows = learnability_rows(
        {
            "expert": [True] * 4,
            "tokenizers": {
                "ladder": {"ids": 8.0, "rmse": 0.1, "success": runs},
                "bins": {"ids": 8.0, "rmse": 0.1, "success": worse},
            },
        }
    )
    assert rows[1][-1] == "-"
    # One of four seeds was gained and none lost, in every training.
    assert rows[2][-1] == "+25.0 [+0.0 to +75.0]"


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

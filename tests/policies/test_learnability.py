"""The small policy and its comparison, in miniature."""

import importlib.util
from dataclasses import replace

import pytest
import torch
from torch import nn

from brownfield.policies.learnability import (
    LearnabilityConfig,
    contestant,
    demonstrate,
    drive_expert,
    fast_grammar,
    learnability,
    learnability_rows,
)
from brownfield.policies.string_head import middle
from brownfield.policies.token_policy import TokenPolicy
from brownfield.tokenizers.fast_strings import FastStrings
from brownfield.tokenizers.id_digits import IdDigits

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


DIGITS = IdDigits.plain(6, 9)


def test_writing_is_what_teaching_taught():
    torch.manual_seed(0)
    policy = TokenPolicy(5, DIGITS)
    nn.init.normal_(policy.string.digit_out)
    seen = torch.randn(7, 5)
    said = policy.write(seen)
    assert said.shape == (7, 6, 1) and (said >= 0).all() and (said < 9).all()
    # One pass over a string says the same as writing it id by id: nothing is likelier
    # than what was written, as `middle` sees it.
    chance = torch.stack(
        [
            policy(seen, torch.full_like(said, v).where(_last(said), said))
            for v in range(9)
        ]
    )[:, :, -1, 0]
    assert torch.equal(middle(chance.T), said[:, -1, 0])


def _last(said):
    return (torch.arange(said.shape[1]) == said.shape[1] - 1)[:, None].expand_as(said)


def test_no_id_sees_what_follows():
    policy = TokenPolicy(5, DIGITS)
    seen, said = torch.randn(2, 5), torch.randint(0, 9, (2, 6, 1))
    other = said.clone()
    other[:, 3:] = (other[:, 3:] + 1) % 9
    first, second = policy(seen, said), policy(seen, other)
    torch.testing.assert_close(first[:, :3], second[:, :3])
    assert not torch.allclose(first[:, 3:], second[:, 3:])


def test_contestants_come_back():
    demos = demonstrate(SMALL)
    names = LearnabilityConfig().tokenizers
    for name in names if HAS_BPE else ("ladder", "B-spline", "bins"):
        own = contestant(name, demos, LearnabilityConfig(demonstrations=6))
        assert own.place.shape[:2] == (len(demos.last), own.codec.n_tokens)
        assert own.rmse < 0.05
    with pytest.raises(ValueError, match="ladder, FAST"):
        contestant("words", demos, SMALL)


@pytest.mark.skipif(not HAS_BPE, reason="the extra `peers` is not installed")
def test_a_grammar_makes_every_string_whole():
    demos = demonstrate(SMALL)
    own = contestant("FAST", demos, LearnabilityConfig())
    strings = own.codec
    assert isinstance(strings, FastStrings)
    torch.manual_seed(1)
    policy = TokenPolicy(14, strings.digits)
    nn.init.normal_(policy.string.digit_out)

    def fails(allowed):
        said = policy.write(5 * torch.randn(50, 14), allowed)[..., 0].numpy()
        return [strings.codec.fails(row[row != strings.end]) for row in said]

    assert not any(fails(fast_grammar(strings)))
    # Without the grammar the same policy says what is no motion.
    assert any(fails(None))


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

"""Strings of ids: said one after another, each from digits."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

from brownfield.policies.agent import PolicyAgent
from brownfield.policies.losses import string_loss
from brownfield.policies.model import PAD_BYTE, ModelConfig, StreamTransformer
from brownfield.policies.port import PortConfig
from brownfield.policies.ranks import Ranks
from brownfield.policies.string_head import MIXTURE, StringHead, middle
from brownfield.policies.tokenize import TokenizeConfig, fit_tokenizers
from brownfield.policies.train import Trainer
from brownfield.robot.g1.body import G1_BODY
from brownfield.tokenizers.action_tokenizers import ACTION_TOKENIZERS

SLOTS = ((5, 3), (4, 1), (2, 6))
SIZES = ModelConfig(width=32, layers=3, heads=2)


def _trunk(slots=SLOTS, alike=False):
    torch.manual_seed(0)
    port = PortConfig(state_dim=7, action_slots=slots, action_alike=alike)
    return StreamTransformer(SIZES, {"g1": port}).double().eval()


def _look(trunk, said=None, batch=6):
    draw = torch.Generator().manual_seed(1)
    codes = torch.rand(batch, 4, 8, 8, generator=draw, dtype=torch.float64)
    state = torch.randn(batch, 7, generator=draw, dtype=torch.float64)
    text = torch.randint(0, PAD_BYTE, (1, 64), generator=draw)
    return trunk.look(
        "g1", codes * 2 - 1, state, trunk.prefix("g1", text), None, None, said
    )


@pytest.mark.parametrize(
    ("slots", "alike"), [(SLOTS, False), (((9,), (9,), (9,)), True)]
)
def test_what_is_written_is_what_was_learned(slots, alike):
    """Written digit by digit or read at once, the same chances; and later ids tell
    nothing to earlier ones."""
    trunk = _trunk(slots, alike)
    told = []

    def choose(logits):
        chance = logits.log_softmax(-1)
        told.append(chance.max(-1))
        return told[-1].indices

    said = trunk.write("g1", _look(trunk), choose)
    assert said.shape == (6, 3, len(slots[0]))
    assert (said >= 0).all() and (said < torch.tensor(slots)).all()
    at_once = _look(trunk, said).action
    written = torch.stack([best.values for best in told], 1).view(at_once.shape)
    torch.testing.assert_close(at_once, written, atol=1e-4, rtol=1e-4)
    other = said.clone()
    other[:, -1] = (other[:, -1] + 1) % torch.tensor(slots[-1])
    changed = _look(trunk, other).action
    torch.testing.assert_close(changed[:, :-1], at_once[:, :-1])
    other[:, 0] = (other[:, 0] + 1) % torch.tensor(slots[0])
    assert not torch.allclose(_look(trunk, other).action[:, 1], at_once[:, 1])


def _head(ordinal=True):
    """Two slots, of which the second divides what the first has chosen."""
    torch.manual_seed(2)
    head = StringHead(
        ((2, 3), (3, 2)), 8, quantity=((7, 1), (1, 7)), gain=(0.5, 2.0), ordinal=ordinal
    )
    nn.init.normal_(head.digit_out)
    return head.eval()


@pytest.mark.parametrize("ordinal", [True, False])
def test_chances_of_all_strings_are_one(ordinal):
    head = _head(ordinal)
    strings = list(product(range(2), range(3), range(3), range(2)))
    said = torch.tensor(strings).view(-1, 2, 2)
    x = torch.randn(1, 2, 8).expand(len(said), -1, -1)
    chance = head.chance(x, said).sum((1, 2)).exp()
    torch.testing.assert_close(chance.sum(), torch.tensor(1.0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_half_precision_does_not_round_means(dtype):
    """Autocast and weights in half precision still tell 4096 cells apart."""
    slots = ((16,), (16,), (16,))
    head = StringHead(slots, 8, quantity=((0,), (0,), (0,))).to(dtype)
    nn.init.zeros_(head.digit_out)
    head.digit_out.data[:, 0, :MIXTURE] = 1.0
    told = head.digit_bias.data.view(3, 1, 3, MIXTURE)
    told[:, :, 0], told[:, :, 1] = 0.0, -12.0
    x = torch.zeros(1, 3, 8)
    x[..., 0] = 2731.5 / 4096
    said = torch.zeros(1, 0, 1).long()
    with torch.autocast("cpu", torch.bfloat16):
        for slot in range(3):
            digit = head.say(x[:, slot], said, lambda logits: logits.argmax(-1))
            said = torch.cat([said, digit[:, None]], 1)
        assert head.chance(x, said).sum() > -0.7
    assert said.flatten().tolist() == [10, 10, 11]


def test_a_fine_digit_makes_up_for_a_coarse_one():
    """A density in one cell of nine: said too high, the rest is as low as can be."""
    head = StringHead(((3,), (3,)), 8, quantity=((0,), (0,)))
    nn.init.zeros_(head.digit_out)
    told = head.digit_bias.data.view(2, 1, 3, MIXTURE)
    told[:, :, 0], told[:, :, 1] = 3.5 / 9, -6.0
    x = torch.zeros(1, 2, 8)
    assert head.say(x[:, 0], torch.zeros(1, 0, 1).long(), middle).tolist() == [[1]]
    for coarse, fine in ((0, 2), (1, 0), (2, 0)):
        before = torch.tensor([[[coarse]]])
        first = lambda logits: logits.argmax(-1)  # noqa: E731
        assert head.say(x[:, 1], before, first).tolist() == [[fine]]


def test_the_loss_is_of_digits_that_are_and_of_motions_by_size():
    head = StringHead(SLOTS, 8)
    place = torch.tensor([[[3.2, 1.0], [0.4, 0.0], [1.0, 4.6]]])
    assert head.whole(place).tolist() == [[[3, 1], [0, 0], [1, 5]]]
    assert head.whole(torch.full((1, 3, 2), 99.0))[0].tolist() == [
        [4, 2],
        [3, 0],
        [1, 5],
    ]
    chance, size = -torch.rand(5, 3, 2), torch.ones(5)
    loss = string_loss(chance, head.radix, size)
    real = chance[:, head.radix > 1]
    torch.testing.assert_close(loss, -real.mean())
    nothing = chance.clone()
    nothing[:, 1, 1] = -99.0
    torch.testing.assert_close(string_loss(nothing, head.radix, size), loss)
    early = string_loss(chance, head.radix, size, 0.0)
    torch.testing.assert_close(early, -chance[:, 0].mean())
    size = torch.tensor([5.0, 0, 0, 0, 0])
    large = chance.clone()
    large[1:, 1:] = -99.0
    torch.testing.assert_close(
        string_loss(large, head.radix, size), string_loss(chance, head.radix, size)
    )


def test_sizes_are_by_the_first_digit():
    said = torch.tensor([[[0, 1], [2, 0]], [[1, 1], [2, 0]]])
    assert _head().size(said).tolist() == pytest.approx([0.4, 1.6])
    assert StringHead(SLOTS, 8).size(said).tolist() == [1.0, 1.0]


def test_both_ends_of_a_range_can_be_said_and_one_of_two_sides():
    chance = torch.tensor(
        [[0.7, 0.2, 0.1, 0.0], [0.0, 0.1, 0.2, 0.7], [0.0, 0.45, 0.0, 0.55]]
    )
    assert middle(chance.log()).tolist() == [0, 3, 3]
    # In the middle of a slope, not at its peak.
    assert middle(torch.tensor([0.35, 0.3, 0.2, 0.15]).log()).tolist() == 1
    # Of classes that are no neighbours there is no median.
    assert middle(torch.tensor([0.35, 0.3, 0.2, 0.15]).log(), False).tolist() == 0


@pytest.mark.parametrize("kind", ACTION_TOKENIZERS)
def test_every_action_tokenizer_is_learned_and_spoken(kind, tiny, windows, tmp_path):
    folder = fit_tokenizers(
        TokenizeConfig(
            datasets=(),
            out=tmp_path / kind,
            keep=tiny.tokenizers,
            action_tokenizer=kind,
        ),
        [windows],
    )
    config = replace(tiny, tokenizers=folder, steps=8)
    trainer = Trainer(config, [windows], Ranks())
    losses = [trainer.one_step(0.0)["g1/action"] for _ in range(7)]
    assert losses[-1] < losses[0]
    trainer.run()
    agent = PolicyAgent(config.out)
    agent.reset("pick up the box")
    seen = {"head": np.zeros((64, 64, 3), np.uint8), "state": windows.state[0]}
    ids = agent.act(seen)
    codec = agent.action_tokenizer
    assert ids.shape == (codec.n_tokens,)
    assert type(codec) is ACTION_TOKENIZERS[kind][1]
    still = np.zeros(G1_BODY.action_dim)
    assert codec.decode(ids, still, still).shape == (8, G1_BODY.action_dim)
    assert agent.imagine(seen, ids).shape == (64, 64, 3)


def test_a_block_is_not_written(tiny, windows, tmp_path):
    config = TokenizeConfig(
        datasets=(),
        out=tmp_path / "knots",
        keep=tiny.tokenizers,
        action_tokenizer="knots",
    )
    folder = fit_tokenizers(config, [windows])
    trainer = Trainer(replace(tiny, tokenizers=folder), [windows], Ranks())
    with pytest.raises(ValueError, match="answers with a block"):
        trainer.policy.trunk.write("g1", _look(_trunk()), middle)


def test_only_known_tokenizers_and_budgets(tiny, tmp_path):
    with pytest.raises(ValueError, match="one of ladder, knots, fast, spline, bins"):
        TokenizeConfig(datasets=(), out=tmp_path, steps=1, action_tokenizer="words")
    with pytest.raises(ValueError, match="or tokenizers to keep"):
        TokenizeConfig(datasets=(), out=tmp_path, steps=1, keep=tiny.tokenizers)

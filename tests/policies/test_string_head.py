"""Strings of ids: said one after another, each from digits."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from brownfield.policies.agent import PolicyAgent
from brownfield.policies.losses import LossConfig, string_loss
from brownfield.policies.model import PAD_BYTE, ModelConfig, StreamTransformer
from brownfield.policies.port import PortConfig
from brownfield.policies.ranks import Ranks
from brownfield.policies.string_head import StringHead, likeliest
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
    """Written id by id or read at once, the same logits; and later ids tell nothing
    to earlier ones."""
    trunk = _trunk(slots, alike)
    told = []

    def choose(logits):
        told.append(logits)
        return likeliest(logits)

    said = trunk.write("g1", _look(trunk), choose)
    assert said.shape == (6, 3, len(slots[0]))
    assert (said >= 0).all() and (said < torch.tensor(slots)).all()
    at_once = _look(trunk, said).action
    torch.testing.assert_close(at_once, torch.stack(told, 1))
    other = said.clone()
    other[:, -1] = 0
    torch.testing.assert_close(_look(trunk, other).action, at_once)
    other[:, 0] = (other[:, 0] + 1) % torch.tensor(slots[0])
    assert not torch.allclose(_look(trunk, other).action[:, 1], at_once[:, 1])


def test_the_loss_is_least_at_the_label_and_blind_to_digits_that_are_not():
    head, config = StringHead(SLOTS, 8), LossConfig()
    place = torch.tensor([[[3.2, 1.0], [0.4, 0.0], [1.0, 4.6]]])
    assert head.whole(place).tolist() == [[[3, 1], [0, 0], [1, 5]]]
    assert head.whole(torch.full((1, 3, 2), 99.0))[0].tolist() == [
        [4, 2],
        [3, 0],
        [1, 5],
    ]
    values = torch.arange(6.0)
    near = -((values - place[..., None]) ** 2) * 3
    right = string_loss(near, place, head.real, config)
    assert string_loss(near.roll(1, -1), place, head.real, config) > right
    changed = near.clone()
    changed[0, 1, 1] = torch.randn(6)
    torch.testing.assert_close(string_loss(changed, place, head.real, config), right)


def test_the_likeliest_end_of_a_range_can_be_said():
    logits = torch.tensor([[2.0, 1.0, 0.0, -2.0], [-2.0, 0.0, 1.0, 2.0]])
    assert likeliest(logits[None]).tolist() == [[0, 3]]


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
        trainer.policy.trunk.write("g1", _look(_trunk()), likeliest)


def test_only_known_tokenizers_and_budgets(tiny, tmp_path):
    with pytest.raises(ValueError, match="one of ladder, knots, fast, spline, bins"):
        TokenizeConfig(datasets=(), out=tmp_path, steps=1, action_tokenizer="words")
    with pytest.raises(ValueError, match="or tokenizers to keep"):
        TokenizeConfig(datasets=(), out=tmp_path, steps=1, keep=tiny.tokenizers)

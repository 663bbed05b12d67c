"""Batches ahead of the steps: the same as in between, whoever gathers them."""

from dataclasses import replace
from itertools import islice

import pytest
import torch
from torch import Tensor

from brownfield.policies.feed import Draw, Drawn, feed
from brownfield.policies.ranks import Ranks
from brownfield.policies.train import TrainConfig, Trainer
from brownfield.policies.windows import Windows


def _tensors(drawn: list[Drawn]) -> list[Tensor]:
    of_all = [(*one.batch, one.absent) for one in drawn]
    return [x for one in of_all for x in one if isinstance(x, Tensor)]


@pytest.fixture
def draw(tiny: TrainConfig, windows: Windows) -> Draw:
    """Of a small training."""
    return Draw(
        lessons=Trainer(tiny, [windows], Ranks()).lessons,
        rows=(8,),
        world_share=0.25,
        reconstruction_share=0.5,
        state_dropout=0.5,
        seed=(3, 0),
    )


def test_workers_give_the_same_batches_in_order(draw: Draw) -> None:
    alone, ahead = (list(islice(feed(draw, 5, n, False), 6)) for n in (0, 2))
    for step, (one, two) in enumerate(zip(alone, ahead, strict=True), start=5):
        again = _tensors(draw(step))
        for a, b, c in zip(_tensors(one), _tensors(two), again, strict=True):
            assert torch.equal(a, b)
            assert torch.equal(a, c)
    assert not torch.equal(alone[0][0].batch.pixels, alone[1][0].batch.pixels)


def test_shares_are_of_the_rows(draw: Draw) -> None:
    (drawn,) = draw(0)
    assert len(drawn.batch.pixels) == len(drawn.absent) == 8
    assert len(drawn.batch.next_pixels) == 2
    assert draw.decoded(8) == 4


def test_training_does_not_depend_on_workers(
    tiny: TrainConfig, windows: Windows
) -> None:
    losses = []
    for workers in (0, 2):
        trainer = Trainer(replace(tiny, workers=workers), [windows], Ranks())
        losses.append([trainer.one_step(0.0)["loss"] for _ in range(3)])
    assert losses[0] == losses[1]
    with pytest.raises(ValueError, match="workers at least 0"):
        replace(tiny, workers=-1)

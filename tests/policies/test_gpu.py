"""Where there is a GPU: it learns and answers what a CPU does."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from brownfield.policies.agent import PolicyAgent
from brownfield.policies.device import device_named
from brownfield.policies.ranks import Ranks
from brownfield.policies.train import TrainConfig, Trainer
from brownfield.policies.windows import Windows

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="torch finds no GPU"
)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_losses_are_those_of_a_cpu(
    tiny: TrainConfig, windows: Windows, precision: str
) -> None:
    losses = []
    for device, kind in (("cpu", "float32"), ("cuda", precision)):
        config = replace(tiny, precision=kind, workers=2)
        trainer = Trainer(config, [windows], Ranks(device=device_named(device)))
        losses.append([trainer.one_step(0.0)["loss"] for _ in range(4)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.01)


def test_answers_are_those_of_a_cpu() -> None:
    look = {"head": np.full((128, 128, 3), 90, np.uint8), "state": np.zeros(95)}
    answers = []
    for device in ("cpu", "cuda"):
        agent = PolicyAgent("g1_kitchen", device=device)
        agent.reset("pick up the coffee cup")
        answers.append([agent.act(look) for _ in range(3)])
    # A digit on the edge of two levels may fall to either side.
    assert np.mean(np.not_equal(*answers)) < 0.05

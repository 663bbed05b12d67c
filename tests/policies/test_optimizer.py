"""Optimizers: every weight moves, hidden matrices by orthogonal steps."""

import torch
from torch import nn

from brownfield.policies.optimizer import Optimizer, OptimizerConfig


class _Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(6, 4)])
        self.read = nn.Linear(4, 3)


def _step(kind: str) -> dict[str, torch.Tensor]:
    """What one step changed, by the parameter's name."""
    torch.manual_seed(0)
    model = _Model()
    config = OptimizerConfig(kind=kind, weight_decay=0.0)
    optimizer = Optimizer(config, model)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    model.read(model.blocks[0](torch.randn(9, 6)).relu()).square().sum().backward()
    optimizer.step(1e-2)
    return {name: p.detach() - before[name] for name, p in model.named_parameters()}


def test_every_weight_moves() -> None:
    for kind in ("muon", "adamw"):
        assert all(change.abs().max() > 0 for change in _step(kind).values())


def test_only_hidden_matrices_take_orthogonal_steps() -> None:
    muon, adamw = _step("muon"), _step("adamw")
    spread = torch.linalg.svdvals(muon["blocks.0.weight"])
    assert spread.max() / spread.min() < 2.5
    spread = torch.linalg.svdvals(adamw["blocks.0.weight"])
    assert spread.max() / spread.min() > 3
    for name in ("blocks.0.bias", "read.weight", "read.bias"):
        assert torch.equal(muon[name], adamw[name])

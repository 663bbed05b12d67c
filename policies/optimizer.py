"""Which optimizer moves which weights, and what it remembers between steps."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from brownfield.tokenizers.muon import Muon

KINDS = ("muon", "adamw")
HIDDEN = (
    "blocks",
    "video_in",
    "video_reader",
    "text_in",
    "state_in",
    "executed_in",
    "finer",
    "coarser",
)
"""Modules whose matrices and convolutions turn one hidden vector into another."""


@dataclass(frozen=True, kw_only=True)
class OptimizerConfig:
    """How gradients become steps; the learning rate has a schedule of its own."""

    kind: str = "muon"
    """`muon`: hidden matrices take orthogonalised steps (Jordan 2024), the rest AdamW;
    `adamw`: all of them AdamW."""

    hidden_rate: float = 2.0
    """Learning rate of the orthogonalised steps, relative to the others'."""

    weight_decay: float = 0.02
    """On matrices only."""

    def __post_init__(self) -> None:
        """Refuse unknown kinds."""
        if self.kind not in KINDS:
            raise ValueError(
                f"optimizer must be one of {', '.join(KINDS)}; got {self.kind!r}"
            )


class Optimizer:
    """One optimizer or two over all parameters of a module."""

    def __init__(self, config: OptimizerConfig, module: nn.Module) -> None:
        """Args: module: every parameter is trained."""
        named = list(module.named_parameters())
        hidden = [p for name, p in named if p.dim() > 1 and _is_hidden(name)]
        if config.kind == "adamw":
            hidden = []
        taken = {id(p) for p in hidden}
        others = [p for _, p in named if id(p) not in taken]
        decay = config.weight_decay
        self._parts: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                [
                    {"params": [p for p in others if p.dim() > 1]},
                    {"params": [p for p in others if p.dim() <= 1], "weight_decay": 0},
                ],
                weight_decay=decay,
                betas=(0.9, 0.95),
                fused=True,
            )
        ]
        self._scales = [1.0]
        if hidden:
            self._parts.append(Muon(hidden, weight_decay=decay))
            self._scales.append(config.hidden_rate)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for part in self._parts:
            part.zero_grad(set_to_none=True)

    def step(self, rate: float) -> None:
        """Move all parameters that have a gradient.

        Args:
            rate: learning rate.
        """
        for part, scale in zip(self._parts, self._scales, strict=True):
            for group in part.param_groups:
                group["lr"] = rate * scale
            part.step()

    def remembered(self, parameter: Tensor) -> dict[str, Tensor]:
        """What is kept about a parameter between steps, by name."""
        return {
            name: value
            for part in self._parts
            for name, value in part.state.get(parameter, {}).items()
        }

    def remember(self, parameter: Tensor, memory: Iterable[tuple[str, Tensor]]) -> None:
        """Put back what `remembered` gave, in the parameter's own memory layout."""
        for part in self._parts:
            owned = {id(p) for group in part.param_groups for p in group["params"]}
            if id(parameter) in owned:
                part.state[parameter] = {
                    name: torch.empty_like(parameter).copy_(value)
                    if value.shape == parameter.shape
                    else value.to(parameter.device, copy=True)
                    for name, value in memory
                }


def _is_hidden(name: str) -> bool:
    return any(part in HIDDEN for part in name.split("."))

"""Learning rate and averaging: how far training is, and what that implies."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class ScheduleConfig:
    """Warm-up, then a cosine or a plateau with a linear end."""

    rate: float = 2e-3
    """Highest learning rate."""

    shape: str = "cosine"
    """`cosine`, or `wsd`: constant, then linear to the end."""

    warmup_steps: int = 100
    """Steps of linear warm-up."""

    decay_share: float = 0.3
    """Share of training that a `wsd` schedule decays in."""

    final: float = 0.02
    """Learning rate at the end, relative to the highest."""

    def __post_init__(self) -> None:
        """Refuse unknown shapes."""
        if self.shape not in ("cosine", "wsd"):
            raise ValueError(f"shape must be cosine or wsd, got {self.shape!r}")

    def at(self, step: int, fraction: float) -> float:
        """Learning rate at a step, with `fraction` (0-1) of training done."""
        fraction = min(max(fraction, 0.0), 1.0)
        if self.shape == "cosine":
            level = 0.5 + 0.5 * math.cos(math.pi * fraction)
        else:
            level = min(1.0, (1 - fraction) / self.decay_share)
        level = self.final + (1 - self.final) * level
        return self.rate * level * min(1.0, (step + 1) / self.warmup_steps)


class MovingAverage:
    """Exponential moving average of parameters; short memory at first."""

    def __init__(self, parameters: Iterable[Tensor], longest: float = 0.999) -> None:
        self.longest = longest
        self.values = [p.detach().clone() for p in parameters]

    @torch.no_grad()
    def update(self, parameters: Iterable[Tensor], step: int) -> None:
        """Move towards the parameters after optimizer step `step` (from 0)."""
        decay = min(self.longest, (1 + step) / (10 + step))
        for value, parameter in zip(self.values, parameters, strict=True):
            value.lerp_(parameter.detach(), 1 - decay)

    @torch.no_grad()
    def swap(self, parameters: Iterable[Tensor]) -> None:
        """Exchange averages and parameters; twice is nothing."""
        for value, parameter in zip(self.values, parameters, strict=True):
            kept = parameter.detach().clone()
            parameter.copy_(value)
            value.copy_(kept)

"""Steps along the nearest orthogonal matrix of the gradient (Jordan 2024, "Muon").

`torch.optim.Muon` takes matrices only and works in bf16, which is many times slower
than single precision on a CPU without such instructions, and twice as fast on others.
This one takes convolutions too, and works in what it is told to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor

_FIRST, _THIRD, _FIFTH = 3.4445, -4.7750, 2.0315
"""An odd polynomial that takes singular values towards 1, steepest at 0."""
_ITERATIONS = 5


class Muon(torch.optim.Optimizer):
    """Momentum whose singular values are all made about 1.

    Steps are as large as AdamW's: the same learning rate does for both (Liu et al.
    2025, arXiv:2502.16982).
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.1,
        halves: bool | None = None,
    ) -> None:
        """Args:
            params: matrices (rows, columns), or weights of convolutions (rows, ...).
            lr: learning rate.
            momentum: share of the past in the mean of gradients, below 1.
            weight_decay: share of a parameter that a step of rate 1 takes away.
            halves: works in bfloat16; by default where parameters lie on a GPU.

        Raises:
            ValueError: a parameter without columns.
        """
        params = list(params)
        flat = [tuple(p.shape) for p in params if p.ndim < 2]
        if flat:
            raise ValueError(f"expected matrices and convolutions, got {flat[0]}")
        super().__init__(
            params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        )
        self.halves = halves

    @torch.no_grad()
    def step(  # type: ignore[override]
        self, closure: Callable[[], float] | None = None
    ) -> float | None:
        """Move all parameters that have a gradient.

        Args:
            closure: computes the loss and the gradients anew; its loss is returned.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            rate, keep = group["lr"], group["momentum"]
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum_buffer"] = torch.zeros_like(parameter)
                mean = state["momentum_buffer"]
                mean.lerp_(parameter.grad, 1 - keep)
                # Nesterov: the mean as it will be.
                matrix = parameter.grad.lerp(mean, keep).flatten(1)
                size = rate * 0.2 * math.sqrt(max(matrix.shape))
                parameter.mul_(1 - rate * group["weight_decay"])
                step = orthogonal(matrix, self.halves)
                parameter.sub_(step.reshape(parameter.shape), alpha=size)
        return loss


def orthogonal(matrix: Tensor, halves: bool | None = None) -> Tensor:
    """About the nearest orthogonal matrix: singular values of 0.7 to 1.2, or 0.

    Args:
        matrix: (rows, columns).
        halves: works in bfloat16; by default on a GPU only.
    """
    halves = matrix.is_cuda if halves is None else halves
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x = wide.bfloat16() if halves else wide.float()
    x = x / x.norm().clamp_min(1e-7)
    for _ in range(_ITERATIONS):
        gram = x @ x.T
        higher = torch.addmm(gram, gram, gram, beta=_THIRD, alpha=_FIFTH)
        x = torch.addmm(x, higher, x, beta=_FIRST)
    found = x if wide is matrix else x.T
    return found.to(matrix.dtype)

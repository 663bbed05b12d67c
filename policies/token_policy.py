"""A small policy that writes action ids one after another, for any action tokenizer.

It sees a vector, not pictures: it is there to compare tokenizers, at equal size and
steps, on tasks that train in minutes. It reads and writes ids as large policies that
answer with strings do, by the digits that they are made of.

Shapes: B batch, L slots, k ids so far, J digits a slot, R values of the widest digit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from brownfield.policies.string_head import StringHead, middle
from brownfield.policies.transformer import Block, KeyValue, block_bias
from brownfield.tokenizers.id_digits import IdDigits


@dataclass(frozen=True, kw_only=True)
class TokenPolicyConfig:
    """Sizes."""

    width: int = 96
    """Width of the transformer."""

    layers: int = 2
    """Blocks."""

    heads: int = 4
    """Heads of attention."""

    memory: int = 4
    """Positions that hold the observation."""


class TokenPolicy(nn.Module):
    """Observation (B, n) and ids so far to the next id's digits."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        observation: int,
        digits: IdDigits,
        config: TokenPolicyConfig | None = None,
    ) -> None:
        """Args:
        observation: numbers n that it sees.
        digits: of the ids that it writes.
        config: sizes.
        """
        super().__init__()
        self.config = config = config or TokenPolicyConfig()
        d = config.width
        self.register_buffer("mean", torch.zeros(observation))
        self.register_buffer("std", torch.ones(observation))
        self.see = nn.Sequential(
            nn.Linear(observation, 2 * d),
            nn.GELU(),
            nn.Linear(2 * d, 2 * d),
            nn.GELU(),
            nn.Linear(2 * d, config.memory * d),
        )
        self.string = StringHead(
            tuple(tuple(row) for row in digits.radix.tolist()),
            d,
            quantity=tuple(tuple(row) for row in digits.quantity.tolist()),
            gain=() if digits.gain is None else tuple(digits.gain.tolist()),
            alike=digits.alike,
            ordinal=digits.ordinal,
        )
        self.blocks = nn.ModuleList(
            Block(d, config.heads) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(d, bias=False)

    def forward(self, observation: Tensor, said: Tensor) -> Tensor:
        """Log probabilities (B, L, J) of digits, each knowing those before.

        Args:
            observation: (B, n).
            said: the digits (B, L, J).
        """
        x = torch.cat([self._memory(observation), self.string.read(said[:, :-1])], 1)
        memory = self.config.memory
        bias = block_bias([memory] + [1] * said.shape[1], 0, x.device)
        for block in self.blocks:
            x, _ = block(x, None, bias)
        return self.string.chance(self.norm(x[:, memory:]), said)

    @torch.no_grad()
    def write(
        self,
        observation: Tensor,
        allowed: Callable[[int, Tensor], Tensor] | None = None,
    ) -> Tensor:
        """Ids, one after another, as digits (B, L, J): the middle of what is likely.

        Args:
            observation: (B, n).
            allowed: given how many ids there are and the digits so far (B, k, J), says
                which values may follow (B, R); None for all.
        """
        past: list[KeyValue | None] = [None] * len(self.blocks)
        slots, count = self.string.real.shape[:2]
        said = torch.empty(len(observation), 0, count, dtype=torch.long)
        x = torch.cat([self._memory(observation), self.string.read(said)], 1)
        for k in range(slots):
            memory = self.config.memory
            groups = [memory, 1] if k == 0 else [1]
            bias = block_bias(groups, 0 if k == 0 else memory + k, x.device)
            for i, block in enumerate(self.blocks):
                x, past[i] = block(x, past[i], bias)
            may = None if allowed is None else allowed(k, said)
            choose = partial(self._choose, may=may)
            digits = self.string.say(self.norm(x[:, -1]), said, choose)
            said = torch.cat([said, digits[:, None]], 1)
            if k + 1 < slots:
                x = self.string.read(said)[:, -1:]
        return said

    def _choose(self, logits: Tensor, may: Tensor | None) -> Tensor:
        if may is not None:
            logits = logits.masked_fill(~may, -torch.inf)
        return middle(logits, self.string.ordinal)

    def _memory(self, observation: Tensor) -> Tensor:
        seen = self.see(((observation - self.mean) / self.std).clamp(-5, 5))
        return seen.view(len(seen), self.config.memory, -1)

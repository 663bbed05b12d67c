"""A small policy that writes action ids one after another, for any action tokenizer.

It sees a vector, not pictures: it is there to compare tokenizers, at equal size and
steps, on tasks that train in a minute.

Shapes: B batch, M memory positions, K ids, V vocabulary, d width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from brownfield.policies.transformer import Block, KeyValue, block_bias


@dataclass(frozen=True, kw_only=True)
class TokenPolicyConfig:
    """Sizes."""

    observation: int
    """Numbers that it sees."""

    vocab_size: int
    """Action ids; one more ends a string."""

    longest: int
    """Ids of the longest string."""

    width: int = 96
    """Width of the transformer."""

    layers: int = 2
    """Blocks."""

    heads: int = 4
    """Heads of attention."""

    memory: int = 4
    """Positions that hold the observation."""


class TokenPolicy(nn.Module):
    """Observation (B, n) and ids so far to logits of the next id."""

    mean: Tensor
    std: Tensor

    def __init__(self, config: TokenPolicyConfig) -> None:
        super().__init__()
        self.config = config
        d = config.width
        self.register_buffer("mean", torch.zeros(config.observation))
        self.register_buffer("std", torch.ones(config.observation))
        self.see = nn.Sequential(
            nn.Linear(config.observation, 2 * d),
            nn.GELU(),
            nn.Linear(2 * d, 2 * d),
            nn.GELU(),
            nn.Linear(2 * d, config.memory * d),
        )
        self.id_in = nn.Embedding(config.vocab_size + 1, d)
        self.place = nn.Parameter(torch.randn(config.memory + config.longest, d) * 0.02)
        self.blocks = nn.ModuleList(
            Block(d, config.heads) for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(d, bias=False)
        self.id_out = nn.Linear(d, config.vocab_size + 1)

    @property
    def end(self) -> int:
        """The id that ends a string."""
        return self.config.vocab_size

    def forward(self, observation: Tensor, ids: Tensor) -> Tensor:
        """Logits (B, K + 1, V + 1) of every next id.

        Args:
            observation: (B, n).
            ids: (B, K) so far; K may be 0.
        """
        x = torch.cat([self._memory(observation), self.id_in(ids)], 1)
        x = x + self.place[: x.shape[1]]
        memory = self.config.memory
        bias = block_bias([memory] + [1] * ids.shape[1], 0, x.device)
        for block in self.blocks:
            x, _ = block(x, None, bias)
        # The last place of memory tells the first id.
        return self.id_out(self.norm(x[:, memory - 1 :]))

    @torch.no_grad()
    def write(
        self, observation: Tensor, allowed: Callable[[int, Tensor], Tensor] | None
    ) -> Tensor:
        """The likeliest ids, one after another (B, longest); `end` behind an end.

        Args:
            observation: (B, n).
            allowed: given how many ids there are and the ids so far (B, K), says which
                may follow (B, V + 1); None for all but the end.
        """
        past: list[KeyValue | None] = [None] * len(self.blocks)
        x = self._memory(observation) + self.place[: self.config.memory]
        ids = torch.empty(len(x), 0, dtype=torch.long, device=x.device)
        for k in range(self.config.longest):
            seen = 0 if k == 0 else self.config.memory + k - 1
            bias = torch.zeros(x.shape[1], seen + x.shape[1], device=x.device)
            for i, block in enumerate(self.blocks):
                x, past[i] = block(x, past[i], bias)
            logits = self.id_out(self.norm(x[:, -1]))
            if allowed is None:
                logits[:, self.end] = -torch.inf
            else:
                logits = logits.masked_fill(~allowed(k, ids), -torch.inf)
            pick = logits.argmax(-1, keepdim=True)
            ids = torch.cat([ids, pick], 1)
            x = self.id_in(pick) + self.place[self.config.memory + k]
        return ids

    def _memory(self, observation: Tensor) -> Tensor:
        seen = self.see(((observation - self.mean) / self.std).clamp(-5, 5))
        return seen.view(len(seen), self.config.memory, -1)

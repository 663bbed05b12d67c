"""Pre-norm transformer blocks that extend a past of keys and values.

Shapes: B batch, T positions, P past positions, d width, H heads, h head width.
"""

from typing import Any

import torch
from torch import Tensor, nn

KeyValue = tuple[Tensor, Tensor]
"""Keys and values of one layer, each (B, H, T, h)."""


def block_bias(blocks: list[int], n_past: int, device: torch.device) -> Tensor:
    """Attention bias (T, P + T): 0 inside a block and towards the past, else -inf.

    Args:
        blocks: length of each block in positions; 1 everywhere is plain causal.
        n_past: positions that every row may see.
        device: where the bias lives.
    """
    owner = torch.repeat_interleave(
        torch.arange(len(blocks), device=device),
        torch.tensor(blocks, device=device),
    )
    bias = torch.zeros(len(owner), n_past + len(owner), device=device)
    bias[:, n_past:].masked_fill_(owner[None, :] > owner[:, None], float("-inf"))
    return bias


class SquaredRelu(torch.autograd.Function):
    """relu(x)^2 with a backward of two passes instead of four."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """Square the positive part of x."""
        positive = x.relu()
        ctx.save_for_backward(positive)
        return positive * positive

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        """2 relu(x) grad, which is zero by itself where x was negative."""
        (positive,) = ctx.saved_tensors
        return (grads[0] * positive).mul_(2)


class Block(nn.Module):
    """Attention and a squared-ReLU feed-forward, both behind a layer norm.

    Two choices were made by timing training on one core (36 positions, width 160,
    bf16): attention written out costs less than half of the fused kernel, whose
    backward pass is slow for short sequences, and torch's layer norm is fused in both
    directions where its RMS norm is not.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(width, bias=False)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.norm_query = nn.LayerNorm(width // heads, bias=False)
        self.norm_key = nn.LayerNorm(width // heads, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.norm_feed = nn.LayerNorm(width, bias=False)
        self.feed_in = nn.Linear(width, 4 * width, bias=False)
        self.feed_out = nn.Linear(4 * width, width, bias=False)

    def forward(
        self,
        x: Tensor,
        past: KeyValue | None,
        bias: Tensor,
        rows: slice | None = None,
    ) -> tuple[Tensor, KeyValue]:
        """Extend `past` by x (B, T, d).

        Args:
            x: residual stream of the new positions.
            past: keys and values seen by every new position, or None.
            bias: (T, P + T) added to the attention scores, -inf where forbidden.
            rows: the new positions whose output is wanted; keys and values are
                computed for all of them all the same.

        Returns:
            the outputs of `rows` (B, T', d), and keys and values of past and new
            positions together (B, H, P + T, h).
        """
        batch, length, width = x.shape
        query, key, value = (
            self.query_key_value(self.norm_attention(x))
            .view(batch, length, 3, self.heads, width // self.heads)
            .permute(2, 0, 3, 1, 4)
        )
        key = self.norm_key(key)
        if past is not None:
            key = torch.cat([past[0].to(key.dtype), key], dim=2)
            value = torch.cat([past[1].to(value.dtype), value], dim=2)
        if rows is not None:
            x, query, bias = x[:, rows], query[:, :, rows], bias[rows]
        query = self.norm_query(query) * query.shape[-1] ** -0.5
        scores = torch.baddbmm(
            bias.to(query.dtype),
            query.flatten(0, 1),
            key.flatten(0, 1).transpose(1, 2),
        )
        weights = scores.softmax(-1).to(value.dtype)
        mixed = (weights @ value.flatten(0, 1)).view(
            batch, self.heads, -1, width // self.heads
        )
        x = x + self.attention_out(mixed.transpose(1, 2).flatten(2))
        feed = SquaredRelu.apply(self.feed_in(self.norm_feed(x)))
        return x + self.feed_out(feed), (key, value)

"""Action ids one after another: how a string of them is read and written.

Every id is a position of the transformer, so later ids know earlier ones. An id goes in
and out as its digits (`tokenizers/id_digits.py`): a thousand classes become a few
choices among ten, which are near one another where motions are.

Shapes: B batch, L slots, k ids so far, J digits a slot, R values of the widest digit,
d width.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

Choose = Callable[[Tensor], Tensor]
"""From logits (B, J, R) of one slot to its digits (B, J)."""

NEVER = -1e4
"""Logit of a value that a digit does not have; finite, so that 0 times it is 0."""


class StringHead(nn.Module):
    """Embeds ids that were said, and tells the logits of the next."""

    real: Tensor

    def __init__(
        self,
        slots: tuple[tuple[int, ...], ...],
        width: int,
        *,
        alike: bool = False,
        ordinal: bool = True,
    ) -> None:
        """Args:
        slots: radix of every digit of every id.
        width: of the residual stream.
        alike: all slots share one embedding, which their place is added to.
        ordinal: neighbouring values of a digit mean neighbouring motions.
        """
        super().__init__()
        self.slots, self.ordinal = slots, ordinal
        count, digits, values = len(slots), len(slots[0]), max(max(s) for s in slots)
        rows = 1 if alike else count
        self.place = nn.Parameter(torch.empty(count, width))
        self.digit_in = nn.Parameter(torch.empty(rows, digits, values, width))
        self.digit_out = nn.Parameter(torch.empty(rows, width, digits * values))
        self.digit_bias = nn.Parameter(torch.zeros(rows, 1, digits * values))
        for parameter in (self.place, self.digit_in, self.digit_out):
            nn.init.normal_(parameter, std=0.02)
        radix = torch.tensor(slots)
        real = torch.arange(values) < radix[..., None]
        self.register_buffer("real", real, persistent=False)

    def whole(self, place: Tensor) -> Tensor:
        """Digits (B, L, J) of places among their values (B, L, J)."""
        last = self.real.sum(-1) - 1
        return (place + 0.5).floor().long().clamp_min(0).minimum(last)

    def read(self, said: Tensor) -> Tensor:
        """Positions (B, k + 1, d) of which the i-th tells the i-th id: the first knows
        none, each later one the id before.

        Args:
            said: digits (B, k, J); k below L.
        """
        count, digits = said.shape[1], said.shape[2]
        slot = torch.arange(count, device=said.device)[:, None]
        slot = slot if len(self.digit_in) > 1 else torch.zeros_like(slot)
        digit = torch.arange(digits, device=said.device)
        known = self.digit_in[slot, digit, said].sum(2)
        start = torch.zeros_like(self.place[:1]).expand(len(said), -1, -1)
        return torch.cat([start, known], 1) + self.place[: count + 1]

    def logits(self, x: Tensor, first: int = 0) -> Tensor:
        """Logits (B, n, J, R) of the digits of slots `first` to `first` + n.

        Args:
            x: what their positions came to (B, n, d).
            first: slot of the first position.
        """
        last = first + x.shape[1]
        alike = len(self.digit_out) == 1
        rows = slice(None) if alike else slice(first, last)
        weight, bias = self.digit_out[rows], self.digit_bias[rows]
        if alike:
            weight = weight.expand(x.shape[1], -1, -1)
        told = x.transpose(0, 1) @ weight.to(x.dtype) + bias.to(x.dtype)
        told = told.transpose(0, 1).unflatten(-1, self.real.shape[1:])
        return told.masked_fill(~self.real[first:last], NEVER)


def likeliest(logits: Tensor, ordinal: bool = True) -> Tensor:
    """Digits (B, J) where the chance of a value is largest; of ordinal ones where it is
    together with half its neighbours'."""
    if not ordinal:
        return logits.argmax(-1)
    chance = logits.float().softmax(-1)
    # An end has one neighbour only, which must not count against it.
    below = torch.cat([chance[..., :1], chance[..., :-1]], -1)
    above = torch.cat([chance[..., 1:], chance[..., -1:]], -1)
    return (below + 2 * chance + above).argmax(-1)

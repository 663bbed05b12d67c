"""Action ids one after another: how a string of them is read and written.

Every id is a position of the transformer, so later ids know earlier ones. An id goes in
and out as its digits (`tokenizers/id_digits.py`), and those are said one after another
too, by a small network behind the id's position: the first one may be the size of the
motion, of which the others are shares.

A digit divides an interval: where the quantity that it refines can still be, after the
digits before. So the head tells a density of the quantity, a mixture of logistics
(Salimans et al., arXiv 1701.05517), and a digit is as likely as its part of the
interval holds of it. As classes of their own, fine digits would be a saw of what is
seen; the density is as smooth as the motion, and where a coarse digit was said one too
high, the fine ones after it have to be low. Ids whose neighbours have nothing in common
stay classes.

Shapes: B batch, L slots, k ids so far, J digits a slot, R values of the widest digit,
M logistics, d width.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

Choose = Callable[[Tensor], Tensor]
"""From logits (B, R) of one digit to its values (B,)."""

NEVER = -1e4
"""Logit of a value that a digit does not have; finite, so that 0 times it is 0."""
MIXTURE = 4
"""Logistics of a density."""
NARROW = 0.1
"""Least width of a logistic, in parts of the interval's finest division."""


class StringHead(nn.Module):
    """Embeds ids that were said, and tells the next."""

    real: Tensor
    radix: Tensor
    parts: Tensor
    carry: Tensor
    gain: Tensor

    def __init__(
        self,
        slots: tuple[tuple[int, ...], ...],
        width: int,
        *,
        quantity: tuple[tuple[int, ...], ...] = (),
        gain: tuple[float, ...] = (),
        alike: bool = False,
        ordinal: bool = True,
    ) -> None:
        """Args:
        slots: radix of every digit of every id.
        width: of the residual stream.
        quantity: what every digit refines, a number each; each its own by default.
        gain: size of a motion by its very first digit; empty where all digits mean
            the same in every motion.
        alike: all slots share one embedding, which their place is added to.
        ordinal: neighbouring values of a digit mean neighbouring motions.
        """
        super().__init__()
        self.slots, self.ordinal = slots, ordinal
        count, digits, values = len(slots), len(slots[0]), max(max(s) for s in slots)
        rows = 1 if alike else count
        told = digits * (3 * MIXTURE if ordinal else values)
        self.place = nn.Parameter(torch.empty(count, width))
        self.digit_in = nn.Parameter(torch.empty(rows, digits, values, width))
        self.digit_out = nn.Parameter(torch.empty(rows, width, told))
        self.digit_bias = nn.Parameter(torch.zeros(rows, 1, told))
        self.before = nn.Parameter(torch.empty(rows, digits - 1, values, width))
        self.mix = nn.Linear(width, width) if digits > 1 else None
        for parameter in (self.place, self.digit_in, self.digit_out, self.before):
            nn.init.normal_(parameter, std=0.02)
        if ordinal:
            with torch.no_grad():
                start = torch.linspace(0.2, 0.8, MIXTURE)
                bias = self.digit_bias.view(rows, digits, 3, MIXTURE)
                bias[:, :, 0], bias[:, :, 1] = start, -2.0
        radix = torch.tensor(slots)
        parts, carry = _divisions(radix, quantity)
        real = torch.arange(values) < radix[..., None]
        for name, value in (
            ("real", real),
            ("radix", radix),
            ("parts", parts),
            ("carry", carry),
            ("gain", torch.tensor(gain)),
        ):
            self.register_buffer(name, value, persistent=False)

    def whole(self, place: Tensor) -> Tensor:
        """Digits (B, L, J) of places among their values (B, L, J)."""
        return (place + 0.5).floor().long().clamp_min(0).minimum(self.radix - 1)

    def size(self, said: Tensor) -> Tensor:
        """How large motions (B,) of digits (B, L, J) are, 1 on average."""
        if not len(self.gain):
            return said.new_ones(len(said), dtype=torch.float32)
        size = self.gain[said[:, 0, 0]]
        return size / size.mean()

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

    def chance(self, x: Tensor, said: Tensor) -> Tensor:
        """Log probabilities (B, L, J) of digits, each knowing those before.

        Args:
            x: what their positions came to (B, L, d).
            said: the digits (B, L, J).
        """
        count, digits = said.shape[1:]
        slot = torch.arange(count, device=x.device)[:, None]
        slot = slot if len(self.before) > 1 else torch.zeros_like(slot)
        digit = torch.arange(digits - 1, device=x.device)
        known = self.before[slot, digit, said[..., :-1]].cumsum(2)
        known = torch.cat([torch.zeros_like(known[:, :, :0]), known], 2)
        known = functional.pad(known, (0, 0, digits - known.shape[2], 0))
        told = self._told(x, known, slice(None))
        if not self.ordinal:
            logits = told.masked_fill(~self.real, NEVER).log_softmax(-1)
            return logits.gather(-1, said[..., None])[..., 0]
        # Whole numbers in double precision: no GPU multiplies matrices of integers.
        passed = (said.flatten(1).double() @ self.carry.double()).view(said.shape)
        finest = self.parts * self.radix
        own = _mass(told, passed * self.radix + said, finest, finest)
        return own - _mass(told, passed, self.parts, finest)

    def say(self, x: Tensor, said: Tensor, choose: Choose) -> Tensor:
        """Digits (B, J) of the next slot, one after another.

        Args:
            x: what its position came to (B, d).
            said: digits of the slots before (B, k, J).
            choose: takes one of the values.
        """
        slot, count = said.shape[1], self.real.shape[1]
        row = slot if len(self.before) > 1 else 0
        said = functional.pad(said, (0, 0, 0, len(self.slots) - slot))
        values = torch.arange(self.real.shape[-1], device=x.device)
        known = x.new_zeros(len(x), 1, count, x.shape[-1])
        for digit in range(count):
            told = self._told(x[:, None], known, slice(slot, slot + 1))[:, 0, digit]
            if self.ordinal:
                carry = self.carry[:, slot * count + digit].double()
                passed = said.flatten(1).double() @ carry
                radix = self.radix[slot, digit]
                part = passed[:, None] * radix + values
                finest = self.parts[slot, digit] * radix
                told = _mass(told[:, None], part, finest, finest)
            told = told.masked_fill(~self.real[slot, digit], NEVER)
            said[:, slot, digit] = choose(told)
            if digit + 1 < count:
                new = self.before[row, digit, said[:, slot, digit]]
                known[:, 0, digit + 1] = known[:, 0, digit] + new.to(x.dtype)
        return said[:, slot]

    def _told(self, x: Tensor, known: Tensor, slots: slice) -> Tensor:
        """What is told of every digit of n slots: logits (B, n, J, R), or of a density
        means, log widths and log weights (B, n, J, 3, M).

        Args:
            x: (B, n, d).
            known: what the digits before each mean (B, n, J, d).
            slots: n of them.
        """
        digits = self.real.shape[1]
        rows = slice(None) if len(self.digit_out) == 1 else slots
        weight, bias = self.digit_out[rows], self.digit_bias[rows]
        weight = weight.expand(x.shape[1], -1, -1).unflatten(-1, (digits, -1))
        bias = bias.unflatten(-1, (digits, -1))[:, 0]
        wide = x[:, :, None].expand_as(known)
        if self.mix is not None:
            wide = wide + functional.gelu(self.mix(wide + known.to(x.dtype)))
        # A product for every digit of every slot: (n J, B, d) @ (n J, d, told). In half
        # precision a mean would be off by more than the finest digits are wide.
        rows_of = wide.permute(1, 2, 0, 3).flatten(0, 1).float()
        maps = weight.permute(0, 2, 1, 3).flatten(0, 1).float()
        with torch.autocast(x.device.type, enabled=False):
            told = rows_of @ maps
        told = told.unflatten(0, (x.shape[1], digits)).permute(2, 0, 1, 3)
        told = told + bias.float()
        return told.unflatten(-1, (3, MIXTURE)) if self.ordinal else told


def _divisions(
    radix: Tensor, quantity: tuple[tuple[int, ...], ...]
) -> tuple[Tensor, Tensor]:
    """How digits divide what they refine.

    Args:
        radix: (L, J).
        quantity: (L, J) what each refines; each its own if empty.

    Returns:
        parts (L, J) that the digits before have made of it, and the map (L J, L J) from
        digits to the number of the part that those before each have chosen.
    """
    flat = radix.flatten().tolist()
    own = [q for row in quantity for q in row] or list(range(len(flat)))
    parts = [1] * len(flat)
    carry = torch.zeros(len(flat), len(flat), dtype=torch.int64)
    for t, (what, many) in enumerate(zip(own, flat, strict=True)):
        for later in range(t + 1, len(flat)):
            if own[later] == what:
                carry[:t, later] *= many
                carry[t, later] = 1
                parts[later] *= many
    return torch.tensor(parts).view(radix.shape), carry


def _mass(told: Tensor, part: Tensor, parts: Tensor, finest: Tensor) -> Tensor:
    """Log share of densities in parts of [0, 1]; the ends hold what is beyond them.

    Args:
        told: (..., 3, M) means, log widths and log weights.
        part: (...) number of the part.
        parts: into how many [0, 1] is divided.
        finest: parts that widths are measured by.
    """
    mean, width, weight = told.unbind(-2)
    parts, least = parts[..., None], (NARROW / finest).float().log()[..., None]
    scale = (-torch.maximum(width, least)).exp()
    part = part[..., None]
    low = ((part / parts).float() - mean) * scale
    high = (((part + 1) / parts).float() - mean) * scale
    low = low.masked_fill(part == 0, -1e4)
    high = high.masked_fill(part == parts - 1, 1e4)
    # sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b)), without loss.
    gap = torch.log(-torch.expm1((low - high).clamp_max(-1e-6)))
    mass = functional.logsigmoid(high) + functional.logsigmoid(-low) + gap
    return (mass + weight.log_softmax(-1)).logsumexp(-1)


def middle(logits: Tensor, ordinal: bool = True) -> Tensor:
    """Values (...) of digits whose logits are (..., R): of ordinal ones the median, of
    others the likeliest.

    The median is off by least. Between "left" and "right" it takes the side that more
    speaks for, and what is learned halfway moves it less than the peak of a density.
    """
    if not ordinal:
        return logits.argmax(-1)
    share = logits.float().softmax(-1).cumsum(-1)
    return (share < 0.5).sum(-1).clamp_max(logits.shape[-1] - 1)

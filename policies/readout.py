"""Which action ids a body executes, of those that a policy finds likely."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brownfield.policies.losses import local_mode
from brownfield.policies.model import Look, StreamTransformer
from brownfield.policies.string_head import middle
from brownfield.robot.body import Body
from brownfield.tokenizers.id_digits import IdDigits

PALM = ("palm_x", "palm_y", "palm_z")
BY_MEAN: dict[str, tuple[str, ...]] = {
    "g1": PALM,
    "g1_two_hands": (*PALM, *(f"left_{name}" for name in PALM)),
    "car": ("acceleration",),
}
"""Fields by body whose ids are the mean of what is likely. Half of braking is a choice
too, and a late one is the car ahead; a palm that may have to rise further rises a
little, instead of stopping below what counts as lifted. Half of two ways round
something is not a choice, so all other fields take what is likeliest. Ids that are said
one after another are read by `string_head.middle`."""
BY_SIDE = ("g1_two_hands",)
"""Bodies whose means do not stop between two ways: where much lies on both sides of
staying, and more than on it, they take that of the likelier side. A hand that does not
know whether it has arrived goes on or back, instead of waiting for ever. One that holds
something comes to a place, which is no choice: from side to side it would never stay
over a tray."""
HOLDING_GRIP = 0.9
"""From here on a hand holds something."""
_SIDE_SHARE = 0.15
"""So much on either side makes two ways."""
_SURE = 0.8
"""Who finds it so likely of every field that it stays as it is, draws nothing."""
_APART = 0.1
"""Of the range between the ends, so far their means are apart."""


def answer_ids(
    trunk: StreamTransformer,
    body: Body,
    look: Look,
    digits: IdDigits,
    draw: torch.Generator | None = None,
    *,
    holds: bool = False,
) -> NDArray[np.int64]:
    """Ids (B, K) that a body executes after a look.

    Args:
        trunk: says them, where they come one after another.
        body: who answers.
        look: what it saw.
        digits: of the body's action tokenizer.
        draw: ids of a block are drawn from what is likely with this, unless staying is
            likely of every field; None says what is likeliest, or the mean.
        holds: whether a hand holds something.
    """
    string = trunk.port(body.name).string
    if string is None:
        return action_ids(look.action, body, draw, holds=holds).cpu().numpy()
    choose = partial(middle, ordinal=string.ordinal)
    return digits.ids(trunk.write(body.name, look, choose).cpu().numpy())


def action_ids(
    logits: Tensor,
    body: Body,
    draw: torch.Generator | None = None,
    *,
    holds: bool = False,
) -> Tensor:
    """Ids (B, K) of a block, knot by knot, from its logits (B, K, n_bins); `draw` and
    `holds` as in `answer_ids`."""
    names = [field.name for field in body.action]
    if draw is not None and not _is_sure(logits[:, : len(names)]):
        chance = logits.float().softmax(-1).flatten(0, 1).cpu()
        return torch.multinomial(chance, 1, generator=draw).view(logits.shape[:2])
    ids = local_mode(logits)
    columns = [names.index(name) for name in BY_MEAN.get(body.name, ())]
    if columns:
        by_mean = torch.zeros(len(names), dtype=torch.bool, device=logits.device)
        by_mean[columns] = True
        mean = _mean(logits, body.name in BY_SIDE and not holds)
        ids = torch.where(by_mean.repeat(ids.shape[1] // len(names)), mean, ids)
    return ids


def _is_sure(logits: Tensor) -> bool:
    """Whether all fields of all rows most likely stay, in logits (B, D, n_bins) of the
    first knot: who has arrived stands still for a reason."""
    middle = (logits.shape[-1] - 1) // 2
    stays = logits.float().softmax(-1)[..., middle - 1 : middle + 2].sum(-1)
    return bool((stays > _SURE).all())


def _mean(logits: Tensor, by_side: bool) -> Tensor:
    """Ids (B, K) by the mean of what is likely in logits (B, K, n_bins)."""
    chance = logits.float().softmax(-1)
    n_bins = logits.shape[-1]
    bins = torch.arange(n_bins, device=logits.device)
    mean = (chance * bins).sum(-1)
    if by_side:
        middle = (n_bins - 1) // 2
        below, above = chance[..., :middle], chance[..., middle + 1 :]
        less, more = below.sum(-1), above.sum(-1)
        low = (below * bins[:middle]).sum(-1) / less.clamp_min(1e-9)
        high = (above * bins[middle + 1 :]).sum(-1) / more.clamp_min(1e-9)
        two = torch.minimum(less, more) > _SIDE_SHARE
        two &= torch.maximum(less, more) > chance[..., middle]
        two &= high - low > _APART * (n_bins - 1)
        mean = torch.where(two, torch.where(more > less, high, low), mean)
    return mean.round().long()

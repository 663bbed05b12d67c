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
something is not a choice, so all other fields take what is likeliest. A palm that stops
between two ways is moved on by `patience`. Ids that are said one after another are read
by `string_head.middle`."""


def answer_ids(
    trunk: StreamTransformer,
    body: Body,
    look: Look,
    digits: IdDigits,
    draw: torch.Generator | None = None,
) -> NDArray[np.int64]:
    """Ids (B, K) that a body executes after a look.

    Args:
        trunk: says them, where they come one after another.
        body: who answers.
        look: what it saw.
        digits: of the body's action tokenizer.
        draw: ids of a block are drawn from what is likely with this; None says what is
            likeliest, or the mean.
    """
    string = trunk.port(body.name).string
    if string is None:
        return action_ids(look.action, body, draw).cpu().numpy()
    choose = partial(middle, ordinal=string.ordinal)
    return digits.ids(trunk.write(body.name, look, choose).cpu().numpy())


def action_ids(
    logits: Tensor, body: Body, draw: torch.Generator | None = None
) -> Tensor:
    """Ids (B, K) of a block, knot by knot, from its logits (B, K, n_bins); drawn from
    what is likely where there is something to draw with."""
    if draw is not None:
        chance = logits.float().softmax(-1).flatten(0, 1).cpu()
        return torch.multinomial(chance, 1, generator=draw).view(logits.shape[:2])
    ids = local_mode(logits)
    names = [field.name for field in body.action]
    columns = [names.index(name) for name in BY_MEAN.get(body.name, ())]
    if columns:
        by_mean = torch.zeros(len(names), dtype=torch.bool, device=logits.device)
        by_mean[columns] = True
        chance = logits.float().softmax(-1)
        bins = torch.arange(logits.shape[-1], device=logits.device)
        mean = (chance * bins).sum(-1).round().long()
        ids = torch.where(by_mean.repeat(ids.shape[1] // len(names)), mean, ids)
    return ids

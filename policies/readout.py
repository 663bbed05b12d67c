"""Which action ids a body executes, of those that a policy finds likely."""

from __future__ import annotations

import torch
from torch import Tensor

from brownfield.policies.losses import local_mode
from brownfield.robot.body import Body

BY_MEAN: dict[str, tuple[str, ...]] = {
    "g1": ("palm_x", "palm_y", "palm_z"),
    "car": ("acceleration",),
}
"""Fields by body whose ids are the mean of what is likely. Half of braking is a choice
too, and a late one is the car ahead; a palm that may have to rise further rises a
little, instead of stopping below what counts as lifted. Half of two ways round
something is not a choice, so all other fields take what is likeliest."""


def action_ids(logits: Tensor, body: Body) -> Tensor:
    """Ids (B, K) from logits (B, K, n_bins), knot by knot, fields in their order."""
    ids = local_mode(logits)
    names = [field.name for field in body.action]
    columns = [names.index(name) for name in BY_MEAN.get(body.name, ())]
    if columns:
        bins = torch.arange(logits.shape[-1], device=logits.device)
        mean = (logits.float().softmax(-1) * bins).sum(-1).round().long()
        by_mean = torch.zeros(len(names), dtype=torch.bool, device=logits.device)
        by_mean[columns] = True
        ids = torch.where(by_mean.repeat(ids.shape[1] // len(names)), mean, ids)
    return ids

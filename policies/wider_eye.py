"""A policy whose eye says more of every cell reads it as before, until it learns.

An eye's codes have few channels, and a policy knows no more of a picture than they say.
With further channels behind them (`VideoFSQ.grown`), whose weights begin at zero in all
that reads them, nothing that was learned is lost.
"""

from __future__ import annotations

import torch
from torch import Tensor

from brownfield.policies.policy import StreamPolicy


def wider_reading(policy: StreamPolicy, old: StreamPolicy) -> dict[str, Tensor]:
    """Weights of an old policy for one whose eye has grown from its own.

    Those of the eye are left out: `policy` has them. What only the new channels of
    the next look are told from stays as it was drawn.

    Args:
        policy: the new one.
        old: of the same sizes, but for levels at the end of `video_levels`.

    Raises:
        ValueError: what reads the codes is no plain layer, or the old levels do not
            come first.
    """
    mine, theirs = policy.config, old.config
    had, has = theirs.video_levels, mine.video_levels
    if has[: len(had)] != had or mine.video_blocks or mine.video_lent:
        raise ValueError(
            f"expected codes of levels {had} first, read without blocks; got {has} "
            f"and {mine.video_blocks} blocks"
        )
    ours = policy.state_dict()
    weights = {n: x for n, x in old.state_dict().items() if not n.startswith("video.")}
    cells = mine.video_pack**2
    name = "trunk.video_in.0.weight"
    read = torch.zeros_like(ours[name]).unflatten(1, (cells, len(has)))
    read[..., : len(had)] = weights[name].unflatten(1, (cells, len(had)))
    weights[name] = read.flatten(1)
    for name in ("trunk.video_out.weight", "trunk.video_out.bias"):
        told = ours[name].clone().unflatten(0, (cells, sum(has)))
        told[:, : sum(had)] = weights[name].unflatten(0, (cells, sum(had)))
        weights[name] = told.flatten(0, 1)
    return weights

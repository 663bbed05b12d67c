"""A body that joins a model where a relative lives: one name of a field, one meaning.

A robot that gets a second hand keeps what it knows of the first: weights that belong to
a field by its name are taken over, those of fields that only the newcomer has stay as
they were drawn.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from brownfield.envs.places import place_of
from brownfield.policies.port import Port, PortConfig
from brownfield.robot.bodies import body_named


def relative_of(body: str, known: Sequence[str]) -> str | None:
    """The body among `known` that works where `body` does; None if there is none."""
    kin = [other for other in known if other in place_of(body).bodies]
    return kin[0] if kin else None


def comparable(ours: PortConfig, theirs: PortConfig) -> bool:
    """Whether ids of two ports mean the same: blocks of as many knots and bins."""
    sizes = ("action_bins", "action_knots", "state_bins", "auxiliary", "velocity_dim")
    blocks = not ours.action_slots and not theirs.action_slots
    return blocks and all(getattr(ours, one) == getattr(theirs, one) for one in sizes)


@torch.no_grad()
def take_over(new: Port, body: str, old: Port, relative: str) -> None:
    """Start a port from a relative's, field by field.

    Args:
        new: the newcomer's, changed in place; its normalisation is fitted already.
        body: name of the newcomer.
        old: the relative's, whose sizes are `comparable`.
        relative: its name.
    """
    ours, theirs = new.config, old.config
    state = _pairs(
        [field.name for field in body_named(body).state],
        [field.name for field in body_named(relative).state],
    )
    action = _pairs(
        [field.name for field in body_named(body).action],
        [field.name for field in body_named(relative).action],
    )
    mine, other = dict(new.named_parameters()), dict(old.named_parameters())
    by_field = {"state_in.0.weight", "executed_in.0.weight", "state_out.weight"}
    by_field |= {"state_out.bias", "action_query", "action_out", "action_bias"}
    for name in mine.keys() - by_field:
        mine[name].copy_(other[name])
    _copy(new.action_query, old.action_query, action)
    _copy(new.action_out, old.action_out, action)
    _copy(new.action_bias, old.action_bias, action)
    # Knot-major: every knot has all fields.
    knots = [
        (k * ours.action_dim + i, k * theirs.action_dim + j)
        for k in range(ours.action_knots)
        for i, j in action
    ]
    _copy(mine["executed_in.0.weight"].T, other["executed_in.0.weight"].T, knots)
    rank = new.state_rank
    ranks = [(i * rank + r, j * rank + r) for i, j in state for r in range(rank)]
    _copy(mine["state_out.weight"], other["state_out.weight"], ranks)
    _copy(mine["state_out.bias"], other["state_out.bias"], ranks)
    # What is scaled otherwise would mean something else.
    columns = mine["state_in.0.weight"]
    only_ours = sorted(set(range(columns.shape[1])) - {i for i, _ in state})
    columns[:, only_ours] *= 0.1
    _copy(columns.T, other["state_in.0.weight"].T, state)
    _copy(new.state_mean, old.state_mean, state)
    _copy(new.state_std, old.state_std, state)
    new.auxiliary_mean.copy_(old.auxiliary_mean)
    new.auxiliary_std.copy_(old.auxiliary_std)


def _pairs(ours: list[str], theirs: list[str]) -> list[tuple[int, int]]:
    """Where fields of one name stand in both."""
    return [(i, theirs.index(name)) for i, name in enumerate(ours) if name in theirs]


def _copy(to: Tensor, source: Tensor, pairs: list[tuple[int, int]]) -> None:
    at = torch.tensor(pairs)
    to[at[:, 0]] = source[at[:, 1]]

"""Ids are what is likeliest, or the mean where a body says that half is a choice."""

import torch

from brownfield.policies.losses import local_mode
from brownfield.policies.readout import BY_MEAN, BY_SIDE, action_ids
from brownfield.robot.bodies import BODIES, body_named


def _two_choices(count: int) -> torch.Tensor:
    """Bins 20 and 40 of 63 are likely, 40 a little more."""
    logits = torch.full((1, count, 63), -20.0)
    logits[..., 20], logits[..., 40] = 0.0, 0.2
    return logits


def test_a_humanoid_takes_what_is_likeliest_but_for_its_palm() -> None:
    body = body_named("g1")
    logits = _two_choices(2 * body.action_dim)
    ids = action_ids(logits, body).view(2, -1)
    palm = [field.name in BY_MEAN["g1"] for field in body.action]
    assert sum(palm) == 3
    assert (ids[:, palm] == 31).all()
    others = [not own for own in palm]
    assert torch.equal(ids[:, others], local_mode(logits).view(2, -1)[:, others])
    assert (ids[:, others] == 40).all()


def test_a_car_takes_the_mean_of_its_accelerations() -> None:
    ids = action_ids(_two_choices(4), body_named("car"))
    assert ids.tolist() == [[40, 31, 40, 31]]


def test_two_hands_do_not_stop_between_two_ways() -> None:
    body = body_named("g1_two_hands")
    palm = [field.name in BY_MEAN[body.name] for field in body.action]
    logits = _two_choices(2 * body.action_dim)
    assert (action_ids(logits, body).view(2, -1)[:, palm] == 40).all()
    # What holds something comes to a place.
    held = action_ids(logits, body, holds=True).view(2, -1)[:, palm]
    assert (held == 31).all()
    # One way, rest among it, stays the mean: a palm that may have to rise rises.
    logits[..., 20], logits[..., 31] = -20.0, 0.2
    ids = action_ids(logits, body).view(2, -1)[:, palm]
    assert ((ids == 35) | (ids == 36)).all()
    # Ways that lie close together are one, told not quite sharply.
    logits[..., 40], logits[..., 31] = -20.0, -20.0
    logits[..., 29], logits[..., 33] = 0.0, 0.2
    assert (action_ids(logits, body).view(2, -1)[:, palm] == 31).all()
    # Who most likely stays does not jump to either side.
    logits = _two_choices(2 * body.action_dim)
    logits[..., 31] = 1.0
    ids = action_ids(logits, body).view(2, -1)[:, palm]
    assert ((ids - 31).abs() < 2).all()
    assert set(BY_SIDE) <= set(BY_MEAN)


def test_fields_by_mean_exist() -> None:
    for name, fields in BY_MEAN.items():
        assert set(fields) <= {field.name for field in BODIES[name].action}

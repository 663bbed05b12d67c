"""Laws of the ordinal targets, their decoding, and the digits of video ids."""

import torch

from brownfield.policies.losses import (
    LossConfig,
    action_loss,
    local_mode,
    naming_loss,
    pointing_loss,
    video_loss,
)
from brownfield.policies.losses import ordinal_targets as targets
from brownfield.policies.policy import digits_of, ids_of
from brownfield.tokenizers.fsq import FSQ


def test_targets_decode_to_the_nearest_bin() -> None:
    coordinate = torch.linspace(0, 126, 505)
    chance = targets(coordinate, 127, 1.5, 0.35)
    torch.testing.assert_close(chance.sum(-1), torch.ones(505))
    assert ((local_mode(chance.log()) - coordinate).abs() <= 1.0).all()
    ends = targets(torch.tensor([0.0, 126.0]), 127, 1.5, 0.35)
    assert local_mode(ends.log()).tolist() == [0, 126]


def test_rest_is_said_exactly() -> None:
    rest = targets(torch.tensor([63.0]), 127, 1.5, 0.35)
    assert rest[0, 63] > 0.9
    moving = targets(torch.tensor([66.0]), 127, 1.5, 0.35)
    for share, expected in ((0.7, {63}), (0.4, {65, 66, 67}), (0.1, {65, 66, 67})):
        mixed = share * rest + (1 - share) * moving
        assert local_mode(mixed.log()).item() in expected


def test_the_local_mode_does_not_average_two_sides() -> None:
    left, right = (targets(torch.tensor([c]), 127, 1.5, 0.35) for c in (30.0, 90.0))
    assert local_mode((0.6 * left + 0.4 * right).log()).item() == 30


def test_action_loss_is_least_at_the_label() -> None:
    coordinate = torch.full((1, 20), 40.0)
    config = LossConfig()
    near = targets(coordinate, 127, 1.5, 0.35).clamp_min(1e-9).log()
    far = targets(coordinate + 5, 127, 1.5, 0.35).clamp_min(1e-9).log()
    assert action_loss(near, coordinate, config, 10) < action_loss(
        far, coordinate, config, 10
    )


def test_digits_are_those_of_the_quantiser() -> None:
    levels = (8, 5, 5, 2)
    quantiser = FSQ(levels, symmetric=True)
    ids = torch.arange(400).view(1, 20, 20)
    digits = digits_of(ids, levels)
    assert torch.equal(ids_of(digits, levels), ids)
    half = (torch.tensor(levels) - 1) / 2
    torch.testing.assert_close((digits - half) / half, quantiser.codes(ids))


def test_pointing_is_finer_than_a_cell_and_ignores_what_is_not_seen() -> None:
    pixel = torch.tensor([[-0.875, 0.125], [0.0, 0.0], [5.0, 5.0]])
    logits = torch.full((3, 64), -30.0)
    logits[0, 4 * 8 + 0] = 0.0
    logits[1, [27, 28, 35, 36]] = 0.0
    seen = torch.tensor([1.0, 0.0, 0.0])
    assert pointing_loss(logits, pixel, seen) < 1e-6
    seen = torch.tensor([0.0, 1.0, 0.0])
    torch.testing.assert_close(
        pointing_loss(logits, pixel, seen), torch.tensor(4.0).log()
    )
    worse = logits.clone()
    worse[1, 27] = 2.0
    assert pointing_loss(worse, pixel, seen) > torch.tensor(4.0).log()
    assert pointing_loss(logits, pixel, torch.zeros(3)) == 0


def test_naming_reads_the_place_and_ignores_what_is_not_seen() -> None:
    pixel = torch.tensor([[-0.875, 0.125], [0.0, 0.0]])
    prompt = torch.tensor([2, 0])
    likeness = torch.zeros(2, 64, 3)
    likeness[0, 4 * 8 + 0] = torch.tensor([0.0, 0.0, 30.0])
    seen = torch.tensor([1.0, 0.0])
    assert naming_loss(likeness, pixel, prompt, seen) < 1e-6
    torch.testing.assert_close(
        naming_loss(likeness, pixel, prompt, torch.tensor([0.0, 1.0])),
        torch.tensor(3.0).log(),
    )


def test_ids_of_many_channels_weigh_no_more_than_those_of_few() -> None:
    digits = torch.zeros(2, 64, 6, dtype=torch.long)
    for count in (2, 6):
        known_nothing = torch.zeros(2, 64, 4 * count)
        torch.testing.assert_close(
            video_loss(known_nothing, digits[..., :count], (4,) * count),
            torch.tensor(4.0).log(),
        )

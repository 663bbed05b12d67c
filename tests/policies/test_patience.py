"""Who has waited for too long draws from what is likely."""

import numpy as np
import torch

from brownfield.policies.patience import PATIENCE_S, Patience
from brownfield.policies.readout import action_ids
from brownfield.robot.bodies import BODIES, body_named

BODY = body_named("g1_two_hands")
STEPS = round(PATIENCE_S[BODY.name] * BODY.control_hz)


def _still() -> np.ndarray:
    command = (BODY.action_lower + BODY.action_upper) / 2
    return np.where([f.rest is not None for f in BODY.action], 0.0, command)


def test_who_stands_still_loses_patience_and_has_half_of_it_again() -> None:
    patience, command = Patience(BODY), _still()
    out = [i for i in range(0, 3 * STEPS, 2) if patience.is_out(command, i)]
    assert out == [STEPS, STEPS * 3 // 2, STEPS * 2, STEPS * 5 // 2]
    # A look may be taken once more.
    assert patience.is_out(command, out[-1])
    assert not Patience(BODY).is_out(command, 10 * STEPS)
    patience.reset()
    assert not patience.is_out(command, out[-1])


def test_what_somebody_else_did_meanwhile_is_no_waiting() -> None:
    for later in (STEPS, 10 * STEPS):
        patience = Patience(BODY)
        assert not patience.is_out(_still(), 4)
        assert not patience.is_out(_still(), 4 + later)
        assert not patience.is_out(_still(), 0)


def test_who_walks_or_moves_a_hand_has_patience() -> None:
    for index, field in enumerate(BODY.action):
        patience, command = Patience(BODY), _still()
        span = BODY.action_upper[index] - BODY.action_lower[index]
        for step in range(0, 3 * STEPS, 2):
            # A velocity may stay as it is; a hand has to go somewhere.
            change = 0.05 if field.rest is not None else 0.005 * step
            command[index] = _still()[index] + change * span
            assert not patience.is_out(command, step), field.name


def test_a_hand_that_sways_on_the_spot_goes_nowhere() -> None:
    hands = [field.rest is None for field in BODY.action]
    sway = np.where(hands, BODY.action_upper - BODY.action_lower, 0.0)
    for most, out in ((0.03, True), (0.06, False)):
        patience = Patience(BODY)
        steps = range(0, 2 * STEPS, 2)
        said = [patience.is_out(_still() + most * np.sin(i) * sway, i) for i in steps]
        assert any(said) is out


def test_who_has_walked_waits_anew() -> None:
    patience, walks = Patience(BODY), _still()
    walks[0] = 0.3
    for step in range(0, STEPS + 2, 2):
        patience.is_out(_still(), step)
    assert not patience.is_out(walks, STEPS + 2)
    waits = range(STEPS + 4, 2 * STEPS + 6, 2)
    assert [i for i in waits if patience.is_out(_still(), i)] == [2 * STEPS + 4]


def test_others_wait_for_as_long_as_it_takes() -> None:
    """A car at a red light does not draw lots."""
    for name in set(BODIES) - set(PATIENCE_S):
        body = body_named(name)
        patience = Patience(body)
        still = np.zeros(body.action_dim)
        assert not any(patience.is_out(still, step) for step in range(600))
    assert set(PATIENCE_S) <= set(BODIES)


def test_what_is_drawn_is_as_likely_as_it_was_told() -> None:
    logits = torch.full((400, BODY.action_dim, 63), -20.0)
    logits[..., 31], logits[..., 40] = 0.0, 0.0
    logits[..., 3] = -np.log(2)
    drawn = action_ids(logits, BODY, torch.Generator().manual_seed(0))
    assert drawn.shape == logits.shape[:2]
    shares = [(drawn == i).float().mean().item() for i in (31, 40, 3)]
    np.testing.assert_allclose(shares, [0.4, 0.4, 0.2], atol=0.02)
    again = action_ids(logits, BODY, torch.Generator().manual_seed(0))
    assert torch.equal(drawn, again)
    # Who is sure of every field that it stays as it is draws nothing.
    sure = torch.full((1, BODY.action_dim, 63), -6.0)
    sure[..., 31] = 0.4
    chance = sure.softmax(-1)[..., 30:33].sum(-1)
    assert (chance > 0.8).all() and chance.max() < 0.95
    for seed in range(20):
        lots = torch.Generator().manual_seed(seed)
        assert torch.equal(action_ids(sure, BODY, lots), action_ids(sure, BODY))
    sure[0, 3] = 0.0
    lots = [torch.Generator().manual_seed(seed) for seed in range(20)]
    assert len({int(action_ids(sure, BODY, lot)[0, 3]) for lot in lots}) > 5
    # Without lots the same answer comes at every look.
    assert (action_ids(logits, BODY)[1:] == action_ids(logits, BODY)[:1]).all()

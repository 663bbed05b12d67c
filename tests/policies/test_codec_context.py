"""What the past tells of the future, where it tells everything and where nothing."""

import numpy as np
import pytest

from brownfield.policies.codec_chunks import windows
from brownfield.policies.codec_context import histories, predict
from brownfield.policies.codec_folds import make_fold
from brownfield.robot.motion import Motion

STEPS, PAST = 16, 12


def motion(seed: int, kind: str, told: bool) -> Motion:
    """Two joints on one sine, whose phase the past tells, or fresh noise every clip."""
    rng = np.random.default_rng(seed)
    times = np.arange(150)[:, None] / 20
    if told:
        phase = rng.uniform(0, 6)
        x = np.sin(4 * times + phase) * np.array([1.0, 0.6])
    else:
        x = np.cumsum(rng.normal(0, 0.1, (150, 2)), 0)
    return Motion(
        name=f"{kind}{seed}", kind=kind, values=x, rate_hz=20.0, names=("a", "b")
    )


def parts(told: bool):
    motions = [motion(i, "uvwxyz"[i % 6], told) for i in range(12)]
    own = [m for m in motions if m.kind != "u"]
    other = [m for m in motions if m.kind == "u"]
    fold = make_fold(windows(own, STEPS, 2), windows(other, STEPS, STEPS), 20.0)
    pasts = histories(own, STEPS, 2, PAST), histories(other, STEPS, STEPS, PAST)
    return fold, pasts


def test_histories_end_at_the_hand_over():
    clip = motion(0, "u", True)
    past = histories([clip], STEPS, 3, PAST)
    cut = windows([clip], STEPS, 3)
    np.testing.assert_array_equal(past[:, -1], cut.last)
    np.testing.assert_allclose((past[:, -1] - past[:, -2]) * 20, cut.velocity)
    np.testing.assert_array_equal(past[0, 0], clip.values[0])


@pytest.mark.parametrize("kernel", [False, True])
def test_a_sine_is_foreseen(kernel):
    fold, pasts = parts(told=True)
    _, taken = predict(fold, *pasts, kernel=kernel)
    assert taken.shape == fold.test.rows.shape
    nothing = np.zeros_like(taken)
    before, after = (_left(fold, x) for x in (nothing, taken))
    assert after < 0.1 * before


@pytest.mark.parametrize("kernel", [False, True])
def test_of_a_random_walk_only_its_place_is(kernel):
    fold, pasts = parts(told=False)
    _, taken = predict(fold, *pasts, kernel=kernel)
    # The best guess of a walk is where it is: nothing that is learned beats it.
    held = ((fold.test.rows - fold.test.last[:, None]) ** 2).mean()
    assert 0.9 * held < _left(fold, taken) < 1.3 * held


def test_predictions_leave_the_hand_over_alone():
    fold, pasts = parts(told=True)
    for taken in predict(fold, *pasts, kernel=False):
        # Zero value and slope at t = 0: what is left after one row is of second order.
        first, later = np.abs(taken[:, 0]).mean(), np.abs(taken[:, -1]).mean()
        assert first < 0.1 * later


def _left(fold, taken) -> float:
    """What remains of the test residuals (mean square) after a prediction."""
    t, times = fold.test, np.arange(1, STEPS + 1) / 20
    coast = (1 - np.clip(1 - times / 0.3, 0, 1) ** 3) * 0.1
    base = t.last[:, None] + t.velocity[:, None] * coast[:, None]
    return float(((t.rows - base - taken) ** 2).mean())

"""The base starts as told, comes to rest in time, and keeps within limits."""

import numpy as np
import pytest

from brownfield.tokenizers.braking_base import base_weights, feasible, rest_times

LOWER, UPPER = np.array([-1.0, -2.0, -1.0]), np.array([1.0, 2.0, 3.0])
RATE = np.array([4.0, 3.0, 2.0])
REST = np.array([np.nan, 0.5, -1.0])


def base(last, velocity, times, derivative=0):
    duration = rest_times(LOWER, UPPER, RATE, REST)
    hold, slope = base_weights(times, duration, np.isnan(REST), derivative)
    goal = np.nan_to_num(REST)
    constant = goal * (derivative == 0)
    return (last[:, None] - goal) * hold + constant + velocity[:, None] * slope


def states(count=2000):
    rng = np.random.default_rng(0)
    last = rng.uniform(LOWER - 0.5, UPPER + 0.5, (count, 3))
    velocity = rng.normal(0, 4, (count, 3))
    duration = rest_times(LOWER, UPPER, RATE, REST)
    return feasible(last, velocity, LOWER, UPPER, RATE, duration)


def test_it_starts_as_told():
    last, velocity = states()
    start = np.zeros(1)
    np.testing.assert_allclose(base(last, velocity, start)[:, 0], last, atol=1e-12)
    np.testing.assert_allclose(base(last, velocity, start, 1)[:, 0], velocity)


def test_it_comes_to_rest():
    last, velocity = states()
    late = np.array([6.0, 9.0])
    value = base(last, velocity, late)
    np.testing.assert_allclose(value[:, 0], value[:, 1])
    np.testing.assert_allclose(value[:, 0, 1:], np.broadcast_to(REST[1:], (2000, 2)))
    np.testing.assert_allclose(base(last, velocity, late, 1), 0, atol=1e-12)


def test_it_keeps_within_limits_and_rates():
    last, velocity = states()
    times = np.linspace(0, 5, 1001)
    value, slope = base(last, velocity, times), base(last, velocity, times, 1)
    assert (value >= LOWER - 1e-9).all() and (value <= UPPER + 1e-9).all()
    assert (np.abs(slope) <= RATE + 1e-9).all()


def test_derivatives_are_derivatives():
    last, velocity = states(50)
    times = np.linspace(0.01, 2, 77)
    for order in (0, 1):
        ahead = base(last, velocity, times + 1e-6, order)
        behind = base(last, velocity, times - 1e-6, order)
        exact = base(last, velocity, times, order + 1)
        np.testing.assert_allclose((ahead - behind) / 2e-6, exact, atol=1e-3)


def test_feasible_states_are_left_alone():
    last, velocity = states()
    again = feasible(
        last, velocity, LOWER, UPPER, RATE, rest_times(LOWER, UPPER, RATE, REST)
    )
    np.testing.assert_allclose(again[0], last)
    np.testing.assert_allclose(again[1], velocity)


def test_other_derivatives_are_refused():
    with pytest.raises(ValueError, match="derivative"):
        base_weights(np.zeros(1), np.ones(1), np.ones(1, bool), 3)

"""Splines that start at rest, and hulls that enclose them."""

import numpy as np
import pytest

from brownfield.tokenizers.onset_spline import OnsetSpline, bezier_points, hull_times


@pytest.mark.parametrize("n_control", [4, 5, 14])
def test_value_and_slope_are_zero_at_the_onset(n_control):
    spline = OnsetSpline(n_control, 1.5)
    assert spline(np.zeros(1)).shape == (1, n_control - 2)
    np.testing.assert_array_equal(spline(np.zeros(1)), 0)
    np.testing.assert_array_equal(spline(np.zeros(1), 1), 0)
    assert np.linalg.matrix_rank(spline(np.linspace(0, 1.5, 60))) == n_control - 2


def test_derivatives_are_derivatives():
    spline = OnsetSpline(9, 2.0)
    times = np.linspace(0.1, 1.9, 50)
    for order in (0, 1, 2):
        step = (spline(times + 1e-5, order) - spline(times - 1e-5, order)) / 2e-5
        np.testing.assert_allclose(step, spline(times, order + 1), atol=1e-2)


def test_hulls_enclose_the_spline():
    spline = OnsetSpline(10, 1.0)
    pieces = hull_times(spline.breaks)
    assert pieces[0, 0] == 0 and pieces[-1, 1] == 1
    np.testing.assert_array_equal(pieces[1:, 0], pieces[:-1, 1])
    value, slope = (
        spline(pieces.reshape(-1), d).reshape(len(pieces), 2, -1) for d in (0, 1)
    )
    points = bezier_points(value, slope, pieces)
    weights = np.random.default_rng(0).normal(size=(8, 50))
    hull = points @ weights
    for (low, high), own in zip(pieces, hull, strict=True):
        inside = spline(np.linspace(low, high, 20)) @ weights
        assert (inside <= own.max(0) + 1e-12).all()
        assert (inside >= own.min(0) - 1e-12).all()


def test_too_few_control_points_are_refused():
    with pytest.raises(ValueError, match="control points"):
        OnsetSpline(3, 1.0)
    with pytest.raises(ValueError, match="horizon"):
        OnsetSpline(6, 0.0)

"""Splines that start at rest, and hulls that enclose them."""

import numpy as np
import pytest

from brownfield.tokenizers.onset_spline import OnsetSpline


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


def test_too_few_control_points_are_refused():
    with pytest.raises(ValueError, match="control points"):
        OnsetSpline(3, 1.0)
    with pytest.raises(ValueError, match="horizon"):
        OnsetSpline(6, 0.0)

"""Cubic splines that begin with zero value and zero slope.

A clamped uniform cubic B-spline without its first two basis functions: whatever its
coefficients, it leaves position and velocity at t = 0 as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

Array = NDArray[np.float64]
DEGREE = 3


class OnsetSpline:
    """n_control - 2 basis functions on 0..horizon_s."""

    def __init__(self, n_control: int, horizon_s: float) -> None:
        """Args:
        n_control: control points, at least 4; the first two are always zero.
        horizon_s: end of the splines [s].

        Raises:
            ValueError: too few control points, or no time.
        """
        if n_control <= DEGREE or not horizon_s > 0:
            raise ValueError(
                f"expected at least {DEGREE + 1} control points and a positive "
                f"horizon, got {n_control} and {horizon_s}"
            )
        self.n_control, self.horizon_s = int(n_control), float(horizon_s)
        self.breaks = np.linspace(0.0, horizon_s, n_control - DEGREE + 1)
        knots = np.concatenate(
            [[0.0] * DEGREE, self.breaks, [float(horizon_s)] * DEGREE]
        )
        self._spline = BSpline(knots, np.eye(n_control)[:, 2:], DEGREE)

    def __call__(self, times_s: Array, derivative: int = 0) -> Array:
        """Basis functions (T, n_control - 2) at times in 0..horizon_s."""
        times_s = np.clip(times_s, 0.0, self.horizon_s)
        if derivative > DEGREE:
            return np.zeros((len(times_s), self.n_control - 2))
        return np.asarray(self._spline(times_s, nu=derivative))

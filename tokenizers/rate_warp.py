"""Rate limits of a plan: the same path, no faster than allowed.

Where a plan would be too fast its time is stretched, and it catches up afterwards, at
most half as fast again as planned. So it stays on its path (and within the limits of
its path), reaches what it was to reach, and starts with the slope that it was given.
In every cell of a fixed grid the stretch is constant, and large enough for the largest
slope there, so the limit holds at all times, not only at those that are asked for. The
first cell is a straight line and so short that nobody can tell: a plan that begins at
its limit begins with exactly its slope.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.plan_functions import PlanFunctions

Array = NDArray[np.float64]
CELLS = 200
"""Cells of the grid, besides those between knots and very short ones at the start."""
FIRST = 1e-12
"""End of the first cell, as a share of the horizon."""
CATCH_UP = 1.5
"""Largest speed of a plan's time while it is behind."""


class WarpGrid:
    """Functions of plans at the nodes of the grid."""

    def __init__(self, kind: ArrayKind, functions: PlanFunctions) -> None:
        self.kind = kind
        horizon_s = functions.horizon_s
        # Ever shorter ones towards the hand-over, where no stretch must be felt: at a
        # time t the slope is off by no more than about 3 t times the second derivative.
        nodes = [
            np.linspace(0, horizon_s, CELLS + 1),
            horizon_s * np.geomspace(FIRST, 1e-3, 19),
            functions.spline.breaks,
            [d for d, _ in functions.groups if d < horizon_s],
        ]
        every = np.unique(np.concatenate(nodes))
        self.nodes = every[np.append(True, np.diff(every) > FIRST / 10 * horizon_s)]
        width = np.diff(self.nodes)
        self._width = kind.put(width[:, None])
        self._nodes = kind.put(self.nodes[:, None])
        left = self.nodes[:-1]
        # A cell holds one cubic: its value and three derivatives on the left are all.
        middle = left + width / 2
        third = (
            functions.values(middle + width / 4, 2)
            - functions.values(middle - width / 4, 2)
        ) / (width / 2)[:, None]
        second = functions.values(middle, 2) - third * (width / 2)[:, None]
        # What a straight first cell leaves out is less than rounding.
        second[0], third[0] = 0.0, 0.0
        parts = [functions.values(left, 0), functions.values(left, 1), second, third]
        self._taylor = kind.put(np.concatenate(parts))

    def warp(self, amplitudes: Any, rate: Any) -> RateWarp:
        """Stretch some plans.

        Args:
            amplitudes: (rows, F).
            rate: limits of the slope (F,).
        """
        xp = self.kind.xp
        taylor = (self._taylor @ amplitudes).reshape(4, -1, amplitudes.shape[1])
        _, slope, bend, jerk = taylor
        # Bezier points of the slope, a quadratic, enclose it.
        middle = slope + bend * self._width / 2
        last = slope + bend * self._width + jerk * self._width**2 / 2
        most = xp.maximum(xp.maximum(abs(slope), abs(middle)), abs(last))
        least_s = self._width * (most / rate).clip(1 / CATCH_UP)
        # arrival[j + 1] = max(nodes[j + 1], arrival[j] + least_s[j]), solved at once.
        total = xp.cumsum(least_s, 0)
        ahead = self._nodes[1:] - total
        if self.kind.like is None:
            lead = np.maximum.accumulate(np.maximum(ahead, 0.0), 0)
        else:
            lead = ahead.clip(0).cummax(0).values
        arrival = self.kind.joined([0 * total[:1], total + lead], 0)
        return RateWarp(self, taylor, arrival)

    def cells(self, arrival: Any, times_s: Array) -> Any:
        """Cell (T, F) of each plan that each time falls in."""
        count = arrival.shape[0] - 2
        if self.kind.like is None:
            at = [np.searchsorted(own, times_s, "right") for own in arrival.T]
            return (np.stack(at, 1) - 1).clip(0, count)
        import torch

        times = self.kind.put(times_s)
        at = torch.searchsorted(
            arrival.T.contiguous(),
            times.expand(arrival.shape[1], -1).contiguous(),
            right=True,
        )
        return (at.T - 1).clip(0, count)


class RateWarp:
    """F plans on their own time."""

    def __init__(self, grid: WarpGrid, taylor: Any, arrival: Any) -> None:
        """Args:
        grid: its nodes.
        taylor: value and three derivatives (4, cells, F) on the left of every cell.
        arrival: time (cells + 1, F) at which every node is reached [s].
        """
        self._grid, self._taylor, self._arrival = grid, taylor, arrival

    def at(self, times_s: Array, derivative: int) -> Any:
        """Values (T, F) at times in 0..horizon, or a derivative by time."""
        grid, kind = self._grid, self._grid.kind
        if derivative == 2:
            # The straight first cell has no bend to tell.
            times_s = np.maximum(times_s, grid.nodes[1])
        cell, count = grid.cells(self._arrival, times_s), self._arrival.shape[1]
        own = cell * count + kind.put(np.arange(count))
        arrival = self._arrival.reshape(-1)
        began, ended = kind.take(arrival, own), kind.take(arrival, own + count)
        pace = kind.take(grid._width[:, 0], cell) / (ended - began)
        d = (kind.put(times_s)[:, None] - began) * pace
        value, slope, bend, jerk = (kind.take(p.reshape(-1), own) for p in self._taylor)
        if derivative == 0:
            return value + d * (slope + d * (bend / 2 + d * jerk / 6))
        if derivative == 1:
            return (slope + d * (bend + d * jerk / 2)) * pace
        return (bend + d * jerk) * pace**2

"""A line to drive along: where one is on it, which way it runs, how it bends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SPACING_M = 0.5
"""Distance between the points that a path is kept as [m]."""
SMOOTHED = 9
"""Points that a heading is averaged over: surveyed centre lines have corners."""
TURNED_M = 3.0
"""A point that runs the other way counts as this much farther off [m], so that
neighbouring lanes of a bend or of the opposite direction are not mixed up."""


@dataclass(frozen=True, kw_only=True)
class Pose:
    """A car on the plane."""

    x: float
    """Rear axle [m]."""
    y: float
    """Rear axle [m]."""
    yaw: float
    """[rad]."""
    speed: float
    """[m/s]."""

    def sees(self, x: float, y: float) -> tuple[float, float]:
        """A point as so far ahead of the rear axle, and to the left of it [m]."""
        c, s = math.cos(self.yaw), math.sin(self.yaw)
        dx, dy = x - self.x, y - self.y
        return c * dx + s * dy, -s * dx + c * dy


class Path:
    """Evenly spaced points of a line, `s` metres along it from its beginning."""

    def __init__(self, line: Array) -> None:
        """Args: line: points (N, 2) in the world [m].

        Raises:
            ValueError: the line has another shape or no length.
        """
        line = np.asarray(line, dtype=np.float64)
        if line.ndim != 2 or line.shape[1] != 2 or len(line) < 2:
            raise ValueError(f"expected points (N, 2), got shape {line.shape}")
        along = _along(line)
        if along[-1] < 2 * SPACING_M:
            raise ValueError(
                f"expected a line of {2 * SPACING_M} m or more, got {along[-1]:.2f}"
            )
        count = int(along[-1] / SPACING_M) + 1
        at = np.arange(count) * SPACING_M
        self.points: Array = np.stack(
            [np.interp(at, along, line[:, i]) for i in range(2)], 1
        )
        self.length: float = float(at[-1])
        step = np.gradient(self.points, axis=0)
        heading = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
        half = SMOOTHED // 2
        self.heading: Array = np.convolve(
            np.pad(heading, half, "edge"), np.ones(SMOOTHED) / SMOOTHED, "valid"
        )
        self._cos, self._sin = np.cos(self.heading), np.sin(self.heading)

    @cached_property
    def curvature(self) -> Array:
        """At every point (N,), positive to the left [1/m]."""
        return np.gradient(self.heading, SPACING_M)

    def at(self, s: float) -> tuple[float, float, float]:
        """Position x, y [m] and heading [rad] at `s`; straight on beyond the ends."""
        inside = min(max(s, 0.0), self.length)
        place = inside / SPACING_M
        low = min(int(place), len(self.points) - 2)
        part = place - low
        x, y = (1 - part) * self.points[low] + part * self.points[low + 1]
        heading = (1 - part) * self.heading[low] + part * self.heading[low + 1]
        over = s - inside
        return (
            float(x) + over * math.cos(heading),
            float(y) + over * math.sin(heading),
            float(heading),
        )

    def bend(self, s: float) -> float:
        """Curvature at `s` [1/m]; none beyond the ends."""
        if not 0 <= s <= self.length:
            return 0.0
        return float(self.curvature[round(s / SPACING_M)])

    def project(self, x: float, y: float, yaw: float) -> tuple[float, float]:
        """Where one is: `s`, beyond the ends too, and the distance to the left [m].

        Args:
            x: position in the world [m].
            y: position in the world [m].
            yaw: heading; points that run the other way are avoided [rad].
        """
        dx, dy = x - self.points[:, 0], y - self.points[:, 1]
        turned = 1 - (math.cos(yaw) * self._cos + math.sin(yaw) * self._sin)
        nearest = int(np.argmin(dx * dx + dy * dy + TURNED_M**2 * turned))
        c, s = self._cos[nearest], self._sin[nearest]
        ahead = float(c * dx[nearest] + s * dy[nearest])
        left = float(-s * dx[nearest] + c * dy[nearest])
        if 0 < nearest < len(self.points) - 1:
            ahead = min(max(ahead, -SPACING_M), SPACING_M)
        return nearest * SPACING_M + ahead, left

    def shifted(self, left: Array) -> Path:
        """The path moved to the left by (N,) [m], one distance for each point."""
        normal = np.stack([-self._sin, self._cos], 1)
        return Path(self.points + left[:, None] * normal)


def _along(line: Array) -> Array:
    steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def wrapped(angle: float) -> float:
    """The angle between -pi and pi [rad]."""
    return (angle + math.pi) % (2 * math.pi) - math.pi

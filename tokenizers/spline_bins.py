"""B-spline control points in uniform bins, after BEAST (arXiv 2506.06072).

A peer of the ladder: each field's chunk is fitted by a clamped B-spline of degree 4, as
in the paper's code, and its control points are coded with 8 bits between the 1 and 99 %
quantiles of training, of every control point and field by itself. The first point is
where the body is, so chunks join in position, not in velocity.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import BSpline

from brownfield.tokenizers.chunk_checks import (
    check_finite,
    checked_times,
    training_chunks,
)
from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.id_digits import IdDigits

Array = NDArray[np.float64]
KIND = "B-spline action tokenizer"
RIDGE = 1e-4
DEGREE = 4
"""Lower where a chunk has fewer control points."""
FEWEST = 3
"""Control points."""


class SplineBinTokenizer:
    """K = points x D ids, control point by control point."""

    uses_velocity = False

    def __init__(
        self,
        *,
        names: Sequence[str],
        rate_hz: float,
        steps: int,
        points: int,
        n_bins: int,
        bounds: Array,
        lower: Array,
        upper: Array,
    ) -> None:
        """Args:
        names: fields (D).
        rate_hz: rows per second [Hz].
        steps: rows of a chunk (T).
        points: coded control points.
        n_bins: ids of each.
        bounds: (2, points, D) between which they are coded.
        lower, upper: limits (D,), infinite where there are none.
        """
        self.names, self.rate_hz, self.steps = tuple(names), float(rate_hz), int(steps)
        self.points, self.vocab_size = int(points), int(n_bins)
        self.bounds, self.lower, self.upper = bounds, lower, upper
        self.n_tokens = self.points * len(self.names)
        degree = min(DEGREE, self.points)
        inner = np.linspace(0, steps / rate_hz, points + 1 - degree + 1)
        knots = np.concatenate([[0.0] * degree, inner, [inner[-1]] * degree])
        self._spline = BSpline(knots, np.eye(points + 1), degree)
        rows = self._spline(np.arange(1, steps + 1) / rate_hz)
        self._first, phi = rows[:, :1], rows[:, 1:]
        self._solve = np.linalg.solve(phi.T @ phi + RIDGE * np.eye(points), phi.T)

    @classmethod
    def fit(
        cls,
        chunks: ArrayLike,
        last: ArrayLike,
        velocity: ArrayLike,
        rate_hz: float,
        lower: ArrayLike | None = None,
        upper: ArrayLike | None = None,
        max_rate: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        rest: ArrayLike | None = None,
        points: int | None = None,
        n_bins: int = 256,
    ) -> SplineBinTokenizer:
        """Takes bounds from control points of the data.

        Args:
            chunks: (N, T, D) in physical units.
            last: executed values (N, D).
            velocity: (N, D); not used.
            rate_hz: rows per second [Hz].
            lower, upper: limits (D,) that decoded motion is cut at.
            max_rate, rest: not used.
            names: fields (D).
            points: coded control points, a fifth of the rows by default.
            n_bins: ids of each.

        Raises:
            ValueError: shapes that do not fit.
        """
        x, origin, _, fields = training_chunks(chunks, last, velocity, rate_hz, names)
        _, steps, dim = x.shape
        points = max(FEWEST, steps // 5) if points is None else points
        if not FEWEST <= points or n_bins < 2:
            raise ValueError(
                f"expected at least {FEWEST} points and 2 bins, got {points} and "
                f"{n_bins}"
            )
        limits = [
            np.full(dim, missing) if value is None else np.asarray(value, float)
            for value, missing in ((lower, -np.inf), (upper, np.inf))
        ]
        new = cls(
            names=fields,
            rate_hz=rate_hz,
            steps=steps,
            points=points,
            n_bins=n_bins,
            bounds=np.zeros((2, points, dim)),
            lower=limits[0],
            upper=limits[1],
        )
        control = new._control(x, origin)
        bounds = np.quantile(control, [0.01, 0.99], axis=0)
        bounds[1] = np.maximum(bounds[1], bounds[0] + 1e-9)
        new.bounds = bounds
        return new

    def _control(self, chunk: Array, last: Array) -> Array:
        """Control points (..., points, D)."""
        return self._solve @ (chunk - self._first * last[..., None, :])

    def _unit(self, chunk: ArrayLike, last: ArrayLike) -> Array:
        """Control points of chunks (..., T, D) between the bounds, 0 to 1.

        Raises:
            ValueError: another shape, NaN or infinity.
        """
        x, origin = np.asarray(chunk, float), np.asarray(last, float)
        dim = len(self.names)
        if x.shape[-2:] != (self.steps, dim) or origin.shape != (*x.shape[:-2], dim):
            raise ValueError(
                f"expected chunk (..., {self.steps}, {dim}) and last (..., {dim}), got "
                f"{x.shape} and {origin.shape}"
            )
        check_finite("chunk", x, self.names)
        check_finite("last", origin, self.names)
        low, high = self.bounds
        unit = (self._control(x, origin) - low) / (high - low)
        return np.clip(unit, 0, 1).reshape(*x.shape[:-2], -1)

    @property
    def limits(self) -> dict[str, Array]:
        """`lower` and `upper` (D,), which motions are cut off at."""
        return {"lower": self.lower, "upper": self.upper}

    @property
    def digits(self) -> IdDigits:
        """Every id is one digit."""
        return IdDigits.plain(self.n_tokens, self.vocab_size)

    def encode(
        self,
        chunk: ArrayLike,
        last: ArrayLike,
        velocity: ArrayLike | None = None,
        tolerance: float | None = None,
        max_tokens: int | None = None,
    ) -> NDArray[np.int64]:
        """Ids (..., K) of chunks (..., T, D).

        Args:
            chunk: (..., T, D) in physical units.
            last: executed values (..., D).
            velocity, tolerance: not used.
            max_tokens: cut the string off.

        Raises:
            ValueError: another shape, NaN or infinity.
        """
        ids = np.rint(self._unit(chunk, last) * (self.vocab_size - 1)).astype(np.int64)
        return ids[..., :max_tokens]

    def places(self, chunk: ArrayLike, last: ArrayLike, velocity: ArrayLike) -> Array:
        """Ids of chunks before they are rounded, (..., K, 1); else as `encode`."""
        return (self._unit(chunk, last) * (self.vocab_size - 1))[..., None]

    def decode(
        self,
        ids: ArrayLike,
        last: ArrayLike,
        velocity: ArrayLike | None = None,
        times_s: ArrayLike | None = None,
        derivative: int = 0,
    ) -> Array:
        """The motion (..., T, D) of ids (..., K); control points that are missing
        repeat the one before.

        Args:
            ids: any numbers; those outside the vocabulary count as the nearest inside.
            last: executed values (..., D).
            velocity: not used.
            times_s: times (T,) after `last` [s]; the end is held beyond the chunk.
            derivative: 0 for values, 1 for slopes.

        Raises:
            ValueError: shapes that do not fit, or another derivative.
        """
        if derivative not in (0, 1):
            raise ValueError(f"derivative must be 0 or 1, got {derivative}")
        origin = np.asarray(last, float)
        check_finite("last", origin, self.names)
        ids, dim = np.asarray(ids, dtype=np.int64), len(self.names)
        unit = np.clip(ids, 0, self.vocab_size - 1) / (self.vocab_size - 1)
        rows = min(ids.shape[-1] // dim, self.points)
        unit = unit[..., : rows * dim].reshape(*ids.shape[:-1], rows, dim)
        low, high = self.bounds[:, :rows]
        known = low + unit * (high - low)
        control = np.concatenate([origin[..., None, :], known], -2)
        missing = self.points - rows
        control = np.concatenate(
            [control, np.repeat(control[..., -1:, :], missing, -2)], -2
        )
        end = self.steps / self.rate_hz
        times = (
            np.arange(1, self.steps + 1) / self.rate_hz
            if times_s is None
            else checked_times(times_s)
        )
        functions = self._spline(np.clip(times, 0, end), nu=derivative)
        if derivative:
            functions = functions * ((times >= 0) & (times <= end + 1e-9))[:, None]
            return functions @ control
        return np.clip(functions @ control, self.lower, self.upper)

    def save(self, folder: Path) -> None:
        """Write the tokenizer as one folder."""
        config = {
            "names": list(self.names),
            "rate_hz": self.rate_hz,
            "steps": self.steps,
            "points": self.points,
            "n_bins": self.vocab_size,
        }
        arrays = {"bounds": self.bounds, "lower": self.lower, "upper": self.upper}
        save_folder(folder, KIND, config, arrays)

    @classmethod
    def load(cls, folder: Path) -> SplineBinTokenizer:
        """Read what `save` wrote; ValueError when it is damaged or of an older form."""
        config, arrays = load_folder(folder, KIND)
        shape = (2, config["points"], len(config["names"]))
        if arrays["bounds"].shape != shape:
            raise ValueError(
                f"{folder}: expected bounds {shape}, of every control point and field, "
                f"got {arrays['bounds'].shape}; fit the tokenizer again"
            )
        return cls(
            names=config["names"],
            rate_hz=config["rate_hz"],
            steps=config["steps"],
            points=config["points"],
            n_bins=config["n_bins"],
            bounds=arrays["bounds"],
            lower=arrays["lower"],
            upper=arrays["upper"],
        )

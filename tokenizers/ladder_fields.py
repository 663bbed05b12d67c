"""What the fields of a ladder are: names, limits, rest, and how far they move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brownfield.tokenizers.braking_base import base_weights, feasible, rest_times
from brownfield.tokenizers.chunk_checks import field_names

Array = NDArray[np.float64]
FROZEN = 1e-3
"""A field whose 1 and 99 % quantiles are nearer than this is a constant."""


@dataclass(frozen=True, kw_only=True)
class LadderFields:
    """D fields, in physical units."""

    names: tuple[str, ...]
    """In order."""

    lower: Array
    """Limits (D,), minus infinity where there is none."""

    upper: Array
    """Limits (D,), infinite where there is none."""

    max_rate: Array
    """Limits of the slope (D,) [unit/s], infinite where there is none."""

    rest: Array
    """Values of rest (D,), NaN where a field holds."""

    quantiles: Array
    """(2, D), 1 and 99 % of the data; errors are in units of half their distance."""

    going_on: bool = False
    """Nothing comes to rest: all fields hold."""

    @classmethod
    def of(
        cls,
        names: Sequence[str] | None,
        quantiles: Array,
        lower: ArrayLike | None,
        upper: ArrayLike | None,
        max_rate: ArrayLike | None,
        rest: ArrayLike | None,
    ) -> LadderFields:
        """With nothing said where nothing is given.

        Raises:
            ValueError: a shape that does not fit, or limits that exclude each other.
        """
        dim = quantiles.shape[1]
        given = {
            "lower": (lower, -np.inf),
            "upper": (upper, np.inf),
            "max_rate": (max_rate, np.inf),
            "rest": (rest, np.nan),
        }
        arrays = {}
        for name, (value, missing) in given.items():
            array = np.full(dim, missing) if value is None else np.array(value, float)
            if array.shape != (dim,):
                raise ValueError(f"{name}: expected {dim} values, got {array.shape}")
            arrays[name] = array
        return cls(names=field_names(names, dim), quantiles=quantiles, **arrays)

    def __post_init__(self) -> None:
        lower, upper, rest = self.lower, self.upper, self.rest
        sound = (lower < upper) & (self.max_rate > 0)
        sound &= np.isnan(rest) | ((lower <= rest) & (rest <= upper))
        # A field that has to come back in time needs to know how far it may be.
        bounded = np.isfinite(lower) & np.isfinite(upper)
        sound &= np.isnan(rest) | bounded | np.isinf(self.max_rate)
        if not sound.all():
            i = int(np.argmin(sound))
            raise ValueError(
                f"field {self.names[i]}: expected lower < upper, max_rate above 0, "
                f"rest between the limits, and finite limits where there are rest and "
                f"max_rate; got lower {lower[i]}, upper {upper[i]}, max_rate "
                f"{self.max_rate[i]}, rest {rest[i]}"
            )

    @property
    def frozen(self) -> NDArray[np.bool_]:
        """(D,) fields that do not move in the data."""
        return self.quantiles[1] - self.quantiles[0] < FROZEN

    @property
    def moving(self) -> NDArray[np.int64]:
        """(J,) columns of the fields that do."""
        return np.flatnonzero(~self.frozen)

    @property
    def span(self) -> Array:
        """Unit (D,) of normalised errors."""
        return np.where(self.frozen, 1.0, np.diff(self.quantiles, axis=0)[0] / 2)

    @property
    def goal(self) -> Array:
        """Where each field comes to rest (D,): NaN holds, as all do while `going_on`;
        otherwise frozen ones are constant."""
        if self.going_on:
            return np.full(len(self.names), np.nan)
        middle = np.clip(self.quantiles.mean(0), self.lower, self.upper)
        return np.where(self.frozen & np.isnan(self.rest), middle, self.rest)

    @property
    def duration(self) -> Array:
        """Time to rest (D,) [s]."""
        return rest_times(self.lower, self.upper, self.max_rate, self.goal)

    @property
    def held(self) -> LadderFields:
        """The same fields, but that none comes to rest. Ids are told relative to its
        base: what a robot does next is nearer to what it does than to rest."""
        return replace(self, going_on=True)

    @property
    def braking(self) -> Array:
        """Time (D,) in which either base ends a slope, at the latest [s]."""
        return np.maximum(self.duration, self.held.duration)

    def residual(
        self, chunks: Array, last: Array, velocity: Array, times_s: Array
    ) -> Array:
        """Chunks (N, T, D) minus their held base, normalised, of what moves
        (N, T, J)."""
        last, velocity = feasible(
            last, velocity, self.lower, self.upper, self.max_rate, self.braking
        )
        held = self.held
        _, slope = base_weights(times_s, held.duration, np.isnan(held.goal))
        base = last[:, None] + velocity[:, None] * slope
        return ((chunks - base) / self.span)[..., self.moving]

    def without_limits(self) -> LadderFields:
        """The same fields, free."""
        free = np.full(len(self.names), np.inf)
        return replace(self, lower=-free, upper=free, max_rate=free)

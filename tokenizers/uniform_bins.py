"""Every row of every field in one of 256 bins, after RT-2 and OpenVLA."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brownfield.tokenizers.chunk_checks import (
    check_finite,
    training_chunks,
)
from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.id_digits import IdDigits
from brownfield.tokenizers.row_motion import at_times

Array = NDArray[np.float64]
KIND = "uniform-bin action tokenizer"


class UniformBinTokenizer:
    """K = T x D ids, row by row, of equal bins between 1 and 99 % quantiles."""

    uses_velocity = False

    def __init__(
        self,
        *,
        names: Sequence[str],
        rate_hz: float,
        steps: int,
        n_bins: int,
        bounds: Array,
    ) -> None:
        """Args:
        names: fields (D).
        rate_hz: rows per second [Hz].
        steps: rows of a chunk (T).
        n_bins: ids.
        bounds: (2, D), centres of the outermost bins.
        """
        self.names, self.rate_hz, self.steps = tuple(names), float(rate_hz), int(steps)
        self.vocab_size, self.bounds = int(n_bins), bounds
        self.n_tokens = self.steps * len(self.names)

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
        n_bins: int = 256,
    ) -> UniformBinTokenizer:
        """Takes quantiles.

        Args:
            chunks: (N, T, D) in physical units.
            last, velocity: (N, D).
            rate_hz: rows per second [Hz].
            lower, upper, max_rate, rest: not used.
            names: fields (D).
            n_bins: ids, at least 2.

        Raises:
            ValueError: shapes that do not fit.
        """
        if n_bins < 2:
            raise ValueError(f"n_bins must be at least 2, got {n_bins}")
        x, _, _, fields = training_chunks(chunks, last, velocity, rate_hz, names)
        bounds = np.quantile(x, [0.01, 0.99], axis=(0, 1))
        bounds[1] = np.maximum(bounds[1], bounds[0] + 1e-9)
        return cls(
            names=fields,
            rate_hz=rate_hz,
            steps=x.shape[1],
            n_bins=n_bins,
            bounds=bounds,
        )

    def _unit(self, chunk: ArrayLike) -> Array:
        """Chunks (..., T, D) between the bounds, 0 to 1.

        Raises:
            ValueError: another shape, NaN or infinity.
        """
        x = np.asarray(chunk, float)
        if x.shape[-2:] != (self.steps, len(self.names)):
            raise ValueError(
                f"expected chunk (..., {self.steps}, {len(self.names)}), got {x.shape}"
            )
        check_finite("chunk", x, self.names)
        unit = (x - self.bounds[0]) / np.diff(self.bounds, axis=0)
        return np.clip(unit, 0, 1).reshape(*x.shape[:-2], -1)

    @property
    def limits(self) -> dict[str, Array]:
        """It knows none."""
        return {}

    @property
    def digits(self) -> IdDigits:
        """Every id is one digit."""
        return IdDigits.plain(self.n_tokens, self.vocab_size)

    def encode(
        self,
        chunk: ArrayLike,
        last: ArrayLike | None = None,
        velocity: ArrayLike | None = None,
        tolerance: float | None = None,
        max_tokens: int | None = None,
    ) -> NDArray[np.int64]:
        """Ids (..., K) of chunks (..., T, D).

        Args:
            chunk: in physical units.
            last, velocity, tolerance: not used.
            max_tokens: cut the string off.

        Raises:
            ValueError: another shape, NaN or infinity.
        """
        ids = np.rint(self._unit(chunk) * (self.vocab_size - 1)).astype(np.int64)
        return ids[..., :max_tokens]

    def places(self, chunk: ArrayLike, last: ArrayLike, velocity: ArrayLike) -> Array:
        """Ids of chunks before they are rounded, (..., K, 1); else as `encode`."""
        return (self._unit(chunk) * (self.vocab_size - 1))[..., None]

    def decode(
        self,
        ids: ArrayLike,
        last: ArrayLike,
        velocity: ArrayLike | None = None,
        times_s: ArrayLike | None = None,
        derivative: int = 0,
    ) -> Array:
        """The motion (..., T, D) of ids (..., K); rows that are not whole repeat the
        row before.

        Args:
            ids: any numbers; those outside the vocabulary count as the nearest inside.
            last: executed values (..., D).
            velocity: not used.
            times_s: times (T,) after `last` [s], linear between rows.
            derivative: 0 for values, 1 for slopes.

        Raises:
            ValueError: another derivative.
        """
        if derivative not in (0, 1):
            raise ValueError(f"derivative must be 0 or 1, got {derivative}")
        ids, dim = np.asarray(ids, dtype=np.int64), len(self.names)
        origin = np.asarray(last, float)
        rows = min(ids.shape[-1] // dim, self.steps)
        unit = np.clip(ids[..., : rows * dim], 0, self.vocab_size - 1)
        unit = unit.reshape(*ids.shape[:-1], rows, dim) / (self.vocab_size - 1)
        known = self.bounds[0] + unit * np.diff(self.bounds, axis=0)
        whole = np.concatenate([origin[..., None, :], known], -2)
        missing = np.repeat(whole[..., -1:, :], self.steps - rows, -2)
        whole = np.concatenate([whole, missing], -2)
        if times_s is None and derivative == 0:
            return whole[..., 1:, :]
        # Chunks of a batch are so many more columns.
        columns = np.moveaxis(whole, -2, 0)
        read = at_times(
            columns.reshape(len(columns), -1), self.rate_hz, times_s, derivative
        )
        return np.moveaxis(read.reshape(-1, *columns.shape[1:]), 0, -2)

    def save(self, folder: Path) -> None:
        """Write the tokenizer as one folder."""
        config = {
            "names": list(self.names),
            "rate_hz": self.rate_hz,
            "steps": self.steps,
            "n_bins": self.vocab_size,
        }
        save_folder(folder, KIND, config, {"bounds": self.bounds})

    @classmethod
    def load(cls, folder: Path) -> UniformBinTokenizer:
        """Read what `save` wrote; ValueError when it is damaged."""
        config, arrays = load_folder(folder, KIND)
        return cls(
            names=config["names"],
            rate_hz=config["rate_hz"],
            steps=config["steps"],
            n_bins=config["n_bins"],
            bounds=arrays["bounds"],
        )

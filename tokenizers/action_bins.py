"""Action chunks as a few knots in uniform bins, relative to the executed command.

A field that holds at rest (a pose) is linear between knots, and each knot is coded as
the change since the knot before; a field that has a rest value (a velocity) is constant
up to each knot and coded absolutely, with its rest exactly on the middle bin. So the
middle bin everywhere means rest, and every id string is a motion within the limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brownfield.tokenizers.chunk_checks import check_finite, training_chunks
from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.id_digits import IdDigits

Array = NDArray[np.float64]
KIND = "knot-bin action tokenizer"


class KnotBinTokenizer:
    """K = knots x D ids, knot by knot, each in 0..n_bins - 1."""

    uses_velocity = False

    def __init__(
        self,
        *,
        names: Sequence[str],
        lower: ArrayLike,
        upper: ArrayLike,
        max_rate: ArrayLike,
        rest: ArrayLike,
        rate_hz: float,
        steps: int,
        knots: Sequence[int] = (2, 8),
        n_bins: int = 127,
    ) -> None:
        """Args:
        names: fields (D).
        lower, upper: limits (D,) in physical units.
        max_rate: largest change (D,) [unit/s]; finite for fields that hold.
        rest: rest values (D,), NaN where a field holds.
        rate_hz: rows of a chunk per second [Hz].
        steps: rows of a chunk (T).
        knots: rows that are coded, 1-based, rising, the last one `steps`.
        n_bins: ids per knot and field, odd.
        """
        self.names = tuple(names)
        dim = len(self.names)
        self.lower, self.upper, self.max_rate, self.rest = (
            np.asarray(v, dtype=np.float64) for v in (lower, upper, max_rate, rest)
        )
        for name in ("lower", "upper", "max_rate", "rest"):
            if getattr(self, name).shape != (dim,):
                raise ValueError(
                    f"{name}: expected {dim} values, got {getattr(self, name).shape}"
                )
        knots = tuple(int(k) for k in knots)
        rising = all(a < b for a, b in zip((0, *knots), knots, strict=False))
        if not knots or not rising or knots[-1] != steps:
            raise ValueError(
                f"knots must rise from 1 to {steps} and end there, got {knots}"
            )
        if n_bins < 3 or n_bins % 2 == 0:
            raise ValueError(f"n_bins must be odd and at least 3, got {n_bins}")
        holds = np.isnan(self.rest)
        sound = np.isfinite(self.lower) & np.isfinite(self.upper)
        sound &= (self.lower < self.upper) & (self.max_rate > 0)
        sound &= holds | ((self.lower <= self.rest) & (self.rest <= self.upper))
        if not sound.all():
            i = int(np.argmin(sound))
            raise ValueError(
                f"field {self.names[i]}: expected finite lower < upper, rest between "
                f"them and a positive max_rate, got lower {self.lower[i]}, upper "
                f"{self.upper[i]}, rest {self.rest[i]}, max_rate {self.max_rate[i]}"
            )
        if not rate_hz > 0:
            raise ValueError(f"rate_hz must be positive, got {rate_hz}")
        if not np.isfinite(self.max_rate[holds]).all():
            bad = self.names[int(np.argmax(holds & ~np.isfinite(self.max_rate)))]
            raise ValueError(f"field {bad} holds at rest, so it needs a finite rate")
        self.rate_hz, self.steps, self.knots = float(rate_hz), int(steps), knots
        self.vocab_size = n_bins
        self.n_tokens = len(knots) * dim
        self._holds = holds
        self._middle = (n_bins - 1) // 2
        self._durations = np.diff((0, *knots)) / self.rate_hz

    @classmethod
    def fit(
        cls,
        chunks: NDArray,
        last: NDArray,
        velocity: NDArray,
        rate_hz: float,
        lower: ArrayLike | None = None,
        upper: ArrayLike | None = None,
        max_rate: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        rest: ArrayLike | None = None,
        knots: Sequence[int] | None = None,
        n_bins: int = 127,
    ) -> KnotBinTokenizer:
        """Takes limits as given, and from the data where they are not.

        Args:
            chunks: (N, T, D) in physical units.
            last: executed commands (N, D).
            velocity: their velocities (N, D); checked, else not used.
            rate_hz: rows per second [Hz].
            lower, upper, max_rate: (D,).
            names: fields (D).
            rest: (D,), NaN where a field holds; all hold by default.
            knots: coded rows; the second and the last by default.
            n_bins: ids per knot and field.

        Raises:
            ValueError: shapes that do not fit, NaN or infinity.
        """
        x, origin, _, fields = training_chunks(chunks, last, velocity, rate_hz, names)
        _, steps, dim = x.shape
        if knots is None:
            knots = (2, steps) if steps > 2 else (steps,)
        whole = np.concatenate([origin[:, None], x], 1)
        rates = np.abs(np.diff(whole, axis=1)).max((0, 1)) * rate_hz
        rest = np.full(dim, np.nan) if rest is None else np.asarray(rest, np.float64)
        # fmin and fmax pass over the NaN of fields that hold.
        low = np.fmin(whole.min((0, 1)), rest) - 1e-9
        high = np.fmax(whole.max((0, 1)), rest) + 1e-9
        return cls(
            names=fields,
            lower=low if lower is None else lower,
            upper=high if upper is None else upper,
            max_rate=np.maximum(rates, 1e-6) if max_rate is None else max_rate,
            rest=rest,
            rate_hz=rate_hz,
            steps=steps,
            knots=knots,
            n_bins=n_bins,
        )

    @property
    def limits(self) -> dict[str, Array]:
        """What every string keeps to: `lower`, `upper`, `max_rate` and `rest` (D,)."""
        names = "lower", "upper", "max_rate", "rest"
        return {name: getattr(self, name) for name in names}

    @property
    def digits(self) -> IdDigits:
        """Every id is one digit."""
        return IdDigits.plain(self.n_tokens, self.vocab_size)

    def places(self, chunk: NDArray, last: NDArray, velocity: NDArray) -> Array:
        """Digits (..., K, 1) of chunks before they are rounded, see `targets`."""
        _check_velocity(velocity, np.asarray(last), self.names)
        return self.targets(chunk, last)[..., None]

    def targets(self, chunk: NDArray, last: NDArray) -> Array:
        """Continuous bin coordinates (..., K) in 0..n_bins - 1, before rounding.

        Args:
            chunk: (..., T, D).
            last: (..., D).

        Raises:
            ValueError: NaN or infinity, or other shapes.
        """
        chunk = np.asarray(chunk, dtype=np.float64)
        last = np.asarray(last, dtype=np.float64)
        dim = len(self.names)
        if chunk.shape[-2:] != (self.steps, dim) or last.shape[-1:] != (dim,):
            raise ValueError(
                f"expected chunks (..., {self.steps}, {dim}) and last (..., {dim}), "
                f"got {chunk.shape} and {last.shape}"
            )
        check_finite("action", chunk, self.names)
        check_finite("action", last, self.names)
        value = np.clip(last, self.lower, self.upper)
        coordinates = []
        for knot, duration in zip(self.knots, self._durations, strict=True):
            wanted = chunk[..., knot - 1, :]
            span = self._span(wanted, duration)
            origin = np.where(self._holds, value, self.rest)
            unit = np.divide(
                wanted - origin, span, out=np.zeros_like(wanted), where=span > 0
            )
            coordinate = self._middle * (1 + np.clip(unit, -1, 1))
            coordinates.append(coordinate)
            value = self._knot(np.rint(coordinate), value, duration)
        return np.concatenate(coordinates, -1)

    def encode(
        self,
        chunk: NDArray,
        last: NDArray,
        velocity: NDArray | None = None,
        tolerance: float | None = None,
        max_tokens: int | None = None,
    ) -> NDArray[np.int64]:
        """Ids of chunks.

        Args:
            chunk: (..., T, D) in physical units.
            last: executed commands (..., D).
            velocity: their velocities (..., D); checked, else not used.
            tolerance: not used, the length is fixed.
            max_tokens: leave out the knots that do not fit.

        Returns:
            (..., K) in 0..n_bins - 1.

        Raises:
            ValueError: NaN or infinity, or other shapes.
        """
        _check_velocity(velocity, np.asarray(last), self.names)
        if max_tokens is not None and max_tokens < 0:
            raise ValueError(f"max_tokens must not be negative, got {max_tokens}")
        ids = np.rint(self.targets(chunk, last)).astype(np.int64)
        if max_tokens is None:
            return ids
        dim = len(self.names)
        return ids[..., : min(max_tokens // dim * dim, self.n_tokens)]

    def decode(
        self,
        ids: ArrayLike,
        last: NDArray,
        velocity: NDArray | None = None,
        times_s: NDArray | None = None,
        derivative: int = 0,
    ) -> Array:
        """The motion of any ids, within the limits.

        Args:
            ids: (..., K), or fewer: a knot that is not whole, or holds an id outside
                the vocabulary, is at rest.
            last: executed commands (..., D).
            velocity: their velocities (..., D); checked, else not used.
            times_s: times (T,) after `last` [s]; the chunk's own rows by default.
                Beyond the chunk the body rests, up to 0 it does as it did.
            derivative: 0 for values, 1 for their rate of change [unit/s].

        Returns:
            (..., T, D).

        Raises:
            ValueError: NaN or infinity in `last` or `times_s`, shapes that do not fit,
                or another derivative.
        """
        if derivative not in (0, 1):
            raise ValueError(f"derivative must be 0 or 1, got {derivative}")
        dim = len(self.names)
        last = np.asarray(last, dtype=np.float64)
        if last.shape[-1:] != (dim,):
            raise ValueError(f"expected last (..., {dim}), got {last.shape}")
        check_finite("action", last, self.names)
        _check_velocity(velocity, last, self.names)
        ids = np.asarray(ids, dtype=np.int64)
        padded = np.full((*ids.shape[:-1], self.n_tokens), -1, dtype=np.int64)
        length = min(ids.shape[-1], self.n_tokens)
        padded[..., :length] = ids[..., :length]
        digits = padded.reshape(*ids.shape[:-1], len(self.knots), dim)
        broken = ((digits < 0) | (digits >= self.vocab_size)).any(-1, keepdims=True)
        digits = np.where(broken, self._middle, digits).astype(np.float64)

        values = [np.clip(last, self.lower, self.upper)]
        for i, duration in enumerate(self._durations):
            values.append(self._knot(digits[..., i, :], values[-1], duration))
        if times_s is None:
            times_s = np.arange(1, self.steps + 1) / self.rate_hz
        times_s = np.asarray(times_s, dtype=np.float64)
        if times_s.ndim != 1 or not np.isfinite(times_s).all():
            raise ValueError(f"times_s must be finite, of shape (T,); got {times_s}")
        ends = np.array((0, *self.knots)) / self.rate_hz
        rows = []
        for time in times_s:
            i = int(np.clip(np.searchsorted(ends, time - 1e-9), 1, len(self.knots)))
            share = np.clip((time - ends[i - 1]) / (ends[i] - ends[i - 1]), 0, 1)
            before, after = values[i - 1], values[i]
            over = time > ends[-1] + 1e-9
            if derivative:
                slope = (after - before) / (ends[i] - ends[i - 1])
                rows.append(np.where(self._holds & (not over), slope, 0.0))
            else:
                now = before if time <= 0 else after
                ahead = np.where(over, np.broadcast_to(self.rest, now.shape), now)
                line = before + share * (after - before)
                rows.append(np.where(self._holds, line, ahead))
        shape = np.broadcast_shapes(values[-1].shape, last.shape)
        rows = [np.broadcast_to(row, shape) for row in rows]
        motion = np.stack(rows, -2) if rows else np.zeros((*shape[:-1], 0, dim))
        # Interpolation rounds: a value at its limit must not leave it by an ulp.
        return motion if derivative else np.clip(motion, self.lower, self.upper)

    def save(self, folder: Path) -> None:
        """Write the tokenizer."""
        save_folder(
            folder,
            KIND,
            {
                "names": list(self.names),
                "rate_hz": self.rate_hz,
                "steps": self.steps,
                "knots": list(self.knots),
                "n_bins": self.vocab_size,
            },
            {
                "lower": self.lower,
                "upper": self.upper,
                "max_rate": self.max_rate,
                "rest": self.rest,
            },
        )

    @classmethod
    def load(cls, folder: Path) -> KnotBinTokenizer:
        """Read what `save` wrote; ValueError when it is damaged."""
        config, arrays = load_folder(folder, KIND)
        return cls(
            names=config["names"],
            rate_hz=config["rate_hz"],
            steps=config["steps"],
            knots=config["knots"],
            n_bins=config["n_bins"],
            lower=arrays["lower"],
            upper=arrays["upper"],
            max_rate=arrays["max_rate"],
            rest=arrays["rest"],
        )

    def _span(self, wanted: Array, duration_s: float) -> Array:
        """Distance (..., D) from the middle bin to the outermost on `wanted`'s side."""
        reach = np.where(self._holds, self.max_rate * duration_s, 0.0)
        side = np.where(
            wanted >= np.nan_to_num(self.rest),
            self.upper - np.nan_to_num(self.rest),
            np.nan_to_num(self.rest) - self.lower,
        )
        return np.where(self._holds, reach, side)

    def _knot(self, digit: Array, before: Array, duration_s: float) -> Array:
        """Value (..., D) at a knot, from its digits and the value at the last one."""
        unit = digit / self._middle - 1.0
        rest = np.nan_to_num(self.rest)
        side = np.where(unit >= 0, self.upper - rest, rest - self.lower)
        with np.errstate(invalid="ignore"):
            held = before + unit * np.where(
                self._holds, self.max_rate * duration_s, 0.0
            )
        value = np.where(self._holds, held, rest + unit * side)
        return np.clip(value, self.lower, self.upper)


def _check_velocity(
    velocity: NDArray | None, last: NDArray, names: Sequence[str]
) -> None:
    if velocity is None:
        return
    velocity = np.asarray(velocity, dtype=np.float64)
    if velocity.shape != last.shape:
        raise ValueError(
            f"expected velocity of the shape of last, {last.shape}, got "
            f"{velocity.shape}"
        )
    check_finite("action", velocity, names)

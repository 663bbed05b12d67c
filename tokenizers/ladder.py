"""The ladder: motion as ids, coarse to fine.

Each id adds detail to a motion that is complete without it. The motion of no ids at all
comes to rest; the first id goes on from what is being done (brake and hold), and every
further one refines a few coefficients of a learned transform. Every string of ids
decodes, to a motion that starts with the position and the velocity of what is being
executed, and stays within limits and rate limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.chunk_checks import (
    check_finite,
    checked_times,
    training_chunks,
)
from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.gray_slots import Digit, SlotTable
from brownfield.tokenizers.id_digits import IdDigits
from brownfield.tokenizers.ladder_arithmetic import LadderArithmetic
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.ladder_model import LadderModel, fit_model
from brownfield.tokenizers.ladder_universal import universal_model

Array = NDArray[np.float64]
KIND = "ladder action tokenizer 2"
_ARRAYS = ("time_map", "time_read", "joint_map", "gain_edges", "gain", "scale", "error")
MANY = 32
"""NumPy batches from this size on are computed by torch, in float64: it is quicker."""
LIMITS = ("lower", "upper", "max_rate", "rest")
_LIMITS = (*LIMITS, "quantiles")


class LadderTokenizer:
    """Chunks (T, D) to at most L ids and back.

    Attributes:
        vocab_size: ids are 0..vocab_size - 1.
        n_tokens: L, ids of the longest string.
        clamped: hand-over states seen so far that nobody could have braked from within
            the limits; the nearest that one can was used.
    """

    uses_velocity = True

    def __init__(
        self, model: LadderModel, fields: LadderFields, rate_hz: float, vocab_size: int
    ) -> None:
        """Args:
        model: what was learned.
        fields: names, limits and normalisation.
        rate_hz: rows of a chunk per second [Hz].
        vocab_size: ids of a slot.
        """
        self.model, self.fields = model, fields
        self.rate_hz, self.vocab_size = float(rate_hz), int(vocab_size)
        self.names = fields.names
        self.steps = model.time_read.shape[1]
        self.horizon_s = model.horizon_s
        self.n_tokens, self.clamped = len(model.slots), 0
        self._table = SlotTable(model.slots, vocab_size)
        self._times = np.arange(1, self.steps + 1) / self.rate_hz
        self._kinds: dict[tuple[Any, ...], LadderArithmetic] = {}

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
        vocab_size: int = 1024,
        max_tokens: int = 128,
    ) -> LadderTokenizer:
        """Learn transform, scales and slots; seconds, without a network.

        Args:
            chunks: (N, T, D) in physical units; row i is time (i + 1) / rate_hz.
            last: executed values (N, D), at time 0.
            velocity: their slopes (N, D) [unit/s].
            rate_hz: rows per second [Hz].
            lower, upper: limits (D,); none where not given.
            max_rate: limits of the slope (D,) [unit/s]; none where not given.
            names: fields (D).
            rest: values of rest (D,), NaN where a field holds; all hold by default.
            vocab_size: ids of a slot, at least 16.
            max_tokens: most slots.

        Raises:
            ValueError: shapes that do not fit, NaN or infinity, limits that exclude
                each other.
        """
        chunks, last, velocity, names = training_chunks(
            chunks, last, velocity, rate_hz, names
        )
        if vocab_size < 16 or max_tokens < 1:
            raise ValueError(
                f"expected vocab_size of at least 16 and max_tokens of at least 1, got "
                f"{vocab_size} and {max_tokens}"
            )
        rows = np.concatenate([last[:, None], chunks], 1)
        quantiles = np.quantile(rows, [0.01, 0.99], axis=(0, 1))
        fields = LadderFields.of(names, quantiles, lower, upper, max_rate, rest)
        steps = chunks.shape[1]
        times = np.arange(1, steps + 1) / rate_hz
        residual = fields.residual(chunks, last, velocity, times)
        model = fit_model(residual, steps / rate_hz, vocab_size, max_tokens)
        return cls(model, fields, rate_hz, vocab_size)

    @property
    def slot_sizes(self) -> NDArray[np.int64]:
        """(L,) ids in use of every slot; larger ones read as the largest."""
        return self._table.sizes

    @property
    def digits(self) -> IdDigits:
        """How ids are made of digits, of which each refines one coefficient."""
        table = self._table
        return IdDigits(
            radix=table.radix,
            of_id=table.digit_of_id,
            quantity=table.coefficient,
            gain=self.model.gain,
        )

    @classmethod
    def universal(
        cls,
        rate_hz: float,
        steps: int,
        lower: ArrayLike,
        upper: ArrayLike,
        max_rate: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        rest: ArrayLike | None = None,
        vocab_size: int = 1024,
        max_tokens: int = 128,
    ) -> LadderTokenizer:
        """A ladder that needs no fit, for a robot that nobody has recorded.

        Args:
            rate_hz: rows per second [Hz].
            steps: rows of a chunk (T).
            lower, upper: finite limits (D,); their middle half is the unit of errors.
            max_rate, names, rest, vocab_size, max_tokens: as in `fit`.

        Raises:
            ValueError: limits that do not fit or are not finite.
        """
        low, high = np.asarray(lower, float), np.asarray(upper, float)
        if low.ndim != 1 or low.shape != high.shape or not low.size:
            raise ValueError(
                f"expected lower and upper (D,), got {low.shape} and {high.shape}"
            )
        if not np.isfinite([low, high]).all():
            raise ValueError("a ladder without a fit needs finite limits")
        if not rate_hz > 0 or steps < 1:
            raise ValueError(
                f"expected a positive rate and at least one row, got {rate_hz} and "
                f"{steps}"
            )
        quarter = (high - low) / 4
        quantiles = np.stack([low + quarter, high - quarter])
        fields = LadderFields.of(names, quantiles, low, high, max_rate, rest)
        joints = len(fields.moving)
        model = universal_model(steps, steps / rate_hz, joints, vocab_size, max_tokens)
        return cls(model, fields, rate_hz, vocab_size)

    def encode(
        self,
        chunk: Any,
        last: Any,
        velocity: Any,
        tolerance: float | None = None,
        max_tokens: int | None = None,
    ) -> Any:
        """Ids of one chunk or of a batch.

        Args:
            chunk: (T, D) or (B, T, D) in physical units, NumPy or torch.
            last: executed values (D,) or (B, D), at time 0.
            velocity: their slopes, the same shape [unit/s].
            tolerance: end each string where chunks of its kind err by this on average
                (RMSE in units of half the 1 to 99 % range).
            max_tokens: longest string.

        Returns:
            Whole numbers (K,) or (B, K); with a tolerance a batch is a list of (K_i,).

        Raises:
            ValueError: shapes that do not fit, NaN or infinity.
        """
        if _many(last, velocity) and not isinstance(chunk, torch.Tensor):
            chunk, last, velocity = (_tensor(x) for x in (chunk, last, velocity))
            ids = self.encode(chunk, last, velocity, tolerance, max_tokens)
            return [x.numpy() for x in ids] if isinstance(ids, list) else ids.numpy()
        kind, chunk, last, velocity = self._checked(chunk, last, velocity)
        most = self.n_tokens if max_tokens is None else min(max_tokens, self.n_tokens)
        if most < 0:
            raise ValueError(f"max_tokens must not be negative, got {max_tokens}")
        single = chunk.ndim == 2
        chunk = kind.arrays.batch_last(chunk[None] if single else chunk)
        ids = kind.encoder(chunk, last, velocity, most).T
        ids = ids[0] if single else ids
        if tolerance is None:
            return ids
        if single:
            return ids[: self.stop(int(ids[0]), tolerance)] if most else ids
        ends = self.stop(ids[:, 0], tolerance).tolist() if most else [0] * len(ids)
        return [row[:k] for row, k in zip(ids, ends, strict=True)]

    def places(
        self,
        chunk: NDArray[np.floating],
        last: NDArray[np.floating],
        velocity: NDArray[np.floating],
    ) -> Array:
        """What a policy learns: the digits of chunks before they are rounded.

        Args:
            chunk: (B, T, D) in physical units.
            last, velocity: (B, D).

        Returns:
            (B, L, J), see `digits`; a digit is its place rounded half up.

        Raises:
            ValueError: shapes that do not fit, NaN or infinity.
        """
        arrays = [np.asarray(x, np.float64) for x in (chunk, last, velocity)]
        if arrays[0].ndim != 3:
            raise ValueError(f"expected chunk (B, T, D), got {arrays[0].shape}")
        kind, chunk, last, velocity = self._checked(*arrays)
        chunk = kind.arrays.batch_last(chunk)
        found = kind.encoder.places(chunk, last, velocity, self.n_tokens)
        return np.moveaxis(np.asarray(found), -1, 0)

    def decode(
        self,
        ids: Any,
        last: Any,
        velocity: Any,
        times_s: ArrayLike | None = None,
        derivative: int = 0,
    ) -> Any:
        """The motion of any ids.

        Args:
            ids: (K,) or (B, K), or a list of B strings; an id outside the vocabulary
                ends its string, and what is longer than a ladder is not read.
            last: executed values (D,) or (B, D), at time 0.
            velocity: their slopes, the same shape [unit/s].
            times_s: times (T,) since the hand-over [s]; the chunk's own rows by
                default. Beyond the horizon the motion comes to rest.
            derivative: 0 for values, 1 or 2 for their derivatives by time.

        Returns:
            (T, D) or (B, T, D), of the kind of `last`.

        Raises:
            ValueError: shapes that do not fit, NaN or infinity.
        """
        if derivative not in (0, 1, 2):
            raise ValueError(f"derivative must be 0, 1 or 2, got {derivative}")
        if _many(last, velocity):
            last, velocity = _tensor(last), _tensor(velocity)
            return self.decode(ids, last, velocity, times_s, derivative).numpy()
        kind = self._kind(last, velocity)
        last, velocity = kind.arrays.put(last), kind.arrays.put(velocity)
        self._check_state(last, velocity, last.shape[:-1])
        times = self._times if times_s is None else checked_times(times_s)
        single = last.ndim == 1
        batch = 1 if single else len(last)
        last, velocity = self._feasible(kind, last, velocity)
        strings, length = self._strings(kind.arrays, ids, single, batch)
        motion = kind.motion(strings, length, last, velocity, times, derivative)
        return motion[..., 0] if single else kind.arrays.batch_first(motion)

    def stop(self, first_id: Any, tolerance: float) -> Any:
        """Ids after which chunks that begin with `first_id` err by `tolerance`.

        Args:
            first_id: it tells how large the motion is; one, or those of a batch as an
                array, a tensor or a list.
            tolerance: RMSE in units of half the 1 to 99 % range.

        Returns:
            k, of the kind and shape of `first_id`; all ids where none are enough, and
            one at least where fields would come to rest if nothing were said.

        Raises:
            ValueError: an id that is not whole, or not in the vocabulary.
        """
        tensor = isinstance(first_id, torch.Tensor)
        ids = first_id.cpu().numpy() if tensor else np.asarray(first_id)
        if ids.size and (
            ids.dtype.kind not in "iu" or ids.min() < 0 or ids.max() >= self.vocab_size
        ):
            raise ValueError(
                f"first_id must be whole and in 0..{self.vocab_size - 1}, got "
                f"{first_id}"
            )
        enough = self.model.error <= tolerance
        of_gain = np.where(enough.any(1), enough.argmax(1), self.n_tokens)
        if not np.isnan(self.fields.rest).all():
            # Without any id a field would go to its rest, not on as it does.
            of_gain = np.maximum(of_gain, 1)
        found = of_gain[self._table.digit_of_id[0, ids.astype(np.int64), 0]]
        if tensor:
            return torch.from_numpy(np.asarray(found)).to(first_id.device)
        return found if isinstance(first_id, np.ndarray) else found.tolist()

    @property
    def limits(self) -> dict[str, Array]:
        """What every string keeps to: `lower`, `upper`, `max_rate` and `rest` (D,)."""
        return {name: getattr(self.fields, name) for name in LIMITS}

    def save(self, folder: Path) -> None:
        """Write the tokenizer as one folder."""
        model = self.model
        config = {
            "names": list(self.names),
            "rate_hz": self.rate_hz,
            "vocab_size": self.vocab_size,
            "horizon_s": model.horizon_s,
            "n_control": model.n_control,
            "slots": [[[d.coefficient, d.radix] for d in s] for s in model.slots],
        }
        arrays = {name: getattr(model, name) for name in _ARRAYS}
        arrays |= {name: getattr(self.fields, name) for name in _LIMITS}
        save_folder(folder, KIND, config, arrays)

    @classmethod
    def load(cls, folder: Path) -> LadderTokenizer:
        """Read what `save` wrote; ValueError when it is damaged."""
        config, arrays = load_folder(folder, KIND)
        model = LadderModel(
            n_control=config["n_control"],
            horizon_s=config["horizon_s"],
            slots=[[Digit(k, m) for k, m in slot] for slot in config["slots"]],
            **{name: arrays[name] for name in _ARRAYS},
        )
        limits: dict[str, Any] = {name: arrays[name] for name in _LIMITS}
        fields = LadderFields(names=tuple(config["names"]), **limits)
        return cls(model, fields, config["rate_hz"], config["vocab_size"])

    def _checked(
        self, chunk: Any, last: Any, velocity: Any
    ) -> tuple[LadderArithmetic, Any, Any, Any]:
        """The arithmetic of what is given, the chunk, and its state (D, B), feasible.

        Raises:
            ValueError: shapes that do not fit, NaN or infinity.
        """
        kind = self._kind(chunk, last, velocity)
        chunk, last, velocity = (kind.arrays.put(x) for x in (chunk, last, velocity))
        dim = len(self.names)
        if chunk.ndim not in (2, 3) or tuple(chunk.shape[-2:]) != (self.steps, dim):
            raise ValueError(
                f"expected chunk (T, D) or (B, T, D), T and D {self.steps}, {dim}; got "
                f"{tuple(chunk.shape)}"
            )
        self._check_state(last, velocity, chunk.shape[:-2])
        check_finite("chunk", chunk, self.names)
        last, velocity = self._feasible(kind, last, velocity)
        return kind, chunk, last, velocity

    def _kind(self, *values: Any) -> LadderArithmetic:
        arrays = ArrayKind.of(*values)
        if arrays.key not in self._kinds:
            self._kinds[arrays.key] = LadderArithmetic(
                arrays, self.model, self._table, self.fields
            )
        return self._kinds[arrays.key]

    def _feasible(
        self, kind: LadderArithmetic, last: Any, velocity: Any
    ) -> tuple[Any, Any]:
        """Hand-over states (D,) or (B, D) as (D, B), feasible; counts the others."""
        if last.ndim == 1:
            last, velocity = last[None], velocity[None]
        last, velocity = last.T, velocity.T
        if kind.arrays.like is not None:
            last, velocity = last.contiguous(), velocity.contiguous()
        position, slope = kind.feasible(last, velocity)
        self.clamped += kind.differ((position, slope), (last, velocity))
        return position, slope

    def _check_state(self, last: Any, velocity: Any, batch: Any) -> None:
        shape = (*batch, len(self.names))
        for name, value in (("last", last), ("velocity", velocity)):
            if tuple(value.shape) != shape or len(shape) > 2:
                raise ValueError(
                    f"{name}: expected shape {shape}, got {tuple(value.shape)}"
                )
            check_finite(name, value, self.names)

    def _strings(
        self, arrays: ArrayKind, ids: Any, single: bool, batch: int
    ) -> tuple[Any, Any]:
        """Ids (L, B) and the length of each string, None where all have L."""
        if isinstance(ids, list | tuple) and not single:
            longest = max((len(row) for row in ids), default=0)
            padded = np.full((len(ids), longest), -1, dtype=np.int64)
            for i, row in enumerate(ids):
                padded[i, : len(row)] = np.asarray(row)
            ids = padded
        ids = arrays.put(np.asarray(ids) if isinstance(ids, list | tuple) else ids)
        ids = arrays.whole(ids)[..., : self.n_tokens]
        if ids.ndim != (1 if single else 2) or (not single and len(ids) != batch):
            raise ValueError(
                f"ids: expected {'(K,)' if single else f'({batch}, K)'}, got "
                f"{tuple(ids.shape)}"
            )
        ids = ids.reshape(batch, -1)
        if not ids.shape[1]:
            return ids.T, None
        # Before they are turned: across the grain it takes five times as long.
        tensor = arrays.like is not None
        least, most = torch.aminmax(ids) if tensor else (ids.min(), ids.max())
        ids = ids.T
        if least >= 0 and most < self.vocab_size:
            return ids, None
        wrong = (ids < 0) | (ids >= self.vocab_size)
        ended = wrong.cumsum(0) > 0
        return arrays.xp.where(ended, -1, ids), (~ended).sum(0)


def _tensor(values: Any) -> torch.Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float64))


def _many(*values: Any) -> bool:
    """Whether this is a large batch without tensors."""
    return not any(isinstance(x, torch.Tensor) for x in values) and all(
        np.ndim(x) > 1 and len(x) >= MANY for x in values
    )

"""FAST: cosine transform, rounding, byte-pair encoding (arXiv 2501.09747).

A peer of the ladder, rebuilt from the paper. As published, coefficients become
characters and byte-level BPE merges their bytes; `merge="characters"` gives every
coefficient a character of its own and merges those, which is stronger. `relative`
codes what is added to the last executed values.

Needs Hugging Face's `tokenizers` (`pip install "brownfield[peers]"`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dct, idct

from brownfield.tokenizers.chunk_checks import (
    check_finite,
    training_chunks,
)
from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.row_motion import at_times

Array = NDArray[np.float64]
KIND = "FAST action tokenizer"
PRIVATE = 0xF0000
"""First of 65,534 characters that no pattern takes for letters or digits."""


class AlphabetError(ValueError):
    """There are more different coefficients than ids."""


class FastTokenizer:
    """Chunks (T, D) to as many ids as they need; not every string is a motion."""

    def __init__(
        self,
        bpe: Any,
        *,
        names: Sequence[str],
        rate_hz: float,
        steps: int,
        quantiles: Array,
        scale: float,
        least: int,
        relative: bool,
        merge: str,
    ) -> None:
        """Args:
        bpe: of Hugging Face's library.
        names: fields (D).
        rate_hz: rows per second [Hz].
        steps: rows of a chunk (T).
        quantiles: (2, D), 1 and 99 % of what is coded.
        scale: coefficients are rounded after multiplication with it.
        least: smallest rounded coefficient in training.
        relative: code the difference to the last executed values.
        merge: `bytes` or `characters`.
        """
        self._bpe, self.names, self.rate_hz = bpe, tuple(names), float(rate_hz)
        self.steps, self.quantiles, self.scale = int(steps), quantiles, float(scale)
        self.least, self.relative, self.merge = int(least), bool(relative), merge
        self.vocab_size = int(bpe.get_vocab_size())
        self._pieces: list[NDArray[np.int64]] = []
        self._middle = quantiles.mean(0)
        width = quantiles[1] - quantiles[0]
        self._half = np.where(width < 1e-9, 1.0, width / 2)

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
        scale: float = 10.0,
        vocab_size: int = 1024,
        relative: bool = False,
        merge: str = "bytes",
    ) -> FastTokenizer:
        """Count pairs.

        Args:
            chunks: (N, T, D) in physical units.
            last: executed values (N, D).
            velocity: (N, D); not used.
            rate_hz: rows per second [Hz].
            lower, upper, max_rate, rest: not used, FAST knows none of them.
            names: fields (D).
            scale: finer with larger ones; 10 as published.
            vocab_size: ids.
            relative: code the difference to `last`.
            merge: `bytes` as published, or `characters`.

        Raises:
            ValueError: shapes that do not fit.
            AlphabetError: more different coefficients than ids.
        """
        if merge not in ("bytes", "characters"):
            raise ValueError(f"merge must be bytes or characters, got {merge!r}")
        x, origin, _, fields = training_chunks(chunks, last, velocity, rate_hz, names)
        steps = x.shape[1]
        if relative:
            x = x - origin[:, None]
        quantiles = np.quantile(x, [0.01, 0.99], axis=(0, 1))
        new = cls(
            _untrained(merge),
            names=fields,
            rate_hz=rate_hz,
            steps=steps,
            quantiles=quantiles,
            scale=scale,
            least=0,
            relative=relative,
            merge=merge,
        )
        rounded = new._rounded(x)
        new.least = int(rounded.min())
        alphabet = [chr(new._first + i) for i in range(int(np.ptp(rounded)) + 1)]
        if len(alphabet) > vocab_size:
            raise AlphabetError(
                f"{len(alphabet)} different coefficients do not fit in {vocab_size} "
                "ids; take a smaller scale or a larger vocabulary"
            )
        new._train([new._text(row) for row in rounded], alphabet, vocab_size)
        new.vocab_size = int(new._bpe.get_vocab_size())
        return new

    def _train(self, texts: list[str], alphabet: list[str], vocab_size: int) -> None:
        from tokenizers.trainers import BpeTrainer

        trainer = BpeTrainer(
            vocab_size=vocab_size,
            min_frequency=2,
            show_progress=False,
            special_tokens=[],
            initial_alphabet=alphabet,
            max_token_length=10_000,
        )
        self._bpe.train_from_iterator(texts, trainer)

    @property
    def _first(self) -> int:
        return 0 if self.merge == "bytes" else PRIVATE

    def _rounded(self, x: Array) -> NDArray[np.int64]:
        """Rounded coefficients (..., T, D) of what is coded."""
        unit = (x - self._middle) / self._half
        coefficients = np.asarray(dct(unit, axis=-2, norm="ortho"))
        return np.rint(self.scale * coefficients).astype(np.int64)

    def _text(self, rounded: NDArray[np.int64]) -> str:
        code = np.maximum(rounded - self.least, 0).ravel() + self._first
        return code.astype("<u4").tobytes().decode("utf-32-le")

    def encode(
        self,
        chunk: ArrayLike,
        last: ArrayLike,
        velocity: ArrayLike | None = None,
        tolerance: float | None = None,
        max_tokens: int | None = None,
    ) -> NDArray[np.int64]:
        """Ids (K,) of a chunk (T, D).

        Args:
            chunk: (T, D) in physical units.
            last: executed values (D,).
            velocity, tolerance: not used.
            max_tokens: cut the string off.

        Raises:
            ValueError: another shape, NaN or infinity.
        """
        x, origin = np.asarray(chunk, float), np.asarray(last, float)
        dim = len(self.names)
        if x.shape != (self.steps, dim) or origin.shape != (dim,):
            raise ValueError(
                f"expected chunk ({self.steps}, {dim}) and last ({dim},), got "
                f"{x.shape} and {origin.shape}"
            )
        check_finite("chunk", x, self.names)
        text = self._text(self._rounded(x - origin if self.relative else x))
        return np.array(self._bpe.encode(text).ids[:max_tokens], dtype=np.int64)

    def decode(
        self,
        ids: ArrayLike,
        last: ArrayLike,
        velocity: ArrayLike | None = None,
        times_s: ArrayLike | None = None,
        derivative: int = 0,
        strict: bool = False,
    ) -> Array:
        """The motion (T, D) of ids (K,).

        Args:
            ids: from `encode`, or a string of exactly T x D coefficients.
            last: executed values (D,).
            velocity: not used.
            times_s: times (T,) after `last` [s], linear between the chunk's rows.
            derivative: 0 for values, 1 for slopes.
            strict: answer a string of another length as published, with the middle of
                the range; else fill up with zero coefficients or cut off.

        Raises:
            ValueError: another derivative, or of bytes an id outside the vocabulary;
                of characters such ids count for nothing.
        """
        if derivative not in (0, 1):
            raise ValueError(f"derivative must be 0 or 1, got {derivative}")
        origin = np.asarray(last, float)
        rounded = self._coefficients(np.asarray(ids, dtype=np.int64))
        count = self.steps * len(self.names)
        if strict and len(rounded) != count:
            rounded = np.zeros(count)
        whole = np.zeros(count)
        whole[: len(rounded)] = rounded[:count]
        unit = idct(whole.reshape(self.steps, -1) / self.scale, axis=0, norm="ortho")
        rows = unit * self._half + self._middle + (origin if self.relative else 0)
        if times_s is None and derivative == 0:
            return rows
        return at_times(
            np.concatenate([origin[None], rows]), self.rate_hz, times_s, derivative
        )

    def fails(self, ids: ArrayLike) -> bool:
        """Whether a string is not exactly T x D coefficients.

        Raises:
            ValueError: of bytes, an id outside the vocabulary.
        """
        rounded = self._coefficients(np.asarray(ids, dtype=np.int64))
        return len(rounded) != self.steps * len(self.names)

    def _coefficients(self, ids: NDArray[np.int64]) -> Array:
        if self.merge == "bytes":
            if ids.size and not 0 <= ids.min() <= ids.max() < self.vocab_size:
                raise ValueError(
                    f"ids of merged bytes must be in 0..{self.vocab_size - 1}, got "
                    f"{ids.min()} to {ids.max()}"
                )
            # An id can be a part of a character, so only whole strings can be read.
            code = _codes(self._bpe.decode(ids.tolist(), skip_special_tokens=False))
            return (code + self.least).astype(np.float64)
        if not self._pieces:
            tokens = [self._bpe.id_to_token(i) for i in range(self.vocab_size)]
            self._pieces = [_codes(t) - PRIVATE + self.least for t in tokens]
        pieces = [self._pieces[i] for i in ids.tolist() if 0 <= i < self.vocab_size]
        return np.concatenate([np.zeros(0), *pieces])

    def config(self) -> dict[str, Any]:
        """All but the quantiles, as JSON knows it."""
        return {
            "names": list(self.names),
            "rate_hz": self.rate_hz,
            "steps": self.steps,
            "scale": self.scale,
            "least": self.least,
            "relative": self.relative,
            "merge": self.merge,
            "bpe": self._bpe.to_str(),
        }

    @classmethod
    def of(cls, config: dict[str, Any], quantiles: Array) -> FastTokenizer:
        """The tokenizer of a `config` and its quantiles (2, D)."""
        own = dict(config)
        bpe = _library().Tokenizer.from_str(own.pop("bpe"))
        return cls(bpe, quantiles=quantiles, **own)

    def save(self, folder: Path) -> None:
        """Write the tokenizer as one folder."""
        save_folder(folder, KIND, self.config(), {"quantiles": self.quantiles})

    @classmethod
    def load(cls, folder: Path) -> FastTokenizer:
        """Read what `save` wrote; ValueError when it is damaged."""
        config, arrays = load_folder(folder, KIND)
        return cls.of(config, arrays["quantiles"])


class FastGrammar:
    """Which ids may follow, so that a string has exactly T x D coefficients.

    Every coefficient of training is an id of its own, so a string can always be
    completed.
    """

    def __init__(self, tokenizer: FastTokenizer) -> None:
        """Measure every id once."""
        self.tokenizer = tokenizer
        self.count = tokenizer.steps * len(tokenizer.names)
        lengths = [
            len(tokenizer._coefficients(np.array([i])))
            for i in range(tokenizer.vocab_size)
        ]
        broken = [
            "�" in tokenizer._bpe.decode([i], skip_special_tokens=False)
            for i in range(tokenizer.vocab_size)
        ]
        self.lengths = np.where(broken, self.count + 1, lengths)
        """(V,) coefficients of every id; too many where it is part of one."""

    def allowed(self, written: int) -> NDArray[np.bool_]:
        """(V,) after so many coefficients."""
        return (self.lengths > 0) & (self.lengths <= self.count - written)

    def sample(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """A random string that decodes."""
        ids: list[int] = []
        written = 0
        while written < self.count:
            pick = int(rng.choice(np.flatnonzero(self.allowed(written))))
            ids.append(pick)
            written += int(self.lengths[pick])
        return np.array(ids, dtype=np.int64)


def _codes(text: str) -> NDArray[np.int64]:
    data = text.encode("utf-32-le", "surrogatepass")
    return np.frombuffer(data, dtype="<u4").astype(np.int64)


def _library() -> Any:
    try:
        import tokenizers
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ValueError(
            "FAST needs Hugging Face's tokenizers: pip install 'brownfield[peers]'"
        ) from error
    assert Tokenizer is not None
    return tokenizers


def _untrained(merge: str) -> Any:
    library = _library()
    bpe = library.Tokenizer(library.models.BPE())
    if merge == "bytes":
        bpe.pre_tokenizer = library.pre_tokenizers.ByteLevel(add_prefix_space=False)
        bpe.decoder = library.decoders.ByteLevel()
    else:
        bpe.decoder = library.decoders.Fuse()
    return bpe

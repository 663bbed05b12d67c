"""FAST in strings of one length, as a policy speaks them.

FAST needs more ids for some chunks than for others: behind the last one an id of its
own means that nothing follows. Its ids are names, not numbers: neighbouring ids have
nothing in common.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brownfield.tokenizers.fast import FastTokenizer
from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.id_digits import IdDigits

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
KIND = "FAST string action tokenizer"


class FastStrings:
    """K ids for every chunk; `end` fills what FAST leaves."""

    uses_velocity = False

    def __init__(self, codec: FastTokenizer, longest: int) -> None:
        """Args: longest: ids K of a string; longer ones are cut off."""
        self.codec, self.n_tokens = codec, int(longest)
        self.vocab_size = codec.vocab_size + 1
        self.end = codec.vocab_size

    @classmethod
    def fit(
        cls,
        chunks: ArrayLike,
        last: ArrayLike,
        velocity: ArrayLike,
        rate_hz: float,
        scale: float = 30.0,
        vocab_size: int = 1024,
        **limits: Any,
    ) -> FastStrings:
        """Count pairs in FAST's strongest form: merged characters, relative to `last`.

        Args:
            chunks: (N, T, D) in physical units.
            last, velocity: (N, D).
            rate_hz: rows per second [Hz].
            scale: finer with larger ones.
            vocab_size: ids, that of the end included.
            limits: names, limits and rests, of which FAST uses the names.

        Raises:
            ValueError: see `FastTokenizer.fit`.
        """
        codec = FastTokenizer.fit(
            chunks,
            last,
            velocity,
            rate_hz,
            names=limits.get("names"),
            scale=scale,
            vocab_size=vocab_size - 1,
            relative=True,
            merge="characters",
        )
        pairs = zip(np.asarray(chunks), np.asarray(last), strict=True)
        return cls(codec, max(len(codec.encode(chunk, own)) for chunk, own in pairs))

    @property
    def names(self) -> tuple[str, ...]:
        """Fields (D), in order."""
        return self.codec.names

    @property
    def rate_hz(self) -> float:
        """Rows per second [Hz]."""
        return self.codec.rate_hz

    @property
    def limits(self) -> dict[str, Array]:
        """It knows none."""
        return {}

    @property
    def digits(self) -> IdDigits:
        """Every id is one digit, whose neighbours mean something else."""
        return IdDigits.plain(self.n_tokens, self.vocab_size, ordinal=False)

    def encode(
        self,
        chunk: ArrayLike,
        last: ArrayLike,
        velocity: ArrayLike | None = None,
        tolerance: float | None = None,
        max_tokens: int | None = None,
    ) -> Ids:
        """Ids (..., K) of chunks (..., T, D).

        Args:
            chunk: in physical units.
            last: executed values (..., D).
            velocity, tolerance: not used.
            max_tokens: cut the string off.

        Raises:
            ValueError: another shape, NaN or infinity.
        """
        x, origin = np.asarray(chunk, float), np.asarray(last, float)
        batch = origin.shape[:-1]
        if x.shape[:-2] != batch:
            raise ValueError(
                f"expected last (..., D) for {x.shape}, got {origin.shape}"
            )
        flat = x.reshape(-1, *x.shape[-2:]), origin.reshape(-1, origin.shape[-1])
        ids = np.full((len(flat[0]), self.n_tokens), self.end, np.int64)
        for row, one, own in zip(ids, *flat, strict=True):
            said = self.codec.encode(one, own)[: self.n_tokens]
            row[: len(said)] = said
        return ids.reshape(*batch, -1)[..., :max_tokens]

    def places(self, chunk: ArrayLike, last: ArrayLike, velocity: ArrayLike) -> Array:
        """The ids as digits (..., K, 1): nothing lies between two of them."""
        return self.encode(chunk, last)[..., None].astype(np.float64)

    def decode(
        self,
        ids: ArrayLike,
        last: ArrayLike,
        velocity: ArrayLike | None = None,
        times_s: ArrayLike | None = None,
        derivative: int = 0,
    ) -> Array:
        """The motion (..., T, D) of any ids (..., K): what follows the first end is not
        read, missing coefficients are 0 and surplus ones dropped."""
        ids, origin = np.asarray(ids, np.int64), np.asarray(last, float)
        flat = ids.reshape(-1, ids.shape[-1]), origin.reshape(-1, origin.shape[-1])
        rows = [
            self.codec.decode(
                row[: np.argmax(np.append(row, self.end) == self.end)],
                own,
                None,
                times_s,
                derivative,
            )
            for row, own in zip(*flat, strict=True)
        ]
        return np.stack(rows).reshape(*ids.shape[:-1], *rows[0].shape)

    def save(self, folder: Path) -> None:
        """Write the tokenizer as one folder."""
        config = {"longest": self.n_tokens, "codec": self.codec.config()}
        save_folder(folder, KIND, config, {"quantiles": self.codec.quantiles})

    @classmethod
    def load(cls, folder: Path) -> FastStrings:
        """Read what `save` wrote; ValueError when it is damaged."""
        config, arrays = load_folder(folder, KIND)
        codec = FastTokenizer.of(config["codec"], arrays["quantiles"])
        return cls(codec, config["longest"])

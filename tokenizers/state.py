"""Robot state as one uniform bin per field, between fitted quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.chunk_checks import check_finite
from brownfield.tokenizers.folder import load_folder, save_folder


class StateTokenizer:
    """`bins` ids per field; values beyond the fitted range go to the outermost bins."""

    def __init__(
        self, names: Sequence[str], lower: NDArray, upper: NDArray, bins: int = 256
    ) -> None:
        """Args: names: fields (S); lower, upper: ranges (S,); bins: ids per field."""
        self.names = tuple(names)
        self.lower = np.asarray(lower, dtype=np.float64)
        self.upper = np.asarray(upper, dtype=np.float64)
        self.vocab_size = bins
        if self.lower.shape != (len(names),) or self.upper.shape != (len(names),):
            raise ValueError(
                f"expected ranges of {len(names)} fields, got {self.lower.shape} and "
                f"{self.upper.shape}"
            )
        if bins < 2:
            raise ValueError(f"bins must be at least 2, got {bins}")
        sound = np.isfinite(self.lower) & np.isfinite(self.upper)
        sound &= self.lower < self.upper
        if not sound.all():
            i = int(np.argmin(sound))
            raise ValueError(
                f"state field {self.names[i]}: expected finite lower < upper, got "
                f"{self.lower[i]} and {self.upper[i]}"
            )

    @classmethod
    def fit(
        cls, states: NDArray, names: Sequence[str], bins: int = 256
    ) -> StateTokenizer:
        """Ranges from the 0.1 % and 99.9 % quantiles with a twentieth of margin.

        Args:
            states: (N, S).
            names: fields (S).
            bins: ids per field.

        Raises:
            ValueError: NaN or infinity in a field, or another number of fields.
        """
        states = np.asarray(states)
        if states.ndim != 2 or states.shape[1] != len(names) or not len(states):
            raise ValueError(
                f"expected states (N, {len(names)}), got shape {states.shape}"
            )
        check_finite("state", states, names)
        low, high = np.quantile(states, [0.001, 0.999], axis=0)
        # A field that never moved in the data may move later: no empty range.
        margin = np.maximum(0.05 * (high - low), 1e-3)
        return cls(names, low - margin, high + margin, bins)

    def encode(self, state: NDArray) -> NDArray[np.int64]:
        """Ids (..., S) of states (..., S).

        Raises:
            ValueError: NaN or infinity in a field, or another number of fields.
        """
        state = np.asarray(state, dtype=np.float64)
        if state.shape[-1:] != (len(self.names),):
            raise ValueError(
                f"expected {len(self.names)} state fields, got shape {state.shape}"
            )
        check_finite("state", state, self.names)
        unit = (state - self.lower) / (self.upper - self.lower)
        ids = np.floor(unit * self.vocab_size)
        return np.clip(ids, 0, self.vocab_size - 1).astype(np.int64)

    def decode(self, ids: NDArray[np.int64]) -> NDArray[np.float64]:
        """Centres (..., S) of the bins of ids (..., S); foreign ids are clamped."""
        ids = np.clip(np.asarray(ids), 0, self.vocab_size - 1)
        return self.lower + (ids + 0.5) / self.vocab_size * (self.upper - self.lower)

    def save(self, folder: Path) -> None:
        """Write the tokenizer."""
        save_folder(
            folder,
            "state tokenizer",
            {"names": list(self.names), "bins": self.vocab_size},
            {"lower": self.lower, "upper": self.upper},
        )

    @classmethod
    def load(cls, folder: Path) -> StateTokenizer:
        """Read what `save` wrote; ValueError when it is damaged."""
        config, arrays = load_folder(folder, "state tokenizer")
        return cls(config["names"], arrays["lower"], arrays["upper"], config["bins"])

"""What every tokenizer of a kind can do.

How one is fitted is its own affair: bytes need nothing, a network needs a trainer.

Letters: B batch, T time, D action fields, S state fields, K tokens, H W pixels.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.body_check import Fitted
from brownfield.tokenizers.id_digits import IdDigits

Ids = NDArray[np.int64]
Array = NDArray[np.floating]


class TextTokenizer(Protocol):
    """Text to ids and back."""

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        ...

    def encode(self, text: str) -> Ids:
        """Ids (K,) of a text."""
        ...

    def decode(self, ids: Ids) -> str:
        """The text of ids (K,)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the tokenizer as one folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; ValueError when it is damaged."""
        ...


class StateTokenizer(Protocol):
    """Robot states to ids and back, one id per field."""

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        ...

    def encode(self, state: Array) -> Ids:
        """Ids (..., S) of states (..., S)."""
        ...

    def decode(self, ids: Ids) -> Array:
        """States (..., S) of ids (..., S)."""
        ...

    def save(self, folder: Path) -> None:
        """Write the tokenizer as one folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; ValueError when it is damaged."""
        ...


class ActionTokenizer(Protocol):
    """Chunks of commands to ids and back; every id string is a motion.

    Row i of a chunk is time (i + 1) / rate_hz after `last`, the executed command.
    """

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        ...

    @property
    def uses_velocity(self) -> bool:
        """Whether a motion depends on `velocity`; where not, any will do."""
        ...

    def encode(
        self,
        chunk: Array,
        last: Array,
        velocity: Array,
        tolerance: float | None = None,
        max_tokens: int | None = None,
    ) -> Ids:
        """Ids (K,) of a chunk (T, D), given last (D,) and its velocity (D,) [1/s]."""
        ...

    def decode(
        self,
        ids: Ids,
        last: Array,
        velocity: Array,
        times_s: Array | None = None,
        derivative: int = 0,
    ) -> Array:
        """The motion (T, D) of ids (K,), or its derivative, at times (T,) [s]."""
        ...

    def save(self, folder: Path) -> None:
        """Write the tokenizer as one folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; ValueError when it is damaged."""
        ...


class DigitTokenizer(ActionTokenizer, Fitted, Protocol):
    """Action tokens that a policy can speak: strings of one length, ids of digits."""

    @property
    def n_tokens(self) -> int:
        """Number K of ids in a string."""
        ...

    @property
    def digits(self) -> IdDigits:
        """How ids are made of digits."""
        ...

    def places(self, chunk: Array, last: Array, velocity: Array) -> Array:
        """Digits (B, K, J) of chunks (B, T, D) before they are rounded, half up."""
        ...


class VideoTokenizer(Protocol):
    """Video to ids and back, block by block."""

    @property
    def vocab_size(self) -> int:
        """Number of ids."""
        ...

    @property
    def frames_per_block(self) -> int:
        """Frames that one block of ids stands for."""
        ...

    def encode(self, frames: Any) -> Any:
        """Ids (B, blocks, h, w) of uint8 frames (B, T, H, W, 3)."""
        ...

    def decode(self, ids: Any) -> Any:
        """uint8 frames (B, T, H, W, 3) of ids (B, blocks, h, w)."""
        ...

    def init_state(self, batch: int) -> Any:
        """State before the first block of a stream."""
        ...

    def encode_step(self, frames: Any, state: Any) -> tuple[Any, Any]:
        """Ids (B, h, w) of one block (B, frames_per_block, H, W, 3), and the state."""
        ...

    def decode_step(self, ids: Any, state: Any) -> tuple[Any, Any]:
        """One block (B, frames_per_block, H, W, 3) of ids (B, h, w), and the state."""
        ...

    def save(self, folder: Path) -> None:
        """Write the tokenizer as one folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; ValueError when it is damaged."""
        ...

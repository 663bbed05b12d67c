"""Text as its UTF-8 bytes: 256 ids, no vocabulary to fit, any language."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.folder import load_folder, save_folder


class ByteTokenizer:
    """One id per byte."""

    vocab_size = 256

    def __init__(self, max_bytes: int = 64) -> None:
        """Args: max_bytes: longest text [bytes]."""
        if max_bytes < 1:
            raise ValueError(f"max_bytes must be positive, got {max_bytes}")
        self.max_bytes = max_bytes

    def encode(self, text: str) -> NDArray[np.int64]:
        """Ids (K,) of a text.

        Raises:
            ValueError: the text is empty, too long, or not encodable.
        """
        if not text.strip():
            raise ValueError(
                "expected a prompt of at least one character, got an empty one"
            )
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError(f"the prompt is not valid Unicode: {error}") from error
        if len(data) > self.max_bytes:
            raise ValueError(
                f"expected a prompt of at most {self.max_bytes} bytes, got {len(data)}"
            )
        return np.frombuffer(data, np.uint8).astype(np.int64)

    def decode(self, ids: NDArray[np.int64]) -> str:
        """The text of ids (K,); bytes that are no UTF-8 become replacement characters.

        Raises:
            ValueError: an id is outside 0..255.
        """
        ids = np.asarray(ids, dtype=np.int64)
        if ids.size and (ids.min() < 0 or ids.max() > 255):
            raise ValueError(f"expected ids in 0..255, got {ids.min()}..{ids.max()}")
        return ids.astype(np.uint8).tobytes().decode("utf-8", errors="replace")

    def save(self, folder: Path) -> None:
        """Write the tokenizer."""
        save_folder(folder, "byte tokenizer", {"max_bytes": self.max_bytes}, {})

    @classmethod
    def load(cls, folder: Path) -> ByteTokenizer:
        """Read what `save` wrote; ValueError when it is damaged."""
        config, _ = load_folder(folder, "byte tokenizer")
        return cls(config["max_bytes"])

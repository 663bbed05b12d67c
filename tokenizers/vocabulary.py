"""One vocabulary: disjoint ranges of ids for every kind of token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from brownfield.tokenizers.folder import load_folder, save_folder

MODES = ("policy", "world", "inverse", "video", "full")
"""What a stream is for; the grammar is the same, the loss differs."""

_KIND = "vocabulary"
_MULTIPLE = 128  # matrix kernels are fastest when the last axis is a multiple of this
_BYTES = 256


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """Ranges in the order bytes, specials, state, value, action, video.

    Every offset follows from the sizes before it, so another tokenizer means another
    vocabulary, and ids of two vocabularies never mix unnoticed: `hashes` tell them
    apart.
    """

    state_size: int
    """Ids of a state field."""

    value_size: int
    """Ids of a value."""

    action_size: int
    """Ids of an action token."""

    video_size: int
    """Ids of a video token."""

    bodies: tuple[str, ...]
    """Embodiments that a stream may name."""

    cameras: tuple[str, ...]
    """Cameras that a stream may name."""

    codecs: tuple[str, ...] = ("knots",)
    """Action tokenizers that a stream may name."""

    tolerances: tuple[str, ...] = ("fixed",)
    """Action accuracies that a stream may name."""

    hashes: Mapping[str, str] = field(default_factory=dict)
    """Hash of each saved tokenizer, by kind."""

    def __post_init__(self) -> None:
        """Refuse empty ranges and names that are not unique."""
        for name in ("state_size", "value_size", "action_size", "video_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be positive, got {getattr(self, name)}")
        for name in ("bodies", "cameras", "codecs", "tolerances"):
            names = getattr(self, name)
            if not names or len(set(names)) != len(names):
                raise ValueError(f"{name} must be one or more unique names: {names}")

    @cached_property
    def _specials(self) -> tuple[str, ...]:
        return (
            *("bos", "eos", "prompt", "state", "act", "value"),
            *MODES,
            *(f"body:{name}" for name in self.bodies),
            *(f"tok:{name}" for name in self.codecs),
            *(f"tol:{name}" for name in self.tolerances),
            *(f"cam:{name}" for name in self.cameras),
            *(f"obs:{name}" for name in self.cameras),
        )

    @cached_property
    def _ranges(self) -> tuple[range, ...]:
        sizes = (
            _BYTES,
            len(self._specials),
            self.state_size,
            self.value_size,
            self.action_size,
            self.video_size,
        )
        ends = accumulate(sizes, initial=0)
        return tuple(range(start, end) for start, end in pairwise(ends))

    @property
    def text(self) -> range:
        """Ids of bytes."""
        return self._ranges[0]

    @property
    def special(self) -> range:
        """Ids of markers."""
        return self._ranges[1]

    @property
    def state(self) -> range:
        """Ids of state bins."""
        return self._ranges[2]

    @property
    def value(self) -> range:
        """Ids of value bins."""
        return self._ranges[3]

    @property
    def action(self) -> range:
        """Ids of action tokens."""
        return self._ranges[4]

    @property
    def video(self) -> range:
        """Ids of video tokens."""
        return self._ranges[5]

    @property
    def size(self) -> int:
        """Number of ids, padded; the padding is never allowed."""
        return -(-self.video.stop // _MULTIPLE) * _MULTIPLE

    def marker(self, name: str) -> int:
        """Id of a special token, such as "bos", "policy" or "cam:head".

        Raises:
            ValueError: there is none of that name.
        """
        if name not in self._specials:
            valid = ", ".join(self._specials)
            raise ValueError(f"no special token {name!r}; there are: {valid}")
        return self.special.start + self._specials.index(name)

    def name(self, token: int) -> str:
        """What an id is, for people: "byte:112", "cam:head", "action:63".

        Raises:
            ValueError: the id is outside the vocabulary.
        """
        if not 0 <= token < self.size:
            raise ValueError(f"expected an id in 0..{self.size - 1}, got {token}")
        if token in self.special:
            return self._specials[token - self.special.start]
        for kind in ("text", "state", "value", "action", "video"):
            ids: range = getattr(self, kind)
            if token in ids:
                return f"{'byte' if kind == 'text' else kind}:{token - ids.start}"
        return "padding"

    def check_hashes(self, hashes: Mapping[str, str]) -> None:
        """Refuse tokenizers other than those this vocabulary was built for.

        Raises:
            ValueError: a hash is missing or differs; names the tokenizer.
        """
        for kind in sorted({*self.hashes, *hashes}):
            expected, got = self.hashes.get(kind), hashes.get(kind)
            if expected != got:
                raise ValueError(
                    f"{kind} tokenizer: expected hash {expected}, got {got}"
                )

    def save(self, folder: Path) -> None:
        """Write the vocabulary."""
        save_folder(folder, _KIND, self._config(), {})

    @classmethod
    def load(cls, folder: Path) -> Vocabulary:
        """Read what `save` wrote; ValueError when it is damaged."""
        config, _ = load_folder(folder, _KIND)
        for name in ("bodies", "cameras", "codecs", "tolerances"):
            config[name] = tuple(config[name])
        return cls(**config)

    def _config(self) -> dict[str, Any]:
        config = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**config, "hashes": dict(self.hashes)}

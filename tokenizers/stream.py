"""The token stream: one grammar for packing, for masks in generation, for parsing.

    stream := bos head prompt byte* mode look step* eos
    head   := body:<name> tok:<name> tol:<name> cam:<name>+
    look   := (obs:<camera> video ids)+ state state ids
    step   := act action ids look [value value id]

A step is: act, see what came of it, judge it. The value follows the look, so that it
scores the future that came true; only a stream of mode "policy" may leave it out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brownfield.tokenizers.grammar_table import GrammarState, GrammarTable, Segment
from brownfield.tokenizers.vocabulary import MODES, Vocabulary

Ids = NDArray[np.int64]
NO_VALUE = -1
"""In `StreamArrays.value`: this step has none."""


@dataclass(frozen=True, kw_only=True)
class StreamLayout:
    """Lengths of the blocks, which no token announces: the body gives them."""

    body: str
    """Name of the embodiment."""

    cameras: Mapping[str, tuple[int, int]]
    """Rows and columns of video ids of one block, by camera, in stream order."""

    state_tokens: int
    """Ids of one state."""

    action_tokens: int
    """Ids K of one action chunk."""

    codec: str = "knots"
    """Name of the action tokenizer."""

    tolerance: str = "fixed"
    """Name of the action accuracy."""

    max_text: int = 64
    """Longest prompt [bytes]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StreamArrays:
    """What a stream says: ids of each tokenizer, counted from 0. N steps, N+1 looks."""

    mode: str
    """One of `MODES`."""

    text: Ids
    """Bytes of the prompt (n,)."""

    video: Mapping[str, Ids]
    """Video ids (N + 1, h, w) by camera."""

    state: Ids
    """State ids (N + 1, S)."""

    action: Ids
    """Action ids (N, K)."""

    value: Ids
    """Value ids (N,), `NO_VALUE` where a step has none."""


class Grammar:
    """Packs arrays into ids, parses ids into arrays, says which ids may follow."""

    def __init__(self, vocabulary: Vocabulary, layout: StreamLayout) -> None:
        """Args: vocabulary: ids; layout: lengths.

        Raises:
            ValueError: the layout has a name that the vocabulary lacks, or an empty
                block.
        """
        self.vocabulary, self.layout = vocabulary, layout
        cells = {
            name: rows * columns for name, (rows, columns) in layout.cameras.items()
        }
        lengths = {
            "state_tokens": layout.state_tokens,
            "action_tokens": layout.action_tokens,
            "max_text": layout.max_text,
            **{f"camera {name}": count for name, count in cells.items()},
        }
        for name, length in lengths.items():
            if length < 1:
                raise ValueError(f"{name} must be positive, got {length}")
        if not cells:
            raise ValueError("a layout needs at least one camera, got none")
        self._head = (
            *("bos", f"body:{layout.body}", f"tok:{layout.codec}"),
            f"tol:{layout.tolerance}",
            *(f"cam:{name}" for name in cells),
            "prompt",
        )
        self._look = (
            *(
                Segment(f"obs:{name}", f"video:{name}", vocabulary.video, count)
                for name, count in cells.items()
            ),
            Segment("state", "state", vocabulary.state, layout.state_tokens),
        )
        self._act = Segment("act", "action", vocabulary.action, layout.action_tokens)
        self._value = Segment("value", "value", vocabulary.value, 1)
        self._table = GrammarTable(
            vocabulary,
            head=self._head,
            look=self._look,
            act=self._act,
            value=self._value,
            max_text=layout.max_text,
        )

    def pack(self, arrays: StreamArrays) -> Ids:
        """Ids (L,) of a whole stream.

        Raises:
            ValueError: a camera is missing, a block has another length, or an id is
                outside its tokenizer's range; says which.
        """
        if arrays.mode not in MODES:
            raise ValueError(
                f"expected a mode among {', '.join(MODES)}, got {arrays.mode!r}"
            )
        if set(arrays.video) != set(self.layout.cameras):
            raise ValueError(
                f"expected video of cameras {sorted(self.layout.cameras)}, "
                f"got {sorted(arrays.video)}"
            )
        text = np.asarray(arrays.text)
        if text.ndim != 1 or len(text) > self.layout.max_text:
            raise ValueError(
                f"expected at most {self.layout.max_text} bytes of text, "
                f"got shape {text.shape}"
            )
        steps = len(arrays.action)
        shapes: dict[str, tuple[NDArray, tuple[int, ...]]] = {
            f"video:{name}": (np.asarray(arrays.video[name]), (steps + 1, *grid))
            for name, grid in self.layout.cameras.items()
        }
        shapes["state"] = (np.asarray(arrays.state), (steps + 1, self._look[-1].length))
        shapes["action"] = (np.asarray(arrays.action), (steps, self._act.length))
        shapes["value"] = (np.asarray(arrays.value), (steps,))
        for name, (array, expected) in shapes.items():
            if array.shape != expected:
                raise ValueError(f"{name}: expected ids {expected}, got {array.shape}")
        valued = shapes["value"][0] != NO_VALUE
        if arrays.mode != "policy" and not valued.all():
            raise ValueError(
                f"step {int(np.argmin(valued))} has no value: a stream of mode "
                f"{arrays.mode!r} needs one, only mode 'policy' may leave it out"
            )
        looks = self._block(self._look, shapes, steps + 1)
        acts = self._block((self._act,), shapes, steps)
        values = self._block((self._value,), shapes, steps, valued)
        parts = [
            [self.vocabulary.marker(name) for name in self._head],
            _shifted("text", text, self.vocabulary.text),
            [self.vocabulary.marker(arrays.mode)],
            looks[0],
        ]
        for step in range(steps):
            parts += [acts[step], looks[step + 1]]
            if valued[step]:
                parts.append(values[step])
        parts.append([self.vocabulary.marker("eos")])
        return np.concatenate([np.asarray(part, dtype=np.int64) for part in parts])

    def _block(
        self,
        segments: tuple[Segment, ...],
        shapes: Mapping[str, tuple[NDArray, tuple[int, ...]]],
        rows: int,
        present: NDArray[np.bool_] | None = None,
    ) -> Ids:
        """Markers and ids of `segments`, one row each (rows, tokens)."""
        parts = []
        for segment in segments:
            ids = shapes[segment.field][0].reshape(rows, segment.length)
            if present is not None:
                ids = np.where(present[:, None], ids, 0)
            marker = np.full((rows, 1), self.vocabulary.marker(segment.marker))
            parts += [marker, _shifted(segment.field, ids, segment.ids)]
        return np.concatenate(parts, axis=1)

    def parse(self, ids: ArrayLike) -> StreamArrays:
        """The arrays of a whole stream (L,).

        Raises:
            ValueError: an id may not come where it is, or the stream is not whole;
                gives position, what was found and what may come there.
        """
        found: dict[str, list[int]] = {}
        value: list[int] = []
        mode, looks, steps = "", 0, 0
        act, seen = (self.vocabulary.marker(name) for name in ("act", "state"))
        stream = np.asarray(ids)
        if stream.ndim != 1 or not np.issubdtype(stream.dtype, np.integer):
            raise ValueError(
                f"expected integer ids (L,), got {stream.dtype} {stream.shape}"
            )
        state = self.start()
        for position, token in enumerate(stream.tolist()):
            choice = state.choice(token)
            if choice is None:
                raise ValueError(f"position {position}: {state.refusal(token)}")
            if choice.field == "mode":
                mode = self.vocabulary.name(token)
            elif choice.field == "value":
                value[-1] = token - choice.ids.start
            elif choice.field:
                found.setdefault(choice.field, []).append(token - choice.ids.start)
            elif token == act:
                steps += 1
                value.append(NO_VALUE)
            elif token == seen:
                looks += 1
            state = GrammarState(self._table, choice.target)
        if not state.done:
            raise ValueError(f"the stream ends too early: expected {state.expected()}")

        def array(name: str, *shape: int) -> Ids:
            return np.array(found.get(name, []), dtype=np.int64).reshape(shape)

        return StreamArrays(
            mode=mode,
            text=array("text", -1),
            video={
                name: array(f"video:{name}", looks, *grid)
                for name, grid in self.layout.cameras.items()
            },
            state=array("state", looks, self.layout.state_tokens),
            action=array("action", steps, self.layout.action_tokens),
            value=np.array(value, dtype=np.int64),
        )

    def start(self) -> GrammarState:
        """The place before the first id."""
        return GrammarState(self._table, self._table.start)

    def allowed(self, prefix: ArrayLike) -> NDArray[np.bool_]:
        """Mask (vocabulary size,) of the ids that may follow a prefix (L,).

        In a loop keep a `GrammarState` and advance it instead.

        Raises:
            ValueError: the prefix itself breaks the grammar.
        """
        state = self.start()
        for token in np.asarray(prefix, dtype=np.int64).tolist():
            state = state.advance(token)
        return state.allowed()


def _shifted(name: str, ids: NDArray, where: range) -> NDArray[np.int64]:
    """Ids of a tokenizer moved to their range of the vocabulary."""
    ids = np.asarray(ids)
    if ids.size and not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"{name}: expected integer ids, got {ids.dtype}")
    if ids.size and not (ids.min() >= 0 and ids.max() < len(where)):
        raise ValueError(
            f"{name}: expected ids in 0..{len(where) - 1}, got {ids.min()}..{ids.max()}"
        )
    return ids.astype(np.int64) + where.start

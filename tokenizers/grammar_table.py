"""The grammar of the stream as a table of nodes, and a place in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.vocabulary import MODES, Vocabulary


class Segment(NamedTuple):
    """A marker and the ids that follow it."""

    marker: str
    field: str
    ids: range
    length: int


class Choice(NamedTuple):
    """Ids that may come at a node, the node they lead to, the array they belong to."""

    ids: range
    target: int
    field: str


class GrammarTable:
    """What may come at each node; a node without choices is the end."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        head: tuple[str, ...],
        look: tuple[Segment, ...],
        act: Segment,
        value: Segment,
        max_text: int,
    ) -> None:
        """Args: head: markers before the text; max_text: longest prompt [bytes].

        Filled from the last node to the first. Each mode has nodes of its own, since
        it decides whether a step may leave its value out.
        """
        self.vocabulary = vocabulary
        self._nodes: list[tuple[Choice, ...]] = []
        self._masks: dict[tuple[range, ...], NDArray[np.bool_]] = {}
        end = self._add()
        modes = []
        for mode in MODES:
            # After a step comes another one: this node is filled when a step exists.
            decide = self._add()
            judge = self._chain((value,), decide)
            optional = mode == "policy"
            seen = self._add() if optional else judge
            step = self._chain((act, *look), seen)
            self._nodes[decide] = (*self._nodes[step], self._marker("eos", end))
            if optional:
                self._nodes[seen] = (*self._nodes[judge], *self._nodes[decide])
            modes.append(self._marker(mode, self._chain(look, decide), "mode"))
        node = self._add(*modes)
        for _ in range(max_text):
            node = self._add(Choice(vocabulary.text, node, "text"), *modes)
        for name in reversed(head):
            node = self._add(self._marker(name, node))
        self.start = node

    def choices(self, node: int) -> tuple[Choice, ...]:
        """What may come at a node."""
        return self._nodes[node]

    def mask(self, node: int) -> NDArray[np.bool_]:
        """Mask (vocabulary size,) of a node; read-only, shared between equal nodes."""
        key = tuple(choice.ids for choice in self._nodes[node])
        if key not in self._masks:
            mask = np.zeros(self.vocabulary.size, dtype=np.bool_)
            for ids in key:
                mask[ids.start : ids.stop] = True
            mask.flags.writeable = False
            self._masks[key] = mask
        return self._masks[key]

    def _add(self, *choices: Choice) -> int:
        self._nodes.append(choices)
        return len(self._nodes) - 1

    def _marker(self, name: str, target: int, field: str = "") -> Choice:
        token = self.vocabulary.marker(name)
        return Choice(range(token, token + 1), target, field)

    def _chain(self, segments: tuple[Segment, ...], target: int) -> int:
        """Nodes that read `segments` and go on to `target`; returns the first."""
        for segment in reversed(segments):
            for _ in range(segment.length):
                target = self._add(Choice(segment.ids, target, segment.field))
            target = self._add(self._marker(segment.marker, target))
        return target


@dataclass(frozen=True)
class GrammarState:
    """A place in a stream; advancing gives a new one, so that samples may branch."""

    table: GrammarTable
    """The grammar."""

    node: int
    """Where in it."""

    @property
    def done(self) -> bool:
        """The stream has ended: nothing may follow."""
        return not self.table.choices(self.node)

    def allowed(self) -> NDArray[np.bool_]:
        """Mask (vocabulary size,) of the ids that may come here; read-only."""
        return self.table.mask(self.node)

    def advance(self, token: int) -> GrammarState:
        """The place after `token`.

        Raises:
            ValueError: it may not come here; says what may.
        """
        choice = self.choice(token)
        if choice is None:
            raise ValueError(self.refusal(token))
        return GrammarState(self.table, choice.target)

    def choice(self, token: int) -> Choice | None:
        """The way that `token` takes from here, None if it may not come."""
        for choice in self.table.choices(self.node):
            if token in choice.ids:
                return choice
        return None

    def expected(self) -> str:
        """What may come here, for people."""
        name = self.table.vocabulary.name
        found = [
            name(ids.start)
            if len(ids) == 1
            else f"{name(ids.start)} to {name(ids[-1])}"
            for ids, _, _ in self.table.choices(self.node)
        ]
        return ", ".join(found) or "nothing"

    def refusal(self, token: int) -> str:
        """Why `token` may not come here, for people."""
        vocabulary = self.table.vocabulary
        inside = 0 <= token < vocabulary.size
        got = vocabulary.name(token) if inside else f"{token}, outside the vocabulary"
        return f"expected {self.expected()}, got {got}"

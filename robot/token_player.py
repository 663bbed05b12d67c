"""Plays action tokens: ids become commands, relative to what is being executed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.body import Body
from brownfield.tokenizers.protocols import ActionTokenizer

Array = NDArray[np.float64]


class TokenPlayer:
    """Decodes ids against the executed command and hands out one command a step.

    When a chunk is missing or has ended the body comes to rest: fields with a rest
    value take it, the others hold.
    """

    def __init__(self, body: Body, tokenizer: ActionTokenizer, start: Array) -> None:
        """Args: start: the command being executed at the beginning (D,)."""
        self._body, self._tokenizer = body, tokenizer
        self.executed = np.array(start, dtype=np.float64)
        self._queue: list[Array] = []

    def feed(self, ids: NDArray[np.int64]) -> None:
        """Replace what is left of the last chunk by the motion of `ids` (K,)."""
        velocity = np.zeros_like(self.executed)
        chunk = self._tokenizer.decode(ids, self.executed, velocity)
        self._queue = list(np.asarray(chunk, dtype=np.float64))

    @property
    def steps_left(self) -> int:
        """Steps of the chunk that have not been handed out."""
        return len(self._queue)

    def next(self) -> Array:
        """The command (D,) of the next step."""
        if self._queue:
            command = self._queue.pop(0)
        else:
            rest = self._body.action_rest
            command = np.where(np.isnan(rest), self.executed, rest)
        self.executed = np.clip(
            command, self._body.action_lower, self._body.action_upper
        )
        return self.executed.copy()

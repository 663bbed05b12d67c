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

    def __init__(
        self,
        body: Body,
        tokenizer: ActionTokenizer,
        start: Array,
        velocity: Array | None = None,
    ) -> None:
        """Args:
        body: whose commands they are.
        tokenizer: decodes ids.
        start: the command being executed at the beginning (D,).
        velocity: how fast it changes (D,) [unit/s]; None where it does not.
        """
        self._body, self._tokenizer = body, tokenizer
        self.executed = np.array(start, dtype=np.float64)
        still = np.zeros_like(self.executed)
        self._began = self.executed, still if velocity is None else np.array(velocity)
        self._ids: NDArray[np.int64] | None = None
        self._queue: list[Array] = []
        self._played = 0

    def feed(self, ids: NDArray[np.int64]) -> None:
        """Replace what is left of the last chunk by the motion of `ids` (K,), which
        goes on from where and how fast the commands are."""
        self._began = self.executed, self.velocity
        self._ids, self._played = np.asarray(ids), 0
        chunk = self._tokenizer.decode(ids, *self._began)
        self._queue = list(np.asarray(chunk, dtype=np.float64))

    @property
    def velocity(self) -> Array:
        """How fast the commands change now (D,) [unit/s]: the slope of the plan."""
        if self._played == 0:
            return self._began[1]
        still = np.zeros_like(self.executed)
        if self._ids is None or not self._tokenizer.uses_velocity:
            return still
        now = np.array([self._played / self._body.control_hz])
        slope = self._tokenizer.decode(self._ids, *self._began, now, 1)
        return np.asarray(slope[0], dtype=np.float64)

    @property
    def steps_left(self) -> int:
        """Steps of the chunk that have not been handed out."""
        return len(self._queue)

    def next(self) -> Array:
        """The command (D,) of the next step."""
        self._played += 1
        if self._queue:
            command = self._queue.pop(0)
        else:
            self._ids = None
            rest = self._body.action_rest
            command = np.where(np.isnan(rest), self.executed, rest)
        self.executed = np.clip(
            command, self._body.action_lower, self._body.action_upper
        )
        return self.executed.copy()

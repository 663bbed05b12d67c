"""When a body has stood still for longer than there is reason to.

What a policy finds likeliest in every field can be to stay as it is, look after look,
although it is about as likely that it should open its hand, or step back. Then nothing
changes what it sees, and it would wait for ever. So who has waited for a while says
what is likely by drawing from it, instead of what is likeliest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.body import Body

Array = NDArray[np.floating]

PATIENCE_S = {"g1_two_hands": 1.0}
"""Bodies that need not wait for anybody, and how long they stand still [s]."""
_STILL = 0.01
"""Commands that differ by less of their range are the same."""


class Patience:
    """Watches what a body is told, look by look."""

    def __init__(self, body: Body) -> None:
        """Args: body: one without patience is never out of it."""
        self._most_s = PATIENCE_S.get(body.name)
        self._hz = body.control_hz
        # Velocities have a value of rest; the other fields tell where to be (NaN).
        self._rest = body.action_rest
        self._room = _STILL * (body.action_upper - body.action_lower)
        self.reset()

    def reset(self) -> None:
        """A new episode."""
        self._kept: Array | None = None
        self._since = 0

    def is_out(self, command: Array, step: int) -> bool:
        """Whether nothing has changed for so long.

        Args:
            command: being executed (D,), in units of the body's action fields.
            step: control step of the episode.
        """
        if self._most_s is None:
            return False
        moves = np.abs(command - self._rest) > self._room
        kept = self._kept
        if kept is None or (moves | (np.abs(command - kept) > self._room)).any():
            self._kept, self._since = np.array(command), step
        return (step - self._since) / self._hz >= self._most_s

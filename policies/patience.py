"""When a body has stood still for longer than there is reason to.

What a policy finds likeliest in every field can be to stay as it is, look after look,
although it is about as likely that it should open its hand, or step back; or a hand
sways about a point between two ways. Then nothing changes what it sees, and it would
wait for ever. So who has waited for a while says what is likely by drawing from it,
instead of what is likeliest; not who is sure that it should wait, see `readout`.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.body import Body

Array = NDArray[np.floating]

PATIENCE_S = {"g1_two_hands": 2.0}
"""Bodies that need not wait for anybody, and how long they keep to one spot [s]."""
_GAP_S = 1.0
"""Looks that are farther apart do not belong together [s]."""
_REST = 0.01
"""A velocity that differs from rest by less of its range is none."""
_SWAY = 0.08
"""A hand that has kept within so much of its range has gone nowhere."""


class Patience:
    """Watches what a body is told, look by look."""

    def __init__(self, body: Body) -> None:
        """Args: body: one without patience is never out of it."""
        self._most_s = PATIENCE_S.get(body.name)
        self._hz = body.control_hz
        # Velocities have a value of rest; the other fields tell where to be (NaN).
        self._rest = body.action_rest
        self._span = body.action_upper - body.action_lower
        self.reset()

    def reset(self) -> None:
        """A new episode."""
        self._kept: deque[tuple[int, Array]] = deque()
        self._last, self._out = 0, -1

    def is_out(self, command: Array, step: int) -> bool:
        """Whether the body has been at one place for so long.

        After that it has some patience again, half as much.

        Args:
            command: being executed (D,), in units of the body's action fields.
            step: control step of the episode; a look may be taken once more.
        """
        if self._most_s is None:
            return False
        if step == self._out:
            return True
        if not 0 <= step - self._last <= _GAP_S * self._hz:
            # Somebody else has acted meanwhile.
            self._kept.clear()
        self._last = step
        if (np.abs(command - self._rest) > _REST * self._span).any():
            self._kept.clear()
            return False
        self._kept.append((step, np.array(command)))
        most = round(self._most_s * self._hz)
        while len(self._kept) > 1 and self._kept[1][0] <= step - most:
            self._kept.popleft()
        kept = np.array([told for _, told in self._kept])
        stays = np.ptp(kept, axis=0) <= _SWAY * self._span
        there = bool(stays[np.isnan(self._rest)].all())
        if not there or self._kept[0][0] > step - most:
            return False
        self._kept = deque([(step - most // 2, np.array(command))])
        self._out = step
        return True

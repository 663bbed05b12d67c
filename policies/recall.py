"""What a policy remembers: earlier looks, and how the body has moved since.

A remembered look is one position of the stream: what the prompt points at in it, where
and how clearly, and the way that the body went since, by its own reckoning. So a thing
that has left the picture, or that something hides, is not forgotten.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from brownfield.robot.body import Body

Array = NDArray[np.float32]


def _g1_motion(states: Array, names: list[str]) -> Array:
    """Velocities that were commanded; nothing measures them on board."""
    fields = ("command_base_vx", "command_base_vy", "command_base_wz")
    return states[:, [names.index(field) for field in fields]]


def _car_motion(states: Array, names: list[str]) -> Array:
    ahead, turn = (states[:, names.index(field)] for field in ("speed", "yaw_rate"))
    return np.stack([ahead, np.zeros_like(ahead), turn], 1)


MOTIONS: dict[str, Callable[[Array, list[str]], Array]] = {
    "g1": _g1_motion,
    "g1_two_hands": _g1_motion,
    "car": _car_motion,
}
"""By the body's name: from states (N, S) to velocities ahead, to the left [m/s] and
counter-clockwise [rad/s], (N, 3) in the body's frame."""


class Memory(NamedTuple):
    """Remembered looks of B samples, M each."""

    codes: Tensor
    """(B, M, digits, grid, grid) quantised code vectors in [-1, 1]."""

    moved: Tensor
    """(B, M, 3) where the body was then: ahead, to the left [m] and heading [rad], in
    its frame now."""

    known: Tensor
    """(B, M) bool, False before the episode began."""


def trail(velocity: Array, dt_s: NDArray[np.floating] | float) -> Array:
    """Poses (N, 3) of a body that moved from one sample to the next with the later
    one's velocity (N, 3); the first is the origin.

    Args:
        velocity: in the body's frame.
        dt_s: time before each sample (N,) or of all of them [s].
    """
    step = velocity.astype(np.float64) * np.broadcast_to(dt_s, len(velocity))[:, None]
    step[:1] = 0.0
    heading = np.cumsum(step[:, 2])
    before = heading - step[:, 2] / 2
    c, s = np.cos(before), np.sin(before)
    x = np.cumsum(c * step[:, 0] - s * step[:, 1])
    y = np.cumsum(s * step[:, 0] + c * step[:, 1])
    return np.stack([x, y, heading], 1).astype(np.float32)


def seen_from_now(then: Array, now: Array) -> Array:
    """Poses `then` (..., 3) in the frames of poses `now` (..., 3)."""
    away = then - now
    c, s = np.cos(now[..., 2]), np.sin(now[..., 2])
    x = c * away[..., 0] + s * away[..., 1]
    y = -s * away[..., 0] + c * away[..., 1]
    return np.stack([x, y, away[..., 2]], -1).astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class Recalled:
    """What is remembered at each of N looks, M each."""

    look: NDArray[np.int64]
    """(N, M) earlier looks; the look itself where the episode had not begun."""

    moved: Array
    """(N, M, 3), see `Memory`."""

    known: NDArray[np.bool_]
    """(N, M)."""


def recall(
    state: Array, episode: NDArray[np.int64], body: Body, ages_s: Sequence[float]
) -> Recalled:
    """Find what is remembered at every look.

    Args:
        state: (N, S) of looks at every control step, episode after episode.
        episode: (N,) number of each look's episode.
        body: whose.
        ages_s: how long ago each remembered look was [s].
    """
    count = len(state)
    here = np.arange(count)
    first = np.searchsorted(episode, episode, side="left")
    names = [field.name for field in body.state]
    poses = np.zeros((count, 3), np.float32)
    velocity = MOTIONS[body.name](state, names)
    for start in np.unique(first):
        stop = int(np.searchsorted(episode, episode[start], side="right"))
        poses[start:stop] = trail(velocity[start:stop], 1.0 / body.control_hz)
    steps = np.array(_steps(ages_s, body), np.int64)
    then = here[:, None] - steps
    known = then >= first[:, None]
    then = np.where(known, then, here[:, None])
    moved = seen_from_now(poses[then], poses[:, None])
    return Recalled(look=then, moved=moved, known=known)


def _steps(ages_s: Sequence[float], body: Body) -> list[int]:
    """Ages in control steps, at least one."""
    return [max(1, round(age * body.control_hz)) for age in ages_s]


class Recollection:
    """What a running policy remembers, look by look."""

    def __init__(self, body: Body, ages_s: Sequence[float]) -> None:
        """Args: ages_s: how long ago each remembered look was [s]."""
        self._motion = MOTIONS[body.name] if ages_s else None
        self._names = [field.name for field in body.state]
        self._hz = body.control_hz
        self._ages = _steps(ages_s, body)
        self.forget()

    def forget(self) -> None:
        """A new episode."""
        self._steps: list[int] = []
        self._codes: list[Tensor] = []
        self._velocity: list[Array] = []

    def add(self, codes: Tensor, state: Array, step: int) -> None:
        """Keep a look.

        Args:
            codes: (1, digits, grid, grid).
            state: (S,).
            step: control step of the episode.
        """
        if self._motion is None:
            return
        if self._steps and self._steps[-1] >= step:
            # The same look once more.
            for kept in (self._steps, self._codes, self._velocity):
                kept.pop()
        self._steps.append(step)
        self._codes.append(codes)
        self._velocity.append(self._motion(state[None], self._names)[0])
        oldest = step - max(self._ages) - 1
        while len(self._steps) > 2 and self._steps[1] <= oldest:
            for kept in (self._steps, self._codes, self._velocity):
                kept.pop(0)

    def now(self) -> Memory | None:
        """What is remembered at the last look (B = 1); None if nothing ever is."""
        if self._motion is None:
            return None
        steps = np.array(self._steps)
        gaps = np.diff(steps, prepend=steps[:1]) / self._hz
        poses = trail(np.array(self._velocity), gaps)
        wanted = steps[-1] - np.array(self._ages)
        # Looks need not have come at every step: the nearest one that is as old.
        at = np.searchsorted(steps, wanted, side="right") - 1
        known = at >= 0
        at = np.where(known, at, len(steps) - 1)
        moved = seen_from_now(poses[at], poses[-1])
        device = self._codes[-1].device
        return Memory(
            torch.cat([self._codes[i] for i in at])[None],
            torch.from_numpy(moved)[None].to(device),
            torch.from_numpy(known)[None].to(device),
        )


class RecallIn(nn.Module):
    """From remembered looks to positions of the stream."""

    def __init__(self, count: int, width: int) -> None:
        """Args: count: looks M that are remembered. width: of the stream."""
        super().__init__()
        self.position = nn.Parameter(torch.empty(count, width))
        self.nothing = nn.Parameter(torch.empty(count, width))
        self.read = nn.Sequential(
            nn.Linear(width + 2 + 1 + 4, 2 * width),
            nn.GELU(),
            nn.Linear(2 * width, width),
        )
        for parameter in (self.position, self.nothing):
            nn.init.normal_(parameter, std=0.02)

    def forward(
        self, focus: Tensor, clearest: Tensor, moved: Tensor, known: Tensor
    ) -> Tensor:
        """Positions (B, M, d).

        Args:
            focus: (B, M, d + 2) what is pointed at in each look, and where.
            clearest: (B, M, 1) the highest logit of pointing.
            moved: (B, M, 3), see `Memory`.
            known: (B, M) bool.
        """
        turn = moved[..., 2:]
        way = torch.cat([moved[..., :2], turn.sin(), turn.cos()], -1)
        parts = [focus, clearest / 8, way.clamp(-5, 5)]
        told = self.read(torch.cat([x.to(focus.dtype) for x in parts], -1))
        told = torch.where(known[..., None], told, self.nothing.to(told.dtype))
        return told + self.position

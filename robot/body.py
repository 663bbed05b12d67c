"""Body: what an embodiment is, to everything that is not the body itself."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One number of an action or a state."""

    name: str
    """Name, unique in its vector."""
    unit: str
    """`m`, `rad`, `m/s`, `rad/s`, `m/s^2` or `1`."""
    lower: float
    """Smallest value, in the unit."""
    upper: float
    """Largest value, in the unit."""
    max_rate: float = float("inf")
    """Largest change [unit/s]."""
    rest: float | None = None
    """Value that the field comes to when nobody commands it; None: it holds."""

    def __post_init__(self) -> None:
        if not self.lower < self.upper:
            raise ValueError(
                f"field {self.name}: expected lower < upper, "
                f"got {self.lower} and {self.upper}"
            )
        if self.rest is not None and not self.lower <= self.rest <= self.upper:
            raise ValueError(
                f"field {self.name}: rest {self.rest} is outside "
                f"[{self.lower}, {self.upper}]"
            )


@dataclass(frozen=True, kw_only=True)
class Camera:
    """One camera of a body."""

    name: str
    """Name of its pictures."""
    height: int
    """Rows [px]."""
    width: int
    """Columns [px]."""
    fovy_deg: float
    """Vertical field of view [deg]."""


@dataclass(frozen=True, kw_only=True)
class Body:
    """An embodiment: ordered action and state fields, cameras, rates, joint order."""

    name: str
    """Name of the body."""
    action: tuple[Field, ...]
    """Fields of a command, in order (D)."""
    state: tuple[Field, ...]
    """Fields of what the robot reports, in order (S)."""
    cameras: tuple[Camera, ...]
    """Cameras, in order."""
    control_hz: float
    """Commands per second [Hz]."""
    chunk_steps: int
    """Commands in a chunk (T)."""
    executed_steps: int
    """Commands played before the next look."""
    joints: tuple[str, ...] = ()
    """Joint names in the order of the wire."""

    def __post_init__(self) -> None:
        for kind in ("action", "state", "cameras"):
            names = [f.name for f in getattr(self, kind)]
            double = sorted({n for n in names if names.count(n) > 1})
            if double:
                raise ValueError(f"body {self.name}: {kind} names {double} twice")
        if not 1 <= self.executed_steps <= self.chunk_steps:
            raise ValueError(
                f"body {self.name}: executed_steps must be in 1..{self.chunk_steps}, "
                f"got {self.executed_steps}"
            )

    @property
    def action_dim(self) -> int:
        """D."""
        return len(self.action)

    @property
    def state_dim(self) -> int:
        """S."""
        return len(self.state)

    @property
    def action_lower(self) -> Array:
        """Smallest command (D,)."""
        return np.array([f.lower for f in self.action])

    @property
    def action_upper(self) -> Array:
        """Largest command (D,)."""
        return np.array([f.upper for f in self.action])

    @property
    def action_max_rate(self) -> Array:
        """Largest change of a command (D,) [unit/s]."""
        return np.array([f.max_rate for f in self.action])

    @property
    def action_rest(self) -> Array:
        """Rest values (D,); NaN where the field holds."""
        return np.array([np.nan if f.rest is None else f.rest for f in self.action])

    @property
    def state_lower(self) -> Array:
        """Smallest state (S,)."""
        return np.array([f.lower for f in self.state])

    @property
    def state_upper(self) -> Array:
        """Largest state (S,)."""
        return np.array([f.upper for f in self.state])

    def action_index(self, name: str) -> int:
        """Position of an action field.

        Raises:
            ValueError: there is no such field.
        """
        names = [f.name for f in self.action]
        if name not in names:
            raise ValueError(
                f"body {self.name} has no action field {name!r}; "
                f"its fields are {', '.join(names)}"
            )
        return names.index(name)

    def schema_hash(self) -> str:
        """SHA-256 of everything that gives data of this body its meaning."""
        return hashlib.sha256(
            json.dumps(asdict(self), sort_keys=True).encode()
        ).hexdigest()

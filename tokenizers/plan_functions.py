"""Functions of time that a plan is a sum of: time modes, then the base's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.braking_base import base_weights
from brownfield.tokenizers.ladder_fields import LadderFields
from brownfield.tokenizers.ladder_model import LadderModel
from brownfield.tokenizers.onset_spline import OnsetSpline

Array = NDArray[np.float64]
KEPT = 64
"""Sets of times whose functions are remembered."""


class PlanFunctions:
    """The columns: m time modes; 1; a slope, and for resting fields a fade, for each
    way in which fields come to rest."""

    def __init__(
        self, kind: ArrayKind, model: LadderModel, fields: LadderFields
    ) -> None:
        self.kind, self.horizon_s = kind, model.horizon_s
        self.spline = OnsetSpline(model.n_control, model.horizon_s)
        self.time_map = model.time_map
        holds = np.isnan(fields.goal)
        pairs = list(zip(fields.duration.tolist(), holds.tolist(), strict=True))
        self.groups = sorted(set(pairs))
        self._masks = [
            kind.put(np.array([[float(p == g)] for p in pairs])) for g in self.groups
        ]
        self.holds = kind.put(holds.astype(np.float64)[:, None]) > 0
        self.all_hold = bool(holds.all())
        self.rest = kind.put(np.nan_to_num(fields.goal)[:, None])
        self._known: dict[tuple[bytes, int], Any] = {}

    def base(self, last: Any, velocity: Any) -> Any:
        """Amplitudes (rows, D, B) of the base of hand-over states (D, B)."""
        if self.all_hold and len(self.groups) == 1:
            return self.kind.joined([last[None], velocity[None]], 0)
        final = self.kind.xp.where(self.holds, last, self.rest)
        rows = [final[None]]
        for (_, hold), mask in zip(self.groups, self._masks, strict=True):
            rows.append((velocity * mask)[None])
            if not hold:
                rows.append(((last - self.rest) * mask)[None])
        return self.kind.joined(rows, 0)

    def at(self, times_s: Array, derivative: int) -> Any:
        """The functions (T, rows) in the kind's arrays."""
        key = (times_s.tobytes(), derivative)
        if key not in self._known:
            if len(self._known) >= KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[key] = self.kind.put(self.values(times_s, derivative))
        return self._known[key]

    def values(self, times_s: Array, derivative: int) -> Array:
        """The functions (T, rows)."""
        one = np.full((len(times_s), 1), float(derivative == 0))
        parts = [self.spline(times_s, derivative) @ self.time_map, one]
        for duration, hold in self.groups:
            fade, slope = base_weights(
                times_s, np.array([duration]), np.array([hold]), derivative
            )
            parts.append(slope)
            if not hold:
                parts.append(fade)
        return np.concatenate(parts, 1)

"""Judges of what is done with objects: lifted for a second, or put on the tray."""

from __future__ import annotations

import mujoco
import numpy as np

from brownfield.envs.kitchen import Kitchen

LIFT_M = 0.10
"""An object counts as lifted from this rise on [m]."""
HOLD_S = 1.0
"""It must stay lifted so long [s]."""
FALLEN_M = 0.5
"""A pelvis below this height has fallen [m]."""
TOPPLED_COS = 0.7
"""Cosine of the tilt from which a standing object counts as knocked over (45 deg)."""


AWAY_M = 0.11
"""A hand this far from an object has let go of it [m]."""


class PickJudge:
    """Judges an episode strictly; `reason` names the first thing that went wrong."""

    def __init__(self, model: mujoco.MjModel, kitchen: Kitchen, target: str) -> None:
        """Args: target: the name of the object that the prompt asks for."""
        self._objects = {o.name: o for o in (*kitchen.named, *kitchen.clutter)}
        self._ids = {name: model.body(name).id for name in self._objects}
        self._named = {o.name for o in kitchen.named}
        self._pelvis = model.body("g1/pelvis").id
        self._target = target
        self._held_s = dict.fromkeys(self._named, 0.0)
        self._highest = 0.0
        self.success = False
        self.reason = ""
        self.lifted: str | None = None

    def _rise(self, data: mujoco.MjData, name: str) -> float:
        return float(data.xpos[self._ids[name], 2] - self._objects[name].position[2])

    def watch(self, data: mujoco.MjData) -> None:
        """Look for a mistake; call it at every controller tick."""
        if self.reason or self.success:
            return
        if data.xpos[self._pelvis, 2] < FALLEN_M:
            self.reason = "fell"
            return
        for name, body in self._ids.items():
            if self._rise(data, name) < -0.08:
                self.reason = f"dropped the {name}"
                return
            upright = data.xmat[body, 8]
            if name != self._target and upright < TOPPLED_COS:
                self.reason = f"knocked over the {name}"
                return

    def step(self, data: mujoco.MjData, dt_s: float) -> None:
        """Count the time that objects have been up; call it at every control step."""
        self.watch(data)
        if self.reason or self.success:
            return
        self._highest = max(self._highest, self._rise(data, self._target))
        for name in self._named:
            up = self._rise(data, name) >= LIFT_M
            self._held_s[name] = self._held_s[name] + dt_s if up else 0.0
            if up and self.lifted is None:
                self.lifted = name
            if self._held_s[name] >= HOLD_S - 1e-9:
                if name == self._target:
                    self.success = True
                else:
                    self.reason = f"lifted the {name}"
                return

    def unfinished(self) -> str:
        """Why time ran out."""
        if self._highest >= LIFT_M:
            return "out of time: not held"
        if self._highest >= 0.02:
            return "out of time: not lifted high enough"
        return "out of time: not lifted"


class TrayJudge(PickJudge):
    """The named object upright on the tray, let go of, for one second."""

    def __init__(self, model: mujoco.MjModel, kitchen: Kitchen, target: str) -> None:
        """Args: target: the name of the object that the prompt asks for.

        Raises:
            ValueError: the kitchen has no tray.
        """
        super().__init__(model, kitchen, target)
        if kitchen.tray is None:
            raise ValueError("expected a kitchen with a tray, got one without")
        self._tray, self._stands_s = kitchen.tray, 0.0
        self._kind = self._objects[target].kind
        self._palms = [model.site(f"g1/{side}_palm").id for side in ("right", "left")]

    def step(self, data: mujoco.MjData, dt_s: float) -> None:
        """Count the time that the object has stood there."""
        self.watch(data)
        if self.reason or self.success:
            return
        for name in self._named:
            up = self._rise(data, name) >= LIFT_M
            if up and self.lifted is None:
                self.lifted = name
            if up and name != self._target:
                self.reason = f"lifted the {name}"
                return
        stands = self._stands(data)
        self._stands_s = self._stands_s + dt_s if stands else 0.0
        self.success = self._stands_s >= HOLD_S - 1e-9

    def _stands(self, data: mujoco.MjData) -> bool:
        body, tray = self._ids[self._target], self._tray
        centre = data.xpos[body]
        inside = np.abs(centre[:2] - tray.centre) <= np.array(tray.half) - 0.02
        above = centre[2] - self._kind.height_m / 2 - tray.top_m
        nearest = min(
            float(np.linalg.norm(data.site_xpos[palm] - centre)) for palm in self._palms
        )
        upright = data.xmat[body, 8] > 0.95
        return bool(inside.all() and upright and abs(above) < 0.02 and nearest > AWAY_M)

    def unfinished(self) -> str:
        """Why time ran out."""
        if self.lifted is None:
            return "out of time: not lifted"
        return "out of time: not on the tray"

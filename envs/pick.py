"""Judges of what was told: lifted for a second, put down somewhere, gone somewhere."""

from __future__ import annotations

import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.envs.kitchen_contents import Kitchen
from brownfield.envs.kitchen_drawer import HANDLE, JOINT, OPEN_M

LIFT_M = 0.10
"""An object counts as lifted from this rise on [m]."""
HOLD_S = 1.0
"""It must stay lifted so long [s]."""
FALLEN_M = 0.5
"""A pelvis below this height has fallen [m]."""
TOPPLED_COS = 0.7
"""Cosine of the tilt from which a standing object counts as knocked over (45 deg)."""


HANDS = ("right", "left")
"""Which may lift something."""
Array = NDArray[np.float64]
Frame = tuple[float, float, float]
"""x, y [m] and heading [rad]."""
AWAY_M = 0.11
"""A hand this far from an object has let go of it [m]."""


class PickJudge:
    """Judges an episode strictly; `reason` names the first thing that went wrong,
    `lifted` what was lifted first, be it something that nobody can ask for, such as a
    jar, and `hand` the one that was nearer to it then, `right` or `left`."""

    def __init__(self, model: mujoco.MjModel, kitchen: Kitchen, target: str) -> None:
        """Args: target: the name of the object that the prompt asks for."""
        self._objects = {o.name: o for o in (*kitchen.named, *kitchen.clutter)}
        self._ids = {name: model.body(name).id for name in self._objects}
        self._pelvis = model.body("g1/pelvis").id
        self._palms = [model.site(f"g1/{side}_palm").id for side in HANDS]
        self._target = target
        self._held_s = dict.fromkeys(self._objects, 0.0)
        self._highest = 0.0
        self.success = False
        self.reason = ""
        self.lifted: str | None = None
        self.hand = ""

    def _rise(self, data: mujoco.MjData, name: str) -> float:
        return float(data.xpos[self._ids[name], 2] - self._objects[name].position[2])

    def _fallen_m(self, name: str) -> float:
        """An object that sinks below this has been dropped [m]."""
        del name
        return -0.08

    def _takes_another(self, data: mujoco.MjData) -> bool:
        """Whether anything is lifted that shall not be; notes what is."""
        for name in self._objects:
            if self._rise(data, name) < LIFT_M:
                continue
            self._note(data, name)
            if name != self._target:
                self.reason = f"lifted the {self._objects[name].told}"
                return True
        return False

    def _note(self, data: mujoco.MjData, name: str) -> None:
        """Remember the first object that is lifted, and the hand."""
        if self.lifted is None:
            self.lifted = name
            away = data.site_xpos[self._palms] - data.xpos[self._ids[name]]
            self.hand = HANDS[int(np.linalg.norm(away, axis=1).argmin())]

    def _nearest_palm_m(self, data: mujoco.MjData, point: Array) -> float:
        """How far a point (3,) is from the nearer palm [m]."""
        return float(np.linalg.norm(data.site_xpos[self._palms] - point, axis=1).min())

    def watch(self, data: mujoco.MjData) -> None:
        """Look for a mistake; call it at every controller tick."""
        if self.reason or self.success:
            return
        if data.xpos[self._pelvis, 2] < FALLEN_M:
            self.reason = "fell"
            return
        for name, body in self._ids.items():
            if self._rise(data, name) < self._fallen_m(name):
                self.reason = f"dropped the {self._objects[name].told}"
                return
            upright = data.xmat[body, 8]
            if name != self._target and upright < TOPPLED_COS:
                self.reason = f"knocked over the {self._objects[name].told}"
                return

    def step(self, data: mujoco.MjData, dt_s: float) -> None:
        """Count the time that objects have been up; call it at every control step."""
        self.watch(data)
        if self.reason or self.success:
            return
        self._highest = max(self._highest, self._rise(data, self._target))
        for name in self._objects:
            up = self._rise(data, name) >= LIFT_M
            self._held_s[name] = self._held_s[name] + dt_s if up else 0.0
            if up:
                self._note(data, name)
            if self._held_s[name] >= HOLD_S - 1e-9:
                if name == self._target:
                    self.success = True
                else:
                    self.reason = f"lifted the {self._objects[name].told}"
                return

    def unfinished(self) -> str:
        """Why time ran out."""
        if self._highest >= LIFT_M:
            return "out of time: not held"
        if self._highest >= 0.02:
            return "out of time: not lifted high enough"
        return "out of time: not lifted"


class PutJudge(PickJudge):
    """The named object upright where it shall be, let go of, for one second."""

    def __init__(
        self, model: mujoco.MjModel, kitchen: Kitchen, target: str, spot: str
    ) -> None:
        """Args: target: the name of the object that the prompt asks for. spot: the
        name of what it shall be put on."""
        super().__init__(model, kitchen, target)
        self._spot, self._name, self._stands_s = kitchen.spots[spot], spot, 0.0
        self._kind = self._objects[target].kind

    def _fallen_m(self, name: str) -> float:
        # A table is lower than the counter, and so is who carries something there.
        if name != self._target:
            return super()._fallen_m(name)
        rest = self._objects[name].position[2] - self._kind.height_m / 2
        return min(-0.08, self._spot.top_m - rest - 0.15)

    def step(self, data: mujoco.MjData, dt_s: float) -> None:
        """Count the time that the object has stood there."""
        self.watch(data)
        if self.reason or self.success:
            return
        if self._takes_another(data):
            return
        stands = self._stands(data)
        self._stands_s = self._stands_s + dt_s if stands else 0.0
        self.success = self._stands_s >= HOLD_S - 1e-9

    def _stands(self, data: mujoco.MjData) -> bool:
        body, spot = self._ids[self._target], self._spot
        centre = data.xpos[body]
        inside = np.abs(spot.offset(centre[:2])) <= np.array(spot.half) - 0.02
        above = centre[2] - self._kind.height_m / 2 - spot.top_m
        nearest = self._nearest_palm_m(data, centre)
        if spot.hollow_m:
            # In the sink a thing may lie.
            speed = float(np.abs(data.cvel[body]).max())
            low = centre[2] < spot.top_m + spot.hollow_m
            return bool(inside.all() and low and speed < 0.3 and nearest > AWAY_M)
        upright = data.xmat[body, 8] > 0.95
        return bool(inside.all() and upright and abs(above) < 0.02 and nearest > AWAY_M)

    def unfinished(self) -> str:
        """Why time ran out."""
        if self.lifted is None:
            return "out of time: not lifted"
        return f"out of time: not on the {self._name}"


class GoJudge(PickJudge):
    """The robot stands before the named surface, facing it, for one second."""

    def __init__(
        self,
        model: mujoco.MjModel,
        kitchen: Kitchen,
        frame: Frame | None,
        y_m: float,
        hold_s: float = HOLD_S,
    ) -> None:
        """Args: frame: of the surface, see `Spot`. y_m: where along it [m]. hold_s: how
        long to stand there [s]."""
        super().__init__(model, kitchen, "")
        self._hold_s = hold_s
        self._frame, self._y, self._there_s = frame or (0.0, 0.0, 0.0), y_m, 0.0

    def step(self, data: mujoco.MjData, dt_s: float) -> None:
        """Count the time that the robot has stood there."""
        self.watch(data)
        if self.reason or self.success:
            return
        if self._takes_another(data):
            return
        x0, y0, heading = self._frame
        c, s = np.cos(heading), np.sin(heading)
        away = data.xpos[self._pelvis, :2] - [x0, y0]
        x, y = c * away[0] + s * away[1], -s * away[0] + c * away[1]
        matrix = data.xmat[self._pelvis].reshape(3, 3)
        yaw = np.arctan2(matrix[1, 0], matrix[0, 0]) - heading
        turned = abs((yaw + np.pi) % (2 * np.pi) - np.pi)
        there = -0.35 < x < 0.2 and abs(y - self._y) < 0.4 and turned < 0.35
        still = float(np.abs(data.cvel[self._pelvis, 3:5]).max()) < 0.15
        self._there_s = self._there_s + dt_s if there and still else 0.0
        self.success = self._there_s >= self._hold_s - 1e-9

    def unfinished(self) -> str:
        """Why time ran out."""
        return "out of time: not there"


class OpenJudge(PickJudge):
    """The drawer open and let go of, for one second, and nothing taken."""

    def __init__(self, model: mujoco.MjModel, kitchen: Kitchen) -> None:
        """Args: kitchen: with a drawer."""
        super().__init__(model, kitchen, "")
        self._slide = int(model.joint(JOINT).qposadr[0])
        self._handle = model.site(HANDLE).id
        self._open_s, self._widest = 0.0, 0.0

    def step(self, data: mujoco.MjData, dt_s: float) -> None:
        """Count the time that it has been open."""
        self.watch(data)
        if self.reason or self.success:
            return
        if self._takes_another(data):
            return
        self._widest = max(self._widest, float(data.qpos[self._slide]))
        nearest = self._nearest_palm_m(data, data.site_xpos[self._handle])
        there = data.qpos[self._slide] >= OPEN_M and nearest > AWAY_M
        self._open_s = self._open_s + dt_s if there else 0.0
        self.success = self._open_s >= HOLD_S - 1e-9

    def unfinished(self) -> str:
        """Why time ran out."""
        if self._widest >= OPEN_M:
            return "out of time: not let go of"
        return "out of time: not open"

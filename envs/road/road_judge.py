"""Task: drive as told, in the lane, without touching anybody or taking their turn."""

from __future__ import annotations

import math

import mujoco

from brownfield.envs.road.manoeuvre import (
    FRONT_M,
    RAMP_M,
    STOP_WINDOW_M,
    Crossing,
    Manoeuvre,
)
from brownfield.envs.road.path import Pose
from brownfield.envs.road.traffic import Traffic
from brownfield.robot.car.model import CENTRE_X_M

LANE_M = 1.2
"""Largest distance from the lane's centre outside of junctions [m]."""
JUNCTION_M = 3.5
"""Largest distance from every arm inside of one [m]."""
TAKEN_M = 1.0
"""An arm is taken from so far behind the junction on [m]."""
LINE_M = 0.3
"""A bumper is over a line from so far on [m]."""
BAY_ALONG_M, BAY_ACROSS_M, BAY_YAW_RAD = 1.5, 0.45, 0.15
"""A car is parked within so much of the bay's middle and heading [m, m, rad]."""
STANDING_M_S, STANDING_S = 0.1, 0.5
"""It stands below this speed [m/s], for so long [s]."""
STILL_S = 10.0
"""So long nobody stands without a reason [s]."""
REASON_M = 9.0
"""A light, a person or a car is a reason to stand within this distance [m]."""
MET_M = 15.0
"""A red light or a person is met where they are seen from within this distance [m]."""
IN_BAND_M = (-4.0, 1.2)
"""Somebody this far before and behind a car's path has to be given way [m]."""


class RoadJudge:
    """Judges an episode strictly; `reason` names the first thing that went wrong."""

    def __init__(
        self,
        model: mujoco.MjModel,
        asked: Manoeuvre,
        others: dict[str, Manoeuvre],
        traffic: Traffic,
    ) -> None:
        """Args:
        model: with the car `ego/`.
        asked: what the prompt asks for.
        others: everything that could be asked for, by name.
        traffic: who else is there.
        """
        self._asked, self._traffic = asked, traffic
        self._arms = {m.turn: m for m in others.values() if m.ending == "keep"}
        self._arms[asked.turn] = asked
        self._chassis = model.geom("ego/chassis").id
        self._model = model
        self._front = -math.inf
        self._stood_s = self._idle_s = 0.0
        self.success = False
        self.reason = ""
        self.arm = ""
        """The arm that was taken: left, right, straight, or empty so far."""
        self.worst_m = 0.0
        """Largest distance from the lane's centre outside of junctions so far [m]."""
        self.met: dict[str, bool] = {}
        """Who had the right of way so far, `red light` or `person crossing`, and
        whether it was given."""

    def watch(self, data: mujoco.MjData, ego: Pose) -> None:
        """Look for a mistake; call it at every controller tick.

        Args:
            data: the physics.
            ego: the car.
        """
        if self.reason or self.success:
            return
        self.reason = self._touched(data) or self._strayed(ego) or self._cut_in(ego)

    def step(self, ego: Pose, dt_s: float) -> None:
        """Count the time that the car stands; call it at every control step.

        Args:
            ego: the car.
            dt_s: since the last call [s].
        """
        if self.reason or self.success:
            return
        s, left = self._asked.path.project(ego.x, ego.y, ego.yaw)
        standing = abs(ego.speed) < STANDING_M_S
        self._stood_s = self._stood_s + dt_s if standing else 0.0
        stopped = self._stood_s >= STANDING_S - 1e-9
        asked = self._asked
        if asked.ending == "keep":
            self.success = s >= asked.end_s
        elif asked.ending == "park":
            self.success = stopped and self._in_bay(s, left, ego.yaw)
        else:
            self.success = stopped and self._at_crosswalk(s)
        if self.success:
            self.arm = self.arm or (asked.turn if asked.insides else "")
            return
        if asked.bay is not None and s > asked.end_s + BAY_ALONG_M + 1:
            self.reason = "drove past the bay"
        target = asked.crossing_to_stop_at
        if target is not None and s + FRONT_M > target.enter_s + LINE_M:
            self.reason = "drove onto the crosswalk"
        idle = standing and not self._may_wait(s)
        self._idle_s = self._idle_s + dt_s if idle else 0.0
        if not self.reason and self._idle_s >= STILL_S:
            self.reason = "stood still"

    def unfinished(self) -> str:
        """Why time ran out."""
        ending = self._asked.ending
        if not self.arm and self._asked.insides:
            return "out of time: not through the junction"
        if ending == "park":
            return "out of time: not parked"
        if ending == "stop":
            return "out of time: not stopped at the crosswalk"
        return "out of time: not at the end"

    def _touched(self, data: mujoco.MjData) -> str:
        for i in range(data.ncon):
            geoms = data.contact[i].geom
            if self._chassis in geoms:
                other = geoms[0] if geoms[1] == self._chassis else geoms[1]
                body = int(self._model.geom_bodyid[int(other)])
                name = self._model.body(body).name
                if name.startswith("walker"):
                    return "hit a pedestrian"
                if name.startswith("parked"):
                    return "hit a parked car"
                return "hit the car ahead"
        return ""

    def _strayed(self, ego: Pose) -> str:
        asked = self._asked
        s, left = asked.path.project(ego.x, ego.y, ego.yaw)
        if not self.arm and asked.insides:
            self.arm = self._arm_taken(ego)
            if self.arm and self.arm != asked.turn:
                return "took the wrong arm"
        if not self.arm and asked.insides and s > asked.enter_s:
            return self._off_every_way(ego)
        if asked.inside(s):
            return "left the road in the junction" if abs(left) > JUNCTION_M else ""
        low, high = -LANE_M, LANE_M
        if asked.bay is not None and s > asked.bay.s - RAMP_M - 5:
            low += asked.bay.left
        else:
            self.worst_m = max(self.worst_m, abs(left))
        return "" if low <= left <= high else "left the lane"

    def _off_every_way(self, ego: Pose) -> str:
        """Why a car that took no arm yet is on none: one whose way through the junction
        is behind it is held to the lane that the way leads to."""
        through = False
        for way in self._arms.values():
            s, left = way.path.project(ego.x, ego.y, ego.yaw)
            out = s > way.leave_s + TAKEN_M
            if abs(left) <= (LANE_M if out else JUNCTION_M):
                return ""
            through = through or (out and abs(left) <= JUNCTION_M)
        return "left the lane" if through else "left the road in the junction"

    def _arm_taken(self, ego: Pose) -> str:
        for turn, arm in self._arms.items():
            s, left = arm.path.project(ego.x, ego.y, ego.yaw)
            along = math.cos(arm.path.at(s)[2] - ego.yaw)
            if s > arm.leave_s + TAKEN_M and abs(left) < 2.0 and along > 0.5:
                return turn
        return ""

    def _cut_in(self, ego: Pose) -> str:
        """Red lines and people's way; a bumper already over a line may go on."""
        asked = self._asked
        s, _ = asked.path.project(ego.x, ego.y, ego.yaw)
        before, self._front = self._front, s + FRONT_M
        line = asked.stop_line_s
        if line is not None and self._traffic.light == "red":
            if self._met("red light", before, line):
                return "crossed a red line"
        for crossing in asked.crossings:
            if self._somebody_on(crossing):
                if self._met("person crossing", before, crossing.enter_s):
                    return "did not give way"
        return ""

    def _met(self, whom: str, before: float, line_s: float) -> bool:
        """Note who has the right of way at a line; True when it was just taken.

        Args:
            whom: a key of `met`.
            before: where the front bumper was [m].
            line_s: where it should wait [m].
        """
        left = line_s + LINE_M - self._front
        crossed = before <= line_s + LINE_M < self._front
        if crossed or 0 <= left < MET_M:
            self.met[whom] = self.met.get(whom, True) and not crossed
        return crossed

    def _somebody_on(self, crossing: Crossing) -> bool:
        """Whether somebody has to be given way at a crosswalk."""
        x, y, _ = self._asked.path.at((crossing.enter_s + crossing.leave_s) / 2)
        return any(
            walker.crosses() and IN_BAND_M[0] < walker.beyond(x, y) < IN_BAND_M[1]
            for walker in self._traffic.walkers
            if walker.name == crossing.name
        )

    def _in_bay(self, s: float, left: float, yaw: float) -> bool:
        bay = self._asked.bay
        assert bay is not None
        turned = yaw - self._asked.path.at(bay.s)[2]
        along = s + CENTRE_X_M * math.cos(turned) - bay.s
        across = left + CENTRE_X_M * math.sin(turned) - bay.left
        return (
            abs(along) <= BAY_ALONG_M
            and abs(across) <= BAY_ACROSS_M
            and abs(math.sin(turned)) <= BAY_YAW_RAD
        )

    def _at_crosswalk(self, s: float) -> bool:
        target = self._asked.crossing_to_stop_at
        assert target is not None
        low, high = STOP_WINDOW_M
        return low - LINE_M <= target.enter_s - (s + FRONT_M) <= high

    def _may_wait(self, s: float) -> bool:
        asked, front = self._asked, s + FRONT_M
        line = asked.stop_line_s
        if line is not None and self._traffic.light in ("red", "amber"):
            if -1 < line - front < REASON_M:
                return True
        taken = self._traffic.taken(asked)
        for crossing, someone in zip(asked.crossings, taken, strict=True):
            if someone and -1 < crossing.enter_s - front < REASON_M:
                return True
        lead_s, _ = self._traffic.ahead_on(asked, s)
        return lead_s - s < REASON_M + FRONT_M

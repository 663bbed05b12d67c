"""The truth about an episode in a kitchen: for the expert and for metrics."""

from __future__ import annotations

from dataclasses import replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.envs.expert import (
    COUNTER_POINT,
    EITHER_SIDE_M,
    STANCE_Y_M,
    ExpertState,
    seen_from,
    stance_error,
)
from brownfield.envs.expert_hands import HandsState, hand_for, seen_by
from brownfield.envs.expert_place import goal_ahead, holds
from brownfield.envs.kitchen_contents import Kitchen, PlacedObject
from brownfield.envs.kitchen_drawer import HANDLE, SHORT_M
from brownfield.envs.kitchen_objects import HIDES
from brownfield.envs.kitchen_tasks import Task
from brownfield.robot.g1.body import G1_BODY

Array = NDArray[np.float64]

PRIVILEGED_NAMES = (
    "object_x",
    "object_y",
    "object_z",
    "stance_x",
    "stance_y",
    "yaw",
    "visible",
    "pixel_x",
    "pixel_y",
)
"""Simulator truth about the named object, for auxiliary losses and metrics; never part
of an observation: its grasp point in the pelvis frame [m], the way to where to stand in
the heading frame [m], and the heading [rad]. Once it is in the hand, or where there is
none, all but the heading is about where to go with it. The pixel is where the object's
centre appears in the head camera's frame, -1 to 1 from left to right and from top to
bottom; 2 is far outside."""
MOVED_M = 0.05
"""A jar that was moved so far, or the thing behind it, hides it no longer [m]."""
WITHIN_M = {"bring": 0.09, "sink": 0.09}
"""So far off the middle of where it shall stand an object stands right [m]; on a tray,
`ExpertState.within_m`."""


class KitchenTruth:
    """The truth about any task in a running episode."""

    def __init__(
        self, model: mujoco.MjModel, data: mujoco.MjData, kitchen: Kitchen
    ) -> None:
        """Args: model, data: of the running episode in `kitchen`."""
        self._model, self._data, self._kitchen = model, data, kitchen
        joint = model.joint("g1/floating_base_joint")
        self._base_q, self._base_v = int(joint.qposadr[0]), int(joint.dofadr[0])
        self._palm = model.site("g1/right_palm").id
        self._left_palm = model.site("g1/left_palm").id

    def expert_state(self, task: Task, command: Array) -> ExpertState:
        """The truth for the expert.

        Args:
            task: what is to be done.
            command: being executed (D,); an expert of one hand reads the first 10.
        """
        data, base, speed = self._data, self._base_q, self._base_v
        rotation = np.zeros(9)
        mujoco.mju_quat2Mat(rotation, data.qpos[base + 3 : base + 7])
        grasp_point, rest_height_m, grasp_height_m = self._grasp(task)
        return ExpertState(
            position=data.qpos[base : base + 3].copy(),
            rotation=rotation.reshape(3, 3),
            velocity=data.qvel[speed : speed + 3].copy(),
            gyro=data.qvel[speed + 3 : speed + 6].copy(),
            grasp_point=grasp_point,
            rest_height_m=rest_height_m,
            palm=data.site_xpos[self._palm].copy(),
            command=command.copy(),
            goal=self._goal(task, grasp_height_m),
            frame=self._frame(task),
            covered=self._behind(task, self._centre(task)),
            along_m=EITHER_SIDE_M if task.kind == "bring" or self._goes(task) else 0.0,
            within_m=WITHIN_M.get(task.kind, ExpertState.within_m),
            drops=task.kind == "sink" and not self._goes(task),
            goes=self._goes(task),
            opens=task.kind == "drawer",
        )

    def hands_state(self, task: Task, command: Array) -> HandsState:
        """As `expert_state`, for both hands."""
        return HandsState(
            body=self.expert_state(task, command),
            left_palm=self._data.site_xpos[self._left_palm].copy(),
            free=self._free_hand(task),
        )

    def privileged(self, task: Task, command: Array) -> NDArray[np.float32]:
        """Simulator truth (9,), see `PRIVILEGED_NAMES`. With the object in the hand,
        and where there is none, it is about where to go with it."""
        hands = self.hands_state(task, command)
        state, side = hands.body, "right"
        if len(command) > G1_BODY.action_dim:
            side = hand_for(hands)
        goal = None if state.opens else state.goal
        if goal is not None and (state.goes or holds(_seen(hands, side))):
            seen = goal_ahead(_seen(hands, side))
            assert seen.goal is not None
            centre = seen.goal * [1, -1 if side == "left" else 1, 1]
            seen = replace(seen, grasp_point=seen.goal, covered=False)
            there = seen_from(seen, seen.frame)
            state = replace(state, grasp_point=centre)
        else:
            there = _seen(hands, side)
            centre = self._centre(task)
        stance = stance_error(there) * [1, -1 if side == "left" else 1]
        point = state.rotation.T @ (state.grasp_point - state.position)
        pixel = self.pixel(centre)
        visible = np.abs(pixel).max() < 1 and not self._behind(task, centre)
        return np.array([*point, *stance, state.yaw, visible, *pixel], dtype=np.float32)

    def _free_hand(self, task: Task) -> str | None:
        """The hand in whose way the jar before what is asked for does not stand; None
        where none hides it, or no longer."""
        hidden = self._kitchen.hidden
        if hidden is None or not task.takes or self._thing(task).name != hidden.name:
            return None
        offset = self._data.body(hidden.jar).xpos - self._centre(task)
        if np.linalg.norm(offset[:2] - HIDES * [1.0, hidden.side]) > MOVED_M:
            return None
        return "right" if hidden.side > 0 else "left"

    def _behind(self, task: Task, point: Array) -> bool:
        """Whether the jar that hides what is asked for is before a point (3,)."""
        hidden = self._kitchen.hidden
        if hidden is None or not task.takes or self._thing(task).name != hidden.name:
            return False
        eye = self._data.camera("g1/head").xpos
        # The camera looks out of the head, whose shell is no obstacle.
        eye = eye + 0.15 * (point - eye) / np.linalg.norm(point - eye)
        hit = np.zeros(1, np.int32)
        mujoco.mj_ray(self._model, self._data, eye, point - eye, None, 1, -1, hit)
        if hit[0] < 0:
            return False
        body = self._model.geom_bodyid[hit[0]]
        return body == self._model.body(hidden.jar).id

    def pixel(self, point: Array) -> Array:
        """Where a point (3,) of the world appears in the head camera, see
        `PRIVILEGED_NAMES`."""
        camera = self._data.camera("g1/head")
        right, up, back = camera.xmat.reshape(3, 3).T @ (point - camera.xpos)
        if back > -1e-3:
            return np.array([2.0, 2.0])
        half = np.tan(np.deg2rad(self._model.camera("g1/head").fovy[0]) / 2)
        return np.clip(np.array([right, -up]) / (-back * half), -2, 2)

    def _goes(self, task: Task) -> bool:
        """Whether there is nothing to take: asked in vain, the robot goes and sees."""
        missing = task.takes and self._kitchen.find(task.thing) is None
        return missing or task.kind == "go"

    def _thing(self, task: Task) -> PlacedObject:
        # Who only goes somewhere is asked about any object; it does not matter.
        found = self._kitchen.find(task.thing) if task.takes else None
        return found or self._kitchen.named[0]

    def _centre(self, task: Task) -> Array:
        if task.kind == "drawer":
            return self._data.site(HANDLE).xpos
        return self._data.body(self._thing(task).name).xpos

    def _grasp(self, task: Task) -> tuple[Array, float, float]:
        """Where to take what is asked for (3,), at which height it is at rest, and how
        far that is above what it stands on [m]."""
        if task.kind == "drawer":
            assert self._kitchen.drawer is not None
            before = self._centre(task) - [SHORT_M, 0.0, 0.0]
            return before, self._kitchen.drawer.handle[2], 0.0
        thing = self._thing(task)
        kind = thing.kind
        above = kind.grasp_height_m - kind.height_m / 2
        axis = self._data.body(thing.name).xmat.reshape(3, 3)[:, 2]
        height = self._kitchen.counter_height_m + kind.grasp_height_m
        return self._centre(task) + above * axis, height, kind.grasp_height_m

    def _goal(self, task: Task, grasp_height_m: float) -> Array | None:
        """Where the grasp point shall be in the end, or what to go to; None for tasks
        that lift."""
        if task.kind == "drawer":
            assert self._kitchen.drawer is not None
            return self._kitchen.drawer.pulled
        spots = self._kitchen.spots
        if self._goes(task):
            # It stands before that itself, not as if to put something there: what is
            # right in a mirror too.
            if task.thing in spots:
                return spots[task.thing].point(grasp_height_m, -STANCE_Y_M)
            x, y = COUNTER_POINT
            return np.array([x, y - STANCE_Y_M, self._kitchen.counter_height_m])
        if task.kind == "pick":
            return None
        spot = spots[task.needs[0]]
        # Over a hollow the hand stays above its rim.
        return spot.point(spot.hollow_m + 0.035 if spot.hollow_m else grasp_height_m)

    def _frame(self, task: Task) -> Array | None:
        absent = task.takes and self._goes(task)
        needs = () if absent else task.needs
        spots = [self._kitchen.spots.get(name) for name in needs]
        frames = [spot.frame for spot in spots if spot is not None]
        return np.array(frames[0]) if frames and frames[0] is not None else None


def _seen(hands: HandsState, side: str) -> ExpertState:
    """The state as the one-handed expert sees it."""
    if len(hands.body.command) == G1_BODY.action_dim:
        return hands.body
    return seen_by(hands, side)

"""What befalls a humanoid in a kitchen: pushes, weight, late and wrong sensors, things
that are moved or stand in the way."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.envs.free_places import FreePlaces
from brownfield.envs.kitchen_contents import Kitchen, PlacedObject
from brownfield.envs.late_frames import LateFrames
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.link import RobotState
from brownfield.robot.mujoco_link import MujocoLink

Array = NDArray[np.float64]

MOST = {
    "push": 5.0,
    "payload_kg": 50.0,
    "latency_s": 1.0,
    "noise": 20.0,
    "moved_m": 0.3,
    "blocked": 1.0,
}
"""Largest strength of every kind."""
PUSH_EVERY_S = (3.0, 5.0)
"""From the beginning to the first push, and from one to the next [s]."""
NOISE = {"q": 0.008, "dq": 0.4, "gyro": 0.1, "gravity": 0.02}
"""Standard deviations at strength 1, those that the balance policy was taught with:
joint angles [rad], joint speeds [rad/s], angular velocity [rad/s], direction of gravity
per axis [rad]."""
NEAR_M = 0.15
"""An object is moved when a palm comes so near to its grasp point [m]; hands close far
nearer."""
SPARE = "jar"
"""What stands in the way: as high as the hand that comes."""
ASIDE = (-6.0, 6.0)
"""Where it stands if there is no room in the way: on the floor, out of sight [m]."""


@dataclass(frozen=True, kw_only=True)
class DisturbanceConfig:
    """How strongly an episode is disturbed, by kind; 0 is not at all.

    When and in which direction things happen is drawn from the episode's seed, by a
    stream for each kind, and is the same at every strength.
    """

    push: float = 0.0
    """Change of the whole body's velocity, level and in a random direction, every 3 to
    5 s [m/s]."""
    payload_kg: float = 0.0
    """Mass added to the torso, at its centre of mass; the controller is not told
    [kg]."""
    latency_s: float = 0.0
    """Age of the camera's frame when it is seen, to the physics step of 2 ms; joints
    and gyro are of now, and so is the truth in `info` [s]."""
    noise: float = 0.0
    """Scale of the noise of joints, fingers, gyro and direction of gravity, new at
    every tick of 20 ms, for controller and observation alike; 1 is `NOISE`. The motors'
    own loop is without."""
    moved_m: float = 0.0
    """So far the named object is moved along the counter when a palm first comes near
    it; less where there is no room [m]."""
    blocked: float = 0.0
    """A jar stands beside the hand's way to the named object and closes this share of
    what is free on that side of the hand: 1 reaches the line on which the hand comes;
    less where there is no room. With both hands it is the way of the one that is nearer
    to the object at first."""

    def __post_init__(self) -> None:
        """Refuse strengths that mean nothing."""
        for kind, most in MOST.items():
            strength = getattr(self, kind)
            if not 0 <= strength <= most:
                raise ValueError(
                    f"{kind} must be a number from 0 to {most:g}, got {strength!r}"
                )

    @property
    def off(self) -> bool:
        """Whether nothing is disturbed."""
        return not any(getattr(self, field.name) for field in fields(self))


def disturbed(
    config: DisturbanceConfig,
    kitchen: Kitchen,
    data: mujoco.MjData,
    thing: str,
    seed: int,
    *,
    both_hands: bool = False,
) -> tuple[Kitchen, DisturbedLink]:
    """Load the robot, put something in its way, and link to it.

    Args:
        config: how strongly.
        kitchen: of this episode alone; its model is changed. For `blocked` its last
            piece of clutter is the spare one.
        data: at the beginning, with current kinematics; changed too.
        thing: name of what the prompt asks for; where that is no object that can be
            taken, nothing is moved and nothing is in the way.
        seed: of the episode.
        both_hands: whether the left hand may come too.

    Returns:
        kitchen: with the place of what is in the way.
        link: to the robot.
    """
    model = kitchen.model
    if config.payload_kg:
        add_payload(model, config.payload_kg)
    if config.blocked:
        rng = np.random.default_rng([seed, 21])
        kitchen = _block(
            kitchen, data, thing, config.blocked, _side(rng), both_hands=both_hands
        )
    if not config.off:
        mujoco.mj_forward(model, data)
    return kitchen, DisturbedLink(config, kitchen, data, thing, seed)


def add_payload(model: mujoco.MjModel, mass_kg: float) -> None:
    """Add a mass to the torso, at its centre of mass [kg]."""
    model.body("g1/torso_link").mass[0] += mass_kg
    # What MuJoCo derives from masses; the trial keeps the episode's state out of it.
    mujoco.mj_setConst(model, mujoco.MjData(model))


def _side(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _object(kitchen: Kitchen, name: str) -> PlacedObject | None:
    return next((o for o in kitchen.named if o.name == name), None)


def _block(
    kitchen: Kitchen,
    data: mujoco.MjData,
    thing: str,
    closed: float,
    first: float,
    *,
    both_hands: bool,
) -> Kitchen:
    piece, target = kitchen.clutter[-1], _object(kitchen, thing)
    xy, height = None, kitchen.counter_height_m
    if target is not None:
        places = FreePlaces(kitchen, data, piece.name)
        aside = target.position[1] - data.body("g1/pelvis").xpos[1]
        left = both_hands and aside > 0.0
        xy = places.in_the_way(target.position[:2], closed, first, left=left)
    if xy is None:
        xy, height = np.array(ASIDE), 0.0
    position = np.array([*xy, height + piece.kind.height_m / 2 + 0.0005])
    address = int(kitchen.model.joint(piece.name).qposadr[0])
    data.qpos[address : address + 7] = [*position, 1, 0, 0, 0]
    stands = replace(piece, position=position)
    return replace(kitchen, clutter=(*kitchen.clutter[:-1], stands))


class DisturbedLink(MujocoLink):
    """A link to a G1 that is pushed, whose sensors err and whose object is moved.

    Attributes:
        next_push: when [s], and the change of velocity (2,) [m/s], world frame.
        moved_m: how far the object was moved along the counter, to the left [m].
    """

    def __init__(
        self,
        config: DisturbanceConfig,
        kitchen: Kitchen,
        data: mujoco.MjData,
        thing: str,
        seed: int,
    ) -> None:
        """Args: as for `disturbed`, when the robot stands where it begins."""
        model = kitchen.model
        super().__init__(model, data, prefix="g1/")
        self._config, self._kitchen = config, kitchen
        self._frames = LateFrames(
            model, data, delay_s=config.latency_s, period_s=1 / G1_BODY.control_hz
        )
        self._pushes = np.random.default_rng([seed, 22])
        self.next_push = self._draw_push()
        self._errors = np.random.default_rng([seed, 23])
        self._measured: RobotState | None = None
        self._thing = _object(kitchen, thing)
        self._first = _side(np.random.default_rng([seed, 24]))
        self._palms = [model.site(f"g1/{s}_palm").id for s in ("right", "left")]
        self._waits = config.moved_m > 0 and self._thing is not None
        self.moved_m = 0.0

    @property
    def seen(self) -> mujoco.MjData:
        """What the robot's camera shows now."""
        return self._frames.seen

    def read(self) -> RobotState:
        """The state now as the sensors tell it; a moment is measured once."""
        if not self._config.noise:
            return super().read()
        if self._measured is None or self._measured.time_s != self._data.time:
            self._measured = self._wrong(super().read())
        return self._measured

    def advance(self, steps: int) -> None:
        """Simulate `steps` physics steps, and what befalls the robot before them."""
        while self._data.time >= self.next_push[0] - 1e-9:
            self._data.qvel[self._base_v : self._base_v + 2] += self.next_push[1]
            self.next_push = self._draw_push()
        if self._waits:
            right_m, left_m = self._palms_away()
            if min(right_m, left_m) < NEAR_M:
                self._move(left=left_m < right_m)
        for _ in range(steps):
            super().advance(1)
            self._frames.watch()

    def _draw_push(self) -> tuple[float, Array]:
        rng = self._pushes
        at, heading = rng.uniform(*PUSH_EVERY_S), rng.uniform(-np.pi, np.pi)
        velocity = self._config.push * np.array([np.cos(heading), np.sin(heading)])
        return float(self._data.time + at), velocity

    def _wrong(self, state: RobotState) -> RobotState:
        def error(unit: float, size: int) -> Array:
            return self._config.noise * unit * self._errors.standard_normal(size)

        tilt, turned = np.zeros(4), np.zeros(4)
        # A turn about the vertical would not change where gravity points.
        axis = np.array([*error(NOISE["gravity"], 2), 0.0])
        angle = float(np.linalg.norm(axis))
        mujoco.mju_axisAngle2Quat(tilt, axis / max(angle, 1e-12), angle)
        mujoco.mju_mulQuat(turned, state.quaternion, tilt)
        return replace(
            state,
            q=state.q + error(NOISE["q"], len(state.q)),
            dq=state.dq + error(NOISE["dq"], len(state.dq)),
            gyro=state.gyro + error(NOISE["gyro"], 3),
            quaternion=turned,
            hand_q=state.hand_q + error(NOISE["q"], len(state.hand_q)),
            hand_dq=state.hand_dq + error(NOISE["dq"], len(state.hand_dq)),
        )

    def _palms_away(self) -> Array:
        """How far the right and the left palm are from the object's grasp point (2,)
        [m]."""
        assert self._thing is not None
        kind, body = self._thing.kind, self._data.body(self._thing.name)
        above = kind.grasp_height_m - kind.height_m / 2
        point = body.xpos + above * body.xmat.reshape(3, 3)[:, 2]
        return np.linalg.norm(self._data.site_xpos[self._palms] - point, axis=1)

    def _move(self, *, left: bool) -> None:
        """Put the object somewhere else on the counter, standing still as it was;
        `left`: before the left hand."""
        assert self._thing is not None
        self._waits, name = False, self._thing.name
        places = FreePlaces(self._kitchen, self._data, name)
        xy = places.moved(self._config.moved_m, self._first, left=left)
        if xy is None:
            return
        joint = self._model.joint(name)
        q, v = int(joint.qposadr[0]), int(joint.dofadr[0])
        self.moved_m = float(xy[1] - self._data.qpos[q + 1])
        self._data.qpos[q : q + 2] = xy
        self._data.qvel[v : v + 6] = 0.0

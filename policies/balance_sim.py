"""Flat floor, randomised body, restless arms: where the balance policy is taught."""

from __future__ import annotations

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from brownfield.robot.g1.balance import ACTION_SCALE_RAD, GaitClock
from brownfield.robot.g1.controller import gravity_in_pelvis
from brownfield.robot.g1.joints import ARMATURE, DEFAULT_POSE, JOINTS, KD, KP
from brownfield.robot.g1.model import PALM_M, g1_spec
from brownfield.robot.g1.upper_body import REACHING_ARM, ArmGravity
from brownfield.robot.link import JointCommand
from brownfield.robot.mujoco_link import MujocoLink

Array = NDArray[np.float64]

ARM_LOWER = np.array([-1.6, -0.3, -0.8, -0.9, -0.5, -0.5, -0.5])
ARM_UPPER = np.array([0.6, 0.6, 0.8, 1.2, 0.5, 0.5, 0.5])
"""Left arm's working range about its default posture [rad]; the right is mirrored."""
_MIRROR = np.array([1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0])


@dataclass(frozen=True, kw_only=True)
class BalanceSimConfig:
    """Ranges of the randomisation; all off with `randomise=False`."""

    randomise: bool = True
    """Draw body, floor, sensors and latency per episode; push now and then."""
    friction: tuple[float, float] = (0.4, 1.2)
    """Sliding friction of the floor."""
    payload_kg: tuple[float, float] = (0.0, 1.0)
    """Mass in the right hand [kg]."""
    torso_kg: tuple[float, float] = (0.0, 2.0)
    """Mass added to the torso [kg]."""
    gain: tuple[float, float] = (0.85, 1.15)
    """Factor on every joint's gains."""
    armature: tuple[float, float] = (0.7, 1.5)
    """Factor on rotor inertia."""
    latency_ticks: int = 1
    """Largest delay of the legs' targets [ticks of 20 ms]."""
    push_rate_hz: float = 0.2
    """Pushes per second."""
    push_speed: float = 0.5
    """Largest change of velocity per axis by a push [m/s]."""
    arm_speed: float = 1.5
    """Speed of the arms' targets [rad/s]."""


class BalanceSim:
    """One G1 on a floor at 500 Hz; the arms go about their own business."""

    def __init__(self, rng: np.random.Generator, config: BalanceSimConfig) -> None:
        self.rng, self.config = rng, config
        self.model = self._build()
        self.data = mujoco.MjData(self.model)
        self.link = MujocoLink(self.model, self.data)
        self._gravity = ArmGravity()
        self._mass = self.model.body_mass.copy()
        self.clock = GaitClock()
        self.reset()

    @staticmethod
    def _build() -> mujoco.MjModel:
        spec = g1_spec()
        option = spec.option
        option.timestep = 0.002
        option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
        option.iterations = option.ls_iterations = 20
        for geom in list(spec.geoms):
            foot = geom.type == mujoco.mjtGeom.mjGEOM_SPHERE and geom.contype
            if not foot:
                spec.delete(geom)
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_PLANE,
            name="floor",
            size=[50, 50, 0.1],
            priority=2,
            friction=[1, 0.005, 0.0001],
        )
        for name, parent, position in (
            ("payload", "right_wrist_yaw_link", [PALM_M[0], PALM_M[1], 0]),
            ("backpack", "torso_link", [0, 0, 0.1]),
        ):
            body = spec.body(parent).add_body(name=name, pos=position)
            body.mass, body.inertia = 1e-3, [1e-6] * 3
            body.explicitinertial = True
        return spec.compile()

    def reset(self) -> None:
        """A new episode, with a new body where the configuration says so."""
        rng, config, model, data = self.rng, self.config, self.model, self.data
        mujoco.mj_resetData(model, data)
        self.kp, self.kd, self._delay = KP.copy(), KD.copy(), 0
        if config.randomise:
            model.geom("floor").friction[0] = rng.uniform(*config.friction)
            model.body("payload").mass[0] = 1e-3 + rng.uniform(*config.payload_kg)
            model.body("backpack").mass[0] = 1e-3 + rng.uniform(*config.torso_kg)
            armature = ARMATURE * rng.uniform(*config.armature, len(ARMATURE))
            model.dof_armature[self.link.v_address] = armature
            self.kp *= rng.uniform(*config.gain, len(KP))
            self.kd *= rng.uniform(*config.gain, len(KD))
            self._delay = int(rng.integers(0, config.latency_ticks + 1))
        mujoco.mj_setConst(model, data)
        base = model.joint("floating_base_joint").qposadr[0]
        self._base = int(base)
        self._base_v = int(model.joint("floating_base_joint").dofadr[0])
        data.qpos[base : base + 7] = [0, 0, 0.755, 1, 0, 0, 0]
        self.arm_goal = DEFAULT_POSE[15:].copy()
        if rng.random() < 0.5:
            self.arm_goal[7:] = REACHING_ARM + rng.uniform(-0.3, 0.3, 7)
        self._arm = self.arm_goal.copy()
        pose = DEFAULT_POSE.copy()
        pose[15:] = self._arm
        data.qpos[self.link.q_address] = pose
        mujoco.mj_forward(model, data)
        self.clock.reset()
        self.last = np.zeros(15)
        self.command = np.zeros(3)
        self._sent: list[Array] = []

    def observe(self) -> dict[str, Array]:
        """Sensor readings of this tick; advances the gait clock."""
        phase = self.clock.tick(self.command).copy()
        state = self.link.read()
        readings = {
            "gyro": state.gyro,
            "gravity": gravity_in_pelvis(state.quaternion),
            "q": state.q,
            "dq": state.dq,
        }
        if self.config.randomise:
            noise = {"gyro": 0.1, "gravity": 0.02, "q": 0.008, "dq": 0.4}
            for name, scale in noise.items():
                readings[name] = readings[name] + self.rng.normal(
                    0, scale, readings[name].shape
                )
        return {
            **readings,
            "command": self.command.copy(),
            "phase": phase,
            "last": self.last.copy(),
        }

    def step(self, output: Array) -> bool:
        """One tick with a raw output (15,) for the legs; returns whether it fell."""
        self.last = np.clip(output, -10, 10)
        self._sent.append(self.last)
        held = self._sent[max(0, len(self._sent) - 1 - self._delay)]
        most = self.config.arm_speed / 50
        self._arm += np.clip(self.arm_goal - self._arm, -most, most)
        state = self.link.read()
        target = np.concatenate(
            [DEFAULT_POSE[:15] + ACTION_SCALE_RAD * held, self._arm]
        )
        torque = np.zeros(len(JOINTS))
        gravity = gravity_in_pelvis(state.quaternion)
        torque[15:] = self._gravity.torque(state.q[12:], gravity)
        self.link.write(
            JointCommand(
                q=target,
                dq=np.zeros(len(JOINTS)),
                kp=self.kp,
                kd=self.kd,
                tau=torque,
                hand_q=np.zeros(14),
            )
        )
        self.link.advance(10)
        return self.fallen()

    def fallen(self) -> bool:
        """Whether the pelvis is low or tilted by more than 60 degrees."""
        upright = -gravity_in_pelvis(self._quaternion())[2]
        return bool(self.data.qpos[self._base + 2] < 0.45 or upright < 0.5)

    def _quaternion(self) -> Array:
        return self.data.qpos[self._base + 3 : self._base + 7]

    def push(self, velocity: Array) -> None:
        """Change the pelvis' horizontal velocity (2,) at once [m/s]."""
        self.data.qvel[self._base_v : self._base_v + 2] += velocity

    def motion(self) -> tuple[Array, Array]:
        """Velocity (3,) in the heading frame [m/s, rad/s]; place and heading (3,)."""
        w, x, y, z = self.data.qpos[self._base + 3 : self._base + 7]
        yaw = np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        c, s = np.cos(yaw), np.sin(yaw)
        v = self.data.qvel[self._base_v : self._base_v + 6]
        velocity = np.array([c * v[0] + s * v[1], -s * v[0] + c * v[1], v[5]])
        place = self.data.qpos[self._base : self._base + 2]
        return velocity, np.array([*place, yaw])

    def new_arm_goal(self) -> None:
        """Send both arms somewhere else."""
        rng = self.rng
        left = rng.uniform(ARM_LOWER, ARM_UPPER)
        right = rng.uniform(ARM_LOWER, ARM_UPPER) * _MIRROR
        self.arm_goal = DEFAULT_POSE[15:] + np.concatenate([left, right])
        kind = rng.random()
        if kind < 0.35:
            self.arm_goal[7:] = REACHING_ARM + rng.uniform(-0.4, 0.4, 7)
            self.arm_goal[:7] = DEFAULT_POSE[15:22]
        elif kind < 0.5:
            self.arm_goal = DEFAULT_POSE[15:].copy()

    def new_command(self) -> None:
        """Another command: standing, creeping or walking, as a reach needs them."""
        rng = self.rng
        kind = rng.random()
        most = np.array([0.6, 0.42, 0.75])
        if kind < 0.35:
            self.command = np.zeros(3)
        elif kind < 0.55:
            self.command = rng.uniform(-0.2, 0.2, 3)
        else:
            command = rng.uniform(-1, 1, 3) * most * (rng.random(3) < 0.7)
            command[0] *= 1.0 if command[0] > 0 else 0.85
            self.command = command

"""The simulated link obeys the motor law of the robot, at every physics step."""

from dataclasses import replace

import mujoco
import numpy as np
import pytest

from brownfield.robot.g1.joints import (
    DEFAULT_POSE,
    HAND_JOINTS,
    HAND_KD,
    HAND_KP,
    HAND_TORQUE_LIMIT,
    JOINTS,
    KD,
    KP,
    TORQUE_LIMIT,
)
from brownfield.robot.g1.model import g1_spec
from brownfield.robot.link import JointCommand, Link
from brownfield.robot.mujoco_link import MujocoLink


def hanging(prefix: str = "g1/") -> tuple[mujoco.MjModel, mujoco.MjData, MujocoLink]:
    """A G1 falling freely, far from anything, beside a ball that comes first."""
    spec = mujoco.MjSpec()
    spec.option.timestep = 0.002
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    ball = spec.worldbody.add_body(name="ball", pos=[5, 0, 0])
    ball.add_freejoint()
    ball.add_geom(size=[0.1, 0, 0])
    spec.attach(g1_spec(), prefix=prefix, frame=spec.worldbody.add_frame())
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    return model, data, MujocoLink(model, data, prefix)


def command(rng: np.random.Generator, stretch: float) -> JointCommand:
    return JointCommand(
        q=DEFAULT_POSE + rng.normal(0, stretch, 29),
        dq=rng.normal(0, stretch, 29),
        kp=KP,
        kd=KD,
        tau=rng.normal(0, stretch, 29),
        hand_q=rng.normal(0, stretch, 14),
    )


@pytest.mark.parametrize("stretch", [0.01, 30.0])
def test_torque_is_the_motor_law_within_the_limits(stretch: float) -> None:
    rng = np.random.default_rng(0)
    _, data, link = hanging()
    order = (*JOINTS, *HAND_JOINTS)
    limits = np.array([*TORQUE_LIMIT, *[HAND_TORQUE_LIMIT] * 14])
    for _ in range(3):
        wanted = command(rng, stretch)
        before = link.read()
        link.write(wanted)
        link.advance(1)
        body = wanted.tau + KP * (wanted.q - before.q) + KD * (wanted.dq - before.dq)
        hand = HAND_KP * (wanted.hand_q - before.hand_q) - HAND_KD * before.hand_dq
        expected = np.clip(np.concatenate([body, hand]), -limits, limits)
        got = [data.actuator(f"g1/{name}").ctrl[0] for name in order]
        np.testing.assert_allclose(got, expected, atol=1e-9)
        np.testing.assert_allclose(link.read().tau, expected[:29], atol=1e-9)


def test_the_law_holds_at_every_physics_step() -> None:
    wanted = command(np.random.default_rng(1), 0.1)
    ends = []
    for parts in ([10], [1] * 10):
        _, data, link = hanging()
        link.write(wanted)
        for steps in parts:
            link.advance(steps)
        ends.append(data.qpos.copy())
    np.testing.assert_array_equal(*ends)


def test_readings_are_addressed_by_name() -> None:
    model, data, _ = hanging()
    for index, name in enumerate((*JOINTS, *HAND_JOINTS)):
        data.joint(f"g1/{name}").qpos[0] = 0.001 * index
    mujoco.mj_forward(model, data)
    link: Link = MujocoLink(model, data, "g1/")
    state = link.read()
    np.testing.assert_allclose(state.q, 0.001 * np.arange(29))
    np.testing.assert_allclose(state.hand_q, 0.001 * np.arange(29, 43))
    # In free fall an accelerometer reads nothing.
    np.testing.assert_allclose(state.accelerometer, 0, atol=1.0)
    held = state.q.copy()
    data.qpos[:] += 1
    np.testing.assert_array_equal(state.q, held)


def test_stop_only_damps() -> None:
    _, data, link = hanging()
    link.write(command(np.random.default_rng(2), 0.3))
    link.advance(50)
    link.stop()
    before = link.read()
    link.advance(1)
    torque = link.read().tau
    limited = np.clip(-KD * before.dq, -TORQUE_LIMIT, TORQUE_LIMIT)
    np.testing.assert_allclose(torque, limited, atol=1e-9)
    assert np.isfinite(data.qpos).all()


@pytest.mark.parametrize("name", ["q", "dq", "kp", "kd", "tau", "hand_q"])
def test_a_bad_command_is_refused(name: str) -> None:
    _, data, link = hanging()
    good = command(np.random.default_rng(3), 0.1)
    link.write(good)
    value = getattr(good, name)
    poisoned = value.copy()
    poisoned[3] = np.nan
    for bad in (value[:-1], poisoned):
        with pytest.raises(ValueError, match=f"{name}: expected"):
            link.write(replace(good, **{name: bad}))
    link.advance(1)
    assert np.isfinite(data.qpos).all()

"""The shipped balance policy: it is the file it says, and it stands."""

import json
import shutil
from importlib.resources import files
from pathlib import Path

import mujoco
import numpy as np
import pytest

from brownfield.robot.g1.balance import STILL, BalancePolicy, GaitClock
from brownfield.robot.g1.controller import gravity_in_pelvis
from brownfield.robot.g1.joints import DEFAULT_POSE, KD, KP
from brownfield.robot.g1.model import g1_spec
from brownfield.robot.link import JointCommand
from brownfield.robot.mujoco_link import MujocoLink

SHIPPED = Path(str(files("brownfield.robot.g1")))
UPRIGHT = {
    "gyro": np.zeros(3),
    "gravity": np.array([0.0, 0.0, -1.0]),
    "q": DEFAULT_POSE,
    "dq": np.zeros(29),
    "command": np.zeros(3),
}


def test_the_card_describes_the_weights(tmp_path: Path) -> None:
    assert (SHIPPED / "balance.safetensors").stat().st_size < 2_000_000
    card = json.loads((SHIPPED / "balance.json").read_text())
    assert {"sha256", "command", "config", "log"} <= card.keys()
    for name in ("balance.safetensors", "balance.json"):
        shutil.copy(SHIPPED / name, tmp_path)
    BalancePolicy.load(tmp_path / "balance.safetensors")
    data = bytearray((tmp_path / "balance.safetensors").read_bytes())
    data[-1] ^= 1
    (tmp_path / "balance.safetensors").write_bytes(data)
    with pytest.raises(ValueError, match="SHA-256"):
        BalancePolicy.load(tmp_path / "balance.safetensors")


def test_targets_depend_on_nothing_but_the_past() -> None:
    policy = BalancePolicy.load()
    runs = []
    for _ in range(2):
        policy.reset()
        runs.append([policy.act(**UPRIGHT) for _ in range(5)])
    np.testing.assert_array_equal(*runs)
    assert runs[0][0].shape == (15,)
    assert np.isfinite(runs[0]).all()
    assert np.abs(runs[0][0] - DEFAULT_POSE[:15]).max() < 0.5


@pytest.mark.parametrize(("name", "size"), [("gyro", 3), ("q", 29), ("command", 3)])
def test_bad_readings_are_refused(name: str, size: int) -> None:
    policy = BalancePolicy.load()
    for bad in (np.zeros(size + 1), np.full(size, np.nan)):
        with pytest.raises(ValueError, match="expected"):
            policy.act(**{**UPRIGHT, name: bad})


def test_legs_are_half_a_stride_apart_and_meet_at_rest() -> None:
    clock = GaitClock()
    walking, resting = np.array([0.3, 0, 0]), np.full(3, STILL / 2)
    for _ in range(120):
        left, right = clock.tick(walking)
        assert abs(abs(left - right) - np.pi) < 1e-6
    np.testing.assert_array_equal(clock.tick(resting), [np.pi, np.pi])
    np.testing.assert_array_equal(clock.tick(walking), [0, np.pi])


def test_it_stands_and_it_walks() -> None:
    spec = g1_spec()
    spec.option.timestep = 0.002
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[9, 9, 0.1])
    model = spec.compile()
    data = mujoco.MjData(model)
    link = MujocoLink(model, data)
    data.qpos[2] = 0.755
    data.qpos[link.q_address] = DEFAULT_POSE
    mujoco.mj_forward(model, data)
    policy = BalancePolicy.load()
    places = []
    for tick in range(300):
        state = link.read()
        speed = 0.3 if tick >= 150 else 0.0
        target = DEFAULT_POSE.copy()
        target[:15] = policy.act(
            state.gyro,
            gravity_in_pelvis(state.quaternion),
            state.q,
            state.dq,
            np.array([speed, 0.0, 0.0]),
        )
        zeros = np.zeros(29)
        link.write(
            JointCommand(
                q=target, dq=zeros, kp=KP, kd=KD, tau=zeros, hand_q=np.zeros(14)
            )
        )
        link.advance(10)
        places.append(data.qpos[:3].copy())
    heights = np.array(places)[:, 2]
    assert heights.min() > 0.65
    assert np.hypot(*places[149][:2]) < 0.1
    assert places[-1][0] - places[149][0] > 0.4

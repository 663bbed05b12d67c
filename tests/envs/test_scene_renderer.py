"""One GL context draws what a renderer of each model draws."""

import gc

import mujoco
import numpy as np
import pytest

from brownfield.envs.kitchen_env import KitchenEnv
from brownfield.envs.road.road_env import RoadEnv, RoadEnvConfig
from brownfield.envs.scene_renderer import SceneRenderer, unseen

BALLS = """<mujoco><visual><global offwidth="64" offheight="48"/>
  <quality shadowsize="0" offsamples="0"/></visual><worldbody>
  <light pos="0 0 3"/><camera name="above" pos="0 0 2"/><geom size=".2"/>
  <site size=".1" pos="-.5 0 0"/>
  <geom size=".1" pos=".4 .1 0" rgba="1 0 0 1"/></worldbody></mujoco>"""


def _theirs(model: mujoco.MjModel, height: int, width: int) -> mujoco.Renderer:
    renderer = mujoco.Renderer(model, height, width)
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = 0
    renderer.scene.flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = 0
    return renderer


@pytest.fixture(scope="module")
def scenes() -> list[tuple[mujoco.MjData, str]]:
    """Two kitchens at the head camera, and two balls from above."""
    env, seen = KitchenEnv(), []
    for seed in (1, 2):
        env.reset(seed=seed)
        seen.append((env.data, "g1/head"))
    env.close()
    balls = mujoco.MjData(mujoco.MjModel.from_xml_string(BALLS))
    mujoco.mj_forward(balls.model, balls)
    return [*seen, (balls, "above")]


def test_pictures_are_those_of_mujocos_renderer(
    scenes: list[tuple[mujoco.MjData, str]],
) -> None:
    ours = SceneRenderer()
    for again in range(3):
        for data, _ in scenes:
            # So that what another model's turn has left behind is the wrong picture.
            data.model.cam_pos[:, 2] += 0.02
            mujoco.mj_forward(data.model, data)
        for data, camera in scenes:
            with _theirs(data.model, 48, 64) as renderer:
                renderer.update_scene(data, camera)
                wanted = renderer.render()
                renderer.enable_segmentation_rendering()
                number, kind = np.moveaxis(renderer.render(), -1, 0)
            np.testing.assert_array_equal(ours.picture(data, camera, 48, 64), wanted)
            geoms = np.where(kind == int(mujoco.mjtObj.mjOBJ_GEOM), number, -1)
            assert len(np.unique(geoms)) > 2
            np.testing.assert_array_equal(ours.geoms(data, camera, 48, 64), geoms)
            # Colours again after numbers.
            np.testing.assert_array_equal(ours.picture(data, camera, 48, 64), wanted)
        if again:
            ours.forget()
    ours.close()


def test_pictures_of_the_road_are_those_of_mujocos_renderer() -> None:
    env, seen = RoadEnv(RoadEnvConfig()), 0
    for seed in range(12):
        drawn = env.reset(seed=seed)[0]["front"]
        for _ in range(3):
            with _theirs(env.model, 64, 64) as renderer:
                renderer.update_scene(env.data, "ego/front")
                np.testing.assert_array_equal(drawn, renderer.render())
            drawn = env.step(env.plan(steps=10)[-1])[0]["front"]
        seen += env.traffic.has_light
    assert seen > 2
    env.close()


def test_a_geom_that_has_grown_is_seen() -> None:
    data = mujoco.MjData(mujoco.MjModel.from_xml_string(BALLS))
    data.model.geom_pos[1] = [3, 0, 0]
    mujoco.mj_forward(data.model, data)
    assert unseen(data, 0, 48, 64).tolist() == [False, True]
    data.model.geom_size[1] = 2.5
    assert not unseen(data, 0, 48, 64).any()


def test_one_that_is_dropped_leaves_the_others_alone(
    scenes: list[tuple[mujoco.MjData, str]],
) -> None:
    kept, dropped = SceneRenderer(), SceneRenderer()
    wanted = kept.picture(*scenes[0], 48, 64)
    dropped.picture(*scenes[1], 48, 64)
    kept.picture(*scenes[0], 48, 64)
    dropped.loop = [dropped]  # type: ignore[attr-defined]
    del dropped
    gc.collect()
    np.testing.assert_array_equal(kept.picture(*scenes[0], 48, 64), wanted)
    kept.close()


def test_what_is_left_out_would_not_be_seen() -> None:
    rng = np.random.default_rng(0)
    spec = mujoco.MjSpec()
    spec.visual.quality.shadowsize = spec.visual.quality.offsamples = 0
    spec.worldbody.add_light(pos=[0, 0, 3])
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[1, 1, 0.1])
    for _ in range(40):
        geom = spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_BOX)
        geom.pos, geom.size = rng.uniform(-2, 2, 3), rng.uniform(0.02, 0.5, 3)
        geom.rgba = [*rng.uniform(0, 1, 3), 1]
    spec.worldbody.add_camera(name="eye", fovy=60)
    data = mujoco.MjData(spec.compile())
    ours, hidden = SceneRenderer(), []
    with _theirs(data.model, 30, 70) as renderer:
        for _ in range(40):
            data.model.cam_pos[0] = rng.uniform(-2, 2, 3)
            turn = rng.normal(size=4)
            data.model.cam_quat[0] = turn / np.linalg.norm(turn)
            mujoco.mj_forward(data.model, data)
            hidden.append(unseen(data, 0, 30, 70).mean())
            renderer.update_scene(data, "eye")
            wanted = renderer.render()
            np.testing.assert_array_equal(ours.picture(data, "eye", 30, 70), wanted)
    assert np.mean(hidden) > 0.5
    assert (data.model.geom_group == 0).all()
    data.model.cam_projection[0] = 1
    assert not unseen(data, 0, 30, 70).any()


def test_a_renderer_that_was_closed_draws_again(
    scenes: list[tuple[mujoco.MjData, str]],
) -> None:
    ours = SceneRenderer()
    ours.close()
    before = ours.picture(*scenes[0], 48, 64)
    ours.close()
    np.testing.assert_array_equal(ours.picture(*scenes[0], 48, 64), before)
    ours.close()
    ours.close()


def test_wrong_cameras_and_sizes_are_named(
    scenes: list[tuple[mujoco.MjData, str]],
) -> None:
    ours = SceneRenderer()
    with pytest.raises(ValueError, match=r"expected a camera of above; got 'below'"):
        ours.picture(scenes[-1][0], "below", 48, 64)
    with pytest.raises(ValueError, match=r"at most 48 x 64 pixels.*got 49 x 64"):
        ours.picture(*scenes[-1], 49, 64)

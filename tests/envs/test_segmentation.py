"""Pictures of classes agree with the pictures they belong to."""

import numpy as np

from brownfield.envs.kitchen_env import KitchenEnv
from brownfield.envs.road.road_env import RoadEnv, RoadEnvConfig
from brownfield.envs.road.scene_parts import LIT
from brownfield.envs.rollout import ExpertActor, run_episode


def _step(env: KitchenEnv | RoadEnv, steps: int) -> None:
    for _ in range(steps):
        env.step(env.plan(steps=1)[0])


def test_the_named_object_is_where_the_truth_says() -> None:
    env = KitchenEnv()
    try:
        seen = 0
        for seed in range(4):
            env.reset(seed=seed)
            _step(env, 20)
            classes = env.segments(64, 64)
            *_, visible, x, y = env.privileged()
            if not visible or max(abs(x), abs(y)) > 0.8:
                continue
            name = env.segment_names.index(env.task.thing)
            rows, columns = np.nonzero(classes == name)
            assert len(rows), seed
            centre = np.array([columns.mean(), rows.mean()]) / 31.5 - 1
            assert np.abs(centre - [x, y]).max() < 0.15, seed
            seen += 1
        assert seen >= 2
    finally:
        env.close()


def test_drawing_classes_leaves_pictures_as_they_were() -> None:
    env = KitchenEnv()
    try:
        env.reset(seed=1)
        before = env.picture("g1/head", 64, 64)
        classes = env.segments(64, 64)
        np.testing.assert_array_equal(before, env.picture("g1/head", 64, 64))
        assert classes.shape == (64, 64) and classes.dtype == np.uint8
    finally:
        env.close()


def test_lit_lamps_have_the_colour_of_the_light() -> None:
    env = RoadEnv(RoadEnvConfig())
    lamp, light = (env.segment_names.index(n) for n in ("lit lamp", "traffic light"))
    seen = set()
    try:
        for seed in range(14):
            env.reset(seed=seed)
            _step(env, 40)
            shown = env.traffic.light
            classes, frame = env.segments(64, 64), env.picture("ego/front", 64, 64)
            if not env.traffic.has_light:
                assert not np.isin(classes, (lamp, light)).any()
                continue
            pixels = frame[classes == lamp].astype(float)
            if len(pixels) < 3:
                continue
            mean = pixels.mean(0)
            nearest = min(
                LIT, key=lambda c: np.linalg.norm(mean - 255 * np.array(LIT[c]))
            )
            assert nearest == shown, seed
            seen.add(shown)
        assert len(seen) >= 2
    finally:
        env.close()


def test_an_episode_keeps_classes_when_asked() -> None:
    env = RoadEnv()
    try:
        without, _ = run_episode(env, ExpertActor(), 3)
        one, _ = run_episode(env, ExpertActor(), 3, segments=32)
    finally:
        env.close()
    assert without.segments is None and one.segments is not None
    assert one.segments.shape == (len(one), 32, 32)
    assert one.segment_names == RoadEnv.segment_names
    np.testing.assert_array_equal(one.state, without.state)
    np.testing.assert_array_equal(one.frames["front"], without.frames["front"])


def test_kitchens_and_roads_name_the_rest_first() -> None:
    for env in (KitchenEnv, RoadEnv):
        assert env.segment_names[0] == "rest"
        assert len(set(env.segment_names)) == len(env.segment_names)

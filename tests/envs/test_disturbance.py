"""Laws of what befalls a humanoid in a kitchen."""

from collections.abc import Iterator

import mujoco
import numpy as np
import pytest

from brownfield.envs.disturbance import (
    ASIDE,
    MOST,
    NOISE,
    DisturbanceConfig,
)
from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.kitchen_objects import corridor_blocked
from brownfield.envs.rollout import ExpertActor
from brownfield.robot.g1.controller import READY_COMMAND, gravity_in_pelvis
from brownfield.robot.mujoco_link import MujocoLink

SEED = 102


class PlainLink(MujocoLink):
    """The link from before there were disturbances."""

    @property
    def seen(self) -> mujoco.MjData:
        return self._data


@pytest.fixture(scope="module")
def calm() -> Iterator[KitchenEnv]:
    env = KitchenEnv()
    yield env
    env.close()


@pytest.fixture
def disturbed():
    made: list[KitchenEnv] = []

    def make(**strengths: float) -> KitchenEnv:
        config = KitchenEnvConfig(disturb=DisturbanceConfig(**strengths))
        made.append(KitchenEnv(config))
        return made[-1]

    yield make
    for env in made:
        env.close()


def walk(env: KitchenEnv, steps: int, *, plain: bool = False) -> list[dict]:
    """Observations of an episode that walks and moves its hand."""
    seen = [env.reset(seed=SEED)[0]]
    if plain:
        env.link = PlainLink(env.model, env.data, prefix="g1/")  # type: ignore[assignment]
    for step in range(steps):
        command = READY_COMMAND.copy()
        command[:3] = 0.3, 0.1, 0.2
        command[3] += 0.01 * step
        seen.append(env.step(command)[0])
    return seen


def test_off_is_the_episode_from_before_to_the_bit(calm: KitchenEnv) -> None:
    for ours, before in zip(walk(calm, 12), walk(calm, 12, plain=True), strict=True):
        assert np.array_equal(ours["head"], before["head"])
        assert np.array_equal(ours["state"], before["state"])


@pytest.mark.parametrize("kind", MOST)
def test_a_disturbance_changes_nothing_that_is_drawn(
    kind: str, calm: KitchenEnv, disturbed
) -> None:
    calm.reset(seed=SEED)
    env = disturbed(**{kind: MOST[kind] / 20})
    env.reset(seed=SEED)
    assert env.prompt == calm.prompt
    assert env.other_prompts() == calm.other_prompts()
    for ours, theirs in zip(env.kitchen.named, calm.kitchen.named, strict=True):
        assert ours.name == theirs.name
        assert np.array_equal(ours.position, theirs.position)
    # What stands in the way comes behind all the rest.
    ours, theirs = env.kitchen.clutter, calm.kitchen.clutter
    assert [o.name for o in ours][: len(theirs)] == [o.name for o in theirs]
    assert len(ours) == len(theirs) + (kind == "blocked")
    assert env.model.stat.extent == calm.model.stat.extent


def test_a_push_changes_the_velocity_by_what_was_asked(disturbed) -> None:
    drawn = []
    for speed in (0.4, 0.8):
        env = disturbed(push=speed)
        env.reset(seed=SEED)
        joint = env.model.joint("g1/floating_base_joint")
        at, change = env.link.next_push
        assert 3.0 <= at <= 5.0
        assert np.linalg.norm(change) == pytest.approx(speed)
        before = env.data.qvel.copy()
        env.data.time = at - 0.002
        env.link.advance(0)
        assert np.array_equal(env.data.qvel, before)
        env.data.time = at
        env.link.advance(0)
        difference = env.data.qvel - before
        first = int(joint.dofadr[0])
        assert np.allclose(difference[first : first + 2], change)
        difference[first : first + 2] = 0
        assert not difference.any()
        assert 3.0 <= env.link.next_push[0] - at <= 5.0
        drawn.append((at, change / speed))
    assert drawn[0][0] == drawn[1][0]
    assert np.allclose(drawn[0][1], drawn[1][1])


def test_a_late_camera_shows_what_was_true_then(calm: KitchenEnv, disturbed) -> None:
    steps = 5
    truth = [seen["head"] for seen in walk(calm, steps)]
    late = walk(disturbed(latency_s=0.1), steps)
    for step in range(1, steps + 1):
        assert np.array_equal(late[step]["head"], truth[step - 1])
    assert np.array_equal(late[0]["head"], truth[0])
    assert not np.array_equal(truth[0], truth[-1])
    # The robot feels the present.
    present = walk(calm, steps)
    assert np.array_equal(late[-1]["state"], present[-1]["state"])


def test_latency_need_not_be_whole_control_steps(calm: KitchenEnv, disturbed) -> None:
    """50 ms is between two ticks of the controller."""
    between: list[np.ndarray] = []
    calm.reset(seed=SEED)
    link, count = calm.link, 0
    advance = link.advance

    def watched(steps: int) -> None:
        nonlocal count
        for _ in range(steps):
            advance(1)
            count += 1
            if (count + 25) % 50 == 0:
                between.append(calm.picture("g1/head", 128, 128))

    link.advance = watched  # type: ignore[method-assign]
    command = READY_COMMAND.copy()
    command[0] = 0.4
    env = disturbed(latency_s=0.05)
    first = env.reset(seed=SEED)[0]["head"]
    for step in range(4):
        calm.step(command)
        assert np.array_equal(env.step(command)[0]["head"], between[step])
        assert not np.array_equal(first, between[step])


def test_noise_is_as_large_as_it_says(disturbed) -> None:
    scale = 2.0
    env = disturbed(noise=scale)
    observation, _ = env.reset(seed=SEED)
    true = MujocoLink(env.model, env.data, prefix="g1/").read()
    # What is observed is what the controller reads: a moment is measured once.
    assert np.array_equal(
        observation["state"][:29], env.robot_state().q.astype(np.float32)
    )
    errors: dict[str, list[np.ndarray]] = {name: [] for name in NOISE}
    for tick in range(600):
        env.data.time = 0.02 * tick
        state = env.link.read()
        errors["q"].append(state.q - true.q)
        errors["dq"].append(state.dq - true.dq)
        errors["gyro"].append(state.gyro - true.gyro)
        direction = gravity_in_pelvis(state.quaternion)
        assert np.linalg.norm(direction) == pytest.approx(1.0)
        tilt = direction - gravity_in_pelvis(true.quaternion)
        errors["gravity"].append(tilt[:2])
    for name, unit in NOISE.items():
        # 1200 samples or more: a standard deviation is known to 2 %.
        assert np.std(errors[name]) == pytest.approx(scale * unit, rel=0.08), name
        assert abs(np.mean(errors[name])) < 0.1 * scale * unit, name


def test_a_payload_adds_its_mass_and_nothing_else(calm: KitchenEnv, disturbed) -> None:
    calm.reset(seed=SEED)
    env = disturbed(payload_kg=7.0)
    env.reset(seed=SEED)
    torso = env.model.body("g1/torso_link").id
    added = env.model.body_mass - calm.model.body_mass
    assert added[torso] == pytest.approx(7.0)
    assert np.count_nonzero(added) == 1
    pelvis = env.model.body("g1/pelvis").id
    whole = env.model.body_subtreemass - calm.model.body_subtreemass
    assert whole[pelvis] == pytest.approx(7.0)
    assert np.array_equal(env.data.qpos, calm.data.qpos)


@pytest.mark.parametrize("asked_m", [0.05, 0.1])
def test_an_object_is_moved_as_far_as_asked_and_the_judge_goes_on(
    asked_m: float, disturbed
) -> None:
    env = disturbed(moved_m=asked_m)
    observation, _ = env.reset(seed=SEED)
    actor, thing = ExpertActor(), env.task.thing
    before = env.data.body(thing).xpos.copy()
    for _ in range(100):
        assert np.allclose(env.data.body(thing).xpos, before, atol=2e-3)
        observation, *_ = env.step(env.clip(actor.act(env, observation)))
        if env.link.moved_m:
            break
    assert abs(env.link.moved_m) == pytest.approx(asked_m)
    after = env.data.body(thing).xpos - before
    assert np.allclose(after, [0, env.link.moved_m, 0], atol=2e-3)
    assert env.data.body(thing).xmat[8] > 0.999
    assert np.abs(env.data.qvel[env.model.joint(thing).dofadr[0] :][:6]).max() < 0.05
    assert not env.judge.reason and env.command[9] < 0.5
    # Once is enough.
    moved = env.link.moved_m
    over = late = False
    info: dict = {}
    while not (over or late):
        observation, _, over, late, info = env.step(
            env.clip(actor.act(env, observation))
        )
    assert env.link.moved_m == moved
    assert info["success"], info["reason"]


def test_what_stands_in_the_way_touches_nothing(calm: KitchenEnv, disturbed) -> None:
    env = disturbed(blocked=0.5)
    for seed in (SEED, 7600000, 7600002):
        calm.reset(seed=seed)
        env.reset(seed=seed)
        piece = env.kitchen.clutter[-1]
        target = next(o for o in env.kitchen.named if o.name == env.task.thing)
        here = piece.position[:2].copy()
        assert corridor_blocked(
            target.position[:2], here, piece.kind.radius_m, both_ways=False
        )
        for other in (*env.kitchen.named, *env.kitchen.clutter[:-1]):
            gap = np.hypot(*(other.position[:2] - here))
            assert gap > other.kind.radius_m + piece.kind.radius_m
        for _ in range(3):
            env.step(READY_COMMAND)
        body = env.data.body(piece.name)
        assert np.allclose(body.xpos, piece.position, atol=2e-3)
        assert body.xmat[8] > 0.999 and not env.judge.reason
        touched = {
            int(b)
            for pair in env.model.geom_bodyid[env.data.contact.geom.reshape(-1, 2)]
            if body.id in pair
            for b in pair
        }
        assert touched <= {body.id, 0}


def test_more_is_closed_the_stronger_it_is(disturbed) -> None:
    gaps = []
    for blocked in (0.25, 0.5, 0.75):
        env = disturbed(blocked=blocked)
        env.reset(seed=SEED)
        piece = env.kitchen.clutter[-1].position[:2]
        target = next(o for o in env.kitchen.named if o.name == env.task.thing)
        offset = piece - target.position[:2]
        gaps.append(abs(-np.sin(0.65) * offset[0] + np.cos(0.65) * offset[1]))
    assert gaps[0] > gaps[1] > gaps[2]


def test_of_two_hands_the_nearer_one_finds_something_in_its_way() -> None:
    config = KitchenEnvConfig(
        hands="both",
        disturb=DisturbanceConfig(blocked=0.5),
        # Where there is room, kitchens for two hands are drawn quickly.
        kitchen=KitchenConfig(object_y_m=(-0.5, 0.25)),
    )
    env, found = KitchenEnv(config), set()
    for seed in range(7600000, 7600012):
        env.reset(seed=seed)
        piece, target = env.kitchen.clutter[-1], env.target
        assert target is not None
        offset = piece.position[:2] - target.position[:2]
        if piece.position[2] < 0.5:
            continue
        left = target.position[1] > env.data.body("g1/pelvis").xpos[1]
        own = offset * [1.0, -1.0 if left else 1.0]
        assert corridor_blocked(np.zeros(2), own, piece.kind.radius_m, both_ways=False)
        found.add(left)
    env.close()
    assert found == {True, False}


def test_without_an_object_nothing_is_in_the_way_nor_moved(disturbed) -> None:
    env = disturbed(blocked=0.5, moved_m=0.1)
    env.reset(seed=SEED, options={"prompt": "walk to the counter"})
    piece = env.kitchen.clutter[-1]
    assert tuple(piece.position[:2]) == ASIDE
    for _ in range(3):
        env.step(READY_COMMAND)
    assert np.allclose(env.data.body(piece.name).xpos, piece.position, atol=2e-3)
    assert not env.judge.reason and not env.link.moved_m


@pytest.mark.parametrize("kind", MOST)
@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf"), 51.0])
def test_strengths_that_mean_nothing_are_refused(kind: str, wrong: float) -> None:
    with pytest.raises(ValueError, match=f"{kind} must be a number from 0 to .*, got"):
        DisturbanceConfig(**{kind: wrong})
    DisturbanceConfig(**{kind: MOST[kind]})

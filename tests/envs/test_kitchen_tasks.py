"""Tasks of the humanoid: words, the judge of putting down, and who does it."""

import mujoco
import numpy as np
import pytest

from brownfield.envs.expert import EITHER_SIDE_M, STANCE_Y_M, ExpertState
from brownfield.envs.expert_place import (
    STILL_RIGHT_M,
    holds,
    place_command,
    stands_right,
)
from brownfield.envs.kitchen import generate_kitchen
from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_drawer import JOINT, OPEN_M
from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.kitchen_fixtures import Spot
from brownfield.envs.kitchen_tasks import (
    DRAWER,
    PHRASES,
    PLACES,
    SPOT_OF,
    TASKS,
    Task,
    phrase_of,
    task_called,
    task_of,
    task_paraphrase,
)
from brownfield.envs.kitchen_truth import WITHIN_M
from brownfield.envs.objects import NAMED

THINGS = {"go": PLACES, "drawer": (DRAWER,)}
"""What tasks are about that take nothing."""


@pytest.mark.parametrize("kind", TASKS)
def test_eight_phrasings_and_two_for_testing_say_what_they_ask(kind: str) -> None:
    train, test = PHRASES[kind]["train"], PHRASES[kind]["test"]
    assert len(train) >= 8 and len(test) >= 2 and not set(train) & set(test)
    for thing in THINGS.get(kind, (*NAMED, "left box", "turquoise coffee cup")):
        task = Task(kind=kind, thing=thing)
        assert task_called(task.name) == task
        for phrase in (*train, *test):
            prompt = task.prompt(phrase)
            assert task_of(prompt, tuple(NAMED)) == task
            assert phrase_of(prompt, task) == phrase
            assert len(prompt.encode()) <= 64
    assert phrase_of("juggle the box", Task(kind=kind, thing="box")) == "other"


@pytest.mark.parametrize("kind", TASKS)
def test_paraphrases_ask_for_the_same_task(kind: str) -> None:
    rng = np.random.default_rng(0)
    thing = THINGS.get(kind, ("green bottle",))[-1]
    task = Task(kind=kind, thing=thing)
    prompt = task.prompt(PHRASES[kind]["train"][0])
    said = {task_paraphrase(prompt, tuple(NAMED), rng) for _ in range(300)}
    assert len(said) > 100
    assert all(task_of(one, tuple(NAMED)) == task for one in said)
    assert all(len(one.encode()) <= 64 for one in said)
    special = ("fetch", "would", "belongs", "make your way", "something", "should be")
    assert not any(word in one.lower() for one in said for word in special)


@pytest.fixture(scope="module")
def env() -> KitchenEnv:
    return KitchenEnv(KitchenEnvConfig(tasks=("tray",)))


def test_the_tray_lies_beside_the_objects(env: KitchenEnv) -> None:
    sides = set()
    for seed in range(8):
        env.reset(seed=seed)
        tray = env.kitchen.spots.get("tray")
        assert tray is not None
        for thing in (*env.kitchen.named, *env.kitchen.clutter):
            assert not tray.covers(thing.position[:2], thing.kind.radius_m - 0.02)
        sides.add(tray.centre[1] > -0.17)
        assert "on the tray" in env.task.name and "tray" in env.prompt
        data = mujoco.MjData(env.model)
        data.qpos[:] = env.data.qpos
        mujoco.mj_step(env.model, data, nstep=150)
        for thing in env.kitchen.named:
            moved = data.body(thing.name).xpos - thing.position
            assert np.abs(moved).max() < 0.003
    assert sides == {True, False}


def test_the_expert_puts_it_on_the_tray(env: KitchenEnv) -> None:
    env.reset(seed=14)
    over = late = False
    held_truth = None
    info: dict = {}
    while not (over or late):
        state = env.expert_state()
        assert state.goal is not None
        if holds(state) and not stands_right(state):
            held_truth = env.privileged()
            wanted = state.rotation.T @ (state.goal - state.position)
            np.testing.assert_allclose(held_truth[:3], wanted, atol=1e-6)
        _, _, over, late, info = env.step(env.plan(steps=1)[0])
    assert info["success"], info["reason"]
    assert info["kind"] == "put on the tray" and info["as_asked"]
    assert held_truth is not None
    assert stands_right(env.expert_state())


def test_lifted_only_is_not_put_down(env: KitchenEnv) -> None:
    """The judge of the tray does not take what the judge of lifting would."""
    env.reset(seed=14)
    name = env.task.thing
    joint = env.model.joint(name)
    for height in (0.2, 0.2, 0.2):
        address = joint.qposadr[0]
        env.data.qpos[address + 2] += height / 10
        env.data.qvel[joint.dofadr[0] : joint.dofadr[0] + 6] = 0
        mujoco.mj_forward(env.model, env.data)
    for _ in range(15):
        env.judge.step(env.data, 0.1)
    assert not env.judge.success
    assert env.judge.unfinished() == "out of time: not lifted"


def test_an_object_set_on_the_tray_is_judged_there(env: KitchenEnv) -> None:
    env.reset(seed=14)
    tray = env.kitchen.spots.get("tray")
    assert tray is not None
    joint = env.model.joint(env.task.thing)
    address = joint.qposadr[0]
    env.data.qpos[address : address + 3] = (
        *tray.centre,
        tray.top_m + NAMED[env.task.thing].height_m / 2,
    )
    mujoco.mj_forward(env.model, env.data)
    for _ in range(9):
        env.judge.step(env.data, 0.1)
    assert not env.judge.success
    env.judge.step(env.data, 0.1)
    assert env.judge.success
    assert place_command(env.expert_state())[1] in ("release", "retreat", "done")


def test_other_prompts_ask_for_other_tasks_too() -> None:
    env = KitchenEnv(KitchenEnvConfig(tasks=TASKS, kitchen=SINKS))
    try:
        kinds, others_kinds = set(), set()
        for seed in range(30):
            env.reset(seed=seed)
            others = env.other_prompts()
            assert 1 <= len(others) <= 2 and env.task.name not in others
            tasks = [task_called(name) for name in others]
            assert tasks[0].kind != env.task.kind
            if tasks[0].takes and env.task.takes:
                assert tasks[0].thing == env.task.thing
            for name, prompt in others.items():
                assert env.read_prompt(prompt) == name
                assert env.read_prompt(env.prompt_for(name)) == name
                assert env.plan(name).shape == (8, 10)
                assert np.isfinite(env.privileged(name)).all()
            kinds.add(env.task.kind)
            others_kinds.add(tasks[0].kind)
        assert kinds == set(TASKS) == others_kinds
    finally:
        env.close()
    with pytest.raises(ValueError, match="tasks must be of pick, tray, sink"):
        KitchenEnvConfig(tasks=("juggle",))


SINKS = KitchenConfig(layout=("straight",))


@pytest.mark.parametrize(
    ("kind", "seed"),
    [("go", 1), ("go", 2), ("bring", 1), ("sink", 1), ("drawer", 3)],
)
def test_the_expert_goes_and_brings(kind: str, seed: int) -> None:
    env = KitchenEnv(KitchenEnvConfig(tasks=(kind,), kitchen=SINKS))
    try:
        env.reset(seed=seed)
        over = late = False
        info: dict = {}
        while not (over or late):
            _, _, over, late, info = env.step(env.plan(steps=1)[0])
        assert info["success"], info["reason"]
        if kind == "drawer":
            assert env.data.joint(JOINT).qpos[0] > OPEN_M and info["did"] is None
        elif kind != "go":
            spot = env.kitchen.spots[SPOT_OF[kind]]
            centre = env.data.body(env.task.thing).xpos
            off = spot.offset(centre[:2])
            if kind == "bring":
                off[1] -= np.clip(off[1], -EITHER_SIDE_M, EITHER_SIDE_M)
            assert np.linalg.norm(off) < (0.1 if kind == "bring" else 0.2)
            assert centre[2] - spot.top_m < 0.15
            assert info["as_asked"]
    finally:
        env.close()


def test_the_judge_takes_all_that_the_expert_lets_go_of() -> None:
    config = KitchenConfig(spots=("tray", "table", "sink"), layout=("straight",))
    within = {"table": WITHIN_M["bring"], "sink": WITHIN_M["sink"]}
    seen = set()
    for seed in range(8):
        kitchen = generate_kitchen(seed, config)
        for name in {"tray", "table", "sink"} & set(kitchen.spots):
            room = np.array(kitchen.spots[name].half) - 0.02
            along = EITHER_SIDE_M if name == "table" else 0.0
            farthest = within.get(name, ExpertState.within_m) + STILL_RIGHT_M
            assert (np.array([farthest, along + farthest]) < room).all()
            seen.add(name)
    assert len(seen) == 3


@pytest.mark.parametrize("place", PLACES)
def test_who_goes_somewhere_stands_right_in_a_mirror_too(place: str) -> None:
    """Wherever the expert stops, and where its mirror does, the judge is content."""
    env = KitchenEnv(KitchenEnvConfig(tasks=("go",), hands="both"))
    prompt = PHRASES["go"]["train"][0].format(place)
    for seed, side in ((0, 1), (0, -1), (1, 1), (1, -1)):
        env.reset(seed=seed, options={"prompt": prompt})
        state = env.expert_state()
        x, y, heading = (0.0, 0.0, 0.0) if state.frame is None else state.frame
        c, s = np.cos(heading), np.sin(heading)
        turn = np.array([[c, -s], [s, c]])
        assert state.goal is not None and state.along_m == EITHER_SIDE_M
        stance = (turn.T @ (state.goal[:2] - [x, y]))[1] + STANCE_Y_M
        # It stops within 12 cm of where it may stand.
        farthest = side * (abs(stance) + state.along_m + 0.12)
        start = int(env.model.joint("g1/floating_base_joint").qposadr[0])
        env.data.qpos[start : start + 2] = turn @ [0.0, farthest] + [x, y]
        turned = [np.cos(heading / 2), 0, 0, np.sin(heading / 2)]
        env.data.qpos[start + 3 : start + 7] = turned
        mujoco.mj_forward(env.model, env.data)
        env.judge.step(env.data, 1.0)
        assert env.judge.success
    env.close()


def test_a_spot_knows_its_frame() -> None:
    spot = Spot(
        centre=(0.4, 0.1), half=(0.1, 0.2), top_m=0.75, frame=(1.0, 2.0, np.pi / 2)
    )
    np.testing.assert_allclose(spot.point(0.05), [0.9, 2.4, 0.8], atol=1e-9)
    np.testing.assert_allclose(spot.offset(np.array([0.9, 2.5])), [0.1, 0], atol=1e-9)
    assert spot.covers(np.array([0.75, 2.4]), 0.0)
    assert not spot.covers(np.array([0.9, 2.6]), 0.0)


def test_the_room_camera_shows_robot_and_table() -> None:
    env = KitchenEnv(KitchenEnvConfig(tasks=("bring",), start="mixed"))
    try:
        for seed in range(6):
            env.reset(seed=seed)
            camera = env.data.camera("room")
            half = np.tan(np.deg2rad(env.model.camera("room").fovy[0]) / 2)
            for body in ("g1/pelvis", "table"):
                point = env.data.body(body).xpos - camera.xpos
                right, up, back = camera.xmat.reshape(3, 3).T @ point
                # Wide as pictures are, 4 to 3.
                assert back < 0
                assert abs(up / back) < half and abs(right / back) < half * 4 / 3
    finally:
        env.close()


def test_a_tray_that_is_not_there_is_missed() -> None:
    env = KitchenEnv()
    try:
        with pytest.raises(ValueError, match="no tray here"):
            env.reset(seed=1, options={"prompt": "put the coffee cup on the tray"})
        nowhere = KitchenEnv(KitchenEnvConfig(tasks=("sink",)))
        with pytest.raises(ValueError, match="no room for any of sink"):
            nowhere.reset(seed=1)
    finally:
        env.close()

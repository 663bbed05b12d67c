"""Tasks of the humanoid: words, the judge of putting down, and who does it."""

import mujoco
import numpy as np
import pytest

from brownfield.envs.expert_place import holds, place_command, stands_right
from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.kitchen_tasks import (
    PHRASES,
    TASKS,
    Task,
    phrase_of,
    task_called,
    task_of,
)
from brownfield.envs.objects import NAMED


@pytest.mark.parametrize("kind", TASKS)
def test_eight_phrasings_and_two_for_testing_say_what_they_ask(kind: str) -> None:
    train, test = PHRASES[kind]["train"], PHRASES[kind]["test"]
    assert len(train) >= 8 and len(test) >= 2 and not set(train) & set(test)
    for thing in NAMED:
        task = Task(kind=kind, thing=thing)
        assert task_called(task.name) == task
        for phrase in (*train, *test):
            prompt = task.prompt(phrase)
            assert task_of(prompt, tuple(NAMED)) == task
            assert phrase_of(prompt, task) == phrase
            assert len(prompt.encode()) <= 64
    assert phrase_of("juggle the box", task) == "other"


@pytest.fixture(scope="module")
def env() -> KitchenEnv:
    return KitchenEnv(KitchenEnvConfig(tasks=("tray",), time_limit_s=40))


def test_the_tray_lies_beside_the_objects(env: KitchenEnv) -> None:
    sides = set()
    for seed in range(8):
        env.reset(seed=seed)
        tray = env.kitchen.tray
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
    tray = env.kitchen.tray
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
    env = KitchenEnv(KitchenEnvConfig(tasks=("pick", "tray")))
    try:
        kinds = set()
        for seed in range(6):
            env.reset(seed=seed)
            others = env.other_prompts()
            assert len(others) == 2
            tasks = [task_called(name) for name in others]
            assert tasks[0].thing == env.task.thing
            assert {tasks[0].kind, env.task.kind} == {"pick", "tray"}
            for name, prompt in others.items():
                assert env.read_prompt(prompt) == name
                assert env.read_prompt(env.prompt_for(name)) == name
            kinds.add(env.task.kind)
        assert kinds == {"pick", "tray"}
    finally:
        env.close()
    with pytest.raises(ValueError, match="tasks must be of pick, tray; got 'juggle'"):
        KitchenEnvConfig(tasks=("juggle",))


def test_a_tray_that_is_not_there_is_missed() -> None:
    env = KitchenEnv()
    try:
        with pytest.raises(ValueError, match="no tray here"):
            env.reset(seed=1, options={"prompt": "put the coffee cup on the tray"})
    finally:
        env.close()

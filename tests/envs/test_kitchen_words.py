"""How things in a kitchen are referred to: by name, colour and side, or in vain."""

from dataclasses import replace

import numpy as np
import pytest

from brownfield.envs.kitchen import generate_kitchen
from brownfield.envs.kitchen_ask import draw_other_tasks, draw_task
from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_contents import Kitchen
from brownfield.envs.kitchen_env import VAIN_S, KitchenEnv, KitchenEnvConfig
from brownfield.envs.kitchen_tasks import IN_VAIN, Task, kind_of
from brownfield.envs.objects import NAMED
from brownfield.envs.prompts import COLOURS, SIDES, reference_of

CONFIG = KitchenConfig(named=tuple(NAMED), twins=1.0)


@pytest.fixture(scope="module")
def kitchen() -> Kitchen:
    return generate_kitchen(3, CONFIG)


def test_one_of_two_alike_is_told_by_side_or_colour(kitchen: Kitchen) -> None:
    alike = [o for o in kitchen.named if o.called == kitchen.named[0].called]
    alike = alike if len(alike) == 2 else list(kitchen.named[-2:])
    assert len({o.called for o in alike}) == 1
    assert len({o.colour for o in alike}) == 2
    called = alike[0].called
    left, right = sorted(alike, key=lambda o: -o.position[1])
    assert kitchen.find(f"left {called}") is left
    assert kitchen.find(f"right {called}") is right
    for one in alike:
        assert kitchen.find(f"{one.colour} {called}") is one
        rng = np.random.default_rng(0)
        said = {kitchen.reference(one.name, rng) for _ in range(50)}
        side = SIDES[int(one is right)]
        assert said == {f"{side} {called}", f"{one.colour} {called}"}
    with pytest.raises(ValueError, match=f"'{called}' may be any of"):
        kitchen.find(called)


def test_the_only_one_of_its_name_may_be_told_by_colour() -> None:
    kitchen = generate_kitchen(3)
    for one in kitchen.named:
        rng = np.random.default_rng(0)
        assert kitchen.reference(one.name, rng) == one.called
        assert kitchen.reference(one.name, rng, 1.0) == f"{one.colour} {one.called}"
        assert kitchen.find(f"{one.colour} {one.called}") is one
        wrong = next(c for c in COLOURS if c != one.colour)
        assert kitchen.find(f"{wrong} {one.called}") is None
    for missing in kitchen.missing():
        assert kitchen.find(missing) is None


def test_tasks_refer_to_one_thing_each() -> None:
    for seed in range(20):
        kitchen = generate_kitchen(seed, CONFIG)
        rng = np.random.default_rng(seed)
        task = draw_task(("pick",), kitchen, seed, rng, coloured=0.5)
        others = draw_other_tasks(task, ("pick",), kitchen, rng, coloured=0.5)
        found = [kitchen.find(one.thing) for one in (task, *others)]
        assert None not in found and len({o.name for o in found if o}) == len(found)


def test_a_reference_is_read_from_a_prompt() -> None:
    names = tuple(NAMED)
    assert reference_of("Take the Left coffee cup, please", names) == "left coffee cup"
    assert reference_of("grab the green box", names) == "green box"
    assert reference_of("put that box left of it", names) == "box"
    kinds = ["pick up", "pick up, by colour", "pick up, by side"]
    things = ["box", "pink box", "left box"]
    assert [kind_of(Task(kind="pick", thing=thing)) for thing in things] == kinds
    assert kind_of(Task(kind="tray", thing="left box")) == "put on the tray"


@pytest.fixture(scope="module")
def env() -> KitchenEnv:
    return KitchenEnv(KitchenEnvConfig(absent=1.0, kitchen=replace(CONFIG, twins=0.0)))


def test_asked_in_vain_the_robot_goes_and_takes_nothing(env: KitchenEnv) -> None:
    env.reset(seed=0)
    assert env.kitchen.find(env.task.thing) is None
    over = late = False
    steps, info = 0, {}
    while not (over or late):
        _, _, over, late, info = env.step(env.plan(steps=1)[0])
        steps += 1
    assert info["success"] and info["kind"] == IN_VAIN and info["did"] is None
    assert steps > 10 * VAIN_S
    assert np.isfinite(info["privileged"]).all()


def test_whatever_is_lifted_then_is_wrong(env: KitchenEnv) -> None:
    env.reset(seed=0)
    thing = env.kitchen.named[0].name
    env.data.joint(thing).qpos[2] += 0.2
    _, _, over, _, info = env.step(env.command)
    assert over and info["reason"] == f"lifted the {thing}"
    assert info["as_asked"] is False


def test_what_is_not_there_is_refused_where_nobody_asks_in_vain() -> None:
    env = KitchenEnv()
    try:
        env.reset(seed=0)
        missing = Task(kind="pick", thing=env.kitchen.missing()[0])
        prompt = missing.prompt("take the {}")
        with pytest.raises(ValueError, match="expected a prompt that names one of"):
            env.reset(seed=0, options={"prompt": prompt})
    finally:
        env.close()
    with pytest.raises(ValueError, match="twins must be within 0 and 1, got 2"):
        KitchenConfig(twins=2)
    with pytest.raises(ValueError, match="hidden must be within 0 and 1, got -1"):
        KitchenConfig(hidden=-1)


def test_a_jar_hides_what_is_asked_for_at_first() -> None:
    config = KitchenEnvConfig(
        start="wide", kitchen=KitchenConfig(hidden=1.0, max_clutter=1)
    )
    env = KitchenEnv(config)
    try:
        hidden = 0
        for seed in range(12):
            _, info = env.reset(seed=seed)
            if env.kitchen.hidden is None:
                continue
            hidden += 1
            found = env.kitchen.find(env.task.thing)
            assert found is not None and found.name == env.kitchen.hidden.name
            assert info["privileged"][6] == 0
        assert hidden >= 3
    finally:
        env.close()

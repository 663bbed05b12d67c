"""How things in a kitchen are referred to: by name, colour and side, or in vain."""

from dataclasses import replace

import numpy as np
import pytest

from brownfield.envs.kitchen import generate_kitchen
from brownfield.envs.kitchen_ask import draw_other_tasks, draw_task
from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_contents import APART_M, Kitchen, PlacedObject
from brownfield.envs.kitchen_env import VAIN_S, KitchenEnv, KitchenEnvConfig
from brownfield.envs.kitchen_tasks import IN_VAIN, Task, kind_of, task_of
from brownfield.envs.objects import NAMED
from brownfield.envs.pick import PickJudge
from brownfield.envs.prompts import COLOURS, SIDES, reference_of

CONFIG = KitchenConfig(named=tuple(NAMED), twins=1.0)


def _alike(kitchen: Kitchen) -> list[PlacedObject]:
    """The two of one name, the left one first."""
    calls = [o.called for o in kitchen.named]
    twins = [o for o in kitchen.named if calls.count(o.called) == 2]
    return sorted(twins, key=lambda o: -o.position[1])


@pytest.mark.parametrize("apart", [True, False])
def test_one_of_two_alike_is_told_by_side_or_colour(apart: bool) -> None:
    for seed in range(60):
        kitchen = generate_kitchen(seed, CONFIG)
        left, right = alike = _alike(kitchen)
        if (left.position[1] - right.position[1] > APART_M) == apart:
            break
    else:
        raise AssertionError("no such kitchen")
    assert len({o.colour for o in alike}) == 2
    called = left.called
    assert kitchen.find(f"left {called}") is left
    assert kitchen.find(f"right {called}") is right
    for one in alike:
        assert kitchen.find(f"{one.colour} {called}") is one
        rng = np.random.default_rng(0)
        said = {kitchen.reference(one.name, rng) for _ in range(50)}
        by_side = {f"{SIDES[int(one is right)]} {called}"} if apart else set()
        assert said == {f"{one.colour} {called}"} | by_side
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
    rng = np.random.default_rng(0)
    colours = set()
    for _ in range(40):
        for missing in kitchen.missing(tuple(NAMED), rng):
            assert kitchen.find(missing) is None
            colours.add(missing.split()[0])
    assert len(colours) >= 5
    alone = kitchen.named[0]
    assert all(kitchen.find(f"{side} {alone.called}") is alone for side in SIDES)


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


def test_the_second_of_a_name_is_told_by_its_colour() -> None:
    kitchen = generate_kitchen(3, CONFIG)
    for one in _alike(kitchen):
        second = one.name.endswith(" 2")
        assert one.told == (f"{one.colour} {one.called}" if second else one.called)
    assert all(piece.told == piece.name for piece in kitchen.clutter)


def _raise(env: KitchenEnv, name: str) -> None:
    """Something is in the air, as if a hand had lifted it."""
    env.data.joint(name).qpos[2] += 0.2
    env.data.joint(name).qvel[:] = 0


@pytest.mark.parametrize("things", ["named", "clutter"])
def test_whatever_is_lifted_then_is_wrong(env: KitchenEnv, things: str) -> None:
    env.reset(seed=0)
    thing = getattr(env.kitchen, things)[0]
    _raise(env, thing.name)
    _, _, over, _, info = env.step(env.command)
    assert over and info["reason"] == f"lifted the {thing.told}"
    assert info["as_asked"] is False and info["did"] == thing.told


def test_who_lifts_a_jar_in_place_of_what_was_asked_for_is_told(
    env: KitchenEnv,
) -> None:
    env.reset(seed=0)
    kitchen = env.kitchen
    jar = kitchen.clutter[0].name
    judge = PickJudge(env.model, kitchen, kitchen.named[0].name)
    for _ in range(10):
        assert not judge.reason
        env.data.body(jar).xpos[2] = kitchen.clutter[0].position[2] + 0.2
        judge.step(env.data, 0.1)
    assert judge.reason == f"lifted the {kitchen.clutter[0].told}"
    assert judge.lifted == jar and not judge.success


def test_what_is_not_there_is_refused_where_nobody_asks_in_vain() -> None:
    env = KitchenEnv()
    try:
        env.reset(seed=0)
        rng = np.random.default_rng(0)
        missing = Task(kind="pick", thing=env.kitchen.missing(tuple(NAMED), rng)[0])
        prompt = missing.prompt("take the {}")
        with pytest.raises(ValueError, match="expected a prompt that names one of"):
            env.reset(seed=0, options={"prompt": prompt})
    finally:
        env.close()
    with pytest.raises(ValueError, match="twins must be within 0 and 1, got 2"):
        KitchenConfig(twins=2)
    with pytest.raises(ValueError, match="hidden must be within 0 and 1, got -1"):
        KitchenConfig(hidden=-1)
    with pytest.raises(ValueError, match="absent must be within 0 and 1, got 3"):
        KitchenEnvConfig(absent=3)
    with pytest.raises(ValueError, match="named must hold each name once"):
        KitchenConfig(named=("box", "box"))


@pytest.mark.parametrize(
    "prompt",
    [
        "close the drawer",
        "put the box in the drawer",
        "pick up the box on the left",
        "open the drawer of the counter",
        "the box, the red one",
    ],
)
def test_what_would_be_misunderstood_is_refused(prompt: str) -> None:
    with pytest.raises(ValueError, match="expected a"):
        task_of(prompt, tuple(NAMED))


@pytest.mark.parametrize("hands", ["right", "both"])
def test_a_jar_hides_what_is_asked_for_at_first(hands: str) -> None:
    config = KitchenEnvConfig(
        start="wide",
        hands=hands,
        kitchen=KitchenConfig(hidden=1.0, max_clutter=1, named=("box", "bowl")),
    )
    env = KitchenEnv(config)
    try:
        hidden, sides = 0, set()
        for seed in range(40):
            _, info = env.reset(seed=seed)
            if env.kitchen.hidden is None:
                continue
            hidden += 1
            sides.add(env.kitchen.hidden.side)
            start = env.data.qpos[env.link.q_address[0] - 7 :][:3].copy()
            shown = env.segments(64, 64) == env.segment_names.index(info["asked"])
            assert shown.sum() <= 8
            other = next(iter(env.other_prompts().values()))
            env.reset(seed=seed, options={"prompt": other})
            again = env.data.qpos[env.link.q_address[0] - 7 :][:3]
            np.testing.assert_array_equal(start, again)
            env.reset(seed=seed)
            found = env.kitchen.find(env.task.thing)
            assert found is not None and found.name == env.kitchen.hidden.name
            assert info["privileged"][6] == 0
        # From the right a jar would be in the way of the only hand.
        assert hidden >= 3 and sides == ({1.0} if hands == "right" else {1.0, -1.0})
    finally:
        env.close()


def test_other_words_are_all_that_other_phrasings_change() -> None:
    """Evaluations in other words are paired by seed: it is the same episode."""
    tasks = ("pick", "tray", "sink", "bring", "drawer", "go")
    envs = [
        KitchenEnv(
            KitchenEnvConfig(
                start="mixed",
                phrases=phrases,
                tasks=tasks,
                coloured=0.3,
                absent=0.2,
                kitchen=KitchenConfig(layout=("straight", "plain"), twins=0.5),
            )
        )
        for phrases in ("train", "test")
    ]
    kinds = set()
    for seed in range(3000, 3016):
        ours, theirs = (env.reset(seed=seed)[1] for env in envs)
        assert ours["asked"] == theirs["asked"] and ours["kind"] == theirs["kind"]
        assert envs[0].prompt != envs[1].prompt
        assert np.array_equal(envs[0].data.qpos, envs[1].data.qpos)
        assert np.array_equal(ours["privileged"], theirs["privileged"])
        kinds.add(ours["kind"])
    for env in envs:
        env.close()
    assert len(kinds) >= 5

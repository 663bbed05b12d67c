"""What an episode in a kitchen asks for, and what else it might have asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brownfield.envs.kitchen_contents import Kitchen
from brownfield.envs.kitchen_tasks import DRAWER, PHRASES, PLACES, Task

NEEDS: dict[str, tuple[str, ...]] = {
    "pick": (),
    "tray": ("tray",),
    "sink": ("sink",),
    "bring": ("table",),
    "drawer": (DRAWER,),
    "go": ("table",),
}
"""What has to be in a kitchen for each kind of task."""


def draw_task(
    kinds: Sequence[str],
    kitchen: Kitchen,
    seed: int,
    rng: np.random.Generator,
    *,
    named: Sequence[str] = (),
    coloured: float = 0.0,
    absent: float = 0.0,
) -> Task:
    """The task of a seed.

    Args:
        kinds: what may be asked for.
        kitchen: where; tasks that it has no room for are left out.
        seed: draws the kind, and how the object is referred to.
        rng: draws the object.
        named: names that may be asked for in vain.
        coloured: chance that an object is told by its colour where its name would do.
        absent: chance that something is asked for that is not there.

    Raises:
        ValueError: the kitchen has no room for any of them.
    """
    possible = _possible(kinds, kitchen)
    if not possible:
        raise ValueError(
            f"the kitchen of seed {seed} has no room for any of {', '.join(kinds)}: a "
            "sink needs the layout straight, galley or window, a drawer one with "
            "cabinets, at least 0.79 m high"
        )
    kind = possible[int(np.random.default_rng([seed, 9]).integers(len(possible)))]
    thing = str(rng.choice([one.name for one in kitchen.named]))
    if kind == "go":
        thing = str(np.random.default_rng([seed, 10]).choice(PLACES))
    elif kind == "drawer":
        thing = DRAWER
    else:
        if kitchen.hidden is not None:
            thing = kitchen.hidden.name
        words = np.random.default_rng([seed, 11])
        thing = kitchen.reference(thing, words, coloured)
        if absent and words.random() < absent:
            thing = str(words.choice(kitchen.missing(named, words)))
    return Task(kind=kind, thing=thing)


def draw_other_tasks(
    task: Task,
    kinds: Sequence[str],
    kitchen: Kitchen,
    rng: np.random.Generator,
    *,
    coloured: float = 0.0,
) -> list[Task]:
    """What else might be asked for: another kind of task first, with the same object
    where it has one, then the same kind with others. Arguments as for `draw_task`."""
    names = [kitchen.reference(one.name, rng, coloured) for one in kitchen.named]
    own = kitchen.find(task.thing) if task.takes else None
    others = [kind for kind in _possible(kinds, kitchen) if kind != task.kind]
    if len(others) > 1:
        others = [others[int(rng.integers(len(others)))]]
    drawn = []
    for kind in others:
        known = _things(kind, names)
        takes = Task(kind=kind, thing="").takes
        same = task.thing in known or (takes and own is not None)
        thing = task.thing if same else str(rng.choice(known))
        drawn.append(Task(kind=kind, thing=thing))
    if not task.takes:
        alike = [x for x in _things(task.kind, names) if x != task.thing]
    else:
        alike = [
            name
            for name, one in zip(names, kitchen.named, strict=True)
            if own is None or one.name != own.name
        ]
    return drawn + [Task(kind=task.kind, thing=x) for x in alike]


def draw_prompt(task: Task, phrases: str, rng: np.random.Generator) -> str:
    """The sentence that asks for a task, in one of its phrasings.

    Args:
        task: what is asked for.
        phrases: `train` or `test`.
        rng: draws the phrasing.
    """
    known = PHRASES[task.kind][phrases]
    return task.prompt(known[int(rng.integers(len(known)))])


def _things(kind: str, names: list[str]) -> list[str]:
    if kind == "go":
        return list(PLACES)
    return [DRAWER] if kind == "drawer" else names


def _possible(kinds: Sequence[str], kitchen: Kitchen) -> list[str]:
    return [kind for kind in kinds if all(kitchen.has(need) for need in NEEDS[kind])]

"""What an episode in a kitchen asks for, and what else it might have asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from brownfield.envs.kitchen import Kitchen
from brownfield.envs.kitchen_tasks import PHRASES, PLACES, SPOT_OF, TASKS, Task

SPOTS_OF = {
    kind: ("table",) if kind == "go" else tuple(SPOT_OF.get(kind, "").split())
    for kind in TASKS
}
"""What has to be in a kitchen for each kind of task."""


def draw_task(
    kinds: Sequence[str], kitchen: Kitchen, seed: int, rng: np.random.Generator
) -> Task:
    """The task of a seed.

    Args:
        kinds: what may be asked for.
        kitchen: where; tasks that it has no room for are left out.
        seed: draws the kind.
        rng: draws the object.

    Raises:
        ValueError: the kitchen has no room for any of them.
    """
    possible = _possible(kinds, kitchen)
    if not possible:
        raise ValueError(
            f"the kitchen of seed {seed} has no room for any of {', '.join(kinds)}: a "
            "sink needs the layout straight, galley or window"
        )
    kind = possible[int(np.random.default_rng([seed, 9]).integers(len(possible)))]
    thing = str(rng.choice([one.name for one in kitchen.named]))
    if kind == "go":
        thing = str(np.random.default_rng([seed, 10]).choice(PLACES))
    return Task(kind=kind, thing=thing)


def draw_other_tasks(
    task: Task, kinds: Sequence[str], kitchen: Kitchen, rng: np.random.Generator
) -> list[Task]:
    """What else might be asked for: another kind of task first, with the same object
    where it has one, then the same kind with others."""
    names = [one.name for one in kitchen.named]
    others = [kind for kind in _possible(kinds, kitchen) if kind != task.kind]
    if len(others) > 1:
        others = [others[int(rng.integers(len(others)))]]
    drawn = []
    for kind in others:
        known = PLACES if kind == "go" else names
        thing = task.thing if task.thing in known else str(rng.choice(known))
        drawn.append(Task(kind=kind, thing=thing))
    known = PLACES if task.kind == "go" else names
    return drawn + [Task(kind=task.kind, thing=x) for x in known if x != task.thing]


def draw_prompt(task: Task, phrases: str, rng: np.random.Generator) -> str:
    """The sentence that asks for a task, in one of its phrasings.

    Args:
        task: what is asked for.
        phrases: `train` or `test`.
        rng: draws the phrasing.
    """
    known = PHRASES[task.kind][phrases]
    return task.prompt(known[int(rng.integers(len(known)))])


def _possible(kinds: Sequence[str], kitchen: Kitchen) -> list[str]:
    return [
        kind for kind in kinds if all(spot in kitchen.spots for spot in SPOTS_OF[kind])
    ]

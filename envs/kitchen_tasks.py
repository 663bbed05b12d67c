"""What a humanoid may be told to do, and in which words."""

from __future__ import annotations

from dataclasses import dataclass

from brownfield.envs.prompts import (
    TEST_PHRASES,
    TRAINING_PHRASES,
    object_of,
    prompt_for,
)

PHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "pick": {"train": TRAINING_PHRASES, "test": TEST_PHRASES},
    "tray": {
        "train": (
            "put the {} on the tray",
            "place the {} on the tray",
            "please put the {} on the tray",
            "set the {} down on the tray",
            "move the {} onto the tray",
            "the {} goes on the tray",
            "could you put the {} on the tray?",
            "get the {} onto the tray",
        ),
        "test": (
            "the {} belongs on the tray",
            "I would like the {} on the tray, please",
        ),
    },
}
"""Phrasings by task and by what they are for; `{}` is the object."""
TASKS = tuple(PHRASES)
"""Kinds of tasks."""
ASKED = {"pick": "{}", "tray": "{} on the tray"}
"""What a task with an object is called."""
KINDS = {"pick": "pick up", "tray": "put on the tray"}
"""Names of the kinds in reports."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing to do."""

    kind: str
    """One of `TASKS`."""
    thing: str
    """The object's name."""

    @property
    def name(self) -> str:
        """What is asked for, in short."""
        return ASKED[self.kind].format(self.thing)

    def prompt(self, phrase: str) -> str:
        """The sentence that asks for it."""
        return prompt_for(self.thing, phrase)


def task_of(prompt: str, names: tuple[str, ...]) -> Task:
    """The task that a prompt sets.

    Args:
        prompt: what was said.
        names: objects that it may be about.

    Raises:
        ValueError: none or several of `names` occur in it.
    """
    thing = object_of(prompt, names)
    rest = prompt.lower().replace(thing, "")
    return Task(kind="tray" if "tray" in rest else "pick", thing=thing)


def task_called(name: str) -> Task:
    """The task of a name that `Task.name` gave."""
    for kind, called in ASKED.items():
        ending = called.removeprefix("{}")
        if ending and name.endswith(ending):
            return Task(kind=kind, thing=name.removesuffix(ending))
    return Task(kind="pick", thing=name)


def phrase_of(prompt: str, task: Task) -> str:
    """The phrasing of a prompt, `{}` for the object; `other` if it is none of ours."""
    for phrases in PHRASES[task.kind].values():
        for phrase in phrases:
            if task.prompt(phrase) == prompt:
                return phrase
    return "other"

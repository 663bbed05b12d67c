"""What a humanoid may be told to do, and in which words."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from brownfield.envs.prompts import (
    COLOURS,
    SIDES,
    TEST_PHRASES,
    TRAINING_PHRASES,
    paraphrase,
    prompt_for,
    reference_of,
    scrambled,
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
    "sink": {
        "train": (
            "put the {} in the sink",
            "place the {} in the sink",
            "please put the {} in the sink",
            "set the {} down in the sink",
            "move the {} into the sink",
            "the {} goes in the sink",
            "could you put the {} in the sink?",
            "get the {} into the sink",
        ),
        "test": (
            "the {} belongs in the sink",
            "I would like the {} in the sink, please",
        ),
    },
    "bring": {
        "train": (
            "bring the {} to the table",
            "carry the {} to the table",
            "take the {} to the table",
            "please bring the {} to the table",
            "put the {} on the table",
            "move the {} to the table",
            "the {} goes to the table",
            "could you carry the {} to the table?",
        ),
        "test": (
            "fetch the {} and put it on the table",
            "I would like the {} on the table, please",
        ),
    },
    "drawer": {
        "train": (
            "open the {}",
            "pull the {} open",
            "please open the {}",
            "pull out the {}",
            "could you open the {}?",
            "open up the {}",
            "take the handle and open the {}",
            "get the {} open",
        ),
        "test": ("the {} should be open", "I need something from the {}, please"),
    },
    "go": {
        "train": (
            "walk to the {}",
            "go to the {}",
            "go over to the {}",
            "please walk to the {}",
            "move to the {}",
            "head to the {}",
            "step up to the {}",
            "could you go to the {}?",
        ),
        "test": ("make your way to the {}", "I need you at the {}, please"),
    },
}
"""Phrasings by task and by what they are for; `{}` is the object, or the place to go
to."""
TASKS = tuple(PHRASES)
"""Kinds of tasks."""
PLACES = ("counter", "table")
"""Where one can be told to go."""
ASKED = {
    "pick": "{}",
    "tray": "{} on the tray",
    "sink": "{} in the sink",
    "go": "go to the {}",
    "bring": "{} to the table",
    "drawer": "open the {}",
}
"""What a task is called; whoever reads it takes the first that fits."""
KINDS = {
    "pick": "pick up",
    "tray": "put on the tray",
    "sink": "put in the sink",
    "bring": "bring to the table",
    "drawer": "open the drawer",
    "go": "walk to",
}
"""Names of the kinds in reports."""
IN_VAIN = "asked in vain"
"""The same for what is not there."""
SPOT_OF = {"tray": "tray", "sink": "sink", "bring": "table"}
"""What a task puts things on."""
DRAWER = "drawer"
"""What can be opened."""
UNKNOWN = ("close", "shut")
"""Words of what nobody can do yet."""
OPENERS = ("", "", "please ", "now ", "ok, ", "robot, ", "it is time: ")
TAILS = ("", "", " now", " please", ", thanks", " for me")
"""Parts of paraphrases of tasks that say more than a thing's name."""
KEPT = ("tray", "sink", "table", "counter", "drawer", "on", "onto", "in", "into", "to")
"""Words that tell such tasks apart: no paraphrase scrambles them."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One thing to do."""

    kind: str
    """One of `TASKS`."""
    thing: str
    """How the object is referred to; where to go, for `go`; the drawer."""

    @property
    def needs(self) -> tuple[str, ...]:
        """What has to be in the kitchen for it, beside the object."""
        if self.kind == "go":
            return () if self.thing == "counter" else (self.thing,)
        if self.kind == "drawer":
            return (DRAWER,)
        return (SPOT_OF[self.kind],) if self.kind in SPOT_OF else ()

    @property
    def takes(self) -> bool:
        """Whether it is about an object that can be taken."""
        return self.kind not in ("go", "drawer")

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
        ValueError: none or several of `names` occur in it, and it is no way to go and
            no drawer.
    """
    said = prompt.lower()
    words = re.sub("[^a-z ]", " ", said).split()
    if not any(name in said for name in names):
        places = [place for place in (*PLACES, DRAWER) if place in words]
        unknown = any(word in words for word in UNKNOWN)
        if len(places) != 1 or unknown:
            known = ", ".join((*names, *PLACES, DRAWER))
            raise ValueError(
                f"expected a prompt about one of {known}, and no {', '.join(UNKNOWN)}; "
                f"got {prompt!r}"
            )
        return Task(kind="drawer" if places == [DRAWER] else "go", thing=places[0])
    thing = reference_of(prompt, names)
    rest = re.sub("[^a-z ]", " ", said.replace(thing, " ")).split()
    told = [word for word in (*COLOURS, *SIDES, DRAWER) if word in rest]
    if told:
        raise ValueError(
            f"expected a colour or a side right before the {thing}, and no drawer; got "
            f"{', '.join(told)} in {prompt!r}"
        )
    kinds = [kind for kind, spot in SPOT_OF.items() if spot in rest]
    return Task(kind=kinds[0] if kinds else "pick", thing=thing)


def kind_of(task: Task) -> str:
    """What kind of task it is, for reports; of things to pick up, how it refers to
    them."""
    kind, told = KINDS[task.kind], task.thing.split()[0]
    if task.kind == "pick" and told in (*COLOURS, *SIDES):
        return f"{kind}, by {'side' if told in SIDES else 'colour'}"
    return kind


def task_called(name: str) -> Task:
    """The task of a name that `Task.name` gave."""
    for kind, called in ASKED.items():
        before, after = called.split("{}")
        inside = name.startswith(before) and name.endswith(after)
        if (before or after) and inside:
            thing = name.removeprefix(before).removesuffix(after)
            return Task(kind=kind, thing=thing)
    return Task(kind="pick", thing=name)


def task_paraphrase(
    prompt: str, names: tuple[str, ...], rng: np.random.Generator, most_bytes: int = 64
) -> str:
    """Another way to ask for the same; a prompt that asks for nothing known stays.

    Half of the paraphrases have words replaced by random letters, but none that tells
    what is to be done.
    """
    try:
        task = task_of(prompt, names)
    except ValueError:
        return prompt
    if task.kind == "pick":
        return paraphrase(prompt, names, rng, most_bytes)
    phrases = PHRASES[task.kind]["train"]
    phrase = phrases[int(rng.integers(len(phrases)))].rstrip("?")
    words = (str(rng.choice(OPENERS)) + phrase + str(rng.choice(TAILS))).split()
    if rng.random() < 0.5:
        words = [
            word if word.strip(",") in ("{}", *KEPT) else scrambled(word, rng)
            for word in words
        ]
    said = " ".join(words).format(task.thing)
    if rng.random() < 0.2:
        said = said[:1].upper() + said[1:]
    return said if len(said.encode()) <= most_bytes else prompt


def phrase_of(prompt: str, task: Task) -> str:
    """The phrasing of a prompt, `{}` for the object; `other` if it is none of ours."""
    for phrases in PHRASES[task.kind].values():
        for phrase in phrases:
            if task.prompt(phrase) == prompt:
                return phrase
    return "other"

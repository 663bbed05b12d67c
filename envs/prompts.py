"""Ways to ask for an object."""

from __future__ import annotations

import string

import numpy as np

TRAINING_PHRASES = (
    "pick up the {}",
    "grab the {}",
    "please pick up the {}",
    "lift the {} off the counter",
    "take the {}",
    "get me the {}",
    "could you pick the {} up?",
    "reach for the {} and lift it",
)
"""Phrasings that training draws from."""
TEST_PHRASES = ("fetch the {}", "I would like the {}, please")
"""Phrasings kept for testing; no training episode uses them."""

OPENERS = (
    "",
    "please ",
    "now ",
    "ok, ",
    "robot, ",
    "can you ",
    "could you ",
    "will you please ",
    "i want you to ",
    "you should ",
    "go and ",
    "it is time to ",
    "let us ",
)
VERBS = (
    "pick up",
    "grab",
    "take",
    "lift",
    "lift up",
    "raise",
    "get",
    "get me",
    "hold",
    "grasp",
    "bring me",
    "hand me",
    "give me",
    "pass me",
    "reach for",
    "collect",
    "i need",
    "i want",
    "where is",
    "",
)
ARTICLES = ("the", "the", "the", "that", "this", "a", "my", "our", "")
TAILS = (
    "",
    "",
    " up",
    " now",
    " please",
    ", please",
    " for me",
    " off the counter",
    " from the counter",
    " and lift it",
    " and hold it",
    ", thanks",
    " with your hand",
)
"""Parts of paraphrases: nothing of what is special in `TEST_PHRASES` is among them."""
COLOURS = (
    "red",
    "orange",
    "yellow",
    "green",
    "turquoise",
    "blue",
    "purple",
    "pink",
)
"""Words for the hues of named objects."""
SIDES = ("left", "right")
"""Words for where one of two alike is, as the robot sees them."""
SCRAMBLED = 0.3
"""Chance that a word of a paraphrase is replaced by letters that mean nothing, so that
what matters is learned to be the object's name."""


def prompt_for(name: str, phrase: str = TRAINING_PHRASES[0]) -> str:
    """The sentence that asks for an object."""
    return phrase.format(name)


def object_of(prompt: str, names: tuple[str, ...]) -> str:
    """The object that a prompt names.

    Raises:
        ValueError: none or several of `names` occur in it.
    """
    found = [name for name in names if name in prompt.lower()]
    if len(found) != 1:
        raise ValueError(
            f"expected a prompt that names one of {', '.join(names)}; got {prompt!r}"
        )
    return found[0]


def reference_of(prompt: str, names: tuple[str, ...]) -> str:
    """How a prompt refers to an object: its name, and the colour or side before it.

    Raises:
        ValueError: none or several of `names` occur in it.
    """
    name = object_of(prompt, names)
    before = prompt.lower().partition(name)[0].split()
    told = before[-1] if before else ""
    return f"{told} {name}" if told in (*COLOURS, *SIDES) else name


def tells_colour(prompt: str) -> bool:
    """Whether a prompt tells a colour."""
    return not set(COLOURS).isdisjoint(prompt.lower().split())


def paraphrase(
    prompt: str,
    names: tuple[str, ...],
    rng: np.random.Generator,
    most_bytes: int = 64,
) -> str:
    """Another way to ask for the same of `names`, drawn from a small grammar.

    Half of the paraphrases have words replaced by random letters. A paraphrase of more
    than `most_bytes` falls back to the name with an article, and a prompt that does not
    name one of `names` to itself.
    """
    try:
        name = reference_of(prompt, names)
    except ValueError:
        return prompt
    words = "".join(str(rng.choice(part)) for part in (OPENERS, VERBS)).split()
    words.append(str(rng.choice(ARTICLES)))
    after = str(rng.choice(TAILS)).split(" ")
    if rng.random() < 0.5:
        words = [scrambled(word, rng) for word in words]
        after = [after[0], *(scrambled(word, rng) for word in after[1:])]
    said = " ".join([word for word in words if word] + [name]) + " ".join(after)
    case = rng.random()
    if case < 0.2:
        said = said[:1].upper() + said[1:]
    elif case < 0.25:
        said = said.upper()
    said += str(rng.choice(["", "", ".", "!", "?"]))
    return said if len(said.encode()) <= most_bytes else f"the {name}"


def scrambled(word: str, rng: np.random.Generator) -> str:
    """The word itself, or as likely as `SCRAMBLED` one to eight letters."""
    if rng.random() >= SCRAMBLED:
        return word
    letters = rng.choice(list(string.ascii_lowercase), int(rng.integers(1, 9)))
    return "".join(letters)

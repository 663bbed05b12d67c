"""Ways to ask for an object."""

from __future__ import annotations

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

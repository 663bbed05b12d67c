"""Ways to tell a driver where to go: a turn, and what to do behind it."""

from __future__ import annotations

import re

import numpy as np

from brownfield.envs.road.junctions import TURNS, Turn
from brownfield.envs.road.manoeuvre import ENDINGS, Ending

TURN_PHRASES: dict[str, tuple[str, ...]] = {
    "train": (
        "turn {} at the junction",
        "go {} at the junction",
        "at the junction go {}",
        "please go {} at the junction",
        "go {} at the next crossing",
        "drive {} at the junction",
        "move {} at the junction",
        "at the crossing drive {}",
    ),
    "test": ("head {} at the intersection", "{} at the crossroads"),
}
"""Phrasings of a turn; nobody turns straight, so the first one changes its verb."""
ENDING_PHRASES: dict[str, dict[Ending, tuple[str, ...]]] = {
    "train": {
        "keep": (
            "then keep the lane",
            "then stay in the lane",
            "then follow the lane",
            "then keep going",
            "and keep to your lane",
            "and drive on",
            "then stay in your lane",
            "and follow the road",
        ),
        "park": (
            "then park by the kerb",
            "then park in the bay",
            "then park",
            "and park the car",
            "and park by the kerb",
            "then park at the side",
            "and park in the bay",
            "then find the bay and park",
        ),
        "stop": (
            "then stop at the crosswalk",
            "and stop at the crosswalk",
            "stop before the crosswalk",
            "and stop at the zebra",
            "then wait at the crosswalk",
            "then halt at the crosswalk",
            "and halt before the zebra",
            "then stop for the crosswalk",
        ),
    },
    "test": {
        "keep": ("afterwards continue in lane", "and carry on"),
        "park": ("afterwards park there", "and leave it parked"),
        "stop": ("afterwards stop at the zebra", "and pull up at the crosswalk"),
    },
}
"""Phrasings of what comes behind the junction."""
_ENDING_WORDS: dict[str, Ending] = {
    "park": "park",
    "parked": "park",
    "bay": "park",
    "crosswalk": "stop",
    "zebra": "stop",
}
MOST_BYTES = 64
"""Text takes so many bytes."""

OPENERS = ("", "", "please ", "now ", "ok, ", "car, ", "you should ", "i want you to ")
VERBS = ("go ", "turn ", "drive ", "move ", "steer ", "take ", "")
PLACES = ("", " at the junction", " at the crossing", " there", " ahead", " at the end")
LINKS = (", then ", " then ", ", ", " and ", " and then ")
TAILS: dict[Ending, tuple[str, ...]] = {
    "keep": ("keep the lane", "stay in the lane", "drive on", "keep going", ""),
    "park": ("park", "park by the kerb", "park in the bay", "park there"),
    "stop": ("stop at the crosswalk", "stop at the zebra", "wait at the crosswalk"),
}
"""Parts of paraphrases: nothing of what is special in the test phrasings is in them."""


def road_prompt(
    turn: Turn, ending: Ending, phrases: str, rng: np.random.Generator
) -> str:
    """A prompt, drawn from the `train` or `test` phrasings.

    Args:
        turn: arm of the junction.
        ending: what comes behind it.
        phrases: `train` or `test`.
        rng: draws the phrasings of both.
    """
    turns, endings = TURN_PHRASES[phrases], ENDING_PHRASES[phrases][ending]
    return joined(
        turn,
        turns[int(rng.integers(len(turns)))],
        endings[int(rng.integers(len(endings)))],
    )


def joined(turn: Turn, turn_phrase: str, ending_phrase: str) -> str:
    """One prompt of two phrasings."""
    if turn == "straight":
        turn_phrase = turn_phrase.replace("turn {}", "keep {}")
    said = f"{turn_phrase.format(turn)}, {ending_phrase}"
    return said.replace(", and ", " and ")


def reworded(prompt: str, turn: Turn, ending: Ending) -> str:
    """A prompt in the same phrasings that asks for something else; in our first
    phrasings when it is none of ours."""
    _, phrases, turn_phrase, place = _phrasings_of(prompt) or (
        "", "train", TURN_PHRASES["train"][0], 0,
    )  # fmt: skip
    endings = ENDING_PHRASES[phrases][ending]
    return joined(turn, turn_phrase, endings[place])


def turn_phrase_of(prompt: str) -> str:
    """The phrasing of a prompt's turn, `{}` for the arm; `other` if none of ours."""
    found = _phrasings_of(prompt)
    return found[2] if found else "other"


def _phrasings_of(prompt: str) -> tuple[str, str, str, int] | None:
    """Arm, `train` or `test`, phrasing of the turn, number of the ending's phrasing."""
    for phrases, turn_phrases in TURN_PHRASES.items():
        for turn in TURNS:
            for turn_phrase in turn_phrases:
                for endings in ENDING_PHRASES[phrases].values():
                    for place, ending in enumerate(endings):
                        if joined(turn, turn_phrase, ending) == prompt:
                            return turn, phrases, turn_phrase, place
    return None


def manoeuvre_of(prompt: str) -> tuple[Turn, Ending]:
    """What a prompt asks for; without a word about the end, the lane is kept.

    Raises:
        ValueError: the prompt names no turn or several, or several ends.
    """
    words = re.findall(r"[a-z]+", prompt.lower())
    turns: list[Turn] = [turn for turn in TURNS if turn in words]
    endings: set[Ending] = {
        _ENDING_WORDS[word] for word in words if word in _ENDING_WORDS
    }
    if len(turns) != 1 or len(endings) > 1:
        raise ValueError(
            f"expected a prompt with one of {', '.join(TURNS)} and at most one of "
            f"{', '.join(sorted(_ENDING_WORDS))}, got {prompt!r}"
        )
    ending: Ending = endings.pop() if endings else "keep"
    return turns[0], ending


def road_paraphrase(
    prompt: str, rng: np.random.Generator, most: int = MOST_BYTES
) -> str:
    """Another way to ask for the same in at most so many bytes, drawn from a small
    grammar; a prompt that asks for nothing known stays as it is."""
    try:
        turn, ending = manoeuvre_of(prompt)
    except ValueError:
        return prompt
    verb = str(rng.choice(VERBS))
    said = str(rng.choice(OPENERS)) + verb + turn + str(rng.choice(PLACES))
    tail = str(rng.choice(TAILS[ending]))
    if tail:
        said += str(rng.choice(LINKS)) + tail
    case = rng.random()
    if case < 0.2:
        said = said[:1].upper() + said[1:]
    elif case < 0.25:
        said = said.upper()
    said += str(rng.choice(["", "", ".", "!"]))
    return said if len(said.encode()) <= most else f"{turn}, {TAILS[ending][0]}"


def all_prompts(phrases: str) -> list[tuple[Turn, Ending, str]]:
    """Every prompt of the `train` or `test` phrasings, and what it asks for."""
    return [
        (turn, ending, joined(turn, turn_phrase, ending_phrase))
        for turn in TURNS
        for ending in ENDINGS
        for turn_phrase in TURN_PHRASES[phrases]
        for ending_phrase in ENDING_PHRASES[phrases][ending]
    ]

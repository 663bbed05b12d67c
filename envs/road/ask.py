"""What an episode asks for: a turn, an ending, and a junction that offers both."""

from __future__ import annotations

import numpy as np

from brownfield.envs.road.junctions import TURNS, Turn
from brownfield.envs.road.manoeuvre import (
    Bay,
    Ending,
    Manoeuvre,
    manoeuvres,
    place_bay,
)
from brownfield.envs.road.network import MapError
from brownfield.envs.road.road_prompts import road_prompt
from brownfield.envs.road.street import Street


def draw_manoeuvre(
    street: Street,
    rng: np.random.Generator,
    *,
    park_share: float,
    stop_share: float,
    bays: float,
) -> tuple[Manoeuvre, dict[str, Manoeuvre]]:
    """Draw what is asked for: every turn as often, wherever the place has it.

    Args:
        street: the place.
        rng: draws turn, ending, junction and bays.
        park_share: share of episodes that end with parking, where there is room.
        stop_share: share that ends at a crosswalk, where there is one.
        bays: chance of a bay where none is asked for; 0 takes all of them away.

    Returns:
        asked: what is asked for.
        offered: all that this junction offers in this episode, by name.

    Raises:
        MapError: the place has no junction to drive at.
    """
    if not street.approaches:
        raise MapError(street.no_approach)
    turns = [t for t in TURNS if any(t in a.arms for a in street.approaches)]
    turn = turns[int(rng.integers(len(turns)))]
    share = rng.random()
    ending: Ending = "keep"
    if share < park_share:
        ending = "park"
    elif share < park_share + stop_share:
        ending = "stop"
    where = float(rng.uniform())
    extra = {t: bool(rng.random() < bays) for t in TURNS}
    spare: dict[str, Manoeuvre] = {}
    for index in rng.permutation(len(street.approaches)):
        arms = street.approaches[int(index)].arms
        if turn not in arms:
            continue
        placed: dict[Turn, Bay] = {}
        for t in arms if bays > 0 else ():
            if extra[t] or (t == turn and ending == "park"):
                bay = place_bay(street, int(index), t, where)
                if bay is not None:
                    placed[t] = bay
        offered = manoeuvres(street, int(index), placed)
        if f"{turn} {ending}" in offered:
            return offered[f"{turn} {ending}"], offered
        spare = spare or offered
    return spare[f"{turn} keep"], spare


def draw_other_prompts(
    asked: Manoeuvre,
    offered: dict[str, Manoeuvre],
    phrases: str,
    rng: np.random.Generator,
) -> dict[str, str]:
    """Prompts for something else at the same junction, by the manoeuvre's name: one for
    every arm, at most three.

    Args:
        asked: what the episode's own prompt asks for.
        offered: all that the junction offers, by name.
        phrases: `train` or `test` phrasings.
        rng: draws endings and phrasings.
    """
    prompts: dict[str, str] = {}
    for turn in TURNS:
        others = [
            one
            for one in offered.values()
            if one.turn == turn and one.name != asked.name
        ]
        if others:
            one = others[int(rng.integers(len(others)))]
            prompts[one.name] = road_prompt(one.turn, one.ending, phrases, rng)
    return prompts

"""Prompts ask for exactly one thing."""

import numpy as np
import pytest

from brownfield.envs.road.junctions import TURNS
from brownfield.envs.road.manoeuvre import ENDINGS
from brownfield.envs.road.road_prompts import (
    ENDING_PHRASES,
    TURN_PHRASES,
    all_prompts,
    manoeuvre_of,
    road_paraphrase,
    road_prompt,
)


def test_eight_phrasings_and_two_for_testing_that_are_not_among_them() -> None:
    assert len(set(TURN_PHRASES["train"])) >= 8
    assert len(set(TURN_PHRASES["test"])) == 2
    for ending in ENDINGS:
        train, test = (set(ENDING_PHRASES[p][ending]) for p in ("train", "test"))
        assert len(train) >= 8 and len(test) == 2 and not train & test
    trained = {prompt for *_, prompt in all_prompts("train")}
    assert len(trained) == 9 * 64
    assert not trained & {prompt for *_, prompt in all_prompts("test")}


@pytest.mark.parametrize("phrases", ["train", "test"])
def test_every_prompt_is_understood_and_fits(phrases: str) -> None:
    for turn, ending, prompt in all_prompts(phrases):
        assert manoeuvre_of(prompt) == (turn, ending), prompt
        assert len(prompt.encode()) <= 64, prompt


def test_what_a_user_types_is_understood() -> None:
    said = "Turn left at the junction, then park by the kerb."
    assert manoeuvre_of(said) == ("left", "park")
    assert manoeuvre_of("turn right at the junction") == ("right", "keep")
    said = "go straight at the junction, then stop at the crosswalk"
    assert manoeuvre_of(said) == ("straight", "stop")


@pytest.mark.parametrize(
    "prompt",
    [
        "park by the kerb",
        "turn left or right",
        "turn left, then park before the crosswalk",
        "pick up the box",
    ],
)
def test_vague_prompts_are_refused(prompt: str) -> None:
    with pytest.raises(ValueError, match="one of left, right, straight"):
        manoeuvre_of(prompt)


def test_paraphrases_vary_and_ask_for_the_same() -> None:
    rng = np.random.default_rng(0)
    for turn in TURNS:
        for ending in ENDINGS:
            prompt = road_prompt(turn, ending, "train", rng)
            said = [road_paraphrase(prompt, rng) for _ in range(300)]
            assert len(set(said)) > 150
            assert all(manoeuvre_of(one) == (turn, ending) for one in said)
            assert all(len(one.encode()) <= 64 for one in said)
    assert road_paraphrase("pick up the box", rng) == "pick up the box"


def test_no_paraphrase_gives_away_the_phrasings_kept_for_testing() -> None:
    rng = np.random.default_rng(1)
    special = {
        "head", "intersection", "crossroads", "afterwards", "continue", "carry",
        "leave", "parked", "pull",
    }  # fmt: skip
    for *_, prompt in all_prompts("train"):
        words = road_paraphrase(prompt, rng).lower().split() + prompt.split()
        assert not special & set(words)

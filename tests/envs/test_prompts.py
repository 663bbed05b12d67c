"""Prompts name exactly one thing."""

import numpy as np
import pytest

from brownfield.envs.objects import NAMED
from brownfield.envs.prompts import (
    TEST_PHRASES,
    TRAINING_PHRASES,
    object_of,
    paraphrase,
    prompt_for,
)


def test_eight_phrasings_and_two_for_testing_that_are_not_among_them() -> None:
    assert len(TRAINING_PHRASES) >= 8 and len(TEST_PHRASES) >= 2
    assert not set(TRAINING_PHRASES) & set(TEST_PHRASES)


@pytest.mark.parametrize("name", NAMED)
def test_every_phrase_names_its_object(name: str) -> None:
    for phrase in (*TRAINING_PHRASES, *TEST_PHRASES):
        prompt = prompt_for(name, phrase)
        assert object_of(prompt, tuple(NAMED)) == name
        assert len(prompt.encode()) <= 64


def test_vague_prompts_are_refused() -> None:
    for prompt in ("pick it up", "pick up the box and the bottle"):
        with pytest.raises(ValueError, match="coffee cup, bottle, box"):
            object_of(prompt, tuple(NAMED))


@pytest.mark.parametrize("name", NAMED)
def test_paraphrases_vary_and_ask_for_the_same(name: str) -> None:
    rng = np.random.default_rng(1)
    said = [paraphrase(f"take the {name}", tuple(NAMED), rng) for _ in range(500)]
    assert len(set(said)) > 400
    assert all(object_of(one, tuple(NAMED)) == name for one in said)
    assert all(len(one.encode()) <= 64 for one in said)


def test_no_paraphrase_gives_away_the_phrasings_kept_for_testing() -> None:
    rng = np.random.default_rng(2)
    said = [paraphrase("take the box", tuple(NAMED), rng) for _ in range(3000)]
    for special in ("fetch", "would", "like"):
        assert not any(special in one.lower().split() for one in said)


def test_what_names_nothing_known_stays_as_it_is() -> None:
    prompt = "turn left at the junction"
    assert paraphrase(prompt, tuple(NAMED), np.random.default_rng(0)) == prompt

"""Prompts name exactly one thing."""

import pytest

from brownfield.envs.objects import NAMED
from brownfield.envs.prompts import (
    TEST_PHRASES,
    TRAINING_PHRASES,
    object_of,
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

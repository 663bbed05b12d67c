"""The first place in which a prompt can be obeyed; a broken map is in all of them."""

from typing import Any, cast

import pytest

from brownfield.envs.prompted_env import PromptedEnv
from brownfield.envs.road.network import MapError
from brownfield.policies.prompt import FIRST_SEED, seed_for


class _Places:
    """Places that refuse every prompt before a seed."""

    place = "road"

    def __init__(self, first: int, error: ValueError) -> None:
        self.first, self.error, self.tried = first, error, 0

    def reset(self, *, seed: int, options: dict[str, Any]) -> None:
        self.tried += 1
        if seed < self.first:
            raise self.error


def _seed(places: _Places) -> int:
    return seed_for(cast(PromptedEnv, places), "turn left")


def test_the_first_place_that_does_not_refuse_is_taken() -> None:
    refusal = ValueError("nowhere to turn left")
    assert _seed(_Places(FIRST_SEED + 3, refusal)) == FIRST_SEED + 3
    with pytest.raises(ValueError, match="in no road of a hundred can one 'turn left'"):
        _seed(_Places(FIRST_SEED + 100, refusal))


def test_a_map_that_cannot_be_used_is_told_at_once() -> None:
    places = _Places(FIRST_SEED + 3, MapError("town.xodr: no junction"))
    with pytest.raises(MapError, match=r"town\.xodr: no junction"):
        _seed(places)
    assert places.tried == 1

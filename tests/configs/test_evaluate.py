"""Without a checkpoint, a body's own is evaluated."""

from pathlib import Path

import pytest

from brownfield.configs import evaluate as verb
from brownfield.configs.arguments import parse_arguments
from brownfield.configs.shipped import DEFAULT_CHECKPOINTS
from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.road.road_env import RoadEnvConfig
from brownfield.policies.evaluate import EvaluateConfig


class _Begun(Exception):
    """The evaluation that would begin."""


def _evaluated(monkeypatch: pytest.MonkeyPatch, *words: str) -> EvaluateConfig:
    def begin(config: EvaluateConfig) -> None:
        raise _Begun(config)

    monkeypatch.setattr(verb, "evaluate", begin)
    config = parse_arguments(verb.Evaluate, words, verb="evaluate", summary="")
    with pytest.raises(_Begun) as caught:
        verb.run(config)
    return caught.value.args[0]


@pytest.mark.parametrize("body", DEFAULT_CHECKPOINTS)
def test_a_body_has_its_own_checkpoint(
    body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _evaluated(monkeypatch, "--body", body)
    assert found.checkpoint == Path(DEFAULT_CHECKPOINTS[body])
    drives = body == "car"
    assert isinstance(found.env, RoadEnvConfig if drives else KitchenEnvConfig)


def test_without_a_body_it_is_the_humanoid(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _evaluated(monkeypatch).checkpoint == Path("g1_kitchen")
    found = _evaluated(monkeypatch, "g1_kitchen", "--preset", "near")
    assert found.checkpoint == Path("g1_kitchen") and found.episodes == 200
    assert isinstance(found.env, KitchenEnvConfig) and found.env.start == "near"


def test_a_checkpoint_knows_its_body(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(_evaluated(monkeypatch, "car_town").env, RoadEnvConfig)
    paired = _evaluated(monkeypatch, "--preset", "paired_towns")
    assert paired.checkpoint == Path("g1_car") and paired.actors == ("policy",)


def test_a_hand_without_commands_is_refused() -> None:
    kitchen = KitchenEnvConfig(hands="both")
    config = verb.Evaluate(checkpoint=Path("g1_kitchen"), kitchen=kitchen)
    with pytest.raises(ValueError, match=r"kitchen\.hands must be right for"):
        verb.run(config)


def test_another_body_than_the_checkpoints_is_refused() -> None:
    config = verb.Evaluate(checkpoint=Path("g1_kitchen"), body="car")
    with pytest.raises(ValueError, match="this checkpoint moves g1, not 'car'"):
        verb.run(config)
    with pytest.raises(ValueError, match="unknown body 'h1'; the bodies are car, g1"):
        verb.run(verb.Evaluate(body="h1"))

"""Every preset is one of its verb."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from brownfield.configs.aggregate import Aggregate
from brownfield.configs.arguments import parse_arguments, preset_files
from brownfield.configs.bench_disturbance import BenchDisturbance
from brownfield.configs.evaluate import Evaluate
from brownfield.configs.prompt import Prompt
from brownfield.configs.record import Record
from brownfield.configs.shipped import default_checkpoint

VERBS = {"evaluate": Evaluate, "record": Record, "aggregate": Aggregate}
PRESETS = [(verb, name) for verb in VERBS for name in sorted(preset_files(verb))]
BENCH = "bench disturbance"
FOLDERS = {"evaluate": 1, "record": 1, "aggregate": 2}
EXTRAS = {"franka": "gymnasium_robotics"}


def test_all_presets_are_tried() -> None:
    folder = Path(preset_files("evaluate")["near"]).parent
    files = {preset_files(verb)[name] for verb, name in PRESETS}
    files |= set(preset_files(BENCH).values()) | set(preset_files("prompt").values())
    assert files == set(folder.glob("*.yaml"))


def test_policies_are_recorded_where_the_expert_is() -> None:
    assert preset_files("aggregate") == preset_files("record") != {}


def test_a_verb_does_not_offer_those_of_a_longer_one() -> None:
    assert set(preset_files(BENCH)) == {"kitchens"} and not preset_files("bench")


@pytest.mark.parametrize(("verb", "name"), PRESETS)
def test_a_preset_is_a_run(verb: str, name: str) -> None:
    if name in EXTRAS and find_spec(EXTRAS[name]) is None:
        pytest.skip("the extra `scenes` is not installed")
    words = ["somewhere"] * FOLDERS[verb] + ["--preset", name]
    run = parse_arguments(VERBS[verb], words, verb=verb, summary="")
    body = run.body or "g1"
    assert run.env(body) is not None
    # Evaluations keep to themselves the seeds from a million up.
    first = int(run.seeds.split(":")[0])
    assert (first >= 1_000_000) == (verb == "evaluate")


@pytest.mark.parametrize("name", preset_files(BENCH))
def test_a_preset_is_a_bench_of_a_body_in_kitchens(name: str) -> None:
    words = ["somewhere", "--preset", name]
    run = parse_arguments(BenchDisturbance, words, verb=BENCH, summary="")
    assert run.kitchen.tasks == ("pick",) and run.body == "g1_two_hands"
    assert int(run.seeds.split(":")[0]) >= 1_000_000


@pytest.mark.parametrize("name", preset_files("prompt"))
def test_a_preset_is_an_episode(name: str) -> None:
    words = ["bring the bottle to the table", "--preset", name]
    run = parse_arguments(Prompt, words, verb="prompt", summary="")
    assert run.env(run.body) is not None and default_checkpoint(run.body)

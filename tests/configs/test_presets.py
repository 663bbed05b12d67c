"""Every preset is one of its verb."""

from pathlib import Path

import pytest

from brownfield.configs.arguments import parse_arguments, preset_files
from brownfield.configs.evaluate import Evaluate
from brownfield.configs.record import Record

VERBS = {"evaluate": Evaluate, "record": Record}
PRESETS = [(verb, name) for verb in VERBS for name in sorted(preset_files(verb))]


def test_all_presets_are_tried() -> None:
    folder = Path(preset_files("evaluate")["near"]).parent
    assert len(PRESETS) == len(list(folder.glob("*.yaml")))


@pytest.mark.parametrize(("verb", "name"), PRESETS)
def test_a_preset_is_a_run(verb: str, name: str) -> None:
    words = ["somewhere", "--preset", name]
    run = parse_arguments(VERBS[verb], words, verb=verb, summary="")
    body = run.body or "g1"
    assert run.env(body) is not None
    # Evaluations keep to themselves the seeds from a million up.
    first = int(run.seeds.split(":")[0])
    assert (first >= 1_000_000) == (verb == "evaluate")

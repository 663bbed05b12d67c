"""Verbs: all load, presets fit them, and mistakes end in one line and exit code 2."""

import subprocess
import sys
from pathlib import Path

import pytest

from brownfield.configs.cli import VERBS, main

LONG = "pick up the coffee cup " * 450


def test_help_needs_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from brownfield.configs.cli import main; code = main(['--help']); "
        "assert not {'torch', 'mujoco'} & set(sys.modules); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert all(verb in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*verb.split(), "--help"]) == 0
    assert VERBS[verb] in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["paint"], "unknown verb 'paint'; the verbs are record"),
        (
            ["record", "OUT", "--body", "h1"],
            "unknown body 'h1'; the bodies are car, g1",
        ),
        (["record", "OUT", "--place", "moon"], "which needs none, got 'moon'"),
        (["record", "OUT", "--kitchen.start", "far"], "near, wide, there, mixed"),
        (["record", "OUT", "--seeds", "0:2000000"], "kept for evaluation"),
        (["validate", "OUT"], "no dataset"),
        (["repair", "OUT"], "not our dataset"),
        (["evaluate", "OUT"], "config.json is missing"),
        (
            ["evaluate", "g1_kitchen", "--actors", "god", "--out", "OUT"],
            "the actors are policy",
        ),
        (
            ["record", "OUT", "--body", "car", "--place", "moon"],
            "'moon' is neither a shipped town",
        ),
        (["aggregate", "OUT", "OUT"], "config.json is missing"),
        (
            ["train", "--datasets", "OUT", "--tokenizers", "OUT", "--out", "OUT"],
            "steps",
        ),
        (["prompt", "", "--film", "OUT"], "empty"),
        (["prompt", LONG, "--film", "OUT"], "at most 64 bytes"),
        (["prompt", "dance", "--film", "OUT"], "coffee cup, bottle, box"),
        (["prompt", "take the box", "--film", "OUT", "--body", "h1"], "unknown body"),
        (
            ["prompt", "dance", "--film", "OUT", "--body", "car"],
            "left, right, straight",
        ),
        (["bench", "--repeats", "1", "--out", "OUT"], "at least 5"),
        (["bench", "disturbance", "OUT"], "config.json is missing"),
        (
            ["bench", "disturbance", "OUT", "--strengths.push", "0.5", "1"],
            "push must begin with 0 and rise",
        ),
        (
            ["record", "OUT", "--kitchen.disturb.blocked", "2"],
            "blocked must be a number from 0 to 1",
        ),
    ],
)
def test_mistakes_leave_one_line_and_nothing_else(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([str(out) if w == "OUT" else w for w in words]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and len(said) < 500
    assert not list(tmp_path.iterdir())

"""The study of shorter action tokens, in miniature."""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest

from brownfield.policies.codec_chunks import windows
from brownfield.policies.codec_contest import fit_ladder, ladder_points
from brownfield.policies.codec_folds import make_fold
from brownfield.policies.codec_levers import codebooks, packed
from brownfield.robot.motion import Motion

SPEC = importlib.util.find_spec("tokenizers")
HAS_BPE = SPEC is not None and SPEC.origin is not None


def motion(seed: int, kind: str) -> Motion:
    rng = np.random.default_rng(seed)
    times = np.arange(140)[:, None] / 20
    x = np.zeros((140, 3))
    for k in range(1, 5):
        size, phase = rng.uniform(0.1, 0.4, 3), rng.uniform(0, 6, 3)
        x += size / k * np.sin(times * k + phase)
    return Motion(
        name=f"{kind}{seed}", kind=kind, values=x, rate_hz=20.0, names=tuple("abc")
    )


@pytest.fixture(scope="module")
def motions():
    return [motion(i, "uvw"[i % 3]) for i in range(9)]


@pytest.fixture(scope="module")
def fold(motions):
    train = windows([m for m in motions if m.kind != "u"], 20, 1)
    test = windows([m for m in motions if m.kind == "u"], 20, 20)
    return make_fold(train, test, 20.0)


def test_packed_digits_decode_the_same_and_take_no_more_than_known_ones(fold):
    plain = list(ladder_points(fold, fit_ladder(fold), stopped=True))
    tight = list(packed(fold, 1024))
    for a, b in zip(plain, tight, strict=True):
        assert a.setting == b.setting
        np.testing.assert_array_equal(a.error, b.error)
        assert (b.tokens >= 0).all()
    # Most digits are not uniform, and those that are cost what they cost.
    assert tight[-1].tokens.mean() < plain[-1].tokens.mean()


def test_what_is_taken_off_comes_back_as_error_of_what_is_left(fold):
    whole = fold.less(np.zeros_like(fold.train.rows), np.zeros_like(fold.test.rows))
    assert whole.lower is None
    np.testing.assert_array_equal(whole.test.rows, fold.test.rows)
    taken = fold.less(fold.train.rows, fold.test.rows)
    np.testing.assert_array_equal(taken.test.rows, 0)
    assert taken.error(np.zeros_like(fold.test.rows)).max() == 0


def test_more_codebooks_err_less_on_what_they_learned(fold):
    known = replace(fold, test=fold.train)
    error = [p.error.mean() for p in codebooks(known, 16)]
    assert (np.diff(error) < 0).all()


@pytest.mark.skipif(not HAS_BPE, reason="the extra `peers` is not installed")
def test_the_verb_writes_table_and_report(tmp_path, motions, capsys):
    from brownfield.configs.cli import main

    clips = tmp_path / "clips"
    clips.mkdir()
    for m in motions:
        np.savez(
            clips / f"{m.kind}_level{m.name[1:]}.npz",
            joint_pos=m.values,
            fps=20,
            joint_names=m.names,
        )
    out = tmp_path / "out"
    words = ["bench", "levers", str(clips), "--out", str(out), "--folds", "3"]
    assert main(words) == 0
    assert "kernels" in capsys.readouterr().out
    result = json.loads((out / "results.json").read_text())
    assert result["peer"] in result["ids"] and set(result["told"]) == {
        "linear",
        "kernels",
    }
    assert result["ratio"][result["peer"]][1]["value"] == pytest.approx(1.0)
    assert "<svg" in (out / "report.html").read_text()
    assert main(["bench", "levers"]) == 2

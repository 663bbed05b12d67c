"""The comparison of action tokenizers, in miniature."""

import importlib.util
import json
import os
from pathlib import Path

import numpy as np
import pytest

from brownfield.policies.codec_chunks import folds, windows
from brownfield.policies.codec_contest import (
    entropy_bound,
    fit_ladder,
    ladder_points,
)
from brownfield.policies.codec_curves import Curve, ratios
from brownfield.policies.codec_folds import make_fold
from brownfield.policies.codec_measures import (
    edits,
    ladder_codec,
    neighbour_rank,
    overlap,
    seam,
    slot_entropy,
)
from brownfield.robot.motion import Motion, read_motions

SPEC = importlib.util.find_spec("tokenizers")
HAS_BPE = SPEC is not None and SPEC.origin is not None
DATA = Path(os.environ.get("BROWNFIELD_DATA", "../shared/data")) / "g1_motion"


def motion(seed, kind, rows=160) -> Motion:
    rng = np.random.default_rng(seed)
    times = np.arange(rows)[:, None] / 20
    x = np.zeros((rows, 4))
    for k in range(1, 5):
        size, phase = rng.uniform(0.1, 0.4, 4), rng.uniform(0, 6, 4)
        x += size / k * np.sin(times * k + phase)
    names = tuple("abcd")
    return Motion(name=f"{kind}{seed}", kind=kind, values=x, rate_hz=20.0, names=names)


@pytest.fixture(scope="module")
def motions():
    return [motion(i, "uvw"[i % 3], rows=120 + 20 * i) for i in range(6)]


@pytest.fixture(scope="module")
def fold(motions):
    train = windows([m for m in motions if m.kind != "u"], 20, 2)
    test = windows([m for m in motions if m.kind == "u"], 20, 20)
    return make_fold(train, test, 20.0, np.full(4, -3.0), np.full(4, 3.0))


def test_windows_are_what_follows(motions):
    cut = windows(motions[:1], 20, 20)
    x = motions[0].values
    np.testing.assert_array_equal(cut.rows[1], x[22:42])
    np.testing.assert_array_equal(cut.last[1], x[21])
    np.testing.assert_allclose(cut.velocity[1], (x[21] - x[20]) * 20)
    assert len(windows([motion(0, "u", rows=20)], 20, 1)) == 0


def test_folds_share_no_kind(motions):
    parts = folds(motions, 3)
    assert sorted(kind for part in parts for kind in part) == ["u", "v", "w"]
    assert folds(motions, 2)[0] == ["w"], "the longest is dealt first"
    with pytest.raises(ValueError, match="4 kinds"):
        folds(motions, 4)


def test_more_ids_err_less_and_nothing_beats_its_bound_by_much(fold):
    ladder = fit_ladder(fold)
    points = list(ladder_points(fold, ladder, stopped=False))
    error = [np.sqrt(p.error.mean()) for p in points]
    assert (np.diff(error) < 0).all()
    bound = entropy_bound(fold, ladder, np.array([p.setting for p in points]))
    assert (np.diff(bound) < 0).all()
    assert error[0] > 0.3 * bound[0]
    stopped = list(ladder_points(fold, ladder, stopped=True))
    assert stopped[0].tokens.mean() < stopped[-1].tokens.mean()


def curve(tokens, rmse):
    kind = np.array(["a", "b", "c", "c"])
    return Curve(
        settings=tuple(range(len(tokens))),
        tokens=np.repeat(np.array(tokens, float)[:, None], 4, 1),
        error=np.repeat(np.array(rmse)[:, None] ** 2, 4, 1),
        kind=kind,
    )


def test_ratios_are_read_at_equal_error():
    own = curve([5, 10, 20], [0.1, 0.01, 0.001])
    peer = curve([10, 20, 40], [0.1, 0.01, 0.001])
    for ratio in ratios(own, peer, np.array([0.05, 0.003])):
        assert (ratio.value, ratio.low, ratio.high) == pytest.approx((0.5, 0.5, 0.5))
    assert np.isnan(own.tokens_at(np.array([0.5]))).all()


def test_failed_round_trips_are_counted_and_left_out():
    whole = curve([10], [0.1])
    error = whole.error.copy()
    error[0, 2] = np.nan
    broken = Curve(settings=(0,), tokens=whole.tokens, error=error, kind=whole.kind)
    assert broken.failed() == [1]
    np.testing.assert_allclose(broken.summary()[0], [0.1])


def test_measures_of_an_exact_codec(fold, motions):
    ladder = fit_ladder(fold)
    codec = ladder_codec(fold, ladder, ladder.n_tokens)
    own = [m for m in motions if m.kind == "u"]
    joined, true = seam(codec, fold, own)
    assert joined.shape == true.shape and len(joined) > 3
    assert np.sqrt(joined.mean() / true.mean()) < 2
    found = edits(codec, fold, 3, 0)
    assert np.median(found["none"]) < np.median(found["next"])
    assert np.median(found["next"]) < np.median(found["replaced"])
    assert neighbour_rank(codec, fold) > 0.9
    assert 0 <= overlap(codec, fold, own) < 1


def test_slot_entropy_of_known_distributions():
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(0, 8, 20_000), np.zeros(20_000, int)], 1)
    np.testing.assert_allclose(slot_entropy(ids, 16), [3, 0], atol=0.01)


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
    words = ["bench", "action-tokens", str(clips), "--out", str(out), "--folds", "3"]
    assert main([*words, "--strings", "500", "--repeats", "5"]) == 0
    assert "FAST, strongest" in capsys.readouterr().out
    result = json.loads((out / "results.json").read_text())
    assert result["strings"] == {"decoded": 500, "broken": 0}
    assert set(result["tokens"]["ids"]) >= {"ladder", "uniform bins", "B-spline bins"}
    page = (out / "report.html").read_text()
    assert "<svg" in page and "Gaussian bound" in page
    assert main(["bench", "action-tokens"]) == 2
    assert main(["bench", "action-tokens", str(tmp_path / "none")]) == 2


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no data at {DATA}")
def test_real_motion_on_a_g1():
    motions = read_motions([DATA])
    assert len(motions) == 41 and len({m.kind for m in motions}) == 19
    held_out = folds(motions, 6)[3]
    train = windows([m for m in motions if m.kind not in held_out], 30, 3)
    test = windows([m for m in motions if m.kind in held_out], 30, 30)
    fold = make_fold(train, test, 30.0)
    assert len(fold.moving) == 21
    ladder = fit_ladder(fold)
    error = {
        p.setting: np.sqrt(p.error.mean())
        for p in ladder_points(fold, ladder, stopped=False)
    }
    # One of six folds; the table over all of them comes from the bench verb.
    assert error[16] < 0.08 and error[48] < 0.022
    decoded = ladder.decode(
        ladder.encode(test.rows, test.last, test.velocity), test.last, test.velocity
    )
    frozen = [m for m in range(23) if m not in fold.moving]
    np.testing.assert_array_equal(decoded[..., frozen], test.rows[..., frozen])

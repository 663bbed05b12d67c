"""The comparison of action tokenizers, in miniature."""

import importlib.util
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from brownfield.policies import codec_contest
from brownfield.policies.charts import log_curves
from brownfield.policies.codec_chunks import (
    by_kind,
    folds,
    weighted_median,
    windows,
    with_kinds,
)
from brownfield.policies.codec_contest import (
    FAST_SCALES,
    entropy_bound,
    fast_points,
    fit_bins,
    fit_fast,
    fit_ladder,
    fit_spline,
    fitting_fast,
    ladder_points,
    universal_points,
)
from brownfield.policies.codec_curves import Curve, ratios
from brownfield.policies.codec_folds import RATE_MARGIN, held_out_fold, make_fold
from brownfield.policies.codec_measures import (
    clamped,
    edits,
    ladder_codec,
    neighbour_rank,
    overlap,
    peer_codec,
    random_strings,
    seam,
    slot_entropy,
)
from brownfield.policies.codec_speed import codec_speed
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.g1.joints import JOINTS
from brownfield.robot.motion import Motion, read_motions
from brownfield.tokenizers.ladder import LadderTokenizer

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
    for count in (1, 0, -2):
        with pytest.raises(ValueError, match=f"at least 2 folds.*got {count}"):
            folds(motions, count)
        with pytest.raises(ValueError, match=f"at least 2 folds.*got {count}"):
            with_kinds(motions, count)


def test_too_few_kinds_are_replaced_by_episodes(motions):
    assert with_kinds(motions, 3) == (motions, "kind of motion")
    own, what = with_kinds(motions, 4)
    assert what == "episode"
    assert [m.kind for m in own] == [m.name for m in motions]
    assert len(folds(own, 4)) == 4
    with pytest.raises(ValueError, match="7 clips or episodes for 7 folds, got 6"):
        with_kinds(motions, 7)


def test_rate_limits_know_nothing_of_what_is_held_out(motions):
    fold = held_out_fold(motions, ["u"], 20, 5)
    other = [replace(m, values=3 * m.values) if m.kind == "u" else m for m in motions]
    faster = held_out_fold(other, ["u"], 20, 5)
    assert fold.max_rate is not None and faster.max_rate is not None
    np.testing.assert_array_equal(fold.max_rate, faster.max_rate)
    fastest = max(
        np.abs(np.diff(m.values, axis=0)).max() * 20 for m in motions if m.kind != "u"
    )
    assert fold.max_rate.max() == pytest.approx(RATE_MARGIN * fastest)
    # They reach the tokenizer, and what is too fast for them is counted.
    ladder = fit_ladder(faster)
    np.testing.assert_array_equal(ladder.fields.max_rate, fold.max_rate)
    assert clamped(faster, ladder)["states"] > clamped(fold, fit_ladder(fold))["states"]
    free = fit_ladder(replace(fold, lower=None, upper=None))
    assert np.isinf(free.fields.max_rate).all()


def test_limits_of_a_robot_are_its_own(motions):
    def named(names):
        every = np.zeros((2, 100, len(names)))
        every[:, :, 0] = np.sin(np.arange(100) / 9)
        every[1, :, 1:] = 0.01
        return [
            Motion(name=k, kind=k, values=0.1 * x, rate_hz=20.0, names=tuple(names))
            for k, x in zip("uv", every, strict=True)
        ]

    knee = ["left_knee_joint", "left_hip_yaw_joint"]
    assert set(knee) < set(JOINTS)
    fold = held_out_fold(named(knee), ["u"], 20, 5)
    assert fold.lower is not None and fold.upper is not None
    np.testing.assert_allclose(fold.lower, [-0.0873, -2.7576], atol=1e-4)
    np.testing.assert_allclose(fold.upper, [2.8798, 2.7576], atol=1e-4)
    body = held_out_fold(named([f.name for f in G1_BODY.action]), ["u"], 20, 5)
    np.testing.assert_array_equal(body.upper, G1_BODY.action_upper)
    assert body.max_rate is not None
    given = np.isfinite(G1_BODY.action_max_rate)
    np.testing.assert_array_equal(body.max_rate[given], G1_BODY.action_max_rate[given])
    # Of anybody else all clips are looked at.
    made = held_out_fold(motions, ["u"], 20, 5)
    reach = np.concatenate([m.values for m in motions])
    assert made.upper is not None
    np.testing.assert_allclose(made.upper, reach.max(0) + 0.05 * np.ptp(reach, 0))


def test_a_bootstrap_over_kinds_draws_kinds():
    kind = np.repeat(["a", "b", "c"], [1, 2, 5])
    value = np.repeat([1.0, 2.0, 5.0], [1, 2, 5])
    found = by_kind(kind, lambda w: float(w @ value / w.sum()))
    assert found["value"] == pytest.approx(value.mean())
    # One kind three times is the least and the most that can be drawn.
    assert (found["low"], found["high"]) == (1.0, 5.0)
    same = by_kind(kind, lambda w: 3.0)
    assert (same["low"], same["value"], same["high"]) == (3.0, 3.0, 3.0)


def test_a_weighted_median_is_that_of_repeated_values():
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.normal(size=int(rng.integers(1, 9)))
        weight = rng.integers(0, 4, len(values))
        weight[0] += 1
        repeated = np.median(np.repeat(values, weight))
        assert weighted_median(values)(weight.astype(float)) == pytest.approx(repeated)


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
    joined, true, kind = seam(codec, fold, own)
    assert joined.shape == true.shape and len(joined) > 3
    assert kind.tolist() == ["u"] * len(joined)
    assert np.sqrt(joined.mean() / true.mean()) < 2
    found = edits(codec, fold, 3, 0)
    assert np.median(found["none"]) < np.median(found["next"])
    assert np.median(found["next"]) < np.median(found["replaced"])
    assert neighbour_rank(codec, fold) > 0.9
    assert 0 <= overlap(codec, fold, own) < 1


def test_slot_entropy_of_known_distributions():
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(0, 8, 20_000), np.zeros(20_000, int)], 1)
    np.testing.assert_allclose(slot_entropy(ids), [3, 0], atol=0.01)


@pytest.mark.parametrize("fit", [lambda f: fit_spline(f, 8), lambda f: fit_bins(f, 64)])
def test_peers_are_measured_like_the_ladder(fold, motions, fit):
    tokenizer = fit(fold)
    codec, t = peer_codec(fold, tokenizer), fold.test
    ids = codec.encode(t.rows[0], t.last[0], t.velocity[0])
    plan = codec.decode(ids, t.last[0], t.velocity[0])
    assert plan.shape == t.rows[0].shape
    value, slope = codec.end(ids, t.last[0], t.velocity[0], 12)
    np.testing.assert_allclose(value, plan[11], atol=1e-9)
    assert np.abs(slope - (plan[12] - plan[10]) * 10).max() < 1.5
    own = [m for m in motions if m.kind == "u"]
    joined, true, _ = seam(codec, fold, own)
    assert 0.5 < np.sqrt(joined.mean() / true.mean()) < 10
    assert neighbour_rank(codec, fold) > 0.8
    assert 0 <= overlap(codec, fold, own) <= 1


def test_random_strings_that_leave_limits_are_counted(fold):
    # Limits near the data, so that many strings would leave them.
    near = np.full(4, 0.7)
    tight = replace(fold, lower=-near, upper=near, max_rate=np.full(4, 2.0))
    ladder = fit_ladder(tight)
    assert random_strings(tight, ladder, 300, 0) == {"decoded": 300, "broken": 0}
    for fields in (
        ladder.fields.without_limits(),
        replace(ladder.fields, max_rate=np.full(4, np.inf)),
        replace(ladder.fields, lower=np.full(4, -np.inf), upper=np.full(4, np.inf)),
    ):
        loose = LadderTokenizer(ladder.model, fields, 20.0, 1024)
        liar = SimpleNamespace(
            fields=ladder.fields,
            decode=loose.decode,
            steps=ladder.steps,
            rate_hz=20.0,
            vocab_size=1024,
            n_tokens=ladder.n_tokens,
        )
        found = random_strings(tight, liar, 300, 0)  # type: ignore[arg-type]
        assert found["broken"] > 10


def test_without_a_fit_fine_errors_are_reached(fold):
    limited = replace(fold, max_rate=np.full(4, 50.0))
    error = [np.sqrt(p.error.mean()) for p in universal_points(limited, 1024)]
    assert min(error) < 0.0084


@pytest.mark.skipif(not HAS_BPE, reason="the extra `peers` is not installed")
def test_scales_that_are_too_fine_for_a_vocabulary_are_skipped(fold):
    scales = [p.setting for p in fast_points(fold, 64, True)]
    # The coarse ones fit, the first that does not ends the list.
    assert scales == list(FAST_SCALES[: len(scales)])
    assert 1.4 in scales and max(scales) < 10
    for scale in FAST_SCALES:
        assert (fitting_fast(fold, scale, 64) is not None) == (scale in scales)
    assert fitting_fast(fold, 10.0, 64) is None
    with pytest.raises(ValueError, match="64 ids"):
        fit_fast(fold, 10.0, 64)
    with pytest.raises(ValueError, match="rate_hz"):
        fitting_fast(replace(fold, rate_hz=-1.0), 10.0, 64)


@pytest.mark.skipif(not HAS_BPE, reason="the extra `peers` is not installed")
@pytest.mark.parametrize("vocab_size", [64, 512])
def test_speed_is_of_the_vocabulary_that_was_asked_for(fold, vocab_size, monkeypatch):
    from brownfield.policies import codec_speed as module

    made = []

    class Watched(LadderTokenizer):
        def __init__(self, *args):
            super().__init__(*args)
            made.append(self.vocab_size)

    monkeypatch.setattr(module, "LadderTokenizer", Watched)
    monkeypatch.setattr(module, "BATCH", 8)
    speed = codec_speed(replace(fold, max_rate=np.full(4, 9.0)), 6, 10.0, 3, vocab_size)
    assert set(made) == {vocab_size}
    assert ("FAST decode" in speed) == (vocab_size == 512)
    for what in ("encode", "decode"):
        for kind in ("", " with limits", " with limits and rate limits"):
            for many in ("", ", batch, NumPy", ", batch, torch"):
                assert speed[f"ladder {what}{kind}{many}"] > 0


def test_charts_are_logarithmic_both_ways():
    lines = {
        "fine": ([1.0, 10.0, 100.0], [0.1, 0.01, 0.001]),
        "uniform bins": ([630.0], [0.002]),
        "nothing": ([0.0, 5.0], [0.1, 0.0]),
    }
    svg = log_curves("t", ("x", "y"), lines)
    first = re.findall(r'points="([^"]*)"', svg)
    (x0, y0), (x1, y1), (x2, y2) = (
        tuple(map(float, p.split(","))) for p in first[0].split()
    )
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.2)
    (x3, _) = map(float, first[1].split(","))
    assert x2 < x3 <= 570
    assert first[2] == "" and log_curves("t", ("x", "y"), {"a": ([], [])}) == ""


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
    assert len(result["per_fold"]) == 3
    for own in result["per_fold"]:
        ids = own["ids"]
        np.testing.assert_allclose(
            own["ratio"]["ladder"],
            np.divide(ids["ladder"], ids["FAST, strongest"]),
        )
    for cell in result["prefix"]["ratio"]:
        assert cell["low"] <= cell["value"] <= cell["high"]
    assert set(result["intervals"]["seam"]) == set(result["seam"])
    for name, learned in result["learnability"].items():
        assert ("slot_bits" in learned) == (name != "FAST, strongest")
    page = (out / "report.html").read_text()
    assert "<svg" in page and "Gaussian bound" in page
    # The line of the 80 ids that bins need is drawn too.
    assert page.count(">uniform bins</text>") == 1
    assert "share no kind of motion" in page
    assert main(["bench", "action-tokens"]) == 2
    assert main(["bench", "action-tokens", str(tmp_path / "none")]) == 2


@pytest.mark.skipif(not HAS_BPE, reason="the extra `peers` is not installed")
def test_one_task_and_one_action_and_a_vocabulary_too_small_for_fast(
    tmp_path, capsys, monkeypatch
):
    """A LeRobot dataset as they come: no kinds to part it by, and a scalar action."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from brownfield.configs.cli import main

    for folder in ("meta", "data/chunk-000"):
        (tmp_path / "d" / folder).mkdir(parents=True)
    feature = {"dtype": "float32", "shape": [1], "names": None}
    info = {"fps": 20, "features": {"action": feature}}
    (tmp_path / "d/meta/info.json").write_text(json.dumps(info))
    rows = np.concatenate([motion(i, "u", 100).values[:, 0] for i in range(3)])
    table = pa.table(
        {
            "action": pa.array(rows, pa.float32()),
            "episode_index": np.repeat(np.arange(3), 100),
            "frame_index": np.tile(np.arange(100), 3),
            "task_index": np.zeros(300, int),
        }
    )
    pq.write_table(table, tmp_path / "d/data/chunk-000/file-000.parquet")
    # A single action has few coefficients: only fine scales are too many for 16 ids.
    monkeypatch.setattr(codec_contest, "FAST_SCALES", (10.0, 28.0))
    out = tmp_path / "out"
    words = ["bench", "action-tokens", str(tmp_path / "d"), "--out", str(out)]
    small = ["--strings", "50", "--repeats", "3", "--vocab-size", "16"]
    assert main([*words, *small, "--folds", "3"]) == 0
    result = json.loads((out / "results.json").read_text())
    assert result["kinds"] == "episode" and len(result["folds"]) == 3
    assert "FAST, strongest" not in result["curves"]
    assert "FAST decode" not in result["speed_us"]
    assert np.isnan(result["tokens"]["ids"]["FAST, strongest"]).all()
    assert np.isfinite(result["tokens"]["ids"]["ladder, stopped"]).any()
    page = (out / "report.html").read_text()
    assert "share no episode" in page
    assert "<td>ladder / FAST, strongest</td><td>-</td>" in page
    capsys.readouterr()
    assert main([*words, *small, "--folds", "1"]) == 2
    assert "at least 2 folds" in capsys.readouterr().err
    assert main([*words, *small, "--folds", "4"]) == 2


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

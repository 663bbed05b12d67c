"""Curves of an untrained policy on episodes of a third of a second."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from brownfield.envs.disturbance import MOST, DisturbanceConfig
from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.policies import disturbance_bench as module
from brownfield.policies.charts import share_curves
from brownfield.policies.disturbance_bench import (
    KINDS,
    DisturbanceBenchConfig,
    Strengths,
    disturbance_bench,
    disturbance_table,
)
from brownfield.policies.evaluate import EvaluateConfig
from brownfield.policies.intervals import Share
from brownfield.policies.results import load_results


def bench_config(checkpoint: Path, out: Path) -> DisturbanceBenchConfig:
    return DisturbanceBenchConfig(
        checkpoint=checkpoint,
        out=out,
        first_seed=1_000_000,
        episodes=1,
        kinds=("push", "latency_s"),
        strengths=Strengths(push=(0.0, 0.5), latency_s=(0.0, 0.05)),
        actors=("policy", "expert"),
        env=KitchenEnvConfig(time_limit_s=0.3),
        workers=0,
        show_progress=False,
    )


def test_every_point_is_run_once_and_drawn(
    checkpoint_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "curves"
    config = bench_config(checkpoint_folder, out)
    result = disturbance_bench(config)
    folders = {p.name for p in out.iterdir() if p.is_dir()}
    assert folders == {"none", "push_0.5", "latency_s_0.05"}
    point = load_results(out / "latency_s_0.05" / "results.json")
    assert point.config["env"]["disturb"]["latency_s"] == 0.05
    assert json.loads((out / "results.json").read_text()) == result
    for kind, first in (("push", "none"), ("latency_s", "none")):
        calm, disturbed = result["kinds"][kind]["points"]
        assert calm["strength"] == 0 < disturbed["strength"]
        ours = load_results(out / first / "results.json").success("policy")
        assert calm["actors"]["policy"]["n"] == ours.n == 1
        assert set(disturbed["actors"]) == {"policy", "expert"}
        assert disturbed["actors"]["policy"]["reasons"] == {
            "out of time: not lifted": 1
        }
    told = (out / "results.json").read_text()
    assert str(tmp_path) not in told and str(checkpoint_folder.parent) not in told
    page = (out / "report.html").read_text()
    # A chart of each kind, a band for each actor.
    assert page.count("<svg") == 2 and page.count("<polygon") == 4
    assert "http" not in page
    assert len(disturbance_table(result).rows) == 4

    def again(config: EvaluateConfig) -> None:
        raise AssertionError(f"{config.out} was there")

    monkeypatch.setattr(module, "evaluate", again)
    assert disturbance_bench(config) == result
    # Another point alone is missing.
    (out / "push_0.5" / "results.json").unlink()
    with pytest.raises(AssertionError, match=r"push_0\.5 was there"):
        disturbance_bench(config)
    with pytest.raises(ValueError, match="expected first_seed 5, got 1000000; choose"):
        disturbance_bench(replace(config, first_seed=5))


def test_kinds_are_those_that_there_are() -> None:
    assert list(KINDS) == list(MOST)
    strengths = Strengths()
    for kind in KINDS:
        assert getattr(strengths, kind)[0] == 0 and len(getattr(strengths, kind)) > 2


def test_what_cannot_be_a_curve_is_refused(tmp_path: Path) -> None:
    for wrong in ((), (0.1, 0.2), (0.0, 0.5, 0.5), (0.0, 0.5, 0.2)):
        with pytest.raises(ValueError, match="push must begin with 0 and rise, got"):
            Strengths(push=wrong)
    with pytest.raises(ValueError, match="blocked must be a number from 0 to 1, got"):
        Strengths(blocked=(0.0, 1.5))
    config = bench_config(tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match=r"kinds must be of push, .*; got 'wind'"):
        replace(config, kinds=("wind",))
    windy = KitchenEnvConfig(disturb=DisturbanceConfig(noise=1.0))
    with pytest.raises(ValueError, match="without disturbances, got"):
        replace(config, env=windy)
    with pytest.raises(ValueError, match=r"config\.json is missing"):
        disturbance_bench(config)
    assert not list(tmp_path.iterdir())


def test_a_curve_lies_in_its_band() -> None:
    shares = [Share(successes=k, n=10) for k in (9, 5, 0)]
    drawn = share_curves("a <title>", "x", {"one": ([0.0, 1.0, 2.0], shares)})
    assert "a &lt;title&gt;" in drawn
    band = drawn.split('<polygon points="')[1].split('"')[0].split()
    line = drawn.split('<polyline points="')[1].split('"')[0].split()
    lower, upper = band[:3], band[3:][::-1]
    for below, at, above in zip(lower, line, upper, strict=True):
        x = [float(each.split(",")[0]) for each in (below, at, above)]
        y = [float(each.split(",")[1]) for each in (below, at, above)]
        assert x[0] == x[1] == x[2] and y[0] >= y[1] >= y[2]
    assert share_curves("none", "x", {"one": ([0.0], [Share(successes=0, n=0)])}) == ""

"""The report stands alone, escapes what it shows, and survives a round trip."""

import re
from pathlib import Path

import numpy as np
import pytest

from brownfield.policies.film import write_grid
from brownfield.policies.report import Material, report_html, write_report
from brownfield.policies.results import EpisodeResult, EvaluationResult, load_results


def episode(actor: str, seed: int, success: bool) -> EpisodeResult:
    name = ("coffee cup", "box")[seed % 2]
    return EpisodeResult(
        actor=actor,
        seed=seed,
        prompt=f"take the {name}",
        asked=name,
        phrase="take the {}",
        success=success,
        reason="" if success else "knocked over the <jar>",
        did=name if success else None,
        as_asked=True if success else None,
        seconds=12.3,
    )


def evaluation() -> EvaluationResult:
    episodes = [episode("policy", s, s != 3) for s in range(10)]
    episodes += [episode("expert", s, True) for s in range(10)]
    return EvaluationResult(
        checkpoint="a <name>",
        checkpoint_sha256="00",
        facts={"steps": 3},
        config={"env": {"start": "near", "phrases": "test"}},
        versions={"mujoco": "4"},
        commit="unknown",
        wall_s=60.0,
        episodes=tuple(episodes),
    )


def test_results_survive_a_round_trip(tmp_path: Path) -> None:
    result = evaluation()
    result.save(tmp_path / "results.json")
    assert load_results(tmp_path / "results.json") == result
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]
    (tmp_path / "results.json").write_text('{"schema_version": 99}')
    with pytest.raises(ValueError, match="schema 99"):
        load_results(tmp_path / "results.json")


def test_tables_count_what_happened() -> None:
    result = evaluation()
    assert str(result.success("policy")).startswith("90.0 %")
    assert result.as_asked("policy").n == 9
    assert result.reasons("policy") == {"knocked over the <jar>": 1}
    assert result.by("policy", lambda e: e.asked)["box"].n == 5
    compared = result.against("policy", "expert")
    assert compared is not None
    assert compared["difference"] == pytest.approx(-0.1)
    assert result.against("policy", "nobody") is None


def test_report_needs_nothing_beside_itself(tmp_path: Path) -> None:
    frames = [np.full((32, 48, 3), 40 * i, np.uint8) for i in range(3)]
    clips, outcomes = [frames, frames[:1]], ["success: a", "failed: b"]
    write_grid(tmp_path / "f.mp4", clips, ["a", "b"], outcomes)
    metrics = [{"step": s, "loss": 1 / (s + 1), "odd": float("nan")} for s in range(9)]
    material = Material(
        films={"a film": tmp_path / "f.mp4"},
        pairs=[(frames[0], frames[1])],
        metrics=metrics,
    )
    write_report(tmp_path / "report.html", evaluation(), material)
    page = (tmp_path / "report.html").read_text()
    assert page == report_html(evaluation(), material)
    addresses = re.findall(r"(?:src|href)=[\"']([^\"']{0,12})", page)
    assert addresses and all(a.startswith("data:") for a in addresses)
    assert "http" not in page.replace("http-equiv", "")
    assert "<jar>" not in page and "&lt;jar&gt;" in page
    assert "<polyline" in page and "nan" not in page

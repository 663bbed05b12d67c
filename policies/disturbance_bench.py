"""Success against the strength of what befalls a humanoid, one curve for each kind.

Every strength is driven on the same seeds, so that the points of a curve are of the
same kitchens, prompts and starts. A point is an evaluation of its own, in a folder of
its own; one that is there already is not run again.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from brownfield.envs.disturbance import DisturbanceConfig
from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.policies.bench_page import ShareChart, Table, write_page
from brownfield.policies.checkpoint import find_checkpoint
from brownfield.policies.evaluate import (
    EvaluateConfig,
    evaluate,
    settings_of,
    sha256_of,
)
from brownfield.policies.intervals import Share
from brownfield.policies.results import EvaluationResult, load_results

SCHEMA_VERSION = 1
KINDS = {
    "push": "speed of a push, one every 3 to 5 s [m/s]",
    "payload_kg": "mass on the torso [kg]",
    "latency_s": "age of the camera's frames [s]",
    "noise": "noise of joints, gyro and gravity [1: what the balance learned with]",
    "moved_m": "how far the object is moved while the hand comes [m]",
    "blocked": "share of the hand's way that a jar closes",
}
"""Fields of `DisturbanceConfig`, and what their strength is."""
NONE = "none"
"""The point that all curves begin with."""


@dataclass(frozen=True, kw_only=True)
class Strengths:
    """Points of every curve: 0, which is the same for all, then rising."""

    push: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    """Pushes [m/s]."""
    payload_kg: tuple[float, ...] = (0.0, 2.0, 5.0, 10.0, 15.0)
    """Mass on the torso [kg]."""
    latency_s: tuple[float, ...] = (0.0, 0.05, 0.1, 0.15, 0.2)
    """Age of the camera's frames [s]."""
    noise: tuple[float, ...] = (0.0, 0.5, 1.0, 1.5, 2.0)
    """Scale of the sensors' noise."""
    moved_m: tuple[float, ...] = (0.0, 0.03, 0.06, 0.1, 0.15)
    """How far the object is moved [m]."""
    blocked: tuple[float, ...] = (0.0, 0.2, 0.3, 0.4, 0.6)
    """How much of the hand's way is closed."""

    def __post_init__(self) -> None:
        """Refuse curves that do not begin at 0 or do not rise, and strengths that
        there are not."""
        for kind in KINDS:
            points = getattr(self, kind)
            for strength in points:
                DisturbanceConfig(**{kind: strength})
            if points[:1] != (0.0,) or list(points) != sorted(set(points)):
                raise ValueError(
                    f"strengths of {kind} must begin with 0 and rise, got {points}"
                )


@dataclass(frozen=True, kw_only=True)
class DisturbanceBenchConfig:
    """One measurement."""

    checkpoint: Path
    """Folder, or the name of a checkpoint that ships with the package."""

    out: Path = Path("disturbance")
    """Folder for results.json, report.html, and a folder for every point."""

    first_seed: int
    """First seed of the episodes."""

    episodes: int
    """Episodes of every actor at every point, on consecutive seeds."""

    kinds: tuple[str, ...] = tuple(KINDS)
    """Which curves."""

    strengths: Strengths = field(default_factory=Strengths)
    """Points of the curves."""

    actors: tuple[str, ...] = ("policy",)
    """Who drives, as in an evaluation; all drive the same seeds."""

    env: KitchenEnvConfig = field(default_factory=KitchenEnvConfig)
    """Where, undisturbed."""

    workers: int = 2
    """Processes that simulate; 0 simulates in this one."""

    show_progress: bool = True
    """Draw a progress bar for every point."""

    def __post_init__(self) -> None:
        """Refuse kinds that do not exist, and places that are disturbed already."""
        for kind in self.kinds or ("nothing",):
            if kind not in KINDS:
                raise ValueError(f"kinds must be of {', '.join(KINDS)}; got {kind!r}")
        if not self.env.disturb.off:
            raise ValueError(
                f"expected a place without disturbances, got {self.env.disturb}; the "
                "strengths say how much"
            )


def disturbance_bench(config: DisturbanceBenchConfig) -> dict[str, Any]:
    """Drive all points that are not there yet; write `results.json`, `report.html`.

    Returns:
        the content of results.json.

    Raises:
        ValueError: the checkpoint is missing, altered or of another body, or a point
            that is there is of another measurement.
        JobError: an episode failed; the message names its seed.
    """
    checkpoint = find_checkpoint(config.checkpoint).resolve()
    points = [(NONE, 0.0)]
    points += [
        (kind, strength)
        for kind in config.kinds
        for strength in getattr(config.strengths, kind)[1:]
    ]
    found = {
        point: _evaluated(config, checkpoint, *point, f"{i} of {len(points)}")
        for i, point in enumerate(points, 1)
    }
    result = _result(config, found)
    temporary = config.out / "results.tmp"
    temporary.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(temporary, config.out / "results.json")
    _write_report(config.out / "report.html", result)
    return result


def _evaluated(
    config: DisturbanceBenchConfig,
    checkpoint: Path,
    kind: str,
    strength: float,
    count: str,
) -> EvaluationResult:
    """The evaluation of a point, run unless it is there."""
    calm = kind == NONE
    name = NONE if calm else f"{kind}_{strength:g}"
    disturb = DisturbanceConfig(**({} if calm else {kind: strength}))
    one = EvaluateConfig(
        checkpoint=checkpoint,
        out=config.out / name,
        first_seed=config.first_seed,
        episodes=config.episodes,
        actors=config.actors,
        env=replace(config.env, disturb=disturb),
        workers=config.workers,
        filmed=0,
        show_progress=config.show_progress,
        title=f"{name} ({count})",
    )
    path = one.out / "results.json"
    if not path.is_file():
        return evaluate(one)
    there = load_results(path)
    expected = settings_of(one) | {"sha256": sha256_of(checkpoint)}
    got = there.config | {"sha256": there.checkpoint_sha256}
    wrong = [key for key in expected if got.get(key) != expected[key]]
    if wrong:
        raise ValueError(
            f"{path} is of another measurement: expected {wrong[0]} "
            f"{expected[wrong[0]]}, got {got.get(wrong[0])}; choose another folder"
        )
    return there


def _result(
    config: DisturbanceBenchConfig,
    found: dict[tuple[str, float], EvaluationResult],
) -> dict[str, Any]:
    calm = found[NONE, 0.0]
    kinds: dict[str, Any] = {}
    for kind in config.kinds:
        points = [
            _point(strength, found[(kind, strength) if strength else (NONE, 0.0)])
            for strength in getattr(config.strengths, kind)
        ]
        kinds[kind] = {"strength": KINDS[kind], "points": points}
    return {
        "schema_version": SCHEMA_VERSION,
        "checkpoint": calm.checkpoint,
        "checkpoint_sha256": calm.checkpoint_sha256,
        "config": calm.config,
        "versions": calm.versions,
        "commits": sorted({one.commit for one in found.values()}),
        "wall_s": round(sum(one.wall_s for one in found.values()), 1),
        "kinds": kinds,
    }


def _point(strength: float, found: EvaluationResult) -> dict[str, Any]:
    actors = {}
    for actor in found.actors:
        share = found.success(actor)
        actors[actor] = {
            "successes": share.successes,
            "n": share.n,
            "wilson_95": list(share.interval),
            "reasons": found.reasons(actor),
        }
    return {"strength": strength, "actors": actors}


def _share(point: dict[str, Any], actor: str) -> Share:
    one = point["actors"][actor]
    return Share(successes=one["successes"], n=one["n"])


def disturbance_table(result: dict[str, Any]) -> Table:
    """A row for every point, with what the policy, or who drives instead, failed by
    most."""
    actors = result["config"]["actors"]
    ours = "policy" if "policy" in actors else actors[0]
    rows = []
    for kind, curve in result["kinds"].items():
        for point in curve["points"]:
            shares = [str(_share(point, actor)) for actor in actors]
            reasons = point["actors"][ours]["reasons"]
            most = [f"{count} {reason}" for reason, count in reasons.items()][:1]
            first = kind if not point["strength"] else ""
            rows.append([first, f"{point['strength']:g}", *shares, *(most or [""])])
    head = ["", "strength", *actors, f"{ours} fails most by"]
    title = f"{result['checkpoint']}: success, Wilson 95 %"
    return Table(title=title, head=head, rows=rows)


def _write_report(path: Path, result: dict[str, Any]) -> None:
    config = result["config"]
    charts = [
        ShareChart(
            title=kind,
            axis=curve["strength"],
            lines={
                actor: (
                    [point["strength"] for point in curve["points"]],
                    [_share(point, actor) for point in curve["points"]],
                )
                for actor in config["actors"]
            },
        )
        for kind, curve in result["kinds"].items()
    ]
    first, count = config["first_seed"], config["episodes"]
    lead = (
        f"Seeds {first} to {first + count - 1} at every point, strength 0 driven once "
        "for all curves; bands are Wilson 95 % intervals. The expert sees the truth of "
        "the moment: late frames do not reach it, noise only its balance. An object is "
        "moved less far, or less of the way closed, where there is no room. "
        f"Commit {', '.join(result['commits'])}."
    )
    title = f"{result['checkpoint']}, disturbed"
    write_page(path, title, lead, charts, [disturbance_table(result)])

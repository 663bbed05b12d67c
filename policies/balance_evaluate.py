"""Try the shipped balance policy beside its teacher, in pairs.

    python -m brownfield.policies.balance_evaluate --episodes 100

Needs the teacher (`make teacher`). Rows go to `rows.jsonl` as they come, so that a
stopped evaluation goes on; `results.json` has the figures.
"""

from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from brownfield.policies.balance_sim import BalanceSim, BalanceSimConfig
from brownfield.policies.balance_teacher import BalanceTeacher
from brownfield.policies.balance_trials import Act, push, stand, steady, stop, walk
from brownfield.policies.intervals import paired_difference, wilson_interval
from brownfield.robot.g1.balance import BalancePolicy, balance_observation

AXES = ("forward", "left", "turn")
PAIR = ("student", "teacher")
GRID = (
    *((v, 0.0, 0.0) for v in (-0.5, -0.25, 0.1, 0.25, 0.5)),
    *((0.0, v, 0.0) for v in (-0.3, -0.15, 0.15, 0.3)),
    *((0.0, 0.0, v) for v in (-0.6, -0.3, 0.3, 0.6)),
)
"""Steady commands of the speed map [m/s, m/s, rad/s]."""


@dataclass(frozen=True, kw_only=True)
class BalanceEvaluateConfig:
    """One evaluation."""

    out: Path = Path("runs/balance_evaluation")
    """Folder of rows.jsonl and results.json."""
    weights: Path | None = None
    """A `.safetensors` with its `.json`; none: the shipped policy."""
    episodes: int = 100
    """Paired episodes of random commands and pushes, and a third as many of standing
    and of stopping."""
    seconds: float = 60.0
    """Length of an episode [s]; half of it for standing."""
    push_directions: int = 12
    """Directions of the pushes, each standing and walking."""
    seed: int = 2026
    """First word of the seeds; training uses those of `BalanceDistilConfig.seed`."""
    workers: int = 1
    """Processes."""
    rescaled_teacher: bool = False
    """Compare with the teacher on rescaled commands instead of on plain ones."""
    card: Path | None = None
    """Also write the figures into this `balance.json`."""


@cache
def _simulator(randomise: bool) -> BalanceSim:
    config = BalanceSimConfig(randomise=randomise)
    return BalanceSim(np.random.default_rng(0), config)


@cache
def _pair(weights: Path | None, rescaled: bool) -> dict[str, Act]:
    policy = BalancePolicy.load(weights)
    teacher = BalanceTeacher(rescale=rescaled)
    return {
        "student": lambda readings: policy.network(balance_observation(**readings)),
        "teacher": lambda readings: teacher.act(**readings),
    }


def trial(config: BalanceEvaluateConfig, kind: str, index: int) -> dict[str, Any]:
    """One paired trial: `kind` and `index`, then what each of `PAIR` did."""
    row: dict[str, Any] = {"kind": kind, "index": index}
    seed = (config.seed, index)
    for name, act in _pair(config.weights, config.rescaled_teacher).items():
        if kind == "walk":
            row[name] = walk(_simulator(True), act, seed, config.seconds)
        elif kind == "push":
            heading = 2 * np.pi * (index // 2) / config.push_directions
            row[name] = push(_simulator(False), act, heading, 0.3 * (index % 2))
        elif kind == "stand":
            row[name] = stand(_simulator(True), act, seed, config.seconds / 2)
        elif kind == "stop":
            row[name] = stop(_simulator(True), act, seed)
        elif kind == "steady":
            row[name] = steady(_simulator(False), act, np.array(GRID[index]))
        else:
            raise ValueError(
                f"unknown trial {kind!r}; the trials are walk, push, stand, stop, "
                "steady"
            )
    return row


def _by_axis(values: np.ndarray) -> dict[str, float]:
    return {name: round(float(v), 4) for name, v in zip(AXES, values, strict=True)}


def _shares(fell: dict[str, np.ndarray]) -> dict[str, Any]:
    """Falls of both with intervals; the difference is student minus teacher."""
    student, teacher = fell["student"], fell["teacher"]
    difference = paired_difference(
        int(np.sum(student & teacher)),
        int(np.sum(student & ~teacher)),
        int(np.sum(~student & teacher)),
        int(np.sum(~student & ~teacher)),
    )
    result: dict[str, Any] = {
        name: {
            "falls": int(fell[name].sum()),
            "interval": [
                round(v, 4)
                for v in wilson_interval(int(fell[name].sum()), len(student))
            ],
        }
        for name in PAIR
    }
    result["difference"] = [round(v, 4) for v in difference]
    return result


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures of all rows, per kind of trial, with n."""
    result: dict[str, Any] = {}
    kinds = {
        kind: [r for r in rows if r["kind"] == kind]
        for kind in ("walk", "push", "stand", "stop", "steady")
    }
    for kind in ("walk", "stand", "stop"):
        if kinds[kind]:
            fell = {
                name: np.array([r[name]["fell"] is not None for r in kinds[kind]])
                for name in PAIR
            }
            result[kind] = {"falls": _shares(fell), "n": len(kinds[kind])}
    for key in ("error", "speed_error"):
        both = [r for r in kinds["walk"] if all(r[name][key] for name in PAIR)]
        for name in PAIR:
            if both:
                mean = np.mean([r[name][key] for r in both], axis=0)
                result["walk"].setdefault(key, {})[name] = _by_axis(mean)
    for kind, keys in (("stand", ("drift", "turn")), ("stop", ("quiet", "still"))):
        for key in keys:
            both = [r for r in kinds[kind] if all(r[n][key] is not None for n in PAIR)]
            for name in PAIR:
                if both:
                    values = [r[name][key] for r in both]
                    cell = {"mean": np.mean(values), "p90": np.quantile(values, 0.9)}
                    result[kind].setdefault(key, {})[name] = {
                        k: round(float(v), 4) for k, v in cell.items()
                    }
    if kinds["push"]:
        pushes: dict[str, Any] = {"n": len(kinds["push"])}
        for name in PAIR:
            values = np.array([r[name]["survived"] for r in kinds["push"]])
            pushes[name] = {
                "mean": round(float(values.mean()), 4),
                "smallest": float(values.min()),
            }
        result["push"] = pushes
    if kinds["steady"]:
        result["steady"] = [
            {
                "command": GRID[r["index"]],
                **{name: np.round(r[name]["velocity"], 3).tolist() for name in PAIR},
            }
            for r in sorted(kinds["steady"], key=lambda r: r["index"])
            if all(r[name]["velocity"] for name in PAIR)
        ]
    return result


def _jobs(config: BalanceEvaluateConfig) -> list[tuple[str, int]]:
    third = max(1, config.episodes // 3)
    return [
        *(("steady", i) for i in range(len(GRID))),
        *(("push", i) for i in range(2 * config.push_directions)),
        *(("stop", i) for i in range(third)),
        *(("stand", i) for i in range(third)),
        *(("walk", i) for i in range(config.episodes)),
    ]


def _weights_file(config: BalanceEvaluateConfig) -> bytes:
    shipped = files("brownfield.robot.g1") / "balance.safetensors"
    return (config.weights or shipped).read_bytes()


def _write(path: Path, value: dict[str, Any]) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(value, indent=2, default=str) + "\n")
    os.replace(temporary, path)


def evaluate(config: BalanceEvaluateConfig) -> dict[str, Any]:
    """Run or go on with an evaluation; returns its figures.

    Raises:
        ValueError: the folder holds an evaluation with other settings.
    """
    config.out.mkdir(parents=True, exist_ok=True)
    settings = json.loads(json.dumps(asdict(config), default=str))
    for name in ("out", "workers", "card", "episodes", "weights"):
        settings.pop(name)
    settings["sha256"] = hashlib.sha256(_weights_file(config)).hexdigest()
    begun, rows_file = config.out / "settings.json", config.out / "rows.jsonl"
    if begun.exists() and json.loads(begun.read_text()) != settings:
        raise ValueError(f"{config.out} holds an evaluation with other settings")
    _write(begun, settings)
    rows = []
    if rows_file.exists():
        rows = [json.loads(line) for line in rows_file.read_text().splitlines()]
    done = {(r["kind"], r["index"]) for r in rows}
    jobs = [job for job in _jobs(config) if job not in done]
    with (
        Progress() as progress,
        ProcessPoolExecutor(config.workers, get_context("spawn")) as pool,
        rows_file.open("a") as file,
    ):
        bar = progress.add_task("balance", total=len(jobs))
        futures = [pool.submit(trial, config, *job) for job in jobs]
        for future in as_completed(futures):
            rows.append(future.result())
            file.write(json.dumps(rows[-1]) + "\n")
            file.flush()
            progress.advance(bar)
    figures = summarise(rows)
    result = {
        "command": "python -m brownfield.policies.balance_evaluate "
        f"--episodes {config.episodes}",
        "settings": settings,
        **figures,
    }
    _write(config.out / "results.json", result)
    if config.card is not None:
        card = json.loads(config.card.read_text())
        if card["sha256"] != settings["sha256"]:
            raise ValueError(f"{config.card} describes other weights than those tried")
        _write(config.card, {**card, "evaluation": result})
    return result


def main() -> None:
    """Command line."""
    import tyro

    print(json.dumps(evaluate(tyro.cli(BalanceEvaluateConfig)), indent=2))


if __name__ == "__main__":
    main()

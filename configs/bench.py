"""`brownfield bench`."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from brownfield.configs.saying import saying
from brownfield.policies.bench import bench
from brownfield.policies.bench_page import Table as Tabular
from brownfield.policies.codec_bench import CodecBenchConfig, codec_bench
from brownfield.policies.codec_levers import LeversConfig, codec_levers
from brownfield.policies.codec_report import (
    codec_tables,
    lever_tables,
    write_codec_report,
    write_lever_report,
)
from brownfield.policies.learnability import (
    LearnabilityConfig,
    learnability,
    learnability_rows,
)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One measurement: of speed, or of action tokenizers on somebody's motion."""

    what: Annotated[
        Literal["speed", "action-tokens", "levers", "learnability"], Positional
    ] = "speed"
    """`speed` of the stations; `action-tokens` on the data that follow; `levers`: what
    would make those shorter; `learnability` of action tokens by a small policy."""

    data: Annotated[tuple[Path, ...], Positional] = ()
    """Folders of motion clips (`.npz`), or LeRobot datasets."""

    out: Path | None = None
    """JSON file of speed (`bench.json`) or learnability (`learnability_TASK.json`), or
    folder of a report (`action_tokens`, `action_levers`)."""

    repeats: int = 60
    """Repetitions of the quick measures."""

    seconds: float = 1.0
    """Action tokens: length of a window [s]."""

    folds: int = 6
    """Action tokens: parts that share no kind of motion."""

    vocab_size: int = 1024
    """Action tokens: ids of the ladder and of FAST."""

    strings: int = 100_000
    """Action tokens: random strings to decode."""

    task: Literal["reacher", "road"] = "reacher"
    """Learnability: what the small policy does."""


def run(config: Bench) -> int:
    """Measure, and print the table."""
    if config.what == "speed":
        return _speed(config)
    if config.what == "levers":
        return _levers(config)
    if config.what == "learnability":
        return _learnability(config)
    return _action_tokens(config)


def _speed(config: Bench) -> int:
    if config.data:
        raise ValueError(f"bench speed takes no data, got {config.data[0]}")
    out = config.out or Path("bench.json")
    table = Table()
    for title in ("what", "median", "10 % to 90 %", "unit", "n"):
        table.add_column(
            title, justify="left" if title in ("what", "unit") else "right"
        )
    for speed in bench(out, repeats=config.repeats):
        spread = f"{_short(speed.p10)} to {_short(speed.p90)}"
        table.add_row(
            speed.name, _short(speed.median), spread, speed.unit, str(speed.n)
        )
    Console().print(table)
    print(f"written to {out}")
    return 0


def _action_tokens(config: Bench) -> int:
    out = config.out or Path("action_tokens")
    data = _clips(config)
    console = Console()
    with saying(console) as say:
        result = codec_bench(
            CodecBenchConfig(
                data=data,
                seconds=config.seconds,
                folds=config.folds,
                vocab_size=config.vocab_size,
                strings=config.strings,
                repeats=config.repeats,
            ),
            say,
        )
    _print_tables(console, codec_tables(result))
    out.mkdir(parents=True, exist_ok=True)
    _write_json(out / "results.json", result)
    write_codec_report(out / "report.html", result)
    print(f"written to {out / 'report.html'}")
    return 0


def _levers(config: Bench) -> int:
    out = config.out or Path("action_levers")
    data = _clips(config)
    console = Console()
    with saying(console) as say:
        result = codec_levers(
            LeversConfig(data=data, seconds=config.seconds, folds=config.folds),
            say,
        )
    _print_tables(console, lever_tables(result))
    out.mkdir(parents=True, exist_ok=True)
    _write_json(out / "results.json", result)
    write_lever_report(out / "report.html", result)
    print(f"written to {out / 'report.html'}")
    return 0


def _clips(config: Bench) -> tuple[Path, ...]:
    if not config.data:
        raise ValueError(
            f"bench {config.what} needs data: folders of motion clips (.npz) or "
            "LeRobot datasets"
        )
    return config.data


def _print_tables(console: Console, tables: list[Tabular]) -> None:
    for part in tables:
        table = Table(title=part.title, title_justify="left")
        for i, head in enumerate(part.head):
            table.add_column(head, justify="right" if i else "left")
        for row in part.rows:
            table.add_row(*row)
        console.print(table)


def _write_json(path: Path, result: object) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(temporary, path)


def _learnability(config: Bench) -> int:
    if config.data:
        raise ValueError(f"bench learnability takes no data, got {config.data[0]}")
    out = config.out or Path(f"learnability_{config.task}.json")
    console = Console()
    with saying(console) as say:
        result = learnability(LearnabilityConfig(task=config.task), say)
    first = next(iter(result["tokenizers"]))
    head = ["", "ids", "round trip", "success", "each training", f"{first} gains"]
    title = f"Success on the {config.task}"
    rows = learnability_rows(result)
    _print_tables(console, [Tabular(title=title, head=head, rows=rows)])
    _write_json(out, result)
    print(f"written to {out}")
    return 0


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"

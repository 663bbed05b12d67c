"""`brownfield bench`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from brownfield.policies.bench import bench


@dataclass(frozen=True, kw_only=True)
class Bench:
    """One measurement of speed."""

    out: Path = Path("bench.json")
    """JSON file to write."""

    repeats: int = 60
    """Repetitions of the quick measures."""


def run(config: Bench) -> int:
    """Measure, and print the table."""
    table = Table()
    for title in ("what", "median", "10 % to 90 %", "unit", "n"):
        table.add_column(
            title, justify="left" if title in ("what", "unit") else "right"
        )
    for speed in bench(config.out, repeats=config.repeats):
        spread = f"{_short(speed.p10)} to {_short(speed.p90)}"
        table.add_row(
            speed.name, _short(speed.median), spread, speed.unit, str(speed.n)
        )
    Console().print(table)
    print(f"written to {config.out}")
    return 0


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"

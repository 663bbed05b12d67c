"""`brownfield bench video-quantisers`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from brownfield.policies.video_quantisers import QuantiserBenchConfig, quantiser_bench


@dataclass(frozen=True, kw_only=True)
class BenchVideoQuantisers(QuantiserBenchConfig):
    """One comparison of quantisers."""

    data: Annotated[tuple[Path, ...], Positional]
    """LeRobotDatasets v3 of one camera."""


def run(config: BenchVideoQuantisers) -> int:
    """Fit, and print the table."""
    found = quantiser_bench(config)
    table = Table(title=found.title, title_justify="left")
    for i, head in enumerate(found.head):
        table.add_column(head, justify="right" if i else "left")
    for row in found.rows:
        table.add_row(*row)
    Console().print(table)
    return 0

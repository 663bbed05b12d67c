"""`brownfield bench video-tokens`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from tyro.conf import Positional

from brownfield.configs.saying import saying
from brownfield.policies.video_bench import VideoBenchConfig, video_bench, video_tables


@dataclass(frozen=True, kw_only=True)
class BenchVideoTokens(VideoBenchConfig):
    """One measurement of video tokenizers beside codecs."""

    data: Annotated[tuple[Path, ...], Positional]
    """LeRobotDatasets v3, or folders of `.npz` with frames `image` (N, H, W, 3) that
    are shown one after the other."""


def run(config: BenchVideoTokens) -> int:
    """Measure, and print the tables."""
    console = Console()
    with saying(console) as say:
        result = video_bench(config, say)
    for part in video_tables(result):
        table = Table(title=part.title, title_justify="left")
        for i, head in enumerate(part.head):
            table.add_column(head, justify="right" if i else "left")
        for row in part.rows:
            table.add_row(*row)
        console.print(table)
    print(f"written to {config.out / 'report.html'}")
    return 0

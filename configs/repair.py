"""`brownfield repair`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from brownfield.robot.dataset_repair import repair


@dataclass(frozen=True, kw_only=True)
class Repair:
    """One repair of a dataset."""

    dataset: Annotated[Path, Positional]
    """Folder of the dataset."""


def run(config: Repair) -> int:
    """Repair, and say what was done."""
    for line in repair(config.dataset):
        print(line)
    return 0

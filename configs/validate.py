"""`brownfield validate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from brownfield.robot.dataset_validate import validate


@dataclass(frozen=True, kw_only=True)
class Validate:
    """One check of a dataset."""

    dataset: Annotated[Path, Positional]
    """Folder of the dataset."""


def run(config: Validate) -> int:
    """Print every problem; 1 when there is one."""
    problems = validate(config.dataset)
    for problem in problems:
        print(problem)
    print(f"{config.dataset}: {len(problems) or 'no'} problems")
    return int(bool(problems))

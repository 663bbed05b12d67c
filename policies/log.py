"""Where training's numbers go: metrics.jsonl, a progress bar, W&B when asked."""

import json
import os
from pathlib import Path
from typing import Any, Protocol

from rich.progress import (
    BarColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from brownfield.robot.progress import LoggedProgress


class Run(Protocol):
    """The two methods of a W&B run that are used here."""

    def log(self, data: dict[str, Any], step: int) -> Any:
        """Keep numbers of a step."""
        ...

    def finish(self) -> Any:
        """Close the run."""
        ...


class NoRun:
    """Stands in for W&B."""

    def log(self, data: dict[str, Any], step: int) -> None:
        """Forget."""

    def finish(self) -> None:
        """Nothing to close."""


def start_run(mode: str, folder: Path, config: dict[str, Any]) -> Run:
    """A W&B run, or its stand-in.

    Args:
        mode: `off`, `offline` or `online`.
        folder: where offline files go.
        config: shown beside the curves.

    Raises:
        ValueError: unknown mode, or the wandb package is missing.
    """
    if mode not in ("off", "offline", "online"):
        raise ValueError(f"wandb must be off, offline or online; got {mode!r}")
    if mode == "off":
        return NoRun()
    try:
        import wandb  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ValueError("wandb is not installed: pip install wandb") from error
    return wandb.init(
        project="brownfield",
        dir=folder,
        config=config,
        mode="online" if mode == "online" else "offline",
    )


class MetricsLog:
    """One JSON object a line; going on from a step drops what came after it."""

    def __init__(self, path: Path, run: Run, from_step: int | None = None) -> None:
        self.path, self.run = path, run
        kept = ""
        if from_step is not None and path.is_file():
            lines = path.read_text().splitlines(keepends=True)
            kept = "".join(x for x in lines if json.loads(x)["step"] <= from_step)
        aside = path.with_name(f".{path.name}.aside")
        aside.write_text(kept)
        os.replace(aside, path)

    def write(self, step: int, numbers: dict[str, float]) -> None:
        """Append the numbers of a step."""
        row = {"step": step} | {name: round(x, 6) for name, x in numbers.items()}
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self.run.log(numbers, step)


class TrainingBar:
    """A bar over 0-1 that also says rate and loss; silent when not wanted."""

    def __init__(self, title: str, show: bool) -> None:
        self._progress = LoggedProgress(
            TextColumn(title),
            BarColumn(),
            TextColumn("{task.percentage:>5.1f} %"),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            disable=not show,
        )
        self._task = self._progress.add_task(title, total=1.0, note="")

    def __enter__(self) -> "TrainingBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, fraction: float, note: str) -> None:
        """Show how far training is."""
        self._progress.update(self._task, completed=min(fraction, 1.0), note=note)

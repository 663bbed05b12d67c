"""`brownfield prompt`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional

from brownfield.configs.places import PlaceOptions
from brownfield.configs.shipped import default_checkpoint
from brownfield.policies.prompt import PromptConfig, run_prompt


@dataclass(frozen=True, kw_only=True)
class Prompt(PlaceOptions):
    """One prompted episode."""

    prompt: Annotated[str, Positional]
    """What the robot is told, naming an object."""

    seed: int | None = None
    """Kitchen and start; None takes the first held-out one with the named object."""

    body: str = "g1"
    """Which body."""

    checkpoint: Path | None = None
    """Folder, or the name of a checkpoint that ships with the package; None takes the
    body's own."""

    film: Path = Path("outputs/prompt.mp4")
    """MP4 to write."""

    quiet: bool = False
    """Print no tokens."""


def run(config: Prompt) -> int:
    """Run the episode; 1 when the robot failed."""
    checkpoint = config.checkpoint or Path(default_checkpoint(config.body))
    trajectory = run_prompt(
        PromptConfig(
            prompt=config.prompt,
            checkpoint=checkpoint,
            film=config.film,
            seed=config.seed,
            env=config.env(config.body),
            show=None if config.quiet else print,
        )
    )
    outcome = "success" if trajectory.success else f"failed: {trajectory.reason}"
    print(f"{outcome} after {len(trajectory) / trajectory.control_hz:.1f} s")
    print(f"film: {config.film}")
    return int(not trajectory.success)

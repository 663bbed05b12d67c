"""What an environment offers beside gymnasium's contract: a body, told in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.body import Body

Array = NDArray[np.float64]


class PromptedEnv(Protocol):
    """One body in one kind of place; recording, training and evaluation know no other.

    `info` carries `success`, `reason` (the first thing that went wrong, empty
    otherwise), `asked` (what the prompt asks for), `did` (what was done first that
    shows which prompt is obeyed, None before), `as_asked` (whether that is what the
    prompt asks for, None before), `hand` (which did it, `right` or `left`; empty
    before, and for a body without), `privileged`, `kind` (what the prompt asks for,
    coarsely), `map` (which place of its kind this is; empty where all are drawn) and
    `met` (what had to be heeded so far, such as a red light, and whether it was).
    """

    body: Body
    """Whose commands `step` takes; its first camera is in every observation."""
    place: str
    """Kind of place."""
    privileged_names: tuple[str, ...]
    """Columns of `privileged`: what an auxiliary head learns to tell, then `visible`,
    `pixel_x` and `pixel_y` of what is asked for."""
    segment_names: tuple[str, ...]
    """What `segments` tells apart; the first is everything else."""
    other_slots: int
    """The most that `other_prompts` holds."""
    view: str
    """Camera that shows the body at work."""
    inset: str
    """Camera of an overview, shown in a corner of that; empty without one."""
    prompt: str
    """What the body is told."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start the episode of a seed; `options` may hold another `prompt`."""
        ...

    def step(
        self, action: Array
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Execute a command (D,) for one control step."""
        ...

    def close(self) -> None:
        """Free the renderers."""
        ...

    def clip(self, command: Array) -> Array:
        """A command (D,) as it will be executed."""
        ...

    def disturbance(self, rng: np.random.Generator) -> Callable[[Array], Array]:
        """Noise for one episode's commands (D,), so that data shows how to recover."""
        ...

    def plan(self, asked: str | None = None, steps: int | None = None) -> Array:
        """The expert's plan (T, D) from here, as if the prompt asked for `asked`."""
        ...

    def privileged(self, asked: str | None = None) -> NDArray[np.float32]:
        """Simulator truth (P,) about what the prompt asks for, or about `asked`."""
        ...

    def other_prompts(self) -> dict[str, str]:
        """What else might be asked for in this scene, each with a prompt for it."""
        ...

    def prompt_for(self, asked: str) -> str:
        """The episode's prompt, in the same words, asking for something else."""
        ...

    def kind(self) -> str:
        """What the prompt asks for, coarsely; `kind` in `info`."""
        ...

    def phrase(self) -> str:
        """The prompt's phrasing without what it asks for; `other` if it is not ours."""
        ...

    def read_prompt(self, prompt: str) -> str:
        """What a prompt asks for.

        Raises:
            ValueError: nothing that this kind of place knows.
        """
        ...

    def doing(self) -> str:
        """What the body is about, told from its command; a caption."""
        ...

    def picture(self, camera: str, height: int, width: int) -> NDArray[np.uint8]:
        """A frame (height, width, 3) of a camera."""
        ...

    def segments(self, height: int, width: int) -> NDArray[np.uint8]:
        """What every pixel (height, width) of the body's first camera shows: entries of
        `segment_names`."""
        ...

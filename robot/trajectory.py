"""What happened in one episode: the noun between simulators, files and learners."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.body import Body


@dataclass(frozen=True, kw_only=True)
class Counterfactual:
    """The same N states under a prompt that was not given: what the expert would have
    done, and what was true of what that prompt names.

    A picture that comes with one prompt only teaches to recognise the picture; with
    several it teaches to read the prompt.
    """

    prompt: str
    """What might have been said; empty in a slot that is not used."""
    label: NDArray[np.float32]
    """(N, T, D), the expert's chunk under that prompt."""
    privileged: NDArray[np.float32]
    """(N, P), the simulator's truth under that prompt."""


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """One episode of N control steps.

    Frame i and state i are seen before action i is executed, so the `command_*` fields
    of `state[i]` are `action[i - 1]`.

    Raises:
        ValueError: arrays whose types or shapes do not belong together, or an outcome
            that contradicts itself.
    """

    body: str
    """Name of the body."""
    place: str
    """Name of the place."""
    seed: int
    """Seed of the one random generator of the episode."""
    prompt: str
    """What the robot was told."""
    frames: dict[str, NDArray[np.uint8]]
    """Per camera (N, H, W, 3), RGB."""
    state: NDArray[np.float32]
    """(N, S), units of the body's state fields."""
    action: NDArray[np.float32]
    """(N, D), the command that was executed, units of the body's action fields."""
    label: NDArray[np.float32]
    """(N, T, D), the expert's chunk at that state: what to imitate."""
    privileged: NDArray[np.float32]
    """(N, P), the simulator's truth, for auxiliary losses and metrics only."""
    privileged_names: tuple[str, ...]
    """Names of the P columns."""
    success: bool
    """Whether the prompt was fulfilled."""
    reason: str
    """Why not; empty when it was."""
    control_hz: float
    """Steps per second [Hz]."""
    others: tuple[Counterfactual, ...] = ()
    """Other prompts for the same states; a place always gives the same number of
    slots, of which an episode may leave some unused."""
    segments: NDArray[np.uint8] | None = None
    """(N, h, w), what every pixel of the first camera shows, as the simulator knows:
    entries of `segment_names`. For training and measurement only."""
    segment_names: tuple[str, ...] = ()
    """Classes of `segments`; the first is everything that has no other."""

    def __post_init__(self) -> None:
        floats = (("state", 2), ("action", 2), ("label", 3), ("privileged", 2))
        for name, dimensions in floats:
            array = getattr(self, name)
            if array.dtype != np.float32 or array.ndim != dimensions:
                raise ValueError(
                    f"{name} must be float32 with {dimensions} dimensions, got "
                    f"{array.dtype} of shape {array.shape}"
                )
        lengths = {name: len(getattr(self, name)) for name, _ in floats}
        for camera, frames in self.frames.items():
            if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3:
                raise ValueError(
                    f"frames of {camera!r} must be uint8 of shape (N, H, W, 3), got "
                    f"{frames.dtype} of shape {frames.shape}"
                )
            lengths[f"frames[{camera!r}]"] = len(frames)
        if self.segments is not None:
            self._check_segments(self.segments)
            lengths["segments"] = len(self.segments)
        if len(set(lengths.values())) != 1 or not len(self.state):
            raise ValueError(
                f"every array must have the same number of steps, at least 1: {lengths}"
            )
        if self.label.shape[2] != self.action.shape[1]:
            raise ValueError(
                f"label has {self.label.shape[2]} fields but action has "
                f"{self.action.shape[1]}"
            )
        if self.privileged.shape[1] != len(self.privileged_names):
            raise ValueError(
                f"privileged has {self.privileged.shape[1]} columns but "
                f"{len(self.privileged_names)} names"
            )
        for other in self.others:
            for name in ("label", "privileged"):
                array, own = getattr(other, name), getattr(self, name)
                if array.dtype != np.float32 or array.shape != own.shape:
                    raise ValueError(
                        f"{name} under {other.prompt!r} must be float32 of shape "
                        f"{own.shape}, got {array.dtype} of shape {array.shape}"
                    )
        if not self.prompt:
            raise ValueError("the prompt is empty")
        if self.success == bool(self.reason):
            raise ValueError(
                "a success has an empty reason and a failure names one, got "
                f"success={self.success} with reason={self.reason!r}"
            )

    def _check_segments(self, segments: NDArray[np.uint8]) -> None:
        if segments.dtype != np.uint8 or segments.ndim != 3:
            raise ValueError(
                "segments must be uint8 of shape (N, h, w), got "
                f"{segments.dtype} of shape {segments.shape}"
            )
        most = int(segments.max(initial=0))
        if most >= len(self.segment_names):
            raise ValueError(
                f"segments hold class {most}, but there are {len(self.segment_names)} "
                "names"
            )

    def __len__(self) -> int:
        """N, the number of control steps."""
        return len(self.state)

    def require_body(self, body: Body) -> None:
        """Check that this is an episode of `body`.

        Raises:
            ValueError: another name, rate, dimension, chunk length or camera.
        """
        expected = {
            "body": body.name,
            "control_hz": float(body.control_hz),
            "state fields": body.state_dim,
            "action fields": body.action_dim,
            "chunk steps": body.chunk_steps,
            "cameras": {c.name: (c.height, c.width) for c in body.cameras},
        }
        got = {
            "body": self.body,
            "control_hz": float(self.control_hz),
            "state fields": self.state.shape[1],
            "action fields": self.action.shape[1],
            "chunk steps": self.label.shape[1],
            "cameras": {name: f.shape[1:3] for name, f in self.frames.items()},
        }
        for what, value in expected.items():
            if got[what] != value:
                raise ValueError(
                    f"not an episode of body {body.name!r}: {what} must be {value!r}, "
                    f"got {got[what]!r}"
                )

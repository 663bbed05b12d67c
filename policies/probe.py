"""What can be read from a frame's tokens, beside what can be read from the frame.

A small network is trained twice on the same rows, once on raw pixels and once on the
code vectors that a policy sees, and asked about episodes it never saw. Where both fail
the camera does not show it; where only the tokens fail the tokenizer loses it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brownfield.policies.checkpoint import load_checkpoint
from brownfield.policies.intervals import Share
from brownfield.policies.log import TrainingBar
from brownfield.policies.policy import StreamPolicy, pixels_of
from brownfield.policies.probe_reader import ReaderFit, fit_reader, read
from brownfield.policies.windows import Windows, load_windows
from brownfield.tokenizers.video_detail import opened

HELD_OUT_EVERY = 4
"""Every so many-th episode is only asked about."""


@dataclass(frozen=True, kw_only=True)
class ProbeConfig:
    """One question to the tokens of one checkpoint."""

    checkpoint: Path
    """Folder, or the name of a checkpoint that ships with the package."""

    datasets: tuple[Path, ...]
    """Recorded datasets of the question's body."""

    question: str = "light"
    """What to read, a key of `QUESTIONS`."""

    steps: int = 1500
    """Training steps of each network."""

    batch: int = 128
    """Rows of a step."""

    seed: int = 0
    """Draws weights and rows."""

    show_progress: bool = True
    """Draw a progress bar."""

    def __post_init__(self) -> None:
        """Refuse unknown questions."""
        if self.question not in QUESTIONS:
            raise ValueError(
                f"question must be one of {', '.join(QUESTIONS)}; got {self.question!r}"
            )


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing that a frame may tell, as one of several classes."""

    body: str
    """Whose camera."""
    classes: tuple[str, ...]
    """Names of the answers."""
    answers: Callable[[Windows], NDArray[np.int64]]
    """Right answer of each row (R,); -1 where the question makes no sense."""
    far: Callable[[Windows], NDArray[np.float32]]
    """Distance of each row (R,) to what is asked about [m]."""


def _column(windows: Windows, name: str) -> NDArray[np.float32]:
    return windows.privileged[:, windows.privileged_names.index(name)]


LIGHTS = {"green": 0.0, "amber": 0.5, "red": 1.0}
"""What the simulator's truth says of a light."""
NEAR_M = 20.0
"""A light is asked about from so far before the junction on [m]."""


def _light_answers(windows: Windows) -> NDArray[np.int64]:
    shown, way = _column(windows, "light"), _column(windows, "junction")
    answers = np.full(len(windows), -1, np.int64)
    for i, value in enumerate(LIGHTS.values()):
        answers[np.abs(shown - value) < 0.1] = i
    answers[(way < 0) | (way > NEAR_M) | ~windows.given] = -1
    return answers


QUESTIONS = {
    "light": Question(
        body="car",
        classes=tuple(LIGHTS),
        answers=_light_answers,
        far=lambda windows: _column(windows, "junction"),
    ),
}
"""What can be asked."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How often one network was right, on episodes that it never saw."""

    source: str
    """`pixels` or `tokens`."""
    by_class: dict[str, Share]
    """Share of right answers for every true one."""
    by_distance: dict[str, Share]
    """The same for quarters of the rows, from near to far."""

    @property
    def balanced(self) -> float:
        """Mean over the true answers, so that a common one does not count more."""
        return float(np.mean([share.value for share in self.by_class.values()]))


def run_probe(config: ProbeConfig) -> list[Reading]:
    """Train and ask both networks.

    Raises:
        ValueError: checkpoint or datasets cannot be used, or as `compare`.
    """
    body = QUESTIONS[config.question].body
    loaded = load_checkpoint(config.checkpoint)
    loaded.body(body)
    size = loaded.policy.video.seen
    (windows,) = load_windows(config.datasets, (body,), size=size)
    return compare(config, windows, loaded.policy)


def compare(
    config: ProbeConfig, windows: Windows, policy: StreamPolicy
) -> list[Reading]:
    """As `run_probe`, from windows in memory.

    Raises:
        ValueError: an answer never occurs among the rows to learn from or among those
            to ask about.
    """
    question = QUESTIONS[config.question]
    answers = question.answers(windows)
    asked = windows.held_out(HELD_OUT_EVERY)[windows.look]
    rows, kept = (np.flatnonzero((answers >= 0) & m) for m in (~asked, asked))
    for name, found in (("learn from", rows), ("ask about", kept)):
        counts = np.bincount(answers[found], minlength=len(question.classes))
        if not counts.all():
            missing = question.classes[int(np.argmin(counts))]
            raise ValueError(f"no row to {name} shows {missing!r}: record more")
    fit = ReaderFit(
        classes=len(question.classes),
        grid=policy.config.video_grid,
        steps=config.steps,
        batch=config.batch,
        seed=config.seed,
    )
    readings = []
    for source in ("pixels", "tokens"):
        see = _sight(source, windows, policy)
        with TrainingBar(f"read {source}", config.show_progress) as bar:
            reader = fit_reader(see, answers, rows, fit, bar.update)
        right = read(reader, see, kept, fit) == answers[kept]
        far = question.far(windows)[kept]
        readings.append(_reading(source, question, answers[kept], far, right))
    return readings


def _sight(
    source: str, windows: Windows, policy: StreamPolicy
) -> Callable[[NDArray[np.int64]], Tensor]:
    """Rows (B,) -> what a network sees of them (B, channels, H, W)."""

    @torch.inference_mode()
    def see(rows: NDArray[np.int64]) -> Tensor:
        frames = torch.from_numpy(windows.frames[windows.look[rows]])
        pixels = pixels_of(frames)
        if source == "pixels":
            return pixels
        codes = policy.video.encode_codes(pixels)[0]
        return opened(codes, policy.video.lent, policy.video.shares)

    return see


def _reading(
    source: str,
    question: Question,
    answers: NDArray[np.int64],
    far: NDArray[np.float32],
    right: NDArray[np.bool_],
) -> Reading:
    edges = np.quantile(far, (0, 0.25, 0.5, 0.75, 1))
    place = np.clip(np.searchsorted(edges, far, side="right") - 1, 0, 3)

    def share(mask: NDArray[np.bool_]) -> Share:
        return Share(successes=int(right[mask].sum()), n=int(mask.sum()))

    return Reading(
        source=source,
        by_class={name: share(answers == i) for i, name in enumerate(question.classes)},
        by_distance={
            f"{edges[i]:.0f} to {edges[i + 1]:.0f} m": share(place == i)
            for i in range(4)
        },
    )

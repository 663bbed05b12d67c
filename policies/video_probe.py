"""What a video tokenizer's codes tell of a lamp's colour and of where the cup is.

The same small network reads the frames of a block and, trained anew, the codes of the
block; both are asked about episodes that neither saw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brownfield.policies.log import TrainingBar
from brownfield.policies.probe_reader import ReaderFit, fit_reader, read
from brownfield.policies.video_clips import kept_frames
from brownfield.robot import dataset_schema as schema
from brownfield.robot.dataset_frames import DatasetFrames
from brownfield.robot.dataset_reader import DatasetReader
from brownfield.tokenizers.resize import area_resize
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_detail import opened
from brownfield.tokenizers.video_shipped import find_video

Array = NDArray[np.float32]

LAMP_PX = 4
"""A lamp counts from so many pixels on."""
HELD_OUT_EVERY = 4
"""Every so many-th episode is only asked about."""
LAMPS = {"green": 0.0, "amber": 0.5, "red": 1.0}
"""What the simulator's truth says of a light."""


@dataclass(frozen=True, kw_only=True)
class VideoProbeConfig:
    """One question to the codes of some tokenizers."""

    tokenizers: tuple[Path, ...]
    """Folders of video tokenizers, or names of shipped ones."""

    datasets: tuple[Path, ...]
    """Datasets recorded with segments, of the question's body."""

    question: str = "lamp"
    """`lamp`: the colour of the lit lamp; `cup`: where the coffee cup is."""

    hz: float = 5.0
    """Frames kept per second."""

    steps: int = 3000
    """Training steps of each network."""

    batch: int = 128
    """Samples of a step."""

    seed: int = 0
    """Draws weights and samples."""

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
    """Something that a frame may tell."""

    segment: str
    """What must be in view."""
    pixels: int
    """By so many pixels."""
    answers: Callable[[Array, tuple[str, ...]], Array]
    """Right answers (T,) or (T, D) from the simulator's truth (T, P) and its names."""
    classes: int
    """Number of answers; 0 where they are numbers."""


def _colour(truth: Array, names: tuple[str, ...]) -> Array:
    shown = truth[:, names.index("light")]
    values = np.array(list(LAMPS.values()))
    nearest = np.abs(shown[:, None] - values).argmin(1)
    return np.where(shown < 0, -1, nearest).astype(np.float32)


def _place(truth: Array, names: tuple[str, ...]) -> Array:
    return truth[:, [names.index("object_x"), names.index("object_y")]]


QUESTIONS = {
    "lamp": Question(
        segment="lit lamp", pixels=LAMP_PX, answers=_colour, classes=len(LAMPS)
    ),
    "cup": Question(segment="coffee cup", pixels=8, answers=_place, classes=0),
}
"""What can be asked."""


@dataclass(frozen=True, kw_only=True)
class VideoReading:
    """How well one network did on episodes that it never saw."""

    source: str
    """`frames` or `codes`."""
    n: int
    """Samples asked about."""
    value: float
    """Mean over the colours of the share told right, or median error [cm]."""
    p90: float
    """90 % of the errors are below [cm]; NaN for colours."""


@dataclass(frozen=True, kw_only=True)
class _Samples:
    frames: NDArray[np.uint8]
    """(S, k, H, W, 3), the block's."""
    codes: Array
    """(S, n, h, w)."""
    answers: Array
    """(S,) or (S, D)."""
    held_out: NDArray[np.bool_]
    """(S,)."""


def video_probe(config: VideoProbeConfig) -> dict[str, list[VideoReading]]:
    """Readings from frames and codes, by tokenizer.

    Raises:
        ValueError: datasets without segments or truth, or too few samples.
    """
    found = {}
    for path in config.tokenizers:
        video = VideoTokenizer.load(find_video(path))
        with TrainingBar(f"encode for {path.name}", config.show_progress) as bar:
            samples = _samples(config, video, bar.update)
        found[path.name] = [
            _reading(config, samples, source) for source in ("frames", "codes")
        ]
    return found


def _samples(
    config: VideoProbeConfig,
    video: VideoTokenizer,
    report: Callable[[float, str], None],
) -> _Samples:
    question, k = QUESTIONS[config.question], video.frames_per_block
    parts: list[tuple[NDArray, ...]] = []
    episodes = [
        (DatasetFrames(path), DatasetReader(path), index)
        for path in config.datasets
        for index in range(len(DatasetFrames(path)))
    ]
    for number, (source, reader, index) in enumerate(episodes):
        if question.segment not in source.segment_names:
            raise ValueError(
                f"{source.path}: expected segments with {question.segment!r}, got "
                f"{', '.join(source.segment_names) or 'none'}"
            )
        told = config.question == "cup" and "cup" not in reader.episodes[index].prompt
        whole = source.frames(index, source.camera(reader.body.cameras[0].name))
        where = f"{source.path}, episode {index}"
        kept = kept_frames(len(whole), source.fps, config.hz, where)
        blocks = (len(kept) - 1) // k
        if told or blocks < 1:
            continue
        kept = kept[: 1 + blocks * k]
        frames = area_resize(whole[kept], video.config.size[0])
        ids = torch.from_numpy(video.encode(frames[None]))
        with torch.inference_mode():
            codes = video.network.codes(ids.to(video.device))[0]
            codes = opened(codes, video.config.lent, video.config.shares)
        ends = np.arange(0, 1 + blocks * k, k)
        spans = np.maximum(ends[:, None] - np.arange(k)[::-1], 0)
        truth = reader.numbers(index)[schema.PRIVILEGED][kept[ends]]
        answers = question.answers(truth, reader.privileged_names)
        shown = source.segments(index)[kept[ends]]
        area = (shown == source.segment_names.index(question.segment)).sum((1, 2))
        good = area >= question.pixels
        if question.classes:
            good &= answers >= 0
        asked = np.full(len(ends), number % HELD_OUT_EVERY == HELD_OUT_EVERY - 1)
        numbers = codes.cpu().numpy()[good]
        parts.append((frames[spans][good], numbers, answers[good], asked[good]))
        report((number + 1) / len(episodes), f"{number + 1} episodes")
    if not parts or not sum(len(part[2]) for part in parts):
        raise ValueError(f"no sample shows {question.segment!r}: record more")
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return _Samples(
        frames=joined[0],
        codes=joined[1].astype(np.float32),
        answers=joined[2],
        held_out=joined[3],
    )


def _reading(config: VideoProbeConfig, samples: _Samples, source: str) -> VideoReading:
    question = QUESTIONS[config.question]

    def see(rows: NDArray[np.int64]) -> Tensor:
        if source == "codes":
            return torch.from_numpy(samples.codes[rows])
        block = torch.from_numpy(samples.frames[rows]).float() / 127.5 - 1
        return block.permute(0, 1, 4, 2, 3).flatten(1, 2)

    learn, ask = (np.flatnonzero(m) for m in (~samples.held_out, samples.held_out))
    if not len(learn) or not len(ask):
        raise ValueError("expected samples to learn from and to ask about: record more")
    fit = ReaderFit(
        classes=question.classes, steps=config.steps, batch=config.batch,
        seed=config.seed, grid=samples.codes.shape[-1],
    )  # fmt: skip
    with TrainingBar(f"read {source}", config.show_progress) as bar:
        reader = fit_reader(see, samples.answers, learn, fit, bar.update)
    told = read(reader, see, ask, fit)
    right = samples.answers[ask]
    if question.classes:
        shares = _shares(told == right, right)
        return VideoReading(
            source=source, n=len(ask), value=float(np.mean(shares)), p90=float("nan")
        )
    error = 100 * np.hypot(*(told - right).T)
    p50, p90 = (float(x) for x in np.quantile(error, (0.5, 0.9)))
    return VideoReading(source=source, n=len(ask), value=p50, p90=p90)


def _shares(right: NDArray[np.bool_], answers: Array) -> Sequence[float]:
    return [float(right[answers == one].mean()) for one in np.unique(answers)]

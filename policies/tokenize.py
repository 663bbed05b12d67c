"""`brownfield tokenize`: fit the tokenizers of state, action and video to datasets.

The video tokenizer learns to give the picture back and, from its codes, to tell what
a prompt is about: which cell shows the named object, where it is, where to stand, how
the robot is turned.
Codes that only reconstruct lose a cup's handle, and with it the grasp.
"""

import os
import shutil
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from brownfield.envs.places import place_of
from brownfield.envs.prompts import tells_colour
from brownfield.policies.batches import Augment, AugmentConfig, Sampler, weights_of
from brownfield.policies.lessons import fitting_augment
from brownfield.policies.log import MetricsLog, NoRun, TrainingBar
from brownfield.policies.losses import auxiliary_loss, naming_loss, pointing_loss
from brownfield.policies.model import PAD_BYTE
from brownfield.policies.policy import pixels_of, text_rows
from brownfield.policies.schedule import MovingAverage, ScheduleConfig
from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.policies.windows import SIGHT, Windows, load_windows
from brownfield.robot.bodies import body_named
from brownfield.tokenizers.action_tokenizers import ACTION_TOKENIZERS
from brownfield.tokenizers.frame_tokenizers import FRAME_TOKENIZERS, FrameTokenizer
from brownfield.tokenizers.protocols import DigitTokenizer
from brownfield.tokenizers.state import StateTokenizer
from brownfield.tokenizers.text import ByteTokenizer

CELLS = 64
"""Codes of a frame."""
TEXT_BYTES = 64
"""Bytes of a prompt that the probe reads."""
LOG_EVERY = 20
"""Steps between lines of the log."""


@dataclass(frozen=True, kw_only=True)
class TokenizeConfig:
    """One fit of all tokenizers."""

    datasets: tuple[Path, ...]
    """Recorded datasets, read into memory."""

    out: Path
    """Folder to write."""

    body: tuple[str, ...] = ("g1",)
    """Bodies of the datasets; several share one video tokenizer."""

    action_tokenizer: str = "ladder"
    """`ladder`, `knots`, `fast`, `spline` or `bins`."""

    video: str = "fsq"
    """`fsq`, or `eye`: the causal video tokenizer, a frame at a time."""

    keep: Path | None = None
    """Tokenizers whose state and video ids are kept; only action ones are fitted."""

    steps: int | None = None
    """Length of the video tokenizer's training in steps; give this or `seconds`."""

    seconds: float | None = None
    """The same in wall seconds."""

    batch: int = 128
    """Frames of one step, shared evenly by the bodies."""

    probe: float = 0.2
    """Weight of telling what is acted on, beside giving the picture back."""

    pointing: float = 0.25
    """Weight of pointing at it, and of telling from a cell what it shows."""

    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """Learning rate."""

    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """Image augmentation."""

    seed: int = 0
    """Draws weights, frames and augmentation."""

    threads: int = 1
    """Threads of torch."""

    show_progress: bool = True
    """Draw a progress bar."""

    def __post_init__(self) -> None:
        """Refuse a budget that means nothing."""
        given = (self.steps is not None) + (self.seconds is not None)
        if given != (self.keep is None):
            raise ValueError("give either steps or seconds, or tokenizers to keep")
        if self.action_tokenizer not in ACTION_TOKENIZERS:
            raise ValueError(
                f"action_tokenizer must be one of {', '.join(ACTION_TOKENIZERS)}; got "
                f"{self.action_tokenizer!r}"
            )
        if self.video not in FRAME_TOKENIZERS:
            raise ValueError(
                f"video must be one of {', '.join(FRAME_TOKENIZERS)}; got "
                f"{self.video!r}"
            )
        if not self.body or len(set(self.body)) != len(self.body):
            raise ValueError(f"body must name one or more, each once: {self.body}")


class Probe(nn.Module):
    """Reads what is asked about from codes, prompt and state; thrown away after.

    It points with little beyond the cell's own code, so that the code has to tell what
    the cell shows.
    """

    def __init__(
        self, digits: int, cells: int, state_dim: int, quantities: int
    ) -> None:
        super().__init__()
        self.byte = nn.Embedding(PAD_BYTE + 1, 32, padding_idx=PAD_BYTE)
        self.byte_conv = nn.Conv1d(32, 48, 7, padding=3)
        self.look = nn.Sequential(
            nn.Conv2d(digits, 48, 3, padding=1), nn.GELU(), nn.Conv2d(48, 48, 1)
        )
        self.topic = nn.Linear(48, 48)
        self.mix = nn.Linear(48, 48)
        self.place = nn.Parameter(torch.randn(cells, 48) * 0.02)
        self.attend = nn.Linear(48, 8)
        width = 9 * 48 + digits * cells + 48 + state_dim
        self.read = nn.Sequential(
            nn.Linear(width, 192),
            nn.GELU(),
            nn.Linear(192, 192),
            nn.GELU(),
            nn.Linear(192, quantities),
        )

    def forward(
        self, codes: Tensor, text: Tensor, prompt: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Codes (B, n, 8, 8), text (U, bytes), prompt (B,), state (B, S) -> quantities
        (B, A) and likeness of cells and prompts (B, 64, U)."""
        spread = self.byte_conv(self.byte(text).transpose(1, 2))
        spoken = functional.gelu(spread).amax(-1)
        words = spoken[prompt]
        cells = self.look(codes).flatten(2).transpose(1, 2)
        likeness = cells @ self.topic(spoken).T / 48**0.5
        pointing = likeness.gather(
            2, prompt[:, None, None].expand(-1, likeness.shape[1], 1)
        )
        mixed = functional.gelu(cells + self.place + words[:, None])
        mixed = functional.gelu(self.mix(mixed))
        weights = torch.cat([self.attend(mixed), pointing], 2).softmax(1)
        pooled = (weights.transpose(1, 2) @ (mixed + self.place)).flatten(1)
        read = self.read(torch.cat([pooled, codes.flatten(1), words, state], 1))
        return read, likeness


def tokenize_datasets(config: TokenizeConfig) -> Path:
    """Fit all tokenizers and write them to `config.out`; returns the folder.

    Raises:
        ValueError: the datasets cannot be used.
    """
    torch.set_num_threads(config.threads)
    return fit_tokenizers(config, load_windows(config.datasets, config.body))


def fit_tokenizers(config: TokenizeConfig, windows: Sequence[Windows]) -> Path:
    """As `tokenize_datasets`, from windows in memory, one for each body.

    Raises:
        ValueError: the tokenizers to keep lack a body.
    """
    torch.manual_seed(config.seed)
    kept = TokenizerSet.load(config.keep) if config.keep else None
    missing = [name for name in config.body if kept and name not in kept.bodies]
    if missing:
        raise ValueError(f"{config.keep} holds no tokenizers of body {missing[0]!r}")
    out = config.out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
    aside.mkdir()
    try:
        kind = config.action_tokenizer
        action = {one.body: fit_action(one, kind) for one in windows}
        if kept is not None:
            state, video = {name: kept.state[name] for name in action}, kept.video
        else:
            state = {one.body: fit_state(one) for one in windows}
            log = MetricsLog(aside / "metrics.jsonl", NoRun())
            video = _train_video(config, windows, log)
        tokenizers = TokenizerSet(
            text=ByteTokenizer(), state=state, action=action, video=video
        )
        tokenizers.save(aside)
        old = out.with_name(f".{out.name}.old-{uuid.uuid4().hex[:8]}")
        if out.exists():
            os.replace(out, old)
        os.replace(aside, out)
        shutil.rmtree(old, ignore_errors=True)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return out


def fit_state(windows: Windows) -> StateTokenizer:
    """The state tokenizer of a body's windows."""
    names = [field.name for field in body_named(windows.body).state]
    return StateTokenizer.fit(windows.state, names)


def fit_action(windows: Windows, kind: str) -> DigitTokenizer:
    """The action tokenizer of a body's windows.

    Args:
        windows: of the body.
        kind: one of `ACTION_TOKENIZERS`.
    """
    body = body_named(windows.body)
    last, velocity = windows.last[windows.look], windows.velocity[windows.look]
    own: dict[str, int] = {}
    if kind == "ladder":
        own = {"max_tokens": max(6, 2 * body.action_dim)}
    elif kind == "spline":
        own = {"points": 3}
    codec: Any = ACTION_TOKENIZERS[kind][1]
    return codec.fit(
        windows.label,
        last,
        velocity,
        rate_hz=body.control_hz,
        lower=body.action_lower,
        upper=body.action_upper,
        max_rate=body.action_max_rate,
        names=[field.name for field in body.action],
        rest=body.action_rest,
        **own,
    )


class _BodyRows:
    """One body's rows, and the probe that asks about them."""

    def __init__(self, config: TokenizeConfig, windows: Windows, digits: int) -> None:
        self.config, self.windows = config, windows
        n_read = windows.privileged.shape[1] - len(SIGHT)
        self.probe = Probe(digits, CELLS, windows.state.shape[1], n_read)
        encode = ByteTokenizer().encode
        self.text = text_rows([encode(p) for p in windows.prompts], TEXT_BYTES)
        self.state = _standard(windows.state)
        self.wanted = _standard(windows.privileged[:, :n_read])
        self.visible = windows.privileged[:, n_read]
        self.pixel = windows.privileged[:, n_read + 1 :]
        self.sampler = Sampler(windows.weights())
        place = place_of(windows.body)
        self.augment = Augment(fitting_augment(config.augment, place))
        self.names_things = place.names_things
        self.coloured = np.array([tells_colour(p) for p in windows.prompts])

    def losses(
        self, video: FrameTokenizer, count: int, rng: np.random.Generator, measure: bool
    ) -> tuple[Tensor, dict[str, float]]:
        """The weighted loss of `count` rows; what to log only if it shall `measure`."""
        config, windows = self.config, self.windows
        rows = self.sampler.draw(count, rng)
        looks = windows.look[rows]
        pixels = pixels_of(torch.from_numpy(windows.frames[looks]))
        self.augment(pixels, [], rng, self.coloured[windows.prompt[rows]])
        prompt = torch.from_numpy(windows.prompt[rows])
        with torch.autocast("cpu", torch.bfloat16):
            codes, ids = video.encode_codes(pixels)
            weight = weights_of(windows, looks)
            picture = video.reconstruct_loss(codes, pixels, weight)
            state = torch.from_numpy(self.state[looks])
            read, likeness = self.probe(codes, self.text, prompt, state)
        seen, place = (torch.from_numpy(x[rows]) for x in (self.visible, self.pixel))
        told = auxiliary_loss(read, torch.from_numpy(self.wanted[rows]), seen)
        own = likeness[torch.arange(count), :, prompt]
        shown = pointing_loss(own, place, seen)
        named = naming_loss(likeness, place, prompt, seen)
        pointed = shown + named if self.names_things else shown
        total = picture + config.probe * told + config.pointing * pointed
        if not measure:
            return total, {}
        with torch.no_grad():
            error = (video.reconstruct(codes) - pixels).square().mean() / 4
        numbers = {
            "reconstruction": float(picture.detach()),
            "probe": float(told.detach()),
            "pointing": float(shown.detach()),
            "naming": float(named.detach()),
            "psnr_db": float(-10 * error.clamp_min(1e-8).log10()),
            "ids_used": float(len(ids.unique())),
        }
        return total, numbers


def _train_video(
    config: TokenizeConfig, windows: Sequence[Windows], log: MetricsLog
) -> FrameTokenizer:
    video = FRAME_TOKENIZERS[config.video][1]()
    parts = [_BodyRows(config, one, len(video.config.levels)) for one in windows]
    video.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    parameters = list(video.parameters())
    parameters += [p for one in parts for p in one.probe.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, betas=(0.9, 0.95), weight_decay=1e-4, fused=True
    )
    average = MovingAverage(parameters, 0.995)
    began, step, fraction, note = time.monotonic(), 0, 0.0, ""
    with TrainingBar("video tokenizer", config.show_progress) as bar:
        while fraction < 1:
            rng = np.random.default_rng([config.seed, step])
            for group in optimizer.param_groups:
                group["lr"] = config.schedule.at(step, fraction)
            optimizer.zero_grad(set_to_none=True)
            measure = step % LOG_EVERY == 0
            numbers: dict[str, float] = {}
            for one in parts:
                count = config.batch // len(parts)
                total, told = one.losses(video, count, rng, measure)
                (total / len(parts)).backward()
                numbers |= {f"{one.windows.body}/{n}": x for n, x in told.items()}
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            average.update(parameters, step)
            step += 1
            elapsed_s = time.monotonic() - began
            fraction = (
                step / config.steps
                if config.steps is not None
                else elapsed_s / (config.seconds or 1.0)
            )
            if measure:
                pace = step * config.batch / elapsed_s
                log.write(step, numbers | {"frames_per_s": pace})
                decibels = "  ".join(
                    f"{name} {numbers[f'{name}/psnr_db']:.1f} dB"
                    for name in (one.windows.body for one in parts)
                )
                note = f"step {step}  {pace:.0f} frames/s  {decibels}"
            bar.update(fraction, note)
    average.swap(parameters)
    return video.eval()


def _standard(values: np.ndarray) -> np.ndarray:
    """Columns to zero mean and unit spread."""
    spread = np.maximum(values.std(0), 0.02)
    return ((values - values.mean(0)) / spread).clip(-5, 5).astype(np.float32)

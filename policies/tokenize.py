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
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from brownfield.policies.batches import Augment, AugmentConfig, Sampler
from brownfield.policies.log import MetricsLog, NoRun, TrainingBar
from brownfield.policies.losses import auxiliary_loss, naming_loss, pointing_loss
from brownfield.policies.model import PAD_BYTE
from brownfield.policies.policy import pixels_of, text_rows
from brownfield.policies.schedule import MovingAverage, ScheduleConfig
from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.policies.windows import SIGHT, Windows, load_windows
from brownfield.robot.bodies import body_named
from brownfield.robot.body import Body
from brownfield.tokenizers.action_bins import KnotBinTokenizer
from brownfield.tokenizers.state import StateTokenizer
from brownfield.tokenizers.text import ByteTokenizer
from brownfield.tokenizers.video_fsq import VideoFSQ


@dataclass(frozen=True, kw_only=True)
class TokenizeConfig:
    """One fit of all tokenizers."""

    datasets: tuple[Path, ...]
    """Recorded datasets, read into memory."""

    out: Path
    """Folder to write."""

    body: str = "g1"
    """Body of the datasets."""

    steps: int | None = None
    """Length of the video tokenizer's training in steps; give this or `seconds`."""

    seconds: float | None = None
    """The same in wall seconds."""

    batch: int = 128
    """Frames of one step."""

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
        if (self.steps is None) == (self.seconds is None):
            raise ValueError("give either steps or seconds")


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
    body = body_named(config.body)
    return fit_tokenizers(config, load_windows(config.datasets, body), body)


def fit_tokenizers(config: TokenizeConfig, windows: Windows, body: Body) -> Path:
    """As `tokenize_datasets`, from windows in memory."""
    torch.manual_seed(config.seed)
    out = config.out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}")
    aside.mkdir()
    try:
        state = StateTokenizer.fit(windows.state, [f.name for f in body.state])
        action = KnotBinTokenizer.fit(
            windows.label,
            windows.last[windows.look],
            np.zeros_like(windows.last[windows.look]),
            rate_hz=body.control_hz,
            lower=body.action_lower,
            upper=body.action_upper,
            max_rate=body.action_max_rate,
            names=[f.name for f in body.action],
            rest=body.action_rest,
        )
        log = MetricsLog(aside / "metrics.jsonl", NoRun())
        video = _train_video(config, windows, state, log)
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


def _train_video(
    config: TokenizeConfig, windows: Windows, state: StateTokenizer, log: MetricsLog
) -> VideoFSQ:
    video = VideoFSQ()
    levels, side = video.config.levels, 8
    n_read = windows.privileged.shape[1] - len(SIGHT)
    probe = Probe(len(levels), side * side, windows.state.shape[1], n_read)
    text_tokenizer = ByteTokenizer()
    text = text_rows([text_tokenizer.encode(p) for p in windows.prompts], 64)
    scaled, wanted = _standard(windows.state), _standard(windows.privileged[:, :n_read])
    visible = windows.privileged[:, n_read]
    pixel = windows.privileged[:, n_read + 1 :]
    sampler, augment = Sampler(windows.weights()), Augment(config.augment)
    video.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    parameters = [*video.parameters(), *probe.parameters()]
    optimizer = torch.optim.AdamW(
        parameters, betas=(0.9, 0.95), weight_decay=1e-4, fused=True
    )
    average = MovingAverage(parameters, 0.995)
    began, step, fraction = time.monotonic(), 0, 0.0
    with TrainingBar("video tokenizer", config.show_progress) as bar:
        while fraction < 1:
            rng = np.random.default_rng([config.seed, step])
            rows = sampler.draw(config.batch, rng)
            looks = windows.look[rows]
            pixels = pixels_of(torch.from_numpy(windows.frames[looks]))
            augment(pixels, pixels[:0], rng)
            for group in optimizer.param_groups:
                group["lr"] = config.schedule.at(step, fraction)
            with torch.autocast("cpu", torch.bfloat16):
                codes, ids = video.encode_codes(pixels)
                picture = video.reconstruct_loss(codes, pixels)
                read, likeness = probe(
                    codes,
                    text,
                    torch.from_numpy(windows.prompt[rows]),
                    torch.from_numpy(scaled[looks]),
                )
            seen = torch.from_numpy(visible[rows])
            told = auxiliary_loss(read, torch.from_numpy(wanted[rows]), seen)
            prompt, place = (torch.from_numpy(x[rows]) for x in (windows.prompt, pixel))
            own = likeness[torch.arange(len(rows)), :, prompt]
            shown = pointing_loss(own, place, seen)
            named = naming_loss(likeness, place, prompt, seen)
            optimizer.zero_grad(set_to_none=True)
            total = picture + config.probe * told + config.pointing * (shown + named)
            total.backward()
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
            if step % 20 == 0 or fraction >= 1:
                with torch.no_grad():
                    off = video.reconstruct(codes) - pixels
                error = off.square().mean() / 4
                numbers = {
                    "reconstruction": float(picture.detach()),
                    "probe": float(told.detach()),
                    "pointing": float(shown.detach()),
                    "naming": float(named.detach()),
                    "psnr_db": float(-10 * error.clamp_min(1e-8).log10()),
                    "ids_used": float(len(ids.unique())),
                    "frames_per_s": step * config.batch / elapsed_s,
                }
                log.write(step, numbers)
                bar.update(
                    fraction,
                    f"step {step}  {numbers['frames_per_s']:.0f} frames/s  "
                    f"{numbers['psnr_db']:.1f} dB",
                )
    average.swap(parameters)
    return video.eval()


def _standard(values: np.ndarray) -> np.ndarray:
    """Columns to zero mean and unit spread."""
    spread = np.maximum(values.std(0), 0.02)
    return ((values - values.mean(0)) / spread).clip(-5, 5).astype(np.float32)

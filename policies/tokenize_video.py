"""`brownfield tokenize video`: fit the video tokenizer to datasets of any camera."""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from tyro.conf import Positional

from brownfield.policies.log import MetricsLog, TrainingBar, start_run
from brownfield.policies.video_clips import VideoClips, load_clips
from brownfield.policies.video_quality import held_out_numbers, usage
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import VideoConfig, video_preset
from brownfield.tokenizers.video_fit import FitStep, VideoFit
from brownfield.tokenizers.video_salience import salience
from brownfield.tokenizers.video_shipped import find_video

LOG_EVERY = 20
"""Updates between lines of the log."""


FIRST_RATE, LATER_RATE = 4e-3, 3e-4
"""Learning rates of who begins anew, and of who goes on from `init`."""


@dataclass(frozen=True, kw_only=True)
class TokenizeVideoConfig:
    """One fit of a video tokenizer."""

    datasets: Annotated[tuple[Path, ...], Positional]
    """LeRobotDatasets v3, of one camera's size, or folders of `.npz`, each a clip of
    frames `image` (T, H, W, 3) at `hz`."""

    out: Path = Path("video_tokenizer")
    """Folder to write."""

    network: str = "nano"
    """`pico`, `eye`, `nano`, `nano-hq`, `small` or `cosmos`."""

    init: Path | None = None
    """Go on from this video tokenizer, a folder or a shipped one's name, for a camera
    that it has not seen: its sizes count, whatever `network` says."""

    frames_per_block: int | None = None
    """Frames that a block of ids stands for: 1 to act, 4 to imagine; the network's by
    default."""

    size: tuple[int, int] | None = None
    """Height and width of the frames [px]; the network's by default."""

    camera: str | None = None
    """Which camera; needed where a dataset has several."""

    hz: float = 5.0
    """Frames kept per second."""

    salient: bool = True
    """Weigh what the simulator knows by name, and tell it in more detail, where the
    datasets hold segments."""

    telling: float = 0.0
    """Weight of telling from the codes which thing each quarter of a part shows, by a
    small head that is not kept; the datasets must hold segments. 0 for pictures
    alone."""

    steps: int | None = None
    """Updates; give this or `seconds`."""

    seconds: float | None = None
    """Wall-clock budget of the fit [s]."""

    batch: int = 4
    """Clips in an update."""

    blocks: int = 4
    """Longest window of a clip that an update sees [blocks]."""

    rate: float | None = None
    """Highest learning rate; by default 4e-3, and 3e-4 with `init`: at the full one
    little data is known by heart before it is known."""

    precision: str = "auto"
    """`float32`, `bfloat16` (autocast, but for the quantiser), or `auto`: bfloat16 on a
    processor that calculates in it."""

    validation_every_episode: int = 10
    """Every so many-th episode is only looked at; 0 for none."""

    seed: int = 0
    """Draws parameters and windows."""

    threads: int = 2
    """Threads of torch."""

    device: str = "cpu"
    """Where to train."""

    wandb: str = "off"
    """`off`, `offline` or `online`."""

    show_progress: bool = True
    """Draw a progress bar."""

    def __post_init__(self) -> None:
        """Refuse a budget that means nothing."""
        if (self.steps is None) == (self.seconds is None):
            raise ValueError("give either steps or seconds")
        if self.init is not None and (self.frames_per_block or self.size):
            raise ValueError("with init, sizes are those of its tokenizer: give none")
        self.sizes()
        self.fit()

    def sizes(self) -> VideoConfig:
        """Sizes of the tokenizer.

        Raises:
            ValueError: an unknown preset, or sizes that do not fit together.
        """
        if self.init is not None:
            return VideoTokenizer.load(find_video(self.init)).config
        changes: dict = {}
        if self.frames_per_block is not None:
            changes["frames_per_block"] = self.frames_per_block
        if self.size is not None:
            changes["size"] = self.size
        return video_preset(self.network, **changes)

    def fit(self) -> VideoFit:
        """Budget and schedule.

        Raises:
            ValueError: a budget, a size or a precision that means nothing.
        """
        rate = FIRST_RATE if self.init is None else LATER_RATE
        return VideoFit(
            steps=self.steps,
            seconds=self.seconds,
            batch=self.batch,
            blocks=self.blocks,
            rate=rate if self.rate is None else self.rate,
            precision=self.precision,
            telling=self.telling,
            seed=self.seed,
        )


def tokenize_video(config: TokenizeVideoConfig) -> Path:
    """Fit, measure on held-out episodes, and write to `config.out`; the folder.

    Raises:
        FileNotFoundError: a folder without a dataset.
        ValueError: datasets that cannot be used.
        FloatingPointError: the loss is not finite.
    """
    torch.set_num_threads(config.threads)
    sizes = config.sizes()
    with TrainingBar("reading", config.show_progress) as bar:
        clips = load_clips(
            config.datasets,
            size=sizes.size,
            hz=config.hz,
            camera=config.camera,
            report=lambda done, all_: bar.update(done / all_, f"{done} episodes"),
        )
    if config.telling and clips.segments is None:
        raise ValueError(
            "telling needs datasets with segments (record --segments), all with the "
            "same classes; got some without or with other ones"
        )
    fitted, held_out = clips.split(config.validation_every_episode)
    out = config.out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as name:
        chosen = {name: str(value) for name, value in asdict(config).items()}
        metrics = Path(name) / "metrics.jsonl"
        run = start_run(config.wandb, out.parent, chosen)
        log = MetricsLog(metrics, run)
        init = None
        if config.init is not None:
            init = VideoTokenizer.load(find_video(config.init))
            if len(held_out):
                log.write(0, held_out_numbers(init, held_out))
        video, steps = _fit(config, fitted, init, log)
        if len(held_out):
            log.write(steps, held_out_numbers(video, held_out))
        run.finish()
        video.save(out)
        os.replace(metrics, out / "metrics.jsonl")
    return out


def _fit(
    config: TokenizeVideoConfig,
    clips: VideoClips,
    init: VideoTokenizer | None,
    log: MetricsLog,
) -> tuple[VideoTokenizer, int]:
    """The tokenizer and its number of updates."""
    weights, sizes = None, config.sizes()
    if config.salient and clips.segments is not None:
        weights = [salience(each).astype(np.float16) for each in clips.segments]
    elif init is None:
        if config.salient and sizes.detail:
            warnings.warn(
                "the datasets hold no segments (record --segments): nobody says what "
                "to tell in detail, so this tokenizer tells all alike",
                stacklevel=2,
            )
        sizes = sizes.without_detail
    began, steps = time.monotonic(), 0
    with TrainingBar("video tokenizer", config.show_progress) as bar:

        def report(step: FitStep) -> None:
            nonlocal steps
            steps = step.number
            if (steps - 1) % LOG_EVERY:
                return
            pace = steps / (time.monotonic() - began)
            numbers = {"loss": step.loss, "updates_per_s": pace}
            used = usage(step.ids, sizes.levels)
            log.write(steps, numbers | {f"ids/{n}": x for n, x in used.items()})
            bar.update(
                step.progress,
                f"update {steps}  {pace:.1f}/s  loss {step.loss:.3f}  "
                f"ids {used['entropy_bits']:.1f} bit",
            )

        video = VideoTokenizer.fit(
            clips.frames,
            sizes,
            weights,
            fit=config.fit(),
            device=config.device,
            report=report,
            init=init,
            segments=clips.segments,
        )
    return video, steps

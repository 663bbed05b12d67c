"""`brownfield train`: imitate recorded labels, keep the pictures, predict what follows.

One process, or several that each hold their own share of the episodes and average
their gradients (gloo on CPU). Every process keeps the whole model; sharding it
(FSDP2) is not written yet and nothing here pretends otherwise.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from brownfield.policies.checkpoint import (
    Checkpoint,
    find_checkpoint,
    load_checkpoint,
    load_resume,
    save_checkpoint,
)
from brownfield.policies.feed import Draw, Drawn, feed
from brownfield.policies.lessons import Lesson, lesson_of
from brownfield.policies.log import MetricsLog, NoRun, TrainingBar, start_run
from brownfield.policies.metrics import offline_metrics
from brownfield.policies.model import ModelConfig
from brownfield.policies.new_eye import READERS, learn_to_read, share_missed
from brownfield.policies.objective import Objective, objective
from brownfield.policies.optimizer import Optimizer
from brownfield.policies.policy import StreamPolicy
from brownfield.policies.port import Port
from brownfield.policies.port_like import comparable, relative_of, take_over
from brownfield.policies.port_sizes import port_sizes
from brownfield.policies.ranks import Ranks, run_ranks
from brownfield.policies.schedule import MovingAverage, ScheduleConfig
from brownfield.policies.tokenizer_set import TokenizerSet, saved_hashes
from brownfield.policies.train_config import TrainConfig
from brownfield.policies.wider_eye import wider_reading
from brownfield.policies.windows import Windows, load_windows
from brownfield.tokenizers.frame_tokenizers import load_frame_tokenizer
from brownfield.tokenizers.video_fsq import VideoFSQ
from brownfield.tokenizers.video_shipped import find_video

SEEN = ("video.", "trunk.video_out.", *(f"trunk.{name}." for name in READERS))
"""Parameters that know a video tokenizer's codes: new with another one."""
_READ = 512
"""Pictures in which it is measured how much is missed of what was read before."""
_READING_BLOCKS = 2
"""Residual blocks that read the codes of an eye that came from elsewhere."""


def train(config: TrainConfig) -> Path:
    """Train a policy and write its checkpoint; returns the checkpoint's folder.

    Raises:
        ValueError: datasets, tokenizers or checkpoint cannot be used.
        FloatingPointError: the loss is no longer a number.
    """
    run_ranks(_train_rank, config, config.processes, config.threads, config.device)
    return config.out


def _train_rank(config: TrainConfig, ranks: Ranks) -> None:
    windows = load_windows(
        config.datasets,
        config.body,
        rank=ranks.rank,
        ranks=ranks.count,
        size=_begun(config)[2].video.seen,
    )
    Trainer(config, windows, ranks).run()


class Trainer:
    """State of one process's training."""

    def __init__(
        self, config: TrainConfig, windows: Sequence[Windows], ranks: Ranks
    ) -> None:
        """Args: windows: of each of `config.body`, in their order."""
        self.config, self.ranks = config, ranks
        loaded, new, self.tokenizers = _begun(config)
        for one in windows:
            if one.frames.shape[1:3] != (self.tokenizers.video.seen,) * 2:
                raise ValueError(
                    f"expected frames of {self.tokenizers.video.seen} px to a side, "
                    f"which the eye sees, got those of {one.body!r} with "
                    f"{one.frames.shape[1:3]}"
                )
        self.model = _model(config, loaded, self.tokenizers)
        self.lessons = [
            lesson_of(
                one,
                self.tokenizers,
                text_bytes=self.model.text_bytes,
                memory_s=self.model.memory_s,
                augment=config.augment,
                loss=config.loss,
                hold_out_every=config.validation_every_episode,
                measure=ranks.first,
                mirror=config.mirror,
            )
            for one in windows
        ]
        torch.manual_seed(config.seed)
        self.policy = self._policy(loaded, new).to(ranks.device)
        ranks.same([x.detach() for x in self.policy.state_dict().values()])
        self.policy.train()
        self.policy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        rows = sum(int(lesson.training.sum()) for lesson in self.lessons)
        self.rows = rows * ranks.count
        if not config.tune_eye:
            self.policy.video.requires_grad_(False)
        self.parameters = [p for p in self.policy.parameters() if p.requires_grad]
        self.optimizer = Optimizer(config.optimizer, self.policy)
        self.bfloat16 = self._choose_precision()
        self.missed: dict[str, float] = {}
        if config.eye is not None and config.init is not None and loaded is not None:
            self._read_like(loaded.policy)
        self.average = MovingAverage(self.parameters, config.average)
        self.step, self.fraction, self.elapsed_s = 0, 0.0, 0.0
        if config.resume:
            self._restore(load_resume(config.out))
        self._draw = Draw(
            lessons=self.lessons,
            rows=config.rows_of_bodies,
            world_share=config.world_share,
            reconstruction_share=config.reconstruction_share * config.tune_eye,
            state_dropout=config.state_dropout,
            seed=(config.seed, ranks.rank),
        )
        on_gpu = ranks.device.type == "cuda"
        self._feed = feed(self._draw, self.step, config.workers, on_gpu)

    def _policy(self, loaded: Checkpoint | None, new: list[str]) -> StreamPolicy:
        """The loaded policy with its bodies exchanged for ours, or a new one."""
        sizes = {
            lesson.body: port_sizes(
                lesson.body, self.tokenizers, lesson.examples.auxiliary.shape[1]
            )
            for lesson in self.lessons
        }
        policy = StreamPolicy(self.model, sizes, self.tokenizers.video)
        if loaded is not None:
            ours, theirs = policy.state_dict(), loaded.policy.state_dict()
            if self.config.eye is not None:
                theirs = {n: x for n, x in theirs.items() if not n.startswith(SEEN)}
            elif self.config.eye_fold is not None:
                theirs = {n: x for n, x in theirs.items() if not n.startswith("video.")}
            if self.config.anchor is not None:
                theirs = _anchored(theirs, self.config)
            if self.config.eye_levels is not None:
                theirs = wider_reading(policy, loaded.policy)
            policy.load_state_dict({n: theirs.get(n, x) for n, x in ours.items()})
        for lesson in self.lessons:
            if lesson.body in new:
                port = policy.trunk.port(lesson.body)
                port.fit_normalisation(*lesson.fitting_data())
                if loaded is not None:
                    self._take_over(port, lesson.body, loaded.policy)
        return policy

    def _read_like(self, teacher: StreamPolicy) -> None:
        """Read the new eye's codes as the teacher reads those of its own; how much of
        that is missed in held-out pictures goes into `missed`, by body."""
        config, device = self.config, self.ranks.device
        steps, count = config.reading_steps, max(1, config.batch // 2)

        def draw(step: int) -> Tensor:
            rng = np.random.default_rng([config.seed, step, 1])
            lesson = self.lessons[step % len(self.lessons)]
            rows = lesson.sampler.draw(count, rng)
            return lesson.examples.pictures(rows, lesson.augment, rng).to(device)

        if self.ranks.first and steps:
            teacher = teacher.to(device)
            with TrainingBar("learn to read", config.show_progress) as bar:
                learn_to_read(
                    self.policy,
                    teacher,
                    draw,
                    steps,
                    optimizer=config.optimizer,
                    # Not the training's: one that spares what is known learns to
                    # read too little.
                    schedule=ScheduleConfig(),
                    seed=config.seed,
                    bfloat16=self.bfloat16,
                    report=lambda step, missed: bar.update(
                        step / steps, f"step {step}  missed {100 * missed:.1f} %"
                    ),
                )
                for lesson in self.lessons:
                    pixels = lesson.measured().sample(_READ).to(device)
                    with torch.no_grad():
                        missed = share_missed(self.policy, teacher, pixels)
                    self.missed[lesson.body] = float(missed)
                told = ", ".join(f"{n} {100 * x:.1f}" for n, x in self.missed.items())
                bar.update(1.0, f"step {steps}  missed, held out [%]: {told}")
        self.ranks.same([x.detach() for x in self.policy.state_dict().values()])

    @staticmethod
    def _take_over(port: Port, body: str, loaded: StreamPolicy) -> None:
        """Start a newcomer's port from that of a relative, where there is one."""
        kin = relative_of(body, loaded.bodies)
        if kin is not None and comparable(port.config, loaded.trunk.port(kin).config):
            take_over(port, body, loaded.trunk.port(kin), kin)

    def run(self) -> None:
        """Train to the end of the budget and save."""
        config, first = self.config, self.ranks.first
        config.out.parent.mkdir(parents=True, exist_ok=True)
        log_path = config.out.parent / f"{config.out.name}.metrics.jsonl"
        wandb = NoRun()
        if first:
            wandb = start_run(config.wandb, config.out.parent, _plain(asdict(config)))
        log = (
            MetricsLog(log_path, wandb, self.step if config.resume else None)
            if (first)
            else None
        )
        if log is not None and self.missed:
            missed = {f"held_out/{n}/missed": x for n, x in self.missed.items()}
            log.write(self.step, missed)
        began = time.monotonic() - self.elapsed_s
        sums: dict[str, float] = {}
        since, since_step = time.monotonic(), self.step
        with TrainingBar("train", config.show_progress and first) as bar:
            while self.fraction < 1:
                parts = self.one_step(time.monotonic() - began)
                for name, value in parts.items():
                    sums[name] = sums.get(name, 0.0) + value
                if log is None:
                    continue
                count = self.step - since_step
                if self.step % config.log_every == 0 or self.fraction >= 1:
                    pace = count * sum(config.rows_of_bodies) * self.ranks.count
                    pace /= time.monotonic() - since
                    means = {name: value / count for name, value in sums.items()}
                    means |= {"rows_per_s": pace, "rate": self._rate()}
                    log.write(self.step, means)
                    told = "  ".join(
                        f"{name} {means[f'{name}/action']:.3f}" for name in config.body
                    )
                    bar.update(
                        self.fraction, f"step {self.step}  {pace:.0f} rows/s  {told}"
                    )
                    sums, since, since_step = {}, time.monotonic(), self.step
                if self.step % config.validate_every == 0 and self.fraction < 1:
                    self._validate(log)
                if self.step % config.save_every == 0 and self.fraction < 1:
                    self.save()
            if log is not None:
                numbers = self._validate(log)
                self.save(numbers)
        wandb.finish()
        self.ranks.wait()

    def one_step(self, elapsed_s: float) -> dict[str, float]:
        """One optimizer step; returns the losses of this process's batch."""
        config = self.config
        self.optimizer.zero_grad()
        rows = config.rows_of_bodies
        losses: dict[str, Tensor] = {}
        for lesson, count, drawn in zip(
            self.lessons, rows, next(self._feed), strict=True
        ):
            aim = self._aim(lesson, drawn.to(self.ranks.device))
            share = count / sum(rows)
            (aim.total * share).backward()
            losses[lesson.body] = aim.total.detach() * share
            for name, part in aim.parts.items():
                losses[f"{lesson.body}/{name}"] = part.detach()
        # All at once: a GPU works on while nobody asks.
        values = torch.stack([loss.float() for loss in losses.values()]).tolist()
        parts = dict(zip(losses, values, strict=True))
        totals = {lesson.body: parts.pop(lesson.body) for lesson in self.lessons}
        for body, total in totals.items():
            if not np.isfinite(total):
                raise FloatingPointError(
                    f"the loss of {body} is {total} at step {self.step}; "
                    "lower schedule.rate"
                )
        parts["loss"] = sum(totals.values())
        elapsed_s = self.ranks.average_gradients(self.parameters, elapsed_s)
        torch.nn.utils.clip_grad_norm_(self.parameters, config.clip)
        self.optimizer.step(self._rate())
        self.average.update(self.parameters, self.step)
        self.step += 1
        self.elapsed_s = elapsed_s
        if config.steps is not None:
            self.fraction = self.step / config.steps
        elif config.seconds is not None:
            self.fraction = elapsed_s / config.seconds
        return parts

    def _aim(self, lesson: Lesson, drawn: Drawn) -> Objective:
        """All losses of one body's rows in this step."""
        device = self.ranks.device
        with torch.autocast(device.type, torch.bfloat16, enabled=self.bfloat16):
            return objective(
                self.policy,
                drawn.batch,
                lesson.loss,
                n_reconstruct=self._draw.decoded(len(drawn.absent)),
                absent=drawn.absent,
            )

    def save(self, numbers: dict[str, float] | None = None) -> None:
        """Write the averaged weights, and beside them what resuming needs."""
        resume = self._snapshot()
        self.average.swap(self.parameters)
        facts = {
            "config": _plain(asdict(self.config)),
            "seed": self.config.seed,
            "steps": self.step,
            "seconds": round(self.elapsed_s, 1),
            "rows": self.rows,
            "precision": "bfloat16" if self.bfloat16 else "float32",
            "offline": {k: round(v, 5) for k, v in (numbers or {}).items()},
        }
        checkpoint = Checkpoint(
            policy=self.policy,
            tokenizers=self.tokenizers,
            facts=facts,
        )
        save_checkpoint(
            self.config.out, checkpoint, weights=self.config.weights, resume=resume
        )
        self.average.swap(self.parameters)

    def _rate(self) -> float:
        return self.config.schedule.at(self.step, self.fraction)

    def _validate(self, log: MetricsLog) -> dict[str, float]:
        self.average.swap(self.parameters)
        numbers = {
            f"{lesson.body}/{name}": value
            for lesson in self.lessons
            for name, value in offline_metrics(
                self.policy, lesson.measured(), self.tokenizers.action[lesson.body]
            ).items()
        }
        self.average.swap(self.parameters)
        log.write(self.step, {f"held_out/{n}": x for n, x in numbers.items()})
        return numbers

    def _snapshot(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = {}
        for index, parameter in enumerate(self.parameters):
            state[f"raw.{index}"] = parameter.detach()
            state[f"average.{index}"] = self.average.values[index]
            for name, value in self.optimizer.remembered(parameter).items():
                state[f"optimizer.{index}.{name}"] = value
        state["progress"] = torch.tensor(
            [self.step, self.fraction, self.elapsed_s], dtype=torch.float64
        )
        # Convolutions keep channels last; on disk everything is in plain order.
        plain = torch.contiguous_format
        return {n: t.clone(memory_format=plain) for n, t in state.items()}

    def _restore(self, state: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for index, parameter in enumerate(self.parameters):
                parameter.copy_(state[f"raw.{index}"])
                self.average.values[index].copy_(state[f"average.{index}"])
                prefix = f"optimizer.{index}."
                memory = [(n, x) for n, x in state.items() if n.startswith(prefix)]
                self.optimizer.remember(
                    parameter, [(n.removeprefix(prefix), x) for n, x in memory]
                )
        step, _, self.elapsed_s = state["progress"].tolist()
        self.step = int(step)
        if self.config.steps is not None:
            self.fraction = self.step / self.config.steps
        elif self.config.seconds is not None:
            self.fraction = self.elapsed_s / self.config.seconds

    def _choose_precision(self) -> bool:
        """True for bf16 autocast; `auto` times a forward and backward pass of each."""
        if self.config.precision != "auto":
            return self.config.precision == "bfloat16"
        rng = np.random.default_rng(0)
        rows = self.lessons[0].sampler.draw(min(64, self.config.batch), rng)
        device = self.ranks.device
        if device.type == "cuda":
            return True
        batch = self.lessons[0].examples.batch(rows, 8, n_weighted=8)
        seconds = []
        for bfloat16 in (False, True) * 3:
            # CPU time: other processes must not decide.
            start = time.process_time()
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                aim = objective(self.policy, batch, self.config.loss, n_reconstruct=8)
            aim.total.backward()
            seconds.append(time.process_time() - start)
        self.optimizer.zero_grad()
        return self.ranks.agree(min(seconds[3::2]) < min(seconds[2::2]))


def _begun(config: TrainConfig) -> tuple[Checkpoint | None, list[str], TokenizerSet]:
    """The checkpoint to go on from, the bodies new to it, and what tokenizes."""
    start = config.out if config.resume else config.init
    loaded = load_checkpoint(start) if start is not None else None
    new = [b for b in config.body if loaded is None or b not in loaded.policy.bodies]
    torch.manual_seed(config.seed)
    return loaded, new, _tokenizers(config, loaded, new)


def _model(
    config: TrainConfig, loaded: Checkpoint | None, tokenizers: TokenizerSet
) -> ModelConfig:
    """Sizes of what is trained: a loaded policy's, which may learn to remember."""
    model = loaded.policy.config if loaded else config.model
    if loaded and model.memory_s and config.model.memory_s not in ((), model.memory_s):
        raise ValueError(
            f"model.memory_s must be that of the checkpoint, {model.memory_s}, got "
            f"{config.model.memory_s}"
        )
    reading = model
    if config.eye is not None and not config.resume:
        # Read anew, so in the sizes that are asked for.
        blocks = config.model.video_blocks or _READING_BLOCKS
        reading = replace(config.model, video_blocks=blocks)
    return replace(
        model,
        video_levels=tuple(tokenizers.video.config.levels),
        video_lent=tokenizers.video.lent,
        video_shares=tokenizers.video.shares,
        video_blocks=reading.video_blocks,
        video_width=reading.video_width,
        memory_s=config.model.memory_s or model.memory_s,
    )


def _anchored(weights: dict[str, Tensor], config: TrainConfig) -> dict[str, Tensor]:
    """Weights of `init`, those that the anchor has too as the mean of both.

    Raises:
        ValueError: a tokenizer of the one is not that of the other.
    """
    assert config.init is not None and config.anchor is not None
    own, other = (
        saved_hashes(find_checkpoint(path) / "tokenizers")
        for path in (config.init, config.anchor)
    )
    # The one of pictures learns with the policy and is mixed as well.
    for name in sorted((own.keys() & other.keys()) - {"video"}):
        if own[name] != other[name]:
            raise ValueError(
                f"anchor {config.anchor} has another {name} tokenizer than "
                f"{config.init}: their weights mean different things"
            )
    anchor = load_checkpoint(config.anchor).policy.state_dict()
    eyes = [{n for n in known if n.startswith("video.")} for known in (weights, anchor)]
    if eyes[0] and eyes[0] != eyes[1]:
        raise ValueError(
            f"anchor {config.anchor} has another eye than {config.init}: their weights "
            "mean different things"
        )
    return {
        name: torch.lerp(value, anchor[name], config.anchor_share)
        if value.is_floating_point() and name in anchor
        else value
        for name, value in weights.items()
    }


def _tokenizers(
    config: TrainConfig, loaded: Checkpoint | None, new: list[str]
) -> TokenizerSet:
    """Those of the checkpoint, and of `config.tokenizers` for bodies new to it.

    Raises:
        ValueError: a body has none, or the eye cannot have so many blocks.
    """
    fitted = TokenizerSet.load(config.tokenizers) if new else None
    missing = [body for body in new if fitted and body not in fitted.bodies]
    if missing:
        raise ValueError(
            f"{config.tokenizers} holds no tokenizers of body {missing[0]!r}"
        )
    state, action = {}, {}
    for body in config.body:
        source = fitted if body in new else loaded.tokenizers if loaded else None
        assert source is not None
        state[body], action[body] = source.state[body], source.action[body]
    whole = loaded.tokenizers if loaded else fitted
    assert whole is not None
    video = load_frame_tokenizer(find_video(config.eye)) if config.eye else whole.video
    if config.eye and loaded and video.seen != loaded.tokenizers.video.seen:
        raise ValueError(
            f"eye {config.eye} sees frames of {video.seen} px to a side, and that of "
            f"{config.init} those of {loaded.tokenizers.video.seen}: one cannot learn "
            "to read as the other"
        )
    asked = {
        "blocks": config.eye_blocks,
        "levels": config.eye_levels,
        "fold": config.eye_fold,
    }
    asked = {name: value for name, value in asked.items() if value is not None}
    if asked and not isinstance(video, VideoFSQ):
        raise ValueError(
            "eye_blocks, eye_levels and eye_fold are for a plain eye of single frames "
            f"(VideoFSQ), got a {type(video).__name__}"
        )
    for name, value in asked.items():
        has = getattr(video.config, name)
        if config.resume and has != value:
            raise ValueError(
                f"resume keeps the eye of {config.out}, whose {name} are {has}; got "
                f"eye_{name} {value}"
            )
    if asked and isinstance(video, VideoFSQ):
        video = video.grown(config.eye_blocks, config.eye_levels, config.eye_fold)
    return TokenizerSet(text=whole.text, video=video, state=state, action=action)


def _plain(value: Any) -> Any:
    """Paths and tuples as JSON knows them."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, Path) else value

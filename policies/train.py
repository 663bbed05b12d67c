"""`brownfield train`: imitate recorded labels, keep the pictures, predict what follows.

One process, or several that each hold their own share of the episodes and average
their gradients (gloo on CPU). Every process keeps the whole model; sharding it
(FSDP2) is not written yet and nothing here pretends otherwise.
"""

import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from brownfield.envs.places import place_of
from brownfield.policies.batches import (
    Augment,
    AugmentConfig,
    Examples,
    Sampler,
    tokenize,
)
from brownfield.policies.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_resume,
    save_checkpoint,
)
from brownfield.policies.log import MetricsLog, NoRun, TrainingBar, start_run
from brownfield.policies.losses import LossConfig
from brownfield.policies.metrics import offline_metrics
from brownfield.policies.model import ModelConfig
from brownfield.policies.objective import objective
from brownfield.policies.policy import StreamPolicy
from brownfield.policies.ranks import Ranks, run_ranks
from brownfield.policies.schedule import MovingAverage, ScheduleConfig
from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.policies.windows import SIGHT, Windows, load_windows
from brownfield.robot.bodies import body_named

PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training run."""

    datasets: tuple[Path, ...]
    """Recorded datasets, read into memory."""

    tokenizers: Path
    """Folder written by `brownfield tokenize`."""

    out: Path
    """Checkpoint to write."""

    body: str = "g1"
    """Body of the datasets."""

    model: ModelConfig = field(default_factory=ModelConfig)
    """Width, layers and heads; the rest is taken from body and tokenizers."""

    steps: int | None = None
    """Length of training in optimizer steps; give this or `seconds`."""

    seconds: float | None = None
    """Length of training in wall seconds; the schedule follows the clock, so such a
    run resumes, but not bit for bit."""

    batch: int = 128
    """Rows of one step and process."""

    world_share: float = 0.125
    """Share of the rows that also predict the next look."""

    reconstruction_share: float = 0.125
    """Share of the rows that are decoded to pictures."""

    state_dropout: float = 0.05
    """Chance of withholding the state of a row."""

    loss: LossConfig = field(default_factory=LossConfig)
    """Weights and target widths."""

    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    """Learning rate."""

    augment: AugmentConfig = field(default_factory=AugmentConfig)
    """Image augmentation."""

    weight_decay: float = 0.02
    """AdamW, on matrices only."""

    clip: float = 1.0
    """Largest norm of the gradient."""

    average: float = 0.999
    """Longest memory of the averaged weights that are saved."""

    precision: str = "auto"
    """`float32`, `bfloat16` (autocast), or `auto`: the faster of the two."""

    processes: int = 1
    """Processes that share the work; more than one needs no launcher."""

    threads: int = 1
    """Threads of each process."""

    seed: int = 0
    """Draws weights, rows and augmentation."""

    resume: bool = False
    """Go on from `out`."""

    init: Path | None = None
    """Start from this checkpoint's weights and tokenizers; `tokenizers` is ignored."""

    weights: str = "float32"
    """dtype of the transformer in the checkpoint."""

    log_every: int = 20
    """Steps between lines of metrics.jsonl."""

    validate_every: int = 500
    """Steps between offline measures on held-out episodes."""

    save_every: int = 1000
    """Steps between checkpoints."""

    validation_every_episode: int = 20
    """Every so many-th episode is held out; 0 holds none."""

    wandb: str = "off"
    """`off`, `offline` or `online`."""

    show_progress: bool = True
    """Draw a progress bar."""

    def __post_init__(self) -> None:
        """Refuse budgets and precisions that mean nothing."""
        if (self.steps is None) == (self.seconds is None):
            raise ValueError("give either steps or seconds")
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision must be one of {', '.join(PRECISIONS)}; "
                f"got {self.precision!r}"
            )
        if self.processes < 1 or self.threads < 1 or self.batch < 1:
            raise ValueError("processes, threads and batch must be at least 1")
        if self.resume and self.init is not None:
            raise ValueError("resume goes on from out; init begins anew: give one")


def train(config: TrainConfig) -> Path:
    """Train a policy and write its checkpoint; returns the checkpoint's folder.

    Raises:
        ValueError: datasets, tokenizers or checkpoint cannot be used.
        FloatingPointError: the loss is no longer a number.
    """
    run_ranks(_train_rank, config, config.processes, config.threads)
    return config.out


def _train_rank(config: TrainConfig, ranks: Ranks) -> None:
    body, share = body_named(config.body), {"rank": ranks.rank, "ranks": ranks.count}
    Trainer(config, load_windows(config.datasets, body, **share), ranks).run()


class Trainer:
    """State of one process's training."""

    def __init__(self, config: TrainConfig, windows: Windows, ranks: Ranks) -> None:
        self.config, self.ranks = config, ranks
        torch.manual_seed(config.seed)
        held_out = windows.held_out(config.validation_every_episode)
        training = ~held_out[windows.look]
        if not training.any():
            raise ValueError(
                f"process {ranks.rank} has no episode to learn from: record more, or "
                "hold out or share out fewer"
            )
        start = config.out if config.resume else config.init
        if start is not None:
            loaded = load_checkpoint(start)
            self.policy, self.tokenizers = loaded.policy, loaded.tokenizers
        else:
            self.tokenizers = TokenizerSet.load(config.tokenizers)
            n_read = windows.privileged.shape[1] - len(SIGHT)
            model = replace(config.model, auxiliary=n_read)
            sizes = fitted_sizes(model, self.tokenizers, config.body)
            self.policy = StreamPolicy(sizes, self.tokenizers.video)
        text_bytes = self.policy.config.text_bytes
        self.examples = tokenize(
            windows,
            self.tokenizers,
            text_bytes,
            config.augment.paraphrases,
            place_of(config.body).paraphrase,
        )
        self.held_out: Examples | None = None
        if held_out.any() and ranks.first:
            looks = windows.looks(held_out)
            self.held_out = tokenize(looks, self.tokenizers, text_bytes)
        if start is None:
            self.policy.fit_normalisation(
                self.examples.state[~held_out], self.examples.auxiliary[training]
            )
            ranks.same(list(self.policy.buffers()))
        self.policy.train()
        self.policy.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.sampler = Sampler(windows.weights() * training)
        self.rows = int(training.sum()) * ranks.count
        self.augment = Augment(config.augment)
        self.parameters = list(self.policy.parameters())
        matrices = [p for p in self.parameters if p.dim() > 1]
        vectors = [p for p in self.parameters if p.dim() <= 1]
        self.optimizer = torch.optim.AdamW(
            [
                {"params": matrices, "weight_decay": config.weight_decay},
                {"params": vectors, "weight_decay": 0.0},
            ],
            lr=config.schedule.rate,
            betas=(0.9, 0.95),
            fused=True,
        )
        self.average = MovingAverage(self.parameters, config.average)
        self.step, self.fraction, self.elapsed_s = 0, 0.0, 0.0
        if config.resume:
            self._restore(load_resume(config.out))
        self.bfloat16 = self._choose_precision()

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
                    pace = count * config.batch * self.ranks.count
                    pace /= time.monotonic() - since
                    means = {name: value / count for name, value in sums.items()}
                    means |= {"rows_per_s": pace, "rate": self._rate()}
                    log.write(self.step, means)
                    bar.update(
                        self.fraction,
                        f"step {self.step}  {pace:.0f} rows/s  "
                        f"action {means['action']:.3f}",
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
        # One generator a step: a resumed run draws what an unbroken one would.
        rng = np.random.default_rng([config.seed, self.ranks.rank, self.step])
        rows = self.sampler.draw(config.batch, rng)
        n_world = round(config.batch * config.world_share)
        batch = self.examples.batch(rows, n_world, self.augment, rng)
        absent = torch.from_numpy(rng.random(config.batch) < config.state_dropout)
        for group in self.optimizer.param_groups:
            group["lr"] = self._rate()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            aim = objective(
                self.policy,
                batch,
                config.loss,
                n_reconstruct=round(config.batch * config.reconstruction_share),
                absent=absent,
            )
        total = float(aim.total.detach())
        if not np.isfinite(total):
            raise FloatingPointError(
                f"the loss is {total} at step {self.step}; lower schedule.rate"
            )
        self.optimizer.zero_grad(set_to_none=True)
        aim.total.backward()
        elapsed_s = self.ranks.average_gradients(self.parameters, elapsed_s)
        torch.nn.utils.clip_grad_norm_(self.parameters, config.clip)
        self.optimizer.step()
        self.average.update(self.parameters, self.step)
        self.step += 1
        self.elapsed_s = elapsed_s
        if config.steps is not None:
            self.fraction = self.step / config.steps
        elif config.seconds is not None:
            self.fraction = elapsed_s / config.seconds
        return {"loss": total} | {n: float(p.detach()) for n, p in aim.parts.items()}

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
            body=self.config.body,
            facts=facts,
        )
        save_checkpoint(
            self.config.out, checkpoint, weights=self.config.weights, resume=resume
        )
        self.average.swap(self.parameters)

    def _rate(self) -> float:
        return self.config.schedule.at(self.step, self.fraction)

    def _validate(self, log: MetricsLog) -> dict[str, float]:
        examples = self.held_out or self.examples
        self.average.swap(self.parameters)
        numbers = offline_metrics(self.policy, examples, self.tokenizers.action)
        self.average.swap(self.parameters)
        log.write(self.step, {f"held_out/{n}": x for n, x in numbers.items()})
        return numbers

    def _snapshot(self) -> dict[str, Tensor]:
        state: dict[str, Tensor] = {}
        for index, parameter in enumerate(self.parameters):
            state[f"raw.{index}"] = parameter.detach()
            state[f"average.{index}"] = self.average.values[index]
            for name, value in self.optimizer.state[parameter].items():
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
                moments = {
                    name: torch.empty_like(parameter).copy_(
                        state[f"optimizer.{index}.{name}"]
                    )
                    for name in ("exp_avg", "exp_avg_sq")
                }
                count = state[f"optimizer.{index}.step"]
                self.optimizer.state[parameter] = {"step": count, **moments}
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
        rows = self.sampler.draw(min(64, self.config.batch), rng)
        batch = self.examples.batch(rows, 8)
        seconds = []
        for bfloat16 in (False, True) * 3:
            # CPU time: other processes must not decide.
            start = time.process_time()
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                aim = objective(self.policy, batch, self.config.loss, n_reconstruct=8)
            aim.total.backward()
            seconds.append(time.process_time() - start)
        self.optimizer.zero_grad(set_to_none=True)
        return self.ranks.agree(min(seconds[3::2]) < min(seconds[2::2]))


def fitted_sizes(
    model: ModelConfig, tokenizers: TokenizerSet, body_name: str
) -> ModelConfig:
    """The model's sizes with everything that body and tokenizers decide filled in."""
    body = body_named(body_name)
    return replace(
        model,
        video_levels=tuple(tokenizers.video.config.levels),
        state_dim=body.state_dim,
        action_dim=body.action_dim,
        action_knots=tokenizers.action.n_tokens // body.action_dim,
        action_bins=tokenizers.action.vocab_size,
    )


def _plain(value: Any) -> Any:
    """Paths and tuples as JSON knows them."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, Path) else value

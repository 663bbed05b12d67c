"""Distil the teacher's balance into a small network (DAgger, Ross et al. 2011).

    python -m brownfield.policies.balance_distil --out runs/balance

Every round lets the newest student walk, asks the teacher what it would have done, and
fits the student to all answers so far.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from safetensors.numpy import save
from torch import nn

from brownfield.policies.balance_sim import BalanceSim, BalanceSimConfig
from brownfield.policies.balance_teacher import BalanceTeacher
from brownfield.robot.g1.balance import (
    OBSERVATION_DIM,
    BalancePolicy,
    balance_observation,
)

Samples = tuple[NDArray[np.float32], NDArray[np.float32], int]


@dataclass(frozen=True, kw_only=True)
class BalanceDistilConfig:
    """One distillation."""

    out: Path
    """Folder for balance.safetensors, balance.json and metrics.jsonl."""
    seed: int = 0
    """Seed of everything."""
    first_samples: int = 60_000
    """Teacher-driven samples before the first fit."""
    round_samples: int = 40_000
    """Samples of each DAgger round."""
    rounds: int = 10
    """DAgger rounds."""
    fit_steps: int = 2500
    """Gradient steps after each round."""
    last_steps: int = 30_000
    """Gradient steps after the last."""
    batch: int = 1024
    """Samples in a gradient step."""
    learning_rate: float = 1e-3
    """Peak of the one-cycle schedule."""
    hidden: tuple[int, ...] = (256, 256, 128)
    """Widths of the hidden layers."""
    episode_ticks: int = 1000
    """Longest episode [ticks of 20 ms]."""
    teacher_share: float = 0.1
    """Episodes of a round that the teacher drives."""
    workers: int = 2
    """Processes that simulate, each with seeds of its own; 1: this process."""
    sim: BalanceSimConfig = field(default_factory=BalanceSimConfig)
    """The randomisation."""


class Student(nn.Module):
    """MLP with ELU on normalised observations (B, 72) -> (B, 15)."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, hidden: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(OBSERVATION_DIM))
        self.register_buffer("scale", torch.ones(OBSERVATION_DIM))
        widths = (OBSERVATION_DIM, *hidden)
        layers: list[nn.Module] = []
        for a, b in itertools.pairwise(widths):
            layers += [nn.Linear(a, b), nn.ELU()]
        self.net = nn.Sequential(*layers, nn.Linear(hidden[-1], 15))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Raw outputs (B, 15) of observations (B, 72)."""
        return self.net((x - self.mean) / self.scale)

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """The arrays that `BalancePolicy` reads."""
        linear = [m for m in self.net if isinstance(m, nn.Linear)]
        arrays = {"mean": self.mean, "scale": self.scale}
        for i, layer in enumerate(linear):
            arrays[f"weight{i}"], arrays[f"bias{i}"] = layer.weight, layer.bias
        return {k: v.detach().numpy().copy() for k, v in arrays.items()}


def collect(
    config: BalanceDistilConfig,
    weights: dict[str, NDArray[np.float32]] | None,
    count: int,
    seed: int,
) -> Samples:
    """Observations (N, 72), the teacher's answers (N, 15) and the number of falls."""
    rng = np.random.default_rng([config.seed, seed])
    sim, teacher = BalanceSim(rng, config.sim), BalanceTeacher()
    student = BalancePolicy(weights) if weights else None
    seen, answers, falls = [], [], 0
    while len(seen) < count:
        sim.reset()
        drives = student is None or rng.random() < config.teacher_share
        for tick in range(config.episode_ticks):
            if tick % 125 == 0:
                sim.new_command()
            if tick % 90 == 45:
                sim.new_arm_goal()
            if rng.random() < config.sim.push_rate_hz / 50:
                most = config.sim.push_speed
                sim.push(rng.uniform(-most, most, 2))
            readings = sim.observe()
            answer = teacher.act(**readings)
            observation = balance_observation(**readings)
            seen.append(observation)
            answers.append(answer)
            if student is None or drives:
                output = answer
            else:
                output = student.network(observation)
            if sim.step(output):
                falls += 1
                break
    return np.array(seen), np.array(answers, np.float32), falls


def _fit(
    student: Student,
    seen: NDArray[np.float32],
    answers: NDArray[np.float32],
    config: BalanceDistilConfig,
    steps: int,
) -> float:
    """Fit the student; returns the smoothed loss."""
    x, y = torch.from_numpy(seen), torch.from_numpy(answers)
    student.mean.copy_(x.mean(0))
    student.scale.copy_(x.std(0) + 1e-2)
    optimizer = torch.optim.AdamW(
        student.parameters(), config.learning_rate, weight_decay=1e-5
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.learning_rate, total_steps=steps
    )
    smooth = 0.0
    for _ in track(range(steps), description="fit", transient=True):
        pick = torch.randint(0, len(x), (config.batch,))
        loss = nn.functional.smooth_l1_loss(student(x[pick]), y[pick])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        smooth = 0.98 * smooth + 0.02 * loss.item()
    return smooth


def write_policy(
    student: Student, config: BalanceDistilConfig, log: list[dict[str, float]]
) -> None:
    """Write `balance.safetensors` and its card `balance.json`, card last."""
    data = save(student.weights())
    card = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "command": f"python -m brownfield.policies.balance_distil --out {config.out}",
        "config": asdict(config),
        "log": log,
    }
    text = json.dumps(card, indent=2, default=str) + "\n"
    for name, content in (
        ("balance.safetensors", data),
        ("balance.json", text.encode()),
    ):
        temporary = config.out / f"{name}.tmp"
        temporary.write_bytes(content)
        os.replace(temporary, config.out / name)


def _collect_round(
    config: BalanceDistilConfig,
    weights: dict[str, NDArray[np.float32]] | None,
    round_index: int,
    pool: ProcessPoolExecutor | None,
) -> Samples:
    """The samples of one round, from all workers in order."""
    count = config.round_samples if weights else config.first_samples
    share = count // config.workers
    seeds = [round_index * config.workers + i for i in range(config.workers)]
    if pool is None:
        return collect(config, weights, share, seeds[0])
    jobs = [pool.submit(collect, config, weights, share, seed) for seed in seeds]
    parts = [job.result() for job in jobs]
    return (
        np.concatenate([part[0] for part in parts]),
        np.concatenate([part[1] for part in parts]),
        sum(part[2] for part in parts),
    )


def distil(config: BalanceDistilConfig) -> None:
    """Run one distillation; the newest student is written after every round.

    Raises:
        FileNotFoundError: the teacher is not installed; the message has the command.
        ValueError: no worker, or no sample.
    """
    if min(config.workers, config.first_samples, config.round_samples) < 1:
        raise ValueError("workers, first_samples and round_samples must be at least 1")
    torch.set_num_threads(1)
    torch.manual_seed(config.seed)
    config.out.mkdir(parents=True, exist_ok=True)
    metrics = config.out / "metrics.jsonl"
    metrics.unlink(missing_ok=True)
    student = Student(config.hidden)
    start, log = time.monotonic(), []
    seen = np.zeros((0, OBSERVATION_DIM), np.float32)
    answers = np.zeros((0, 15), np.float32)
    with ExitStack() as stack:
        pool = None
        if config.workers > 1:
            context = get_context("spawn")
            pool = stack.enter_context(ProcessPoolExecutor(config.workers, context))
        for round_index in range(config.rounds + 1):
            weights = student.weights() if round_index else None
            x, y, falls = _collect_round(config, weights, round_index, pool)
            seen, answers = np.concatenate([seen, x]), np.concatenate([answers, y])
            last = round_index == config.rounds
            steps = config.last_steps if last else config.fit_steps
            loss = _fit(student, seen, answers, config, steps)
            log.append(
                {
                    "round": round_index,
                    "samples": len(seen),
                    "falls_while_collecting": falls,
                    "loss": round(loss, 5),
                    "seconds": round(time.monotonic() - start, 1),
                }
            )
            with metrics.open("a") as file:
                file.write(json.dumps(log[-1]) + "\n")
            write_policy(student, config, log)
            print(log[-1], flush=True)


def main() -> None:
    """Command line."""
    import tyro

    distil(tyro.cli(BalanceDistilConfig))


if __name__ == "__main__":
    main()

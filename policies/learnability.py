"""The same small policy with each action tokenizer: which is easiest to learn?

Every tokenizer gets the same demonstrations, model, number of steps and test episodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from brownfield.policies.intervals import Share
from brownfield.policies.tasks import TASKS, Episode, Task
from brownfield.policies.token_policy import TokenPolicy, TokenPolicyConfig
from brownfield.tokenizers.fast import FastGrammar, FastTokenizer
from brownfield.tokenizers.ladder import LadderTokenizer
from brownfield.tokenizers.spline_bins import SplineBinTokenizer
from brownfield.tokenizers.uniform_bins import UniformBinTokenizer

Array = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LearnabilityConfig:
    """One comparison on one task."""

    task: str = "reacher"
    """`reacher` or `road`."""

    tokenizers: tuple[str, ...] = ("ladder", "FAST", "B-spline", "bins")
    """Which."""

    demonstrations: int = 0
    """Episodes of the expert, seeds from 0; 0: the task's own number."""

    steps: int = 1500
    """Training steps, the same for all."""

    batch: int = 256
    """Windows of a step."""

    rate: float = 2e-3
    """Highest learning rate; cosine to a fiftieth."""

    tests: int = 0
    """Test episodes, seeds from 1,000,000; 0: the task's own number."""

    training_seeds: tuple[int, ...] = (0, 1, 2)
    """Draw weights and batches; one training each."""

    vocab_size: int = 1024
    """Ids of every tokenizer."""

    def __post_init__(self) -> None:
        """Refuse tasks that do not exist."""
        if self.task not in TASKS:
            raise ValueError(
                f"task must be one of {', '.join(TASKS)}, got {self.task!r}"
            )

    @property
    def what(self) -> Task:
        """The task."""
        return TASKS[self.task]

    @property
    def test_seeds(self) -> range:
        """Of the test episodes, the same for all tokenizers."""
        return range(1_000_000, 1_000_000 + (self.tests or self.what.tests))


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A fitted tokenizer and its strings."""

    decode: Callable[[Ids, Array, Array], Array]
    """Motion (T, D) of the ids of one string, given last and velocity (D,)."""

    strings: list[Ids]
    """Ids of every training window."""

    rmse: float
    """Round trip error of the training windows, in half the 1 to 99 % range."""

    vocab_size: int
    """Ids are below it."""

    allowed: Callable[[int, Tensor], Tensor] | None
    """Which ids may follow; None where strings have one length and any id may."""


@dataclass(frozen=True, kw_only=True)
class Demonstrations:
    """N windows."""

    observation: Array
    """(N, n)."""

    chunk: Array
    """(N, T, D) what the expert would do from there."""

    last: Array
    """(N, D) executed."""

    velocity: Array
    """(N, D) its slope [unit/s]."""


def demonstrate(config: LearnabilityConfig) -> Demonstrations:
    """Episodes of the expert, now and then pushed off its way; labels are clean."""
    task = config.what
    rows: list[tuple[Array, Array, Array, Array]] = []
    for seed in range(config.demonstrations or task.demonstrations):
        episode = task.start(seed)
        rng = np.random.default_rng([seed, 7])
        push = np.zeros(len(task.push))
        while not episode.over:
            chunk = episode.plan(task.chunk)
            own = episode.command.copy(), episode.slope.copy()
            rows.append((episode.observation, chunk, *own))
            if rng.random() < 0.1:
                push = rng.normal(0, task.push)
            episode.play(np.clip(chunk[0] + push, task.lower, task.upper))
            push = push * 0.7
    columns = [np.array([row[i] for row in rows]) for i in range(4)]
    return Demonstrations(
        observation=columns[0], chunk=columns[1], last=columns[2], velocity=columns[3]
    )


def contestant(
    name: str, demos: Demonstrations, config: LearnabilityConfig
) -> Contestant:
    """Fit a tokenizer.

    Raises:
        ValueError: there is none of that name.
    """
    task = config.what
    data = (demos.chunk, demos.last, demos.velocity, task.rate_hz)
    vocab = config.vocab_size
    codec: Any
    if name == "ladder":
        codec = LadderTokenizer.fit(
            *data,
            task.lower,
            task.upper,
            task.max_rate,
            rest=task.rest,
            vocab_size=vocab,
            max_tokens=8,
        )
    elif name == "FAST":
        codec = FastTokenizer.fit(
            *data, relative=True, merge="characters", vocab_size=vocab, scale=30.0
        )
    elif name == "B-spline":
        codec = SplineBinTokenizer.fit(
            *data, task.lower, task.upper, points=6, n_bins=vocab
        )
    elif name == "bins":
        codec = UniformBinTokenizer.fit(*data, n_bins=vocab)
    else:
        known = LearnabilityConfig().tokenizers
        raise ValueError(f"unknown tokenizer {name!r}; there are {', '.join(known)}")
    if name == "FAST":
        strings = [
            codec.encode(c, a) for c, a in zip(demos.chunk, demos.last, strict=True)
        ]
    else:
        strings = list(codec.encode(demos.chunk, demos.last, demos.velocity))
    some = np.linspace(0, len(strings) - 1, min(500, len(strings))).astype(int)
    low, high = np.quantile(demos.chunk, [0.01, 0.99], axis=(0, 1))
    off = [
        2
        * (codec.decode(strings[i], demos.last[i], demos.velocity[i]) - demos.chunk[i])
        / (high - low)
        for i in some
    ]
    return Contestant(
        decode=codec.decode,
        strings=strings,
        rmse=float(np.sqrt(np.mean(np.square(off)))),
        vocab_size=codec.vocab_size,
        allowed=(
            fast_grammar(codec, max(map(len, strings))) if name == "FAST" else None
        ),
    )


def fast_grammar(codec: FastTokenizer, longest: int) -> Callable[[int, Tensor], Tensor]:
    """What may follow: ids that fit in and leave no more than the ids that are left can
    write, and the end when all is written.

    Args:
        codec: whose strings are written.
        longest: ids of the longest string.
    """
    grammar = FastGrammar(codec)
    lengths = torch.from_numpy(np.append(grammar.lengths, 0))
    most = int(lengths.max())

    def allowed(count: int, ids: Tensor) -> Tensor:
        written = lengths[ids].sum(-1, keepdim=True)
        open_ = grammar.count - written - lengths
        fits = (lengths > 0) & (open_ >= 0) & (open_ <= (longest - count - 1) * most)
        fits[:, -1] = written[:, 0] == grammar.count
        return fits

    return allowed


def train_policy(
    own: Contestant, demos: Demonstrations, config: LearnabilityConfig, seed: int
) -> TokenPolicy:
    """Cross-entropy of the next id, nothing else."""
    torch.manual_seed(seed)
    longest = max(map(len, own.strings))
    sizes = TokenPolicyConfig(
        observation=demos.observation.shape[1],
        vocab_size=own.vocab_size,
        longest=longest,
    )
    policy = TokenPolicy(sizes)
    seen = torch.from_numpy(demos.observation).float()
    policy.mean.copy_(seen.mean(0))
    policy.std.copy_(seen.std(0).clamp_min(1e-3))
    ids = np.full((len(own.strings), longest), policy.end)
    for row, string in zip(ids, own.strings, strict=True):
        row[: len(string)] = string
    wanted = torch.from_numpy(ids)
    length = torch.tensor([len(s) for s in own.strings])
    optimizer = torch.optim.AdamW(
        policy.parameters(), lr=config.rate, betas=(0.9, 0.95), weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.rate, config.steps, pct_start=0.05, final_div_factor=50
    )
    rng = np.random.default_rng(seed)
    places = torch.arange(longest)
    for _ in range(config.steps):
        pick = torch.from_numpy(rng.integers(0, len(seen), config.batch))
        logits = policy(seen[pick], wanted[pick, :-1])
        loss = functional.cross_entropy(
            logits.transpose(1, 2), wanted[pick], reduction="none"
        )
        # A string's end is learned once, what is behind it not at all.
        real = places <= length[pick, None]
        loss = (loss * real).sum() / real.sum()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return policy.eval()


def drive(
    policy: TokenPolicy, own: Contestant, config: LearnabilityConfig
) -> NDArray[np.bool_]:
    """Success (seeds,) in closed loop; all episodes are asked at once."""
    episodes = [config.what.start(seed) for seed in config.test_seeds]
    while open_ := [episode for episode in episodes if not episode.over]:
        seen = np.array([episode.observation for episode in open_])
        strings = policy.write(torch.from_numpy(seen).float(), own.allowed).numpy()
        for episode, string in zip(open_, strings, strict=True):
            string = string[: int((string != policy.end).sum())]
            rows = own.decode(string, episode.command, episode.slope)
            _play(episode, rows[: config.what.executed])
    return np.array([episode.success for episode in episodes])


def drive_expert(config: LearnabilityConfig) -> NDArray[np.bool_]:
    """Success (seeds,) of the expert, asked as rarely as the policies are."""
    task, success = config.what, []
    for seed in config.test_seeds:
        episode = task.start(seed)
        while not episode.over:
            _play(episode, episode.plan(task.chunk)[: task.executed])
        success.append(episode.success)
    return np.array(success)


def _play(episode: Episode, rows: Array) -> None:
    for row in rows:
        if not episode.over:
            episode.play(row)


def learnability(
    config: LearnabilityConfig, say: Callable[[str], None] = lambda _: None
) -> dict[str, Any]:
    """Train and test every tokenizer.

    Args:
        config: what to compare.
        say: told what is being done.

    Returns:
        JSON-able: `config`, `expert` successes, and by tokenizer `ids`, `rmse`
        and `success` (training seeds, test seeds).
    """
    say("demonstrations")
    demos = demonstrate(config)
    result: dict[str, Any] = {
        "config": asdict(config),
        "windows": len(demos.last),
        "expert": drive_expert(config).tolist(),
        "tokenizers": {},
    }
    for name in config.tokenizers:
        own = contestant(name, demos, config)
        rows = []
        for seed in config.training_seeds:
            say(f"{name}, training {seed}")
            policy = train_policy(own, demos, config, seed)
            rows.append(drive(policy, own, config).tolist())
        result["tokenizers"][name] = {
            "ids": float(np.mean([len(s) for s in own.strings])),
            "rmse": own.rmse,
            "success": rows,
        }
    return result


def learnability_rows(result: dict[str, Any]) -> list[list[str]]:
    """Rows of text: tokenizer, ids, round trip, success, of each training, and what the
    first tokenizer gains over it on the same test seeds."""
    n = len(result["expert"])
    expert = str(Share(successes=sum(result["expert"]), n=n))
    rows = [["expert", "-", "-", expert, "-", "-"]]
    first = next(iter(result["tokenizers"].values()))["success"]
    for name, own in result["tokenizers"].items():
        runs = np.array(own["success"], dtype=float)
        low, high = _over_seeds(runs)
        gain = "-"
        if own["success"] is not first:
            difference = np.array(first, dtype=float) - runs
            bounds = " to ".join(f"{100 * x:+.1f}" for x in _over_seeds(difference))
            gain = f"{100 * difference.mean():+.1f} [{bounds}]"
        rows.append(
            [
                name,
                f"{own['ids']:.1f}",
                f"{own['rmse']:.4f}",
                f"{100 * runs.mean():.1f} % [{100 * low:.1f}, {100 * high:.1f}]",
                "  ".join(f"{100 * np.mean(run):.1f}" for run in runs),
                gain,
            ]
        )
    return rows


def _over_seeds(values: Array, draws: int = 4000) -> tuple[float, float]:
    """95 % bootstrap of the mean of (trainings, test seeds), drawn over both: episodes
    of one seed are alike in all trainings, and those of one training in all seeds."""
    rng = np.random.default_rng(0)
    runs, seeds = values.shape
    means = [
        values[rng.integers(0, runs, runs)][:, rng.integers(0, seeds, seeds)].mean()
        for _ in range(draws)
    ]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)

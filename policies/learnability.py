"""The same small policy with each action tokenizer: which is easiest to learn?

Every tokenizer gets the same demonstrations, model, loss, number of steps and test
episodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brownfield.policies.intervals import Share
from brownfield.policies.losses import string_loss
from brownfield.policies.tasks import TASKS, Episode, Task
from brownfield.policies.token_policy import TokenPolicy
from brownfield.tokenizers.action_tokenizers import ACTION_TOKENIZERS
from brownfield.tokenizers.fast import FastGrammar
from brownfield.tokenizers.fast_strings import FastStrings
from brownfield.tokenizers.protocols import DigitTokenizer

Array = NDArray[np.float64]
CONTESTANTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "ladder": ("ladder", {"max_tokens": 8}, "vocab_size"),
    "FAST": ("fast", {"scale": 30.0}, "vocab_size"),
    "B-spline": ("spline", {"points": 6}, "n_bins"),
    "bins": ("bins", {}, "n_bins"),
}
"""By name: which of `ACTION_TOKENIZERS`, how it is fitted, and what it calls its
vocabulary."""


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
    """Test episodes; 0: the task's own number."""

    first_test_seed: int = 4_000_000
    """Of the test episodes. Settings were chosen on seeds from 1,000,000 and 2,000,000;
    those from 3,000,000 were driven once, before digits were read by their median."""

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
        first = self.first_test_seed
        return range(first, first + (self.tests or self.what.tests))


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A fitted tokenizer and what a policy learns of it."""

    codec: DigitTokenizer
    """It."""

    place: Tensor
    """(N, L, J) digits of every training window, before they are rounded."""

    ids: float
    """Ids of a string on average, without those that fill it up."""

    rmse: float
    """Round trip error of the training windows, in half the 1 to 99 % range."""

    allowed: Callable[[int, Tensor], Tensor] | None
    """Which digits may follow; None where any may."""


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
    if name not in CONTESTANTS:
        known = ", ".join(CONTESTANTS)
        raise ValueError(f"unknown tokenizer {name!r}; there are {known}")
    task, (kind, own, vocab) = config.what, CONTESTANTS[name]
    fit: Any = ACTION_TOKENIZERS[kind][1]
    codec: DigitTokenizer = fit.fit(
        demos.chunk,
        demos.last,
        demos.velocity,
        rate_hz=task.rate_hz,
        lower=task.lower,
        upper=task.upper,
        max_rate=task.max_rate,
        names=task.fields,
        rest=task.rest,
        **own,
        **{vocab: config.vocab_size},
    )
    ids = codec.encode(demos.chunk, demos.last, demos.velocity)
    grammar = fast_grammar(codec) if isinstance(codec, FastStrings) else None
    said = (ids != codec.end).sum(1) if isinstance(codec, FastStrings) else len(ids[0])
    some = np.linspace(0, len(ids) - 1, min(500, len(ids))).astype(int)
    low, high = np.quantile(demos.chunk, [0.01, 0.99], axis=(0, 1))
    back = codec.decode(ids[some], demos.last[some], demos.velocity[some])
    off = 2 * (back - demos.chunk[some]) / (high - low)
    place = codec.places(demos.chunk, demos.last, demos.velocity)
    return Contestant(
        codec=codec,
        place=torch.from_numpy(np.asarray(place)).float(),
        ids=float(np.mean(said)),
        rmse=float(np.sqrt(np.mean(np.square(off)))),
        allowed=grammar,
    )


def fast_grammar(strings: FastStrings) -> Callable[[int, Tensor], Tensor]:
    """What may follow: ids that fit in and leave what the ids that are left can write,
    and the end when all is written.

    Args:
        strings: of the codec that is spoken.
    """
    grammar = FastGrammar(strings.codec)
    lengths = torch.from_numpy(np.append(grammar.lengths, 0))
    # Fewest ids that write so many coefficients; single ones can always be written.
    fewest = np.arange(grammar.count + 1)
    usable = {n for n in lengths.tolist() if 0 < n <= grammar.count}
    for n in range(1, grammar.count + 1):
        fewest[n] = 1 + min(fewest[n - m] for m in usable if m <= n)
    needed = torch.from_numpy(fewest)

    def allowed(count: int, said: Tensor) -> Tensor:
        written = lengths[said[..., 0]].sum(-1, keepdim=True)
        open_ = grammar.count - written - lengths
        left = strings.n_tokens - count - 1
        fits = (lengths > 0) & (open_ >= 0) & (needed[open_.clamp_min(0)] <= left)
        fits[:, strings.end] = written[:, 0] == grammar.count
        return fits

    return allowed


def train_policy(
    own: Contestant, demos: Demonstrations, config: LearnabilityConfig, seed: int
) -> TokenPolicy:
    """Cross-entropy of the digits of the next id, as large policies that answer with
    strings learn it, but that all ids weigh alike."""
    torch.manual_seed(seed)
    digits = own.codec.digits
    policy = TokenPolicy(demos.observation.shape[1], digits)
    seen = torch.from_numpy(demos.observation).float()
    policy.mean.copy_(seen.mean(0))
    policy.std.copy_(seen.std(0).clamp_min(1e-3))
    optimizer = torch.optim.AdamW(
        policy.parameters(), lr=config.rate, betas=(0.9, 0.95), weight_decay=0.01
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.rate, config.steps, pct_start=0.05, final_div_factor=50
    )
    rng = np.random.default_rng(seed)
    for _ in range(config.steps):
        pick = torch.from_numpy(rng.integers(0, len(seen), config.batch))
        place = own.place[pick]
        said = policy.string.whole(place)
        loss = string_loss(
            policy(seen[pick], said), policy.string.radix, policy.string.size(said)
        )
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
    digits = own.codec.digits
    while open_ := [episode for episode in episodes if not episode.over]:
        seen = np.array([episode.observation for episode in open_])
        said = policy.write(torch.from_numpy(seen).float(), own.allowed).numpy()
        last = np.array([episode.command for episode in open_])
        slope = np.array([episode.slope for episode in open_])
        rows = own.codec.decode(digits.ids(said), last, slope)
        for episode, motion in zip(open_, rows, strict=True):
            _play(episode, motion[: config.what.executed])
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
            "ids": own.ids,
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

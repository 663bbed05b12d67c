"""`brownfield demo`: the shipped policy obeys; then one is made from nothing."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from brownfield.configs import aggregate as aggregate_verb
from brownfield.configs import evaluate as evaluate_verb
from brownfield.configs import prompt as prompt_verb
from brownfield.configs import record as record_verb
from brownfield.configs.shipped import DEFAULT_CHECKPOINTS
from brownfield.envs.kitchen_config import KitchenConfig
from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.road.road_env import RoadEnvConfig
from brownfield.envs.road.traffic import TrafficConfig
from brownfield.policies.tokenize import TokenizeConfig, tokenize_datasets
from brownfield.policies.train import train
from brownfield.policies.train_config import TrainConfig
from brownfield.robot.dataset_schema import JOURNAL_PATH

FROM_SCRATCH = "g1"
"""Body whose policy is made from nothing."""
QUIET = RoadEnvConfig(traffic=TrafficConfig(lights=False, pedestrians=0))
"""Streets for the shipped car: it cannot read lights well enough yet."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a policy is made on the narrow preset: one kitchen, objects in new places."""

    env: KitchenEnvConfig = field(
        default_factory=lambda: KitchenEnvConfig(
            start="near", kitchen=KitchenConfig(material_seed=7)
        )
    )
    """What every episode is drawn from."""

    demonstrations: int = 160
    """Episodes of the expert."""

    tokenize_s: float = 90.0
    """Fitting the video tokenizer [s]."""

    train_s: float = 450.0
    """Training on the demonstrations [s]."""

    aggregated: int = 60
    """Episodes in which the policy drives and the expert labels."""

    beta: float = 0.3
    """Chance that the expert drives a segment of these."""

    tune_s: float = 360.0
    """Training on, with these [s]."""

    tune_rate: float = 1e-3
    """Learning rate of that."""

    evaluated: int = 50
    """Episodes of every actor, on held-out seeds."""

    first_seed: int = 4_000_000
    """First of these seeds."""

    actors: tuple[str, ...] = ("policy", "policy_grey")
    """Who drives them."""


@dataclass(frozen=True, kw_only=True)
class Demo:
    """One demonstration; without `--shipped` and `--from-scratch`, both parts."""

    shipped: bool = False
    """Only the part in which shipped checkpoints obey."""

    from_scratch: bool = False
    """Only the part in which a policy is made from nothing."""

    prompt: str = "pick up the coffee cup"
    """What the humanoid is told."""

    drive: str = "turn left at the junction, then keep the lane"
    """What the car is told."""

    out: Path = Path("outputs/demo")
    """Folder for all that comes of it; an older one's recordings are replaced."""

    recipe: Recipe = field(default_factory=Recipe)
    """How the policy is made."""

    workers: int = os.cpu_count() or 1
    """Processes that simulate or train."""


def run(config: Demo) -> int:
    """Run the parts, and say where everything is."""
    both = config.shipped == config.from_scratch
    made: list[Path] = []
    code = 0
    if both or config.shipped:
        code = _obey(config, made)
    if both or config.from_scratch:
        _from_scratch(config, made)
    print("\nwhat came of it:")
    for path in made:
        print(f"  {path}")
    return code


def _obey(config: Demo, made: list[Path]) -> int:
    """What ships finished obeys; 1 when one of them failed."""
    code = 0
    for body, told in {"g1": config.prompt, "car": config.drive}.items():
        film = config.out / f"{body}.mp4"
        _say(f"{DEFAULT_CHECKPOINTS[body]}: {told!r}")
        code |= prompt_verb.run(
            prompt_verb.Prompt(prompt=told, body=body, road=QUIET, film=film)
        )
        made.append(film)
    return code


def _from_scratch(config: Demo, made: list[Path]) -> None:
    """Record, tokenize, train, aggregate, train on, evaluate, prompt."""
    recipe, out = config.recipe, config.out
    seconds: dict[str, float] = {}

    def timed(title: str, call: Callable[[], object]) -> None:
        _say(title)
        start = time.monotonic()
        call()
        seconds[title] = round(time.monotonic() - start, 1)

    demonstrations, aggregated = out / "demonstrations", out / "aggregated"
    tokenizers, checkpoint = out / "tokenizers", out / "policy"
    for folder in (demonstrations, aggregated):
        if folder.exists():
            if not (folder / JOURNAL_PATH).is_file():
                raise ValueError(f"{folder} is in the way and no recording of ours")
            shutil.rmtree(folder)
    timed(
        f"record {recipe.demonstrations} demonstrations",
        lambda: record_verb.run(
            record_verb.Record(
                out=demonstrations,
                seeds=f"0:{recipe.demonstrations}",
                body=FROM_SCRATCH,
                kitchen=recipe.env,
                workers=config.workers,
            )
        ),
    )
    timed(
        "fit the tokenizers",
        lambda: tokenize_datasets(
            TokenizeConfig(
                datasets=(demonstrations,),
                out=tokenizers,
                # One block of ids is learned in fewer steps than a string.
                action_tokenizer="knots",
                body=(FROM_SCRATCH,),
                seconds=recipe.tokenize_s,
                threads=config.workers,
            )
        ),
    )
    first = TrainConfig(
        datasets=(demonstrations,),
        tokenizers=tokenizers,
        out=out / "first",
        body=(FROM_SCRATCH,),
        seconds=recipe.train_s,
        processes=config.workers,
    )
    timed("train on the demonstrations", lambda: train(first))
    timed(
        f"aggregate {recipe.aggregated} episodes of the policy's own",
        lambda: aggregate_verb.run(
            aggregate_verb.Aggregate(
                checkpoint=out / "first",
                out=aggregated,
                seeds=f"500000:{500_000 + recipe.aggregated}",
                beta=recipe.beta,
                kitchen=recipe.env,
                workers=config.workers,
            )
        ),
    )
    second = replace(
        first,
        datasets=(demonstrations, aggregated),
        out=checkpoint,
        init=out / "first",
        seconds=recipe.tune_s,
        schedule=replace(first.schedule, rate=recipe.tune_rate),
    )
    timed("train on, with these", lambda: train(second))
    last = recipe.first_seed + recipe.evaluated
    timed(
        f"evaluate on {recipe.evaluated} seeds kept out",
        lambda: evaluate_verb.run(
            evaluate_verb.Evaluate(
                checkpoint=checkpoint,
                out=out / "evaluation",
                seeds=f"{recipe.first_seed}:{last}",
                actors=recipe.actors,
                kitchen=recipe.env,
                workers=config.workers,
            )
        ),
    )
    film = out / "from_scratch.mp4"
    timed(
        repr(config.prompt),
        lambda: prompt_verb.run(
            prompt_verb.Prompt(
                prompt=config.prompt,
                body=FROM_SCRATCH,
                checkpoint=checkpoint,
                film=film,
                kitchen=recipe.env,
                quiet=True,
            )
        ),
    )
    (out / "seconds.json").write_text(json.dumps(seconds, indent=1) + "\n")
    print("\n".join(f"{s:8.0f} s  {title}" for title, s in seconds.items()))
    evaluation = out / "evaluation"
    made += [checkpoint, evaluation / "report.html", evaluation / "policy.mp4", film]


def _say(title: str) -> None:
    print(f"\n== {title}", flush=True)

"""A whole evaluation of an untrained policy on episodes of half a second."""

import json
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.parallel import JobError
from brownfield.policies.bench import fit_quickly, made_up_windows
from brownfield.policies.checkpoint import Checkpoint, save_checkpoint
from brownfield.policies.episode_journal import NAME, written
from brownfield.policies.episodes import EpisodeJob, EpisodeRunner, swapped_prompt
from brownfield.policies.evaluate import EvaluateConfig, evaluate
from brownfield.policies.model import ModelConfig
from brownfield.policies.policy import StreamPolicy
from brownfield.policies.port_sizes import port_sizes
from brownfield.policies.prompt import PromptConfig, run_prompt
from brownfield.policies.results import (
    EpisodeResult,
    EvaluationResult,
    load_results,
)

SHORT = KitchenEnvConfig(time_limit_s=0.5)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint") / "untrained"
    tokenizers = fit_quickly(made_up_windows(64))
    model = ModelConfig(width=32, layers=2, heads=2)
    ports = {"g1": port_sizes("g1", tokenizers, 6)}
    policy = StreamPolicy(model, ports, tokenizers.video)
    save_checkpoint(folder, Checkpoint(policy=policy, tokenizers=tokenizers))
    return folder


def test_evaluation_writes_results_films_and_report(
    checkpoint: Path, tmp_path: Path
) -> None:
    actors = (
        "policy",
        "policy_swapped",
        "policy_grey",
        "policy_forgetful",
        "expert_tokens",
        "random",
    )
    config = EvaluateConfig(
        checkpoint=checkpoint,
        out=tmp_path / "evaluation",
        first_seed=1_000_000,
        episodes=1,
        actors=actors,
        env=SHORT,
        workers=0,
        filmed=1,
        show_progress=False,
    )
    result = evaluate(config)
    assert load_results(config.out / "results.json") == result
    assert [(e.actor, e.seed) for e in result.episodes] == [
        (actor, 1_000_000) for actor in actors
    ]
    for told, swapped in zip(
        result.of("policy"), result.of("policy_swapped"), strict=True
    ):
        assert told.asked != swapped.asked and told.phrase == swapped.phrase
        assert not told.success and told.reason and told.seconds == 0.5
    # What remembers nothing has nothing to forget.
    for told, forgot in zip(
        result.of("policy"), result.of("policy_forgetful"), strict=True
    ):
        assert replace(forgot, actor="policy") == told
    page = (config.out / "report.html").read_text()
    assert page.count("<video") == 4 and page.count('alt="decoded"') == 2
    written = sorted(p.name for p in config.out.iterdir())
    assert written == [
        "policy.mp4",
        "policy_forgetful.mp4",
        "policy_grey.mp4",
        "policy_swapped.mp4",
        "report.html",
        "results.json",
    ]


def test_an_evaluation_that_was_cut_short_goes_on(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = EvaluateConfig(
        checkpoint=checkpoint,
        out=tmp_path / "whole",
        first_seed=1_000_000,
        episodes=2,
        actors=("policy", "random"),
        env=SHORT,
        workers=0,
        filmed=1,
        show_progress=False,
    )
    whole = evaluate(config)
    run, driven = EpisodeRunner.__call__, []

    def killed(self: EpisodeRunner, job: EpisodeJob) -> Any:
        if len(driven) == 3:
            raise RuntimeError("the power went")
        driven.append((job.actor, job.seed))
        return run(self, job)

    short = replace(config, out=tmp_path / "short")
    monkeypatch.setattr(EpisodeRunner, "__call__", killed)
    with pytest.raises(JobError, match="the power went"):
        evaluate(short)
    path = short.out / NAME
    with path.open("a") as file:
        file.write('{"episode": {"act')  # killed while it wrote
    driven.clear()
    with pytest.raises(ValueError, match="with another config: give the same"):
        evaluate(replace(short, episodes=3, resume=True))
    result = evaluate(replace(short, resume=True))
    assert result.episodes == whole.episodes and result.config == whole.config
    # The first is filmed, the last is missing.
    assert driven == [("policy", 1_000_000), ("random", 1_000_001)]
    assert (short.out / "policy.mp4").stat().st_size > 0 and not path.exists()
    path.write_text("not a journal\n")
    with pytest.raises(ValueError, match="expected the journal of an evaluation"):
        evaluate(replace(short, resume=True))
    path.write_text("")
    assert written(short.out, {}) == ({}, 0.0)


def test_two_policies_are_compared_on_the_seeds_that_both_drove() -> None:
    def result(name: str, first: int, success: list[bool], env: Any):
        episodes = tuple(
            EpisodeResult(
                actor="policy",
                seed=first + i,
                prompt="get the cup",
                asked="cup",
                did="cup",
                phrase="0",
                success=done,
                reason="" if done else "late",
                as_asked=done,
                seconds=1.0,
            )
            for i, done in enumerate(success)
        )
        return EvaluationResult(
            checkpoint=name,
            checkpoint_sha256="",
            facts={},
            config={"env": env},
            versions={},
            commit="",
            wall_s=1.0,
            episodes=episodes,
        )

    one = result("one", 0, [True, True, False, True], "near")
    two = result("two", 1, [False, True, True, True], "near")
    found = one.against("policy", "policy", two)
    assert found is not None and found["pairs"] == 3
    assert (found["only_first"], found["only_second"]) == (1, 1)
    assert found["difference"] == 0 and found["mcnemar_p"] == 1
    assert one.against("policy", "policy", result("far", 9, [True], "near")) is None
    with pytest.raises(ValueError, match="wide"):
        one.against("policy", "policy", result("other", 0, [True], "wide"))
    # What came later and is off draws the episodes that there were before.
    now = json.loads(json.dumps(asdict(KitchenEnvConfig())))
    old = deepcopy(now)
    for name in ("disturb", "coloured", "absent"):
        del old[name]
    for name in ("twins", "hidden"):
        del old["kitchen"][name]
    before, after = (result("", 0, [True], env) for env in (old, now))
    assert after.against("policy", "policy", before) is not None
    # The same may be asked in other words.
    assert after.config["env"]["phrases"] == "train"
    words = result("", 0, [True], now | {"phrases": "test"})
    assert words.against("policy", "policy", after) is not None
    now["disturb"]["push"] = 1.0
    with pytest.raises(ValueError, match="was evaluated with"):
        result("", 0, [True], now).against("policy", "policy", before)


def test_kinds_are_added_up_by_verb_and_swapped_prompts_by_seed() -> None:
    def episode(actor: str, seed: int, did: str | None, kind: str, done: bool):
        return EpisodeResult(
            actor=actor,
            seed=seed,
            prompt="",
            asked="",
            did=did,
            phrase="0",
            success=done,
            reason="",
            as_asked=None,
            seconds=1.0,
            kind=kind,
        )

    result = EvaluationResult(
        checkpoint="one",
        checkpoint_sha256="",
        facts={},
        config={},
        versions={},
        commit="",
        wall_s=1.0,
        episodes=(
            episode("policy", 0, "cup", "put in the sink", True),
            episode("policy", 1, "cup", "put on the tray", False),
            episode("policy", 2, "box", "pick up", True),
            episode("policy", 3, None, "pick up", False),
            episode("policy_swapped", 0, "box", "pick up", True),
            episode("policy_swapped", 1, "cup", "pick up", True),
            episode("policy_swapped", 3, "cup", "pick up", True),
        ),
    )
    found = result.by_verb("policy")
    assert list(found) == ["pick", "put"]
    assert (found["put"].successes, found["put"].n) == (1, 2)
    changed = result.obeyed_another("policy", "policy_swapped")
    assert (changed.successes, changed.n) == (1, 2)


def test_evaluation_refuses_what_it_cannot_run(tmp_path: Path) -> None:
    common = {"checkpoint": tmp_path, "out": tmp_path, "first_seed": 0}
    with pytest.raises(ValueError, match="unknown actor 'god'; the actors are policy"):
        EvaluateConfig(**common, episodes=1, actors=("god",))
    with pytest.raises(ValueError, match="needs an actor, an episode"):
        EvaluateConfig(**common, episodes=0)


def test_prompt_writes_its_film(checkpoint: Path, tmp_path: Path) -> None:
    said: list[str] = []
    config = PromptConfig(
        prompt="grab the bottle",
        checkpoint=checkpoint,
        film=tmp_path / "film.mp4",
        env=SHORT,
        show=said.append,
    )
    trajectory = run_prompt(config)
    assert trajectory.prompt == "grab the bottle" and len(trajectory) == 5
    assert len(said) == 3 and all("<act>" in line for line in said)
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


def test_swapped_prompt_names_another_object_of_the_scene() -> None:
    env = KitchenEnv(SHORT)
    try:
        _, info = env.reset(seed=1_000_003)
        swapped = swapped_prompt(env, 1_000_003)
        assert swapped == swapped_prompt(env, 1_000_003) != env.prompt
        phrase = env.phrase()
        names = {thing.name for thing in env.kitchen.named} - {info["asked"]}
        assert swapped in {phrase.format(name) for name in names}
    finally:
        env.close()

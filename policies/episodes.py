"""One evaluated episode: who drove, where, how it ended; run in worker processes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.places import EnvConfig, body_of, shared_env
from brownfield.envs.prompted_env import PromptedEnv
from brownfield.envs.rollout import Actor, ExpertActor, run_episode
from brownfield.policies.actor import PolicyActor
from brownfield.policies.agent import shared_agent
from brownfield.policies.baselines import (
    ExpertThroughTokens,
    Forgetful,
    GreyCamera,
    RandomCommands,
    Replay,
)
from brownfield.policies.film import Picture, with_inset
from brownfield.policies.results import EpisodeResult
from brownfield.tokenizers.resize import area_resize

CLIP_HEIGHT, CLIP_WIDTH = 180, 240


@dataclass(frozen=True, kw_only=True)
class Footage:
    """What an episode leaves for the report."""

    clip: tuple[Picture, ...] = ()
    """The body at work with its camera inset (180, 240, 3) at 10 Hz."""
    pairs: tuple[tuple[Picture, Picture], ...] = ()
    """Frames (64, 64, 3) as seen and as their tokens tell them."""
    look_ms: tuple[float, ...] = ()
    """Wall time of every look of the policy [ms]."""


@dataclass(frozen=True, kw_only=True)
class EpisodeJob:
    """An episode to run."""

    actor: str
    """Who drives, a key of `ACTORS`."""
    seed: int
    """Seed of the episode."""
    film: bool
    """Keep footage."""


@dataclass(frozen=True, kw_only=True)
class EpisodeRunner:
    """Runs jobs; picklable, for worker processes."""

    checkpoint: Path | None
    """Folder of the policy; None where only the others are run."""
    env: EnvConfig = field(default_factory=KitchenEnvConfig)
    """Where."""

    def __call__(self, job: EpisodeJob) -> tuple[EpisodeResult, Footage]:
        """Run one job."""
        return self._run(shared_env(self.env), job)

    def _run(self, env: PromptedEnv, job: EpisodeJob) -> tuple[EpisodeResult, Footage]:
        actor = self._actor(job)
        prompt = None
        if job.actor == "policy_swapped":
            env.reset(seed=job.seed)
            prompt = swapped_prompt(env, job.seed)
        watch = _Watch(actor) if job.film else None
        trajectory, info = run_episode(
            env, actor, job.seed, prompt=prompt, label=False, watch=watch
        )
        result = EpisodeResult(
            actor=job.actor,
            seed=job.seed,
            prompt=trajectory.prompt,
            asked=info["asked"],
            phrase=env.phrase(),
            success=trajectory.success,
            reason=trajectory.reason,
            did=info["did"],
            as_asked=info["as_asked"],
            seconds=len(trajectory) / trajectory.control_hz,
            kind=info["kind"],
            map=info["map"],
            met=info["met"],
            hand=info["hand"],
        )
        return result, watch.footage() if watch else Footage()

    def _actor(self, job: EpisodeJob) -> Actor:
        if job.actor == "expert":
            return ExpertActor()
        if job.actor == "replay":
            return Replay(self.env)
        if job.actor == "random":
            return RandomCommands(job.seed)
        if self.checkpoint is None:
            raise ValueError(f"actor {job.actor!r} needs a checkpoint")
        agent = shared_agent(self.checkpoint, body_of(self.env))
        if job.actor == "expert_tokens":
            return ExpertThroughTokens(agent.body, agent.action_tokenizer)
        actor = PolicyActor(agent)
        if job.actor == "policy_forgetful":
            return Forgetful(actor)
        return GreyCamera(actor) if job.actor == "policy_grey" else actor


def swapped_prompt(env: PromptedEnv, seed: int) -> str:
    """The prompt of the running episode, asking for something else of the scene."""
    others = sorted(env.other_prompts())
    if not others:
        raise ValueError(f"seed {seed} offers nothing else to ask for")
    other = others[int(np.random.default_rng([seed, 7]).integers(len(others)))]
    return env.prompt_for(other)


class _Watch:
    """Collects footage while an episode runs."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor if isinstance(actor, PolicyActor) else None
        self._clip: list[Picture] = []
        self._pairs: list[tuple[Picture, Picture]] = []
        self._look_ms: list[float] = []

    def __call__(
        self, env: PromptedEnv, observation: dict[str, Any], command: object
    ) -> None:
        seen = observation[env.body.cameras[0].name]
        view = env.picture(env.view, CLIP_HEIGHT, CLIP_WIDTH)
        self._clip.append(with_inset(view, seen))
        # A look every 2.4 s: eight of them tell an episode.
        if self._actor is not None and len(self._clip) % 24 == 1:
            agent, velocity = self._actor.agent, self._actor.velocity
            start = time.perf_counter()
            agent.act(observation, velocity, agent.step)
            self._look_ms.append(1000 * (time.perf_counter() - start))
            pair = area_resize(seen, 64), agent.seen_frame()
            self._pairs.append(pair)

    def footage(self) -> Footage:
        """What was collected."""
        return Footage(
            clip=tuple(self._clip),
            pairs=tuple(self._pairs),
            look_ms=tuple(self._look_ms),
        )

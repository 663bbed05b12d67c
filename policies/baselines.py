"""Who an evaluated policy is held against: blind, forgetful, random, replayed,
perfect."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.places import EnvConfig, build_env
from brownfield.envs.prompted_env import PromptedEnv
from brownfield.envs.rollout import Actor, ExpertActor, run_episode
from brownfield.policies.actor import PolicyActor
from brownfield.policies.windows import command_columns
from brownfield.robot.body import Body
from brownfield.robot.token_player import TokenPlayer
from brownfield.tokenizers.protocols import ActionTokenizer

Array = NDArray[np.float64]

REPLAYED = 60
"""Demonstrations are made on so many training seeds, from 0."""


class GreyCamera:
    """Another actor, shown a grey picture: does it look at all?"""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def reset(self, env: PromptedEnv) -> None:
        """A new episode."""
        self._actor.reset(env)

    def act(self, env: PromptedEnv, observation: dict[str, Any]) -> Array:
        """What the actor would do if its camera showed grey."""
        camera = env.body.cameras[0].name
        grey = np.full_like(observation[camera], 128)
        return self._actor.act(env, observation | {camera: grey})


class Forgetful:
    """A policy that forgets every look before the next: what is remembering worth?"""

    def __init__(self, actor: PolicyActor) -> None:
        self._actor = actor

    def reset(self, env: PromptedEnv) -> None:
        """A new episode."""
        self._actor.reset(env)

    def act(self, env: PromptedEnv, observation: dict[str, Any]) -> Array:
        """What the policy would do if the episode began now."""
        self._actor.agent.forget()
        return self._actor.act(env, observation)


class ExpertThroughTokens:
    """The expert's chunks, encoded and decoded: what the action tokens cost."""

    def __init__(self, body: Body, tokenizer: ActionTokenizer) -> None:
        self._body, self._tokenizer = body, tokenizer
        self._player: TokenPlayer | None = None
        self._played = 0

    def reset(self, env: PromptedEnv) -> None:
        """A new episode."""
        self._player = None

    def act(self, env: PromptedEnv, observation: dict[str, Any]) -> Array:
        """The next command (D,), a new chunk every `executed_steps`."""
        if self._player is None or self._played >= self._body.executed_steps:
            last = observation["state"][command_columns(self._body)]
            velocity = self._player.velocity if self._player else np.zeros_like(last)
            self._player = TokenPlayer(self._body, self._tokenizer, last, velocity)
            ids = self._tokenizer.encode(env.plan(), last, velocity)
            self._player.feed(np.asarray(ids))
            self._played = 0
        self._played += 1
        return self._player.next()


class RandomCommands:
    """A new command, uniform within the limits, as often as a policy looks."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 11])
        self._command = np.zeros(0)
        self._steps = 0

    def reset(self, env: PromptedEnv) -> None:
        """A new episode."""
        self._steps = 0

    def act(self, env: PromptedEnv, observation: dict[str, Any]) -> Array:
        """The next command (D,)."""
        body = env.body
        if self._steps % body.executed_steps == 0:
            self._command = self._rng.uniform(body.action_lower, body.action_upper)
        self._steps += 1
        return self._command


class Replay:
    """A demonstration of the same task in another place, played blindly; of one of the
    same kind where nobody was ever asked for exactly that, of any where of none."""

    def __init__(self, config: EnvConfig) -> None:
        """Args: config: of the environment that the demonstration is made in."""
        self._config = config
        self._commands: Array = np.zeros((0, 0))
        self._step = 0

    def reset(self, env: PromptedEnv) -> None:
        """A new episode; finds the demonstration.

        Raises:
            ValueError: the expert never managed anything.
        """
        asked, kind = env.read_prompt(env.prompt), env.kind()
        # The demonstration may take its time, whatever the limit of the evaluation.
        patient = replace(self._config, time_limit_s=type(self._config)().time_limit_s)
        drawn = _drawn(patient)
        same = [seed for seed, what in drawn.items() if what == (asked, kind)]
        alike = [seed for seed, what in drawn.items() if what[1] == kind]
        for seed in dict.fromkeys([*same, *alike, *drawn]):
            commands = _demonstration(patient, seed)
            if commands is not None:
                self._commands, self._step = commands, 0
                return
        raise ValueError(f"the expert never managed anything on {REPLAYED} seeds")

    def act(self, env: PromptedEnv, observation: dict[str, Any]) -> Array:
        """The next command (D,); the last one is held."""
        self._step += 1
        return self._commands[min(self._step, len(self._commands)) - 1]


@lru_cache(maxsize=2)
def _drawn(config: EnvConfig) -> dict[int, tuple[str, str]]:
    """What is asked for, and of which kind it is, on training seeds."""
    env = build_env(config)
    try:
        infos = {seed: env.reset(seed=seed)[1] for seed in range(REPLAYED)}
    finally:
        env.close()
    return {seed: (info["asked"], info["kind"]) for seed, info in infos.items()}


@lru_cache(maxsize=REPLAYED)
def _demonstration(config: EnvConfig, seed: int) -> Array | None:
    """Commands (N, D) of the expert on a training seed; None where it failed."""
    env = build_env(config)
    try:
        trajectory, _ = run_episode(env, ExpertActor(), seed, label=False)
    finally:
        env.close()
    return trajectory.action.astype(np.float64) if trajectory.success else None

"""Who an evaluated policy is held against: blind, random, from memory, perfect."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.expert import expert_chunk
from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.prompts import object_of
from brownfield.envs.rollout import Actor, ExpertActor, run_episode
from brownfield.robot.body import Body
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.token_player import TokenPlayer
from brownfield.tokenizers.protocols import ActionTokenizer

Array = NDArray[np.float64]


class GreyCamera:
    """Another actor, shown a grey picture: does it look at all?"""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def reset(self, env: KitchenEnv) -> None:
        """A new episode."""
        self._actor.reset(env)

    def act(self, env: KitchenEnv, observation: dict[str, Any]) -> Array:
        """What the actor would do if its camera showed grey."""
        grey = np.full_like(observation["head"], 128)
        return self._actor.act(env, observation | {"head": grey})


class ExpertThroughTokens:
    """The expert's chunks, encoded and decoded: what the action tokens cost."""

    def __init__(self, body: Body, tokenizer: ActionTokenizer) -> None:
        self._body, self._tokenizer = body, tokenizer
        self._player: TokenPlayer | None = None
        self._played = 0

    def reset(self, env: KitchenEnv) -> None:
        """A new episode."""
        self._player = None

    def act(self, env: KitchenEnv, observation: dict[str, Any]) -> Array:
        """The next command (D,), a new chunk every `executed_steps`."""
        if self._player is None or self._played >= self._body.executed_steps:
            state = env.expert_state()
            self._player = TokenPlayer(self._body, self._tokenizer, state.command)
            chunk = expert_chunk(state, self._body.chunk_steps)[0]
            last = state.command
            ids = self._tokenizer.encode(chunk, last, np.zeros_like(last))
            self._player.feed(np.asarray(ids))
            self._played = 0
        self._played += 1
        return self._player.next()


class RandomCommands:
    """A new command, uniform within the limits, as often as a policy looks."""

    def __init__(self, seed: int, body: Body = G1_BODY) -> None:
        self._rng = np.random.default_rng([seed, 11])
        self._body = body
        self._command = np.zeros(body.action_dim)
        self._steps = 0

    def reset(self, env: KitchenEnv) -> None:
        """A new episode."""
        self._steps = 0

    def act(self, env: KitchenEnv, observation: dict[str, Any]) -> Array:
        """The next command (D,)."""
        if self._steps % self._body.executed_steps == 0:
            body = self._body
            self._command = self._rng.uniform(body.action_lower, body.action_upper)
        self._steps += 1
        return self._command


class Replay:
    """A demonstration of the same object in another kitchen, played blindly."""

    def __init__(self, config: KitchenEnvConfig) -> None:
        """Args: config: of the environment that the demonstration is made in."""
        self._config = config
        self._commands: Array = np.zeros((0, 0))
        self._step = 0

    def reset(self, env: KitchenEnv) -> None:
        """A new episode; finds the demonstration."""
        names = tuple(thing.name for thing in env.kitchen.named)
        self._commands = _demonstration(self._config, object_of(env.prompt, names))
        self._step = 0

    def act(self, env: KitchenEnv, observation: dict[str, Any]) -> Array:
        """The next command (D,); the last one is held."""
        self._step += 1
        return self._commands[min(self._step, len(self._commands)) - 1]


@lru_cache(maxsize=8)
def _demonstration(config: KitchenEnvConfig, name: str) -> Array:
    """Commands (N, D) of the expert's first success with an object, on training
    seeds."""
    # The demonstration may take its time, whatever the limit of the evaluation.
    env = KitchenEnv(replace(config, time_limit_s=KitchenEnvConfig.time_limit_s))
    try:
        for seed in range(60):
            if env.reset(seed=seed)[1]["object"] != name:
                continue
            trajectory, _ = run_episode(env, ExpertActor(), seed, label=False)
            if trajectory.success:
                return trajectory.action.astype(np.float64)
    finally:
        env.close()
    raise ValueError(f"the expert never lifted the {name} on 60 seeds")

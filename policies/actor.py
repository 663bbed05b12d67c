"""Policies that drive an environment, alone or in turns with the expert."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.prompted_env import PromptedEnv
from brownfield.envs.rollout import ExpertActor
from brownfield.policies.agent import PolicyAgent
from brownfield.policies.windows import command_columns
from brownfield.robot.token_player import TokenPlayer

Array = NDArray[np.float64]


class PolicyActor:
    """Plays the first steps of every chunk that the agent's tokens say, then looks.

    Attributes:
        ids: the ids (K,) being played; None before the first look.
        velocity: how fast the commands changed at the last look (D,) [unit/s].
    """

    def __init__(self, agent: PolicyAgent, steps: int | None = None) -> None:
        """Args: steps: commands played between looks; the body's own by default."""
        self.agent = agent
        self.steps = steps or agent.body.executed_steps
        self.ids: NDArray[np.int64] | None = None
        self.velocity = np.zeros(agent.body.action_dim)
        self._columns = command_columns(agent.body)
        self._player: TokenPlayer | None = None
        self._played = self._step = 0

    def reset(self, env: PromptedEnv) -> None:
        """A new episode, with the environment's prompt."""
        self.agent.reset(env.prompt)
        self.ids, self._player, self._step = None, None, 0

    def act(self, env: PromptedEnv, observation: dict[str, Any]) -> Array:
        """The next command (D,)."""
        if self._player is None or self._played >= self.steps:
            executed = observation["state"][self._columns]
            still = np.zeros(len(executed))
            self.velocity = self._player.velocity if self._player else still
            self._player = TokenPlayer(
                self.agent.body, self.agent.action_tokenizer, executed, self.velocity
            )
            self.ids = self.agent.act(observation, self.velocity, self._step)
            self._player.feed(self.ids)
            self._played = 0
        self._played += 1
        self._step += 1
        return self._player.next()

    def look_on(self, observation: dict[str, Any]) -> None:
        """Watch somebody else act for a step."""
        if self._step % self.steps == 0:
            self.agent.watch(observation, self._step)
        self._step += 1

    def look_again(self) -> None:
        """Drop what is left of the chunk: somebody else has acted meanwhile."""
        self._player = None


class MixedActor:
    """Policy and expert take turns, so that the data shows the policy's own states."""

    def __init__(
        self,
        policy: PolicyActor,
        *,
        beta: float,
        rng: np.random.Generator,
        segment: tuple[int, int] = (8, 40),
    ) -> None:
        """Args: beta: chance that a segment is the expert's; segment: its length
        [steps], upper end excluded."""
        self._policy, self._expert = policy, ExpertActor()
        self._beta, self._rng, self._segment = beta, rng, segment
        self._left, self._expert_drives = 0, False

    def reset(self, env: PromptedEnv) -> None:
        """A new episode."""
        self._policy.reset(env)
        self._expert.reset(env)
        self._left = 0

    def act(self, env: PromptedEnv, observation: dict[str, Any]) -> Array:
        """The next command (D,)."""
        if self._left <= 0:
            self._left = int(self._rng.integers(*self._segment))
            self._expert_drives = bool(self._rng.random() < self._beta)
            self._policy.look_again()
        self._left -= 1
        if self._expert_drives:
            self._policy.look_on(observation)
            return self._expert.act(env, observation)
        return self._policy.act(env, observation)

"""Episodes in which the policy drives and the expert labels what it sees (DAgger)."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.places import EnvConfig, body_of, shared_env
from brownfield.envs.rollout import run_episode
from brownfield.policies.actor import MixedActor, PolicyActor
from brownfield.policies.agent import shared_agent
from brownfield.robot.trajectory import Trajectory


@dataclass(frozen=True, kw_only=True)
class MixedEpisode:
    """An episode of a seed in which policy and expert take turns; every state is
    labelled by the expert. Picklable, for worker processes."""

    checkpoint: Path
    """Checkpoint of the policy."""

    beta: float = 0.3
    """Chance that a segment is the expert's."""

    segment: tuple[int, int] = (8, 40)
    """Length of a segment [steps], upper end excluded."""

    env: EnvConfig = field(default_factory=KitchenEnvConfig)
    """Where."""

    segments: int = 0
    """Side of the pictures of classes to keep [pixels]; 0 keeps none."""

    def __post_init__(self) -> None:
        """Refuse chances and lengths that mean nothing."""
        if not 0 <= self.beta <= 1:
            raise ValueError(f"beta must be between 0 and 1, got {self.beta}")
        if not 1 <= self.segment[0] < self.segment[1]:
            raise ValueError(f"segment must rise from 1 up, got {self.segment}")

    def __call__(self, seed: int) -> Trajectory:
        """The episode of `seed`."""
        agent = shared_agent(self.checkpoint, body_of(self.env))
        actor = MixedActor(
            PolicyActor(agent),
            beta=self.beta,
            rng=np.random.default_rng([seed, 5]),
            segment=self.segment,
        )
        env = shared_env(self.env)
        return run_episode(env, actor, seed, segments=self.segments)[0]

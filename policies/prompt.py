"""`brownfield prompt`: one robot, one sentence, one film."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from brownfield.envs.kitchen import generate_kitchen
from brownfield.envs.kitchen_env import KitchenEnv, KitchenEnvConfig
from brownfield.envs.objects import NAMED
from brownfield.envs.prompts import object_of
from brownfield.envs.rollout import run_episode
from brownfield.policies.actor import PolicyActor
from brownfield.policies.agent import PolicyAgent
from brownfield.policies.checkpoint import find_checkpoint
from brownfield.policies.prompt_film import ROOM_HEIGHT, ROOM_WIDTH, Look, PromptFilm
from brownfield.policies.windows import command_columns
from brownfield.robot.trajectory import Trajectory
from brownfield.tokenizers.text import ByteTokenizer

FIRST_SEED = 1_000_000
"""Seeds from here on are in no training data."""


@dataclass(frozen=True, kw_only=True)
class PromptConfig:
    """One prompted episode."""

    prompt: str
    """What the robot is told."""

    checkpoint: Path
    """Folder, or the name of a checkpoint that ships with the package."""

    film: Path
    """MP4 to write."""

    seed: int | None = None
    """Kitchen and start; None takes the first held-out one with the named object."""

    env: KitchenEnvConfig = field(default_factory=KitchenEnvConfig)
    """What the episode is drawn from."""

    show: Callable[[str], None] | None = None
    """Told a line at every look; None is silent."""


def run_prompt(config: PromptConfig) -> Trajectory:
    """Run the episode and write its film.

    Raises:
        ValueError: an empty or long prompt, one that names nothing that stands on the
            counter, or a checkpoint that cannot be used.
    """
    ByteTokenizer().encode(config.prompt)
    named = object_of(config.prompt, tuple(NAMED))
    seed = config.seed
    if seed is None:
        seed = seed_with(named, config.env)
    folder = find_checkpoint(config.checkpoint)
    agent = PolicyAgent(folder)
    env = KitchenEnv(config.env)
    try:
        with PromptFilm(
            config.film,
            agent.body,
            prompt=config.prompt,
            levels=tuple(agent.checkpoint.policy.config.video_levels),
            n_bins=agent.action_tokenizer.vocab_size,
            origin=f"{folder.name}, seed {seed}",
        ) as film:
            actor = PolicyActor(agent)
            watch = _Filming(film, actor, config.show)
            trajectory, _ = run_episode(
                env, actor, seed, prompt=config.prompt, label=False, watch=watch
            )
            watch.finish(env, trajectory)
        return trajectory
    finally:
        env.close()


def seed_with(named: str, config: KitchenEnvConfig) -> int:
    """The first held-out seed whose kitchen has an object.

    Raises:
        ValueError: no kitchen has it.
    """
    for seed in range(FIRST_SEED, FIRST_SEED + 100):
        kitchen = generate_kitchen(seed, config.kitchen)
        if named in (thing.name for thing in kitchen.named):
            return seed
    raise ValueError(
        f"no kitchen has a {named}; there are {', '.join(config.kitchen.named)}"
    )


class _Filming:
    """Puts every step on the film, with the tokens of the last look."""

    def __init__(
        self, film: PromptFilm, actor: PolicyActor, show: Callable[[str], None] | None
    ) -> None:
        self._film, self._actor, self._show = film, actor, show
        self._columns = command_columns(actor.agent.body)
        self._look: Look | None = None
        self._ids: object = None
        self._steps = self._age = 0
        self._grip_height_m = np.inf

    def __call__(
        self, env: KitchenEnv, observation: dict[str, Any], command: object
    ) -> None:
        agent, ids = self._actor.agent, self._actor.ids
        caption = self._phase(observation["state"][self._columns])
        if ids is not self._ids:
            self._ids, self._age = ids, 0
            thought = agent.thought
            assert thought is not None and ids is not None
            self._look = Look(
                head=observation["head"],
                pointing=thought.pointing,
                decoded=agent.seen_frame(),
                video_ids=thought.video_ids,
                state_ids=thought.state_ids,
                action_ids=ids,
            )
            if self._show is not None:
                tokens = " ".join(str(i) for i in ids)
                self._show(f"{self._steps / 10:5.1f} s  {caption:<24} <act> {tokens}")
        assert self._look is not None
        room = env.picture("room", ROOM_HEIGHT, ROOM_WIDTH)
        self._film.add(room, self._look, self._steps / 10, caption, self._age)
        self._steps += 1
        self._age += 1

    def finish(self, env: KitchenEnv, trajectory: Trajectory) -> None:
        """The end of the film."""
        assert self._look is not None
        room = env.picture("room", ROOM_HEIGHT, ROOM_WIDTH)
        self._film.finish(room, self._look, self._steps / 10, trajectory.reason)

    def _phase(self, command: np.ndarray) -> str:
        """What the robot is about, told from the command being executed."""
        height, grip = float(command[5]), float(command[9])
        if grip < 0.5:
            self._grip_height_m = np.inf
            walking = np.abs(command[:3]).max() > 0.02
            return "walking" if walking else "reaching"
        self._grip_height_m = min(self._grip_height_m, height)
        return "lifting" if height > self._grip_height_m + 0.02 else "grasping"

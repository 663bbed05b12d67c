"""`brownfield prompt`: one robot, one sentence, one film."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.places import EnvConfig, build_env
from brownfield.envs.prompted_env import PromptedEnv
from brownfield.envs.road.network import MapError
from brownfield.envs.rollout import run_episode
from brownfield.policies.actor import PolicyActor
from brownfield.policies.agent import PolicyAgent
from brownfield.policies.checkpoint import find_checkpoint
from brownfield.policies.film import Picture, with_inset
from brownfield.policies.prompt_film import VIEW_HEIGHT, VIEW_WIDTH, Look, PromptFilm
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
    """Place and start; None takes the first held-out one where the prompt makes
    sense."""

    env: EnvConfig = field(default_factory=KitchenEnvConfig)
    """What the episode is drawn from."""

    show: Callable[[str], None] | None = None
    """Told a line at every look; None is silent."""


def run_prompt(config: PromptConfig) -> Trajectory:
    """Run the episode and write its film.

    Raises:
        ValueError: an empty or long prompt, one that asks for nothing that is
            there, or a checkpoint that cannot be used.
        MapError: a map that cannot be used.
    """
    ByteTokenizer().encode(config.prompt)
    folder = find_checkpoint(config.checkpoint)
    env = build_env(config.env)
    try:
        env.read_prompt(config.prompt)
        seed = config.seed
        if seed is None:
            seed = seed_for(env, config.prompt)
        agent = PolicyAgent(folder, env.body.name)
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


def seed_for(env: PromptedEnv, prompt: str) -> int:
    """The first held-out seed in whose place a prompt can be obeyed.

    Raises:
        ValueError: there is none among a hundred.
        MapError: a map that cannot be used, whatever the prompt.
    """
    for seed in range(FIRST_SEED, FIRST_SEED + 100):
        try:
            env.reset(seed=seed, options={"prompt": prompt})
        except MapError:
            # A ValueError too, but no other seed would help.
            raise
        except ValueError:
            continue
        return seed
    raise ValueError(f"in no {env.place} of a hundred can one {prompt!r}")


def _view(env: PromptedEnv) -> Picture:
    """The body at work, with an overview in the corner where there is one."""
    view = env.picture(env.view, VIEW_HEIGHT, VIEW_WIDTH)
    return with_inset(view, env.picture(env.inset, 160, 160)) if env.inset else view


class _Filming:
    """Puts every step on the film, with the tokens of the last look."""

    def __init__(
        self, film: PromptFilm, actor: PolicyActor, show: Callable[[str], None] | None
    ) -> None:
        self._film, self._actor, self._show = film, actor, show
        self._look: Look | None = None
        self._ids: object = None
        self._steps = self._age = 0

    def __call__(
        self, env: PromptedEnv, observation: dict[str, Any], command: object
    ) -> None:
        agent, ids = self._actor.agent, self._actor.ids
        caption = env.doing()
        if ids is not self._ids:
            self._ids, self._age = ids, 0
            thought = agent.thought
            assert thought is not None and ids is not None
            self._look = Look(
                seen=observation[env.body.cameras[0].name],
                pointing=thought.pointing,
                decoded=agent.seen_frame(),
                video_ids=thought.video_ids,
                state_ids=thought.state_ids,
                action_ids=ids,
            )
            if self._show is not None:
                tokens = " ".join(str(i) for i in ids)
                self._show(f"{self._steps / 10:5.1f} s  {caption:<40} <act> {tokens}")
        assert self._look is not None
        self._film.add(_view(env), self._look, self._steps / 10, caption, self._age)
        self._steps += 1
        self._age += 1

    def finish(self, env: PromptedEnv, trajectory: Trajectory) -> None:
        """The end of the film."""
        assert self._look is not None
        self._film.finish(_view(env), self._look, self._steps / 10, trajectory.reason)

"""Episodes: an actor drives an environment and a trajectory comes out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.kitchen_env import KitchenEnvConfig
from brownfield.envs.places import EnvConfig, shared_env
from brownfield.envs.prompted_env import PromptedEnv
from brownfield.robot.trajectory import Counterfactual, Trajectory

Array = NDArray[np.float64]


class Actor(Protocol):
    """Whoever drives: expert, policy or a baseline."""

    def reset(self, env: PromptedEnv) -> None:
        """A new episode begins."""
        ...

    def act(self, env: PromptedEnv, observation: dict[str, Any]) -> Array:
        """The next command (D,). A policy reads `observation` alone; only experts and
        tests may look at `env`."""
        ...


class ExpertActor:
    """The scripted expert, one command at a time."""

    def reset(self, env: PromptedEnv) -> None:
        """Nothing to forget."""

    def act(self, env: PromptedEnv, observation: dict[str, Any]) -> Array:
        """The first command of the expert's plan."""
        return env.plan(steps=1)[0]


def run_episode(
    env: PromptedEnv,
    actor: Actor,
    seed: int,
    *,
    noise: bool = False,
    prompt: str | None = None,
    label: bool = True,
    watch: Any = None,
    segments: int = 0,
) -> tuple[Trajectory, dict[str, Any]]:
    """One episode.

    Args:
        env: the environment.
        actor: who drives.
        seed: draws scene, start, prompt and noise.
        noise: disturb what is executed by the environment's bursts.
        prompt: replaces the seed's own prompt.
        label: ask the expert for its plan at every state.
        watch: called as `watch(env, observation, command)` before every step.
        segments: side of the pictures of classes to keep [pixels]; 0 keeps none.

    Returns:
        trajectory: frames, states, executed commands, expert labels, and with
            `label` the expert's plans for everything else that might be asked for.
        info: the last `info` of the environment.
    """
    options = {"prompt": prompt} if prompt else None
    observation, info = env.reset(seed=seed, options=options)
    disturb = env.disturbance(np.random.default_rng([seed, 3])) if noise else None
    actor.reset(env)
    body = env.body
    camera = body.cameras[0].name
    frames, states, actions, labels, truths = [], [], [], [], []
    classes = []
    names = env.other_prompts() if label else {}
    plans: dict[str, list[Array]] = {name: [] for name in names}
    facts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    over = late = False
    while not (over or late):
        command = env.clip(np.array(actor.act(env, observation)))
        if disturb is not None:
            command = env.clip(disturb(command))
        chunk = env.plan() if label else np.repeat(command[None], body.chunk_steps, 0)
        frames.append(observation[camera])
        states.append(observation["state"])
        actions.append(command)
        labels.append(chunk)
        truths.append(info["privileged"])
        if segments:
            classes.append(env.segments(segments, segments))
        for name in names:
            plans[name].append(env.plan(name))
            facts[name].append(env.privileged(name))
        if watch is not None:
            watch(env, observation, command)
        observation, _, over, late, info = env.step(command)
    others = [
        Counterfactual(
            prompt=names[name],
            label=np.stack(plans[name]).astype(np.float32),
            privileged=np.stack(facts[name]),
        )
        for name in names
    ]
    own_plan = np.stack(labels).astype(np.float32)
    own_truth = np.stack(truths).astype(np.float32)
    unused = Counterfactual(
        prompt="",
        label=np.zeros_like(own_plan),
        privileged=np.zeros_like(own_truth),
    )
    others += [unused] * (env.other_slots - len(others))
    trajectory = Trajectory(
        body=body.name,
        place=env.place,
        seed=seed,
        prompt=env.prompt,
        frames={camera: np.stack(frames)},
        state=np.stack(states).astype(np.float32),
        action=np.stack(actions).astype(np.float32),
        label=own_plan,
        privileged=own_truth,
        privileged_names=env.privileged_names,
        success=bool(info["success"]),
        reason=str(info["reason"]),
        control_hz=body.control_hz,
        others=tuple(others),
        segments=np.stack(classes) if classes else None,
        segment_names=env.segment_names if classes else (),
    )
    return trajectory, info


@dataclass(frozen=True, kw_only=True)
class ExpertEpisode:
    """A demonstration of a seed; a picklable function for worker processes."""

    env: EnvConfig = field(default_factory=KitchenEnvConfig)
    """Where."""
    noise: bool = True
    """Disturb what is executed."""
    segments: int = 0
    """Side of the pictures of classes to keep [pixels]; 0 keeps none."""

    def __call__(self, seed: int) -> Trajectory:
        """The demonstration of `seed`."""
        env = shared_env(self.env)
        return run_episode(
            env, ExpertActor(), seed, noise=self.noise, segments=self.segments
        )[0]

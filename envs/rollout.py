"""Episodes: an actor drives an environment and a trajectory comes out."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.expert import clip_command, expert_chunk
from brownfield.envs.kitchen_env import PRIVILEGED_NAMES, KitchenEnv, KitchenEnvConfig
from brownfield.envs.objects import NAMED
from brownfield.robot.g1.body import G1_BODY
from brownfield.robot.trajectory import Counterfactual, Trajectory

Array = NDArray[np.float64]

OTHER_SLOTS = len(NAMED) - 1
"""Slots for other prompts in every trajectory of a kitchen."""


class Actor(Protocol):
    """Whoever drives: expert, policy or a baseline."""

    def reset(self, env: KitchenEnv) -> None:
        """A new episode begins."""
        ...

    def act(self, env: KitchenEnv, observation: dict[str, Any]) -> Array:
        """The next command (10,). A policy reads `observation` alone; only experts and
        tests may look at `env`."""
        ...


class ExpertActor:
    """The scripted expert, one command at a time."""

    def reset(self, env: KitchenEnv) -> None:
        """Nothing to forget."""

    def act(self, env: KitchenEnv, observation: dict[str, Any]) -> Array:
        """The first command of the expert's plan."""
        return expert_chunk(env.expert_state(), 1)[0][0]


@dataclass(frozen=True, kw_only=True)
class NoiseConfig:
    """Bursts of wrong commands, so that the data shows how to recover."""

    rates: tuple[float, ...] = (0.0, 0.04, 0.08, 0.08)
    """Chance that a burst begins, per step; one of them is drawn per episode."""
    steps: tuple[int, int] = (2, 8)
    """Length of a burst [steps]."""
    velocity: tuple[float, float, float] = (0.25, 0.2, 0.35)
    """Deviation of a moving base's velocity [m/s, m/s, rad/s]."""
    palm_m: float = 0.012
    """Deviation of the palm command per step [m]."""
    rotation_rad: float = 0.03
    """Deviation of the palm's rotation vector per step [rad]."""
    grip: float = 0.15
    """A false start of the hand, per step."""


class _Noise:
    """One episode's bursts; labels stay clean."""

    def __init__(self, config: NoiseConfig, rng: np.random.Generator) -> None:
        self._config, self._rng = config, rng
        self._rate = float(rng.choice(config.rates))
        self._left = 0
        self._offset = np.zeros(10)

    def __call__(self, command: Array) -> Array:
        config, rng = self._config, self._rng
        if self._left <= 0 and rng.random() < self._rate:
            self._left = int(rng.integers(*config.steps))
            moving = np.abs(command[:3]).max() > 0.01
            self._offset = np.concatenate(
                [
                    rng.normal(0, config.velocity) * (moving and rng.random() < 0.6),
                    rng.normal(0, config.palm_m, 3) * (rng.random() < 0.7),
                    rng.normal(0, config.rotation_rad, 3),
                    [config.grip * (rng.random() < 0.06)],
                ]
            )
        if self._left <= 0:
            return command
        self._left -= 1
        return command + self._offset


@functools.lru_cache(maxsize=2)
def kitchen_env(config: KitchenEnvConfig) -> KitchenEnv:
    """This process's environment for a configuration; building one takes half a second
    and nothing of an episode survives `reset`."""
    return KitchenEnv(config)


def run_episode(
    env: KitchenEnv,
    actor: Actor,
    seed: int,
    *,
    noise: NoiseConfig | None = None,
    prompt: str | None = None,
    label: bool = True,
    watch: Any = None,
) -> tuple[Trajectory, dict[str, Any]]:
    """One episode.

    Args:
        env: the environment.
        actor: who drives.
        seed: draws scene, start, prompt and noise.
        noise: bursts on the executed command.
        prompt: replaces the seed's own prompt.
        label: ask the expert for its plan at every state.
        watch: called as `watch(env, observation, command)` before every step.

    Returns:
        trajectory: frames, states, executed commands, expert labels, and with
            `label` the expert's plans for everything else that might be asked for.
        info: the last `info` of the environment.
    """
    options = {"prompt": prompt} if prompt else None
    observation, info = env.reset(seed=seed, options=options)
    disturb = _Noise(noise, np.random.default_rng([seed, 3])) if noise else None
    actor.reset(env)
    heads, states, actions, labels, truths = [], [], [], [], []
    names = env.other_prompts() if label else {}
    plans: dict[str, list[Array]] = {name: [] for name in names}
    facts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in names}
    over = late = False
    while not (over or late):
        command = clip_command(np.array(actor.act(env, observation)))
        if disturb is not None:
            command = clip_command(disturb(command))
        chunk = (
            expert_chunk(env.expert_state())[0]
            if label
            else np.repeat(command[None], G1_BODY.chunk_steps, 0)
        )
        heads.append(observation["head"])
        states.append(observation["state"])
        actions.append(command)
        labels.append(chunk)
        truths.append(info["privileged"])
        for name in names:
            plans[name].append(expert_chunk(env.expert_state(name))[0])
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
    others += [unused] * (OTHER_SLOTS - len(others))
    trajectory = Trajectory(
        body=G1_BODY.name,
        place="kitchen",
        seed=seed,
        prompt=env.prompt,
        frames={G1_BODY.cameras[0].name: np.stack(heads)},
        state=np.stack(states).astype(np.float32),
        action=np.stack(actions).astype(np.float32),
        label=own_plan,
        privileged=own_truth,
        privileged_names=PRIVILEGED_NAMES,
        success=bool(info["success"]),
        reason=str(info["reason"]),
        control_hz=G1_BODY.control_hz,
        others=tuple(others),
    )
    return trajectory, info


@dataclass(frozen=True, kw_only=True)
class ExpertEpisode:
    """A demonstration of a seed; a picklable function for worker processes."""

    env: KitchenEnvConfig = field(default_factory=KitchenEnvConfig)
    """Where."""
    noise: NoiseConfig | None = field(default_factory=NoiseConfig)
    """Bursts of noise on what is executed."""

    def __call__(self, seed: int) -> Trajectory:
        """The demonstration of `seed`."""
        env = kitchen_env(self.env)
        return run_episode(env, ExpertActor(), seed, noise=self.noise)[0]

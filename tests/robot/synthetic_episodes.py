"""A small body and episodes of it that need no simulator."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np

from brownfield.robot.body import Body, Camera, Field
from brownfield.robot.trajectory import Counterfactual, Trajectory

SMALL_BODY = Body(
    name="small",
    action=(
        Field(name="speed", unit="m/s", lower=-1, upper=1, rest=0.0),
        Field(name="reach", unit="m", lower=0, upper=0.5, max_rate=0.4),
        Field(name="grip", unit="1", lower=0, upper=1, max_rate=2.0),
    ),
    state=tuple(
        Field(name=f"q_{i}", unit="rad", lower=-3.2, upper=3.2) for i in range(5)
    ),
    cameras=(
        Camera(name="head", height=32, width=32, fovy_deg=60),
        Camera(name="wrist", height=16, width=32, fovy_deg=60),
    ),
    control_hz=10,
    chunk_steps=4,
    executed_steps=2,
)
PROMPTS = ("pick up the cup", "pick up the box", "lift the bottle")


def texture(
    rng: np.random.Generator, count: int, height: int, width: int
) -> np.ndarray:
    """A smooth coloured pattern that moves over `count` frames (N, H, W, 3)."""
    y, x = np.mgrid[0:height, 0:width] / height
    waves = rng.uniform(2, 9, (3, 3))
    t = np.arange(count)[:, None, None] / 20
    channels = [
        np.sin(a * (x + t) + b * y + c) * np.cos(b * x - a * (y - t))
        for a, b, c in waves
    ]
    return (127.5 + 100 * np.stack(channels, -1)).astype(np.uint8)


@dataclass(frozen=True)
class SyntheticEpisode:
    """`seed -> Trajectory`, picklable."""

    body: Body = SMALL_BODY
    """Whose episodes."""
    steps: int = 8
    """Shortest length; a seed adds up to 4."""
    sleep_s: float = 0.0
    """Time that an episode pretends to need, at most [s]."""
    fails: int = -1
    """A seed that raises."""
    dies: int = -1
    """A seed whose process ends."""

    def __call__(self, seed: int) -> Trajectory:
        """The episode of `seed`."""
        if seed == self.fails:
            raise RuntimeError("the robot lost its head")
        if seed == self.dies:
            os._exit(3)
        rng = np.random.default_rng(seed)
        time.sleep(self.sleep_s * rng.random())
        count = self.steps + int(rng.integers(5))
        success = bool(rng.random() < 0.7)
        body = self.body

        def numbers(*shape: int) -> np.ndarray:
            return rng.normal(size=shape).astype(np.float32)

        return Trajectory(
            body=body.name,
            place="nowhere",
            seed=seed,
            prompt=PROMPTS[int(rng.integers(len(PROMPTS)))],
            frames={
                c.name: texture(rng, count, c.height, c.width) for c in body.cameras
            },
            state=numbers(count, body.state_dim),
            action=numbers(count, body.action_dim),
            label=numbers(count, body.chunk_steps, body.action_dim),
            privileged=numbers(count, 2),
            privileged_names=("object_x", "visible"),
            success=success,
            reason="" if success else "dropped",
            control_hz=body.control_hz,
            others=tuple(
                Counterfactual(
                    prompt=prompt,
                    label=numbers(count, body.chunk_steps, body.action_dim),
                    privileged=numbers(count, 2),
                )
                for prompt in ("pick up the spoon", "")
            ),
        )

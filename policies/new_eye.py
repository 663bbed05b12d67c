"""A policy with a new eye learns to read it before it learns on.

What a policy knows hangs on how its video tokenizer says things. Another tokenizer says
them otherwise, and all would have to be learned again from actions, which teach little
about pictures. So the way in of the new codes is first fitted to what the policy read
from its own codes of the same frames, as students are fitted to hints from the middle
of their teacher (Romero et al. 2015, "FitNets: hints for thin deep nets"). The teacher
reads any picture, so no label is lost where pictures are mirrored, shifted and mixed:
a few hundred recorded places would soon be known by heart.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from brownfield.policies.optimizer import Optimizer, OptimizerConfig
from brownfield.policies.policy import StreamPolicy
from brownfield.policies.schedule import ScheduleConfig

READERS = ("video_reader", "video_in")
"""Modules of a trunk between the codes of a frame and what the blocks read."""
SHIFT = 0.2
"""Farthest shift of a picture, relative to its side."""
PATCH = (0.25, 0.9)
"""Sides of what is taken from another picture, relative to the picture's."""


def learn_to_read(
    policy: StreamPolicy,
    teacher: StreamPolicy,
    draw: Callable[[int], Tensor],
    steps: int,
    *,
    optimizer: OptimizerConfig,
    schedule: ScheduleConfig,
    seed: int = 0,
    bfloat16: bool = False,
    report: Callable[[int, float], None] | None = None,
) -> None:
    """Fit the way in of a policy's codes to what another reads from its own.

    Neither tokenizer changes.

    Args:
        policy: whose readers are trained in place.
        teacher: of the same width and positions.
        draw: pixels (B, 3, H, W) in [-1, 1] of a step, on the policies' device; they
            are `varied` here.
        steps: how many; 0 changes nothing.
        optimizer: of the readers.
        schedule: learning rate.
        seed: of how pictures are varied.
        bfloat16: autocast.
        report: called after every step with its number and the share of the variance
            of what the teacher reads that is missed.

    Raises:
        ValueError: they read other positions or another width.
    """
    both = (policy.trunk, teacher.trunk)
    ours, theirs = ((x.config.video_positions, x.config.width) for x in both)
    if ours != theirs:
        raise ValueError(
            f"expected a teacher of {ours[0]} positions of width {ours[1]}, got "
            f"{theirs[0]} of width {theirs[1]}"
        )
    readers = nn.ModuleDict({name: getattr(policy.trunk, name) for name in READERS})
    update = Optimizer(optimizer, readers)
    for step in range(steps):
        pixels = varied(draw(step), np.random.default_rng([seed, step]))
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=bfloat16):
            missed = share_missed(policy, teacher, pixels)
        update.zero_grad()
        missed.backward()
        update.step(schedule.at(step, step / steps))
        if report:
            report(step + 1, float(missed.detach()))
    update.zero_grad()


def share_missed(policy: StreamPolicy, teacher: StreamPolicy, pixels: Tensor) -> Tensor:
    """Share of the variance of what a teacher reads in pixels (B, 3, H, W) that a
    policy misses: a scalar, with gradients for the policy's readers alone."""
    with torch.no_grad():
        wanted = teacher.trunk.see(teacher.video.encode_codes(pixels)[0])[0].float()
        codes = policy.video.encode_codes(pixels)[0]
    read = policy.trunk.see(codes)[0].float()
    spread = wanted.var((0, 1)).mean().clamp_min(1e-12)
    return (read - wanted).square().mean() / spread


def varied(pixels: Tensor, rng: np.random.Generator) -> Tensor:
    """Pictures (B, 3, H, W) as no place looks: half of them mirrored, all shifted
    around the edges by as much, and in each a rectangle of another one."""
    batch, _, height, width = pixels.shape
    mirrored = torch.from_numpy(rng.random(batch) < 0.5).to(pixels.device)
    pixels = torch.where(mirrored[:, None, None, None], pixels.flip(-1), pixels)
    down, right = (rng.uniform(-SHIFT, SHIFT, 2) * (height, width)).round().tolist()
    pixels = pixels.roll((int(down), int(right)), (2, 3))
    inside = _span(height, batch, rng)[:, :, None] & _span(width, batch, rng)[:, None]
    there = torch.from_numpy(inside).to(pixels.device)
    return torch.where(there[:, None], pixels.roll(1, 0), pixels)


def _span(length: int, batch: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """(B, length) where a patch lies along one side; some reach over its ends."""
    sides = rng.uniform(*PATCH, (batch, 1)) * length
    first = rng.uniform(-PATCH[0] / 2, 1 - PATCH[0] / 2, (batch, 1)) * length
    at = np.arange(length)
    return (at >= first) & (at < first + sides)

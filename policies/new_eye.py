"""A policy with a new eye learns to read it before it learns on.

What a policy knows hangs on how its video tokenizer says things. Another tokenizer says
them otherwise, and all would have to be learned again from actions, which teach little
about pictures. So the way in of the new codes is first fitted to what the policy read
from its own codes of the same frames, as students are fitted to hints from the middle
of their teacher (Romero et al. 2015, "FitNets: hints for thin deep nets").
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from brownfield.policies.optimizer import Optimizer, OptimizerConfig
from brownfield.policies.policy import StreamPolicy
from brownfield.policies.schedule import ScheduleConfig

READERS = ("video_reader", "video_in")
"""Modules of a trunk between the codes of a frame and what the blocks read."""


def learn_to_read(
    policy: StreamPolicy,
    teacher: StreamPolicy,
    draw: Callable[[int], Tensor],
    steps: int,
    *,
    optimizer: OptimizerConfig,
    schedule: ScheduleConfig,
    bfloat16: bool = False,
    report: Callable[[int, float], None] | None = None,
) -> None:
    """Fit the way in of a policy's codes to what another reads from its own.

    Neither tokenizer changes.

    Args:
        policy: whose readers are trained in place.
        teacher: of the same width and positions.
        draw: pixels (B, 3, H, W) in [-1, 1] of a step, on the policies' device.
        steps: how many; 0 changes nothing.
        optimizer: of the readers.
        schedule: learning rate.
        bfloat16: autocast.
        report: called after every step with its number and the share of the variance
            of what the teacher reads that is missed.

    Raises:
        ValueError: they read other positions or another width.
    """
    trunk, other = policy.trunk, teacher.trunk
    ours, theirs = ((x.config.video_positions, x.config.width) for x in (trunk, other))
    if ours != theirs:
        raise ValueError(
            f"expected a teacher of {ours[0]} positions of width {ours[1]}, got "
            f"{theirs[0]} of width {theirs[1]}"
        )
    readers = nn.ModuleDict({name: getattr(trunk, name) for name in READERS})
    update = Optimizer(optimizer, readers)
    for step in range(steps):
        pixels = draw(step)
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=bfloat16):
            with torch.no_grad():
                wanted = other.see(teacher.video.encode_codes(pixels)[0])[0].float()
                codes = policy.video.encode_codes(pixels)[0]
            read = trunk.see(codes)[0].float()
        spread = wanted.var((0, 1)).mean().clamp_min(1e-12)
        missed = (read - wanted).square().mean() / spread
        update.zero_grad()
        missed.backward()
        update.step(schedule.at(step, step / steps))
        if report:
            report(step + 1, float(missed.detach()))
    update.zero_grad()

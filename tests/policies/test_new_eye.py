"""A policy with a new eye reads in its codes what it read in those of the old one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from brownfield.policies.model import ModelConfig
from brownfield.policies.new_eye import (
    READERS,
    learn_to_read,
    share_missed,
    varied,
)
from brownfield.policies.optimizer import OptimizerConfig
from brownfield.policies.policy import StreamPolicy
from brownfield.policies.port import PortConfig
from brownfield.policies.schedule import ScheduleConfig
from brownfield.tokenizers.video_eye import VideoEye
from brownfield.tokenizers.video_fsq import VideoFSQ

SIZES = ModelConfig(width=32, layers=2, heads=2, byte_width=8, word_width=16)
PORTS = {"g1": PortConfig(state_dim=7)}


def _policies() -> tuple[StreamPolicy, StreamPolicy]:
    torch.manual_seed(0)
    eye = VideoEye()
    sizes = replace(
        SIZES,
        video_levels=eye.config.levels,
        video_lent=eye.lent,
        video_shares=eye.shares,
        video_blocks=1,
    )
    return StreamPolicy(sizes, PORTS, eye), StreamPolicy(SIZES, PORTS, VideoFSQ())


def _frames(step: int) -> Tensor:
    """Pictures (8, 3, 64, 64) of a square on a plain ground."""
    rng = np.random.default_rng(step)
    frames = torch.empty(8, 3, 64, 64)
    frames[:] = torch.from_numpy(rng.uniform(-1, 1, (8, 3, 1, 1)))
    for frame in frames:
        y, x = rng.integers(0, 48, 2)
        frame[:, y : y + 16, x : x + 16] = torch.from_numpy(
            rng.uniform(-1, 1, (3, 1, 1))
        )
    return frames


def test_it_learns_to_read_and_nothing_else_changes() -> None:
    policy, teacher = _policies()
    before = {name: x.clone() for name, x in policy.state_dict().items()}
    before_teacher = {name: x.clone() for name, x in teacher.state_dict().items()}
    missed: list[float] = []
    learn_to_read(
        policy,
        teacher,
        _frames,
        150,
        optimizer=OptimizerConfig(),
        schedule=ScheduleConfig(rate=2e-3, warmup_steps=5),
        report=lambda _, share: missed.append(share),
    )
    # What says the same of every picture misses all of the variance, or more.
    assert len(missed) == 150 and np.mean(missed[-10:]) < 0.8
    after = policy.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    inside = tuple(f"trunk.{name}." for name in READERS)
    assert moved and all(name.startswith(inside) for name in moved)
    same = teacher.state_dict()
    assert all(torch.equal(before_teacher[name], same[name]) for name in same)


def test_a_teacher_of_another_width_is_refused() -> None:
    policy, _ = _policies()
    other = StreamPolicy(replace(SIZES, width=64), PORTS, VideoFSQ())
    with pytest.raises(ValueError, match=r"16 positions of width 32, got 16 .* 64"):
        learn_to_read(
            policy, other, _frames, 1,
            optimizer=OptimizerConfig(), schedule=ScheduleConfig(),
        )  # fmt: skip


def test_a_policy_misses_nothing_of_what_it_reads_itself() -> None:
    policy, teacher = _policies()
    with torch.no_grad():
        assert float(share_missed(teacher, teacher, _frames(0))) == 0
        assert float(share_missed(policy, teacher, _frames(0))) > 0.5


def test_varied_pictures_hold_what_was_in_them_and_in_others() -> None:
    # Each picture has a value of its own, and its columns count from left to right.
    own = torch.arange(32.0)[:, None, None, None].expand(32, 3, 64, 64)
    found = varied(own, np.random.default_rng(0))
    others = own.roll(1, 0)
    assert ((found == own) | (found == others)).all()
    mixed = (found != own).float().mean((1, 2, 3))
    assert (mixed > 0.01).all() and (mixed < 0.85).all() and mixed.std() > 0.05
    columns = torch.arange(64.0).expand(32, 3, 64, 64)
    step = varied(columns, np.random.default_rng(0)).diff(dim=-1).median(-1).values
    turned = (step < 0).all((1, 2))
    assert 8 < int(turned.sum()) < 24
    again, other = (varied(own, np.random.default_rng(seed)) for seed in (0, 1))
    assert torch.equal(again, found) and not torch.equal(other, found)

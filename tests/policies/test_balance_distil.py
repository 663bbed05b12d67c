"""Distillation end to end, on a handful of samples and a stand-in for the teacher."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from brownfield.policies import balance_distil, balance_teacher
from brownfield.policies.balance_distil import BalanceDistilConfig, Student, distil
from brownfield.policies.balance_sim import BalanceSim, BalanceSimConfig
from brownfield.policies.balance_teacher import COMMAND_KNOTS, teacher_command
from brownfield.robot.g1.balance import OBSERVATION_DIM, BalancePolicy


class Statue:
    """Asks for the default posture whatever it sees."""

    def act(self, **readings: np.ndarray) -> np.ndarray:
        return np.zeros(15)


def tiny(out: Path) -> BalanceDistilConfig:
    return BalanceDistilConfig(
        out=out,
        first_samples=60,
        round_samples=40,
        rounds=1,
        fit_steps=20,
        last_steps=40,
        batch=16,
        hidden=(16, 8),
        episode_ticks=30,
        workers=1,
    )


def test_a_tiny_run_writes_a_policy_and_repeats_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(balance_distil, "BalanceTeacher", Statue)
    for name in "ab":
        distil(tiny(tmp_path / name))
    first, second = (
        (tmp_path / name / "balance.safetensors").read_bytes() for name in "ab"
    )
    assert first == second
    lines = (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["round"] for line in lines] == [0, 1]
    card = json.loads((tmp_path / "a" / "balance.json").read_text())
    assert card["config"]["seed"] == 0
    policy = BalancePolicy.load(tmp_path / "a" / "balance.safetensors")
    output = policy.network(np.zeros(OBSERVATION_DIM, np.float32))
    assert output.shape == (15,)
    assert not list(tmp_path.glob("*/*.tmp"))


def test_numpy_and_torch_compute_the_same() -> None:
    torch.manual_seed(0)
    student = Student((32, 16))
    with torch.no_grad():
        student.mean.normal_()
        student.scale.uniform_(0.5, 2)
    x = torch.randn(10, OBSERVATION_DIM)
    policy = BalancePolicy(student.weights())
    got = np.array([policy.network(row) for row in x.numpy()])
    expected = student(x).detach().numpy()
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_rescaling_is_monotone_bounded_and_keeps_rest() -> None:
    np.testing.assert_array_equal(teacher_command(np.zeros(3)), np.zeros(3))
    grid = np.linspace(-2, 2, 401)
    for axis in range(3):
        out = []
        for value in grid:
            command = np.zeros(3)
            command[axis] = value
            out.append(teacher_command(command)[axis])
        assert (np.diff(out) >= 0).all()
        assert np.abs(out).max() <= 1.0
    for speeds, commands in COMMAND_KNOTS.values():
        assert (np.diff(speeds) > 0).all()
        assert (np.diff(commands) > 0).all()


def test_the_same_seed_gives_the_same_episode() -> None:
    ends = []
    sim = BalanceSim(np.random.default_rng(0), BalanceSimConfig())
    for seed in (5, 6, 5):
        sim.rng = np.random.default_rng(seed)
        sim.reset()
        sim.new_command()
        sim.new_arm_goal()
        for _ in range(10):
            sim.observe()
            sim.step(np.zeros(15))
        ends.append(sim.data.qpos.copy())
    np.testing.assert_array_equal(ends[0], ends[2])
    assert np.abs(ends[0] - ends[1]).max() > 1e-4


def test_a_missing_teacher_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balance_teacher.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="make teacher"):
        balance_teacher.teacher_path()


def test_no_workers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        distil(dataclasses.replace(tiny(tmp_path / "x"), workers=0))
    assert not (tmp_path / "x").exists()

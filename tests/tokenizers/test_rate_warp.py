"""Plans on a time of their own: on their path, and no faster than allowed."""

import numpy as np
import pytest
import torch

from brownfield.tokenizers.array_kind import ArrayKind
from brownfield.tokenizers.ladder import LadderTokenizer
from brownfield.tokenizers.plan_functions import PlanFunctions
from brownfield.tokenizers.rate_warp import WarpGrid


@pytest.fixture(scope="module")
def parts():
    ladder = LadderTokenizer.universal(20.0, 20, [-1.0, -1.0], [1.0, 1.0], [3.0, 3.0])
    functions = PlanFunctions(ArrayKind(), ladder.model, ladder.fields)
    rng = np.random.default_rng(0)
    amplitudes = rng.normal(0, 1.5, (functions.values(np.zeros(1), 0).shape[1], 300))
    amplitudes[-1] = rng.uniform(-2, 2, 300)
    return functions, amplitudes


def test_no_faster_than_allowed_and_continuous(parts):
    functions, amplitudes = parts
    warp = WarpGrid(ArrayKind(), functions).warp(amplitudes, np.full(300, 2.0))
    times = np.linspace(0, 1, 3001)
    value, slope = warp.at(times, 0), warp.at(times, 1)
    assert np.abs(slope).max() <= 2 + 1e-9
    assert np.abs(np.diff(value, axis=0)).max() * 3000 <= 2 + 1e-6
    np.testing.assert_allclose(warp.at(np.zeros(1), 0)[0], amplitudes[-2], atol=1e-12)
    np.testing.assert_allclose(warp.at(np.zeros(1), 1)[0], amplitudes[-1], atol=1e-6)


def test_slow_plans_are_left_alone(parts):
    functions, amplitudes = parts
    warp = WarpGrid(ArrayKind(), functions).warp(amplitudes, np.full(300, 1e6))
    times = np.linspace(0, 1, 77)
    for derivative in (0, 1, 2):
        own = functions.values(times, derivative) @ amplitudes
        np.testing.assert_allclose(warp.at(times, derivative), own, atol=1e-6)


def test_it_stays_on_its_path_and_catches_up(parts):
    functions, _ = parts
    # A fast swing, then a long rest: two base rows, the first mode.
    amplitudes = np.zeros((functions.values(np.zeros(1), 0).shape[1], 1))
    amplitudes[-1] = 2.0
    fast = WarpGrid(ArrayKind(), functions).warp(amplitudes, np.array([1.0]))
    path = functions.values(np.linspace(0, 1, 2001), 0) @ amplitudes
    late = fast.at(np.linspace(0, 1, 50), 0)
    assert late.min() >= path.min() - 1e-9 and late.max() <= path.max() + 1e-9
    np.testing.assert_allclose(late[-1], path[-1], atol=1e-9)


def test_torch_agrees(parts):
    functions, amplitudes = parts
    rate, times = np.full(300, 2.0), np.linspace(0, 1, 41)
    own = WarpGrid(ArrayKind(), functions).warp(amplitudes, rate)
    kind = ArrayKind(torch.zeros(1, dtype=torch.float64))
    other = WarpGrid(kind, functions).warp(
        torch.from_numpy(amplitudes), torch.from_numpy(rate)
    )
    for derivative in (0, 1, 2):
        np.testing.assert_allclose(
            other.at(times, derivative).numpy(), own.at(times, derivative), atol=1e-6
        )

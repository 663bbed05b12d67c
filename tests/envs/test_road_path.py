"""A path knows where one is on it."""

import math

import numpy as np
import pytest

from brownfield.envs.road.path import Path, wrapped

BEND = np.linspace(0, np.pi / 2, 60)
CORNER = np.concatenate(
    [
        np.stack([np.linspace(-30, 0, 20)[:-1], np.zeros(19)], 1),
        np.stack([15 * np.sin(BEND), 15 - 15 * np.cos(BEND)], 1),
    ]
)
"""Straight on, then a quarter to the left with a radius of 15 m."""


def test_projecting_undoes_placing() -> None:
    path = Path(CORNER)
    for s in np.linspace(0.5, path.length - 0.5, 40):
        for left in (-1.5, 0.0, 1.5):
            x, y, yaw = path.at(float(s))
            x, y = x - math.sin(yaw) * left, y + math.cos(yaw) * left
            at, aside = path.project(x, y, yaw)
            assert at == pytest.approx(s, abs=0.35)
            assert aside == pytest.approx(left, abs=0.06)


def test_a_path_goes_straight_on_beyond_its_ends() -> None:
    path = Path(CORNER)
    assert path.at(-5)[:2] == pytest.approx((-35, 0), abs=1e-6)
    assert path.project(-35, 1, 0) == pytest.approx((-5, 1), abs=1e-6)
    x, y, yaw = path.at(path.length + 4)
    assert path.project(x, y, yaw)[0] == pytest.approx(path.length + 4, abs=0.01)


def test_bends_are_positive_to_the_left() -> None:
    path = Path(CORNER)
    assert path.bend(10) == pytest.approx(0, abs=1e-6)
    assert path.bend(42) == pytest.approx(1 / 15, rel=0.02)
    assert Path(CORNER * [1, -1]).bend(42) == pytest.approx(-1 / 15, rel=0.02)
    assert path.bend(-1) == path.bend(1000) == 0


def test_the_other_direction_next_to_it_is_not_mixed_up() -> None:
    out, up = np.array([[0.0, 0.0], [40.0, 0.0]]), np.array([0.0, 4.0])
    there_and_back = Path(np.concatenate([out, [[44.0, 2.0]], out[::-1] + up]))
    s, _ = there_and_back.project(20.0, 2.2, 0.0)
    assert s == pytest.approx(20, abs=0.6)
    s, _ = there_and_back.project(20.0, 1.8, math.pi)
    assert s > 45


def test_shifting_moves_to_the_left() -> None:
    path = Path(CORNER)
    moved = path.shifted(np.full(len(path.points), 2.0))
    x, y, yaw = moved.at(20)
    assert path.project(x, y, yaw)[1] == pytest.approx(2, abs=0.05)
    assert moved.length < path.length


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match=r"points \(N, 2\)"):
        Path(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="m or more"):
        Path(np.zeros((4, 2)))
    assert wrapped(3 * math.pi / 2) == pytest.approx(-math.pi / 2)

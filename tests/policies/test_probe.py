"""Probes: what is plain to see is read, and what never occurs is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.road.truth import ROAD_PRIVILEGED_NAMES
from brownfield.policies.bench import fit_quickly, made_up_windows
from brownfield.policies.model import ModelConfig
from brownfield.policies.policy import StreamPolicy
from brownfield.policies.port_sizes import port_sizes
from brownfield.policies.probe import LIGHTS, ProbeConfig, compare
from brownfield.policies.windows import Windows
from brownfield.robot.car.body import CAR_BODY

QUICK = ProbeConfig(
    checkpoint=Path(), datasets=(), steps=40, batch=32, show_progress=False
)
COLOURS = np.array([(0, 220, 0), (230, 160, 0), (230, 0, 0)], np.uint8)


def _lamps(rows: int = 512) -> Windows:
    """Grey pictures with one big lamp, in episodes of sixteen looks."""
    windows = made_up_windows(rows, CAR_BODY, "turn left at the junction, then stop")
    shown = np.random.default_rng(1).integers(0, 3, rows)
    frames = np.full((rows, 64, 64, 3), 120, np.uint8)
    frames[:, 8:24, 8:24] = COLOURS[shown][:, None, None]
    truth = np.zeros((rows, len(ROAD_PRIVILEGED_NAMES)), np.float32)
    truth[:, ROAD_PRIVILEGED_NAMES.index("light")] = np.array(list(LIGHTS.values()))[
        shown
    ]
    truth[:, ROAD_PRIVILEGED_NAMES.index("junction")] = np.linspace(1, 19, rows)
    return replace(
        windows,
        frames=frames,
        privileged=truth,
        privileged_names=ROAD_PRIVILEGED_NAMES,
        episode=np.arange(rows) // 16,
    )


def _policy(windows: Windows) -> StreamPolicy:
    tokenizers = fit_quickly(windows)
    ports = {"car": port_sizes("car", tokenizers, 11)}
    model = ModelConfig(width=32, layers=2, heads=2)
    return StreamPolicy(model, ports, tokenizers.video).eval()


def test_a_big_lamp_is_read() -> None:
    windows = _lamps()
    pixels, tokens = compare(QUICK, windows, _policy(windows))
    assert pixels.source == "pixels" and tokens.source == "tokens"
    assert pixels.balanced > 0.95
    for reading in (pixels, tokens):
        assert set(reading.by_class) == set(LIGHTS)
        n = sum(share.n for share in reading.by_class.values())
        assert n == sum(share.n for share in reading.by_distance.values()) == 128


def test_an_answer_that_never_occurs_is_named() -> None:
    windows = _lamps()
    light = ROAD_PRIVILEGED_NAMES.index("light")
    windows.privileged[windows.privileged[:, light] == 0.5, light] = -1
    with pytest.raises(ValueError, match="no row to learn from shows 'amber'"):
        compare(QUICK, windows, _policy(windows))


def test_unknown_questions_are_refused() -> None:
    with pytest.raises(ValueError, match="question must be one of light"):
        replace(QUICK, question="weather")

"""Probes of a video tokenizer: what is plain to see is read from frames and codes."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from brownfield.configs.cli import main
from brownfield.envs.road.road_env import RoadEnv
from brownfield.envs.road.truth import LIGHT_VALUES, ROAD_PRIVILEGED_NAMES
from brownfield.policies.probe_reader import ReaderFit, fit_reader, read
from brownfield.robot.car.body import CAR_BODY
from brownfield.robot.dataset_writer import DatasetWriter
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import video_preset

sys.path.insert(0, str(Path(__file__).parents[1] / "robot"))
synthetic = importlib.import_module("synthetic_episodes")
COLOURS = {"green": (20, 220, 20), "amber": (230, 160, 0), "red": (230, 20, 20)}


@pytest.fixture(scope="module")
def lamps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve episodes of a big lamp that changes its colour every four steps."""
    path = tmp_path_factory.mktemp("probe") / "lamps"
    names = RoadEnv.segment_names
    episode_of = synthetic.SyntheticEpisode(body=CAR_BODY, steps=21)
    with DatasetWriter(path, CAR_BODY) as writer:
        for seed in range(12):
            one = episode_of(seed)
            shown = np.random.default_rng(seed).integers(0, 3, len(one)).repeat(4)
            shown = shown[: len(one)]
            frames = np.full((len(one), 64, 64, 3), 120, np.uint8)
            frames[:, 8:24, 8:24] = np.array(list(COLOURS.values()))[shown][
                :, None, None
            ]
            classes = np.zeros((len(one), 64, 64), np.uint8)
            classes[:, 8:24, 8:24] = names.index("lit lamp")
            truth = np.zeros((len(one), len(ROAD_PRIVILEGED_NAMES)), np.float32)
            values = [LIGHT_VALUES[name] for name in COLOURS]
            truth[:, ROAD_PRIVILEGED_NAMES.index("light")] = np.array(values)[shown]
            writer.commit(
                replace(
                    one,
                    frames={"front": frames},
                    segments=classes,
                    segment_names=names,
                    privileged=truth,
                    privileged_names=ROAD_PRIVILEGED_NAMES,
                    others=(),
                )
            )
    return path


@pytest.mark.parametrize("k", [1, 4])
def test_a_big_lamp_is_read_from_frames(
    lamps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], k: int
) -> None:
    video = VideoTokenizer(video_preset("pico", frames_per_block=k))
    video.save(tmp_path / "eye")
    words = ["--tokenizers", str(tmp_path / "eye"), "--datasets", str(lamps)]
    words += ["--hz", "10", "--steps", "40", "--batch", "32", "--no-show-progress"]
    assert main(["probe", "video", *words]) == 0
    said = capsys.readouterr().out
    assert "eye" in said
    frames = float(said.split("%")[0].split()[-1])
    assert frames > 90


def test_numbers_are_read_too() -> None:
    rng = np.random.default_rng(0)
    where = rng.integers(4, 28, (256, 2))
    seen = np.zeros((256, 1, 32, 32), np.float32)
    for picture, (row, column) in zip(seen, where, strict=True):
        picture[0, row - 2 : row + 2, column - 2 : column + 2] = 1
    answers = where.astype(np.float32)
    fit = ReaderFit(classes=0, grid=8, steps=120, batch=64, seed=0)
    rows = np.arange(256)

    def see(some: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(seen[some])

    reader = fit_reader(see, answers, rows[:200], fit)
    error = np.abs(read(reader, see, rows[200:], fit) - answers[200:])
    assert np.median(error) < 1.5 < np.median(np.abs(answers - answers.mean(0)))


def test_what_was_learned_at_one_place_is_known_at_another() -> None:
    """Lamps left of the middle are learned from, those right of it asked about."""
    rng = np.random.default_rng(0)
    answers = rng.integers(0, 3, 240)
    seen = rng.normal(0, 0.1, (240, 3, 32, 32)).astype(np.float32)
    columns = np.r_[rng.integers(2, 12, 160), rng.integers(20, 30, 80)]
    for picture, one, row, column in zip(
        seen, answers, rng.integers(2, 30, 240), columns, strict=True
    ):
        picture[one, row - 1 : row + 2, column - 1 : column + 2] = 1
    fit = ReaderFit(classes=3, grid=8, steps=120, batch=64, seed=0)

    def see(some: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(seen[some])

    reader = fit_reader(see, answers, np.arange(160), fit)
    told = read(reader, see, np.arange(160, 240), fit)
    assert (told == answers[160:]).mean() > 0.9


def test_a_dataset_without_the_thing_is_refused(
    lamps: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    VideoTokenizer().save(tmp_path / "eye")
    words = ["--tokenizers", str(tmp_path / "eye"), "--datasets", str(lamps)]
    words += ["--question", "cup", "--no-show-progress"]
    assert main(["probe", "video", *words]) == 2
    assert "expected segments with 'coffee cup'" in capsys.readouterr().err
    assert main(["probe", "video", *words[:-2], "weather", "--no-show-progress"]) == 2
    assert "question must be one of lamp, cup" in capsys.readouterr().err

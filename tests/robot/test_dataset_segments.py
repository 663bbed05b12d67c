"""Pictures of classes beside a dataset."""

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brownfield.robot.dataset_frames import DatasetFrames
from brownfield.robot.dataset_repair import repair
from brownfield.robot.dataset_schema import segments_path
from brownfield.robot.dataset_validate import validate
from brownfield.robot.dataset_writer import DatasetWriter
from brownfield.robot.trajectory import Trajectory

sys.path.insert(0, str(Path(__file__).parent))
synthetic = importlib.import_module("synthetic_episodes")
BODY = synthetic.SMALL_BODY
NAMES = ("rest", "cup", "hand")


def episode(seed: int) -> Trajectory:
    one = synthetic.SyntheticEpisode()(seed)
    classes = np.random.default_rng(seed).integers(0, 3, (len(one), 8, 8))
    return replace(one, segments=classes.astype(np.uint8), segment_names=NAMES)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("segments") / "set"
    with DatasetWriter(path, BODY) as writer:
        for seed in range(3):
            writer.commit(episode(seed))
    return path


def test_classes_are_read_as_written(dataset: Path) -> None:
    reader = DatasetFrames(dataset)
    assert reader.segment_names == NAMES
    for seed in range(3):
        np.testing.assert_array_equal(reader.segments(seed), episode(seed).segments)
    assert validate(dataset) == []


def test_without_classes_reading_says_how_to_get_them(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set", BODY) as writer:
        writer.commit(synthetic.SyntheticEpisode()(0))
    reader = DatasetFrames(tmp_path / "set")
    assert reader.segment_names == ()
    with pytest.raises(ValueError, match="--segments"):
        reader.segments(0)


def test_a_dataset_has_classes_in_all_episodes_or_none(dataset: Path) -> None:
    with DatasetWriter(dataset, BODY, resume=True) as writer:
        with pytest.raises(ValueError, match="segments must be"):
            writer.commit(synthetic.SyntheticEpisode()(7))
        assert len(writer) == 3


def test_damaged_lost_and_foreign_files_are_found(tmp_path: Path) -> None:
    path = tmp_path / "set"
    with DatasetWriter(path, BODY) as writer:
        for seed in range(2):
            writer.commit(episode(seed))
    foreign = path / "segments/chunk-000/file-009.npz"
    foreign.write_bytes(b"x")
    assert any("file-009" in problem for problem in validate(path))
    assert any("quarantine" in line for line in repair(path))
    assert validate(path) == []
    (path / segments_path(0)).write_bytes(b"no archive")
    with pytest.raises(ValueError, match="cannot be read"):
        DatasetFrames(path).segments(0)
    assert any("not what was committed" in problem for problem in validate(path))
    (path / segments_path(1)).unlink()
    assert any("is missing" in problem for problem in validate(path))


def test_classes_without_a_name_are_refused() -> None:
    one = synthetic.SyntheticEpisode()(0)
    classes = np.full((len(one), 4, 4), 3, np.uint8)
    with pytest.raises(ValueError, match="class 3"):
        replace(one, segments=classes, segment_names=NAMES)
    with pytest.raises(ValueError, match="same number of steps"):
        replace(one, segments=classes[1:] * 0, segment_names=NAMES)
    with pytest.raises(ValueError, match="uint8"):
        replace(one, segments=classes.astype(int), segment_names=NAMES)

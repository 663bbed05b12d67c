import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brownfield.robot.dataset_reader import DatasetReader, open_datasets, read_info
from brownfield.robot.dataset_repair import repair
from brownfield.robot.dataset_validate import validate
from brownfield.robot.dataset_writer import DatasetWriter
from brownfield.tokenizers.resize import area_resize

sys.path.insert(0, str(Path(__file__).parent))
synthetic = importlib.import_module("synthetic_episodes")
BODY = synthetic.SMALL_BODY
episode_of = synthetic.SyntheticEpisode()


def _write(path: Path, seeds: range, resume: bool = False) -> Path:
    with DatasetWriter(path, BODY, resume=resume) as writer:
        for seed in seeds:
            writer.commit(episode_of(seed))
    return path


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write(tmp_path_factory.mktemp("data") / "set", range(4))


def test_what_is_written_is_read(dataset: Path) -> None:
    reader = DatasetReader(dataset, body=BODY)
    assert len(reader) == 4
    for seed, got in enumerate(reader):
        want = episode_of(seed)
        for name in ("state", "action", "label", "privileged"):
            np.testing.assert_array_equal(getattr(got, name), getattr(want, name))
        for name in ("prompt", "seed", "success", "reason", "place", "control_hz"):
            assert getattr(got, name) == getattr(want, name)
        assert got.privileged_names == want.privileged_names
        assert len(got.others) == len(want.others) == 2
        for mine, other in zip(got.others, want.others, strict=True):
            assert mine.prompt == other.prompt
            np.testing.assert_array_equal(mine.label, other.label)
            np.testing.assert_array_equal(mine.privileged, other.privileged)
        assert reader.episodes[seed].prompt == want.prompt
        for camera, frames in want.frames.items():
            error = got.frames[camera].astype(float) - frames
            assert got.frames[camera].shape == frames.shape
            assert abs(error.mean()) < 1


def test_small_frames_are_averages_of_the_recorded(dataset: Path) -> None:
    reader = DatasetReader(dataset, body=BODY)
    head = reader.load_frames(2, "head", None)
    np.testing.assert_array_equal(
        reader.load_frames(2, "head", 16), area_resize(head, 16)
    )
    with pytest.raises(ValueError, match="no camera 'tail'"):
        reader.load_frames(2, "tail")
    with pytest.raises(ValueError, match="do not divide"):
        reader.load_frames(2, "head", 15)
    with pytest.raises(IndexError, match=r"episode 4 is not in 0\.\.3"):
        reader.load_frames(4, "head")


def test_resuming_gives_the_same_files(dataset: Path, tmp_path: Path) -> None:
    path = _write(tmp_path / "set", range(2))
    _write(path, range(2, 4), resume=True)
    names = sorted(p.relative_to(path) for p in path.rglob("*") if p.is_file())
    assert names == sorted(
        p.relative_to(dataset) for p in dataset.rglob("*") if p.is_file()
    )
    for name in names:
        assert (path / name).read_bytes() == (dataset / name).read_bytes(), name
    assert validate(path) == []


def test_there_is_one_writer(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set", BODY) as writer:
        writer.commit(episode_of(0))
        with pytest.raises(BlockingIOError, match="another process"):
            DatasetWriter(tmp_path / "set", BODY, resume=True)
        with pytest.raises(BlockingIOError, match="another process"):
            repair(tmp_path / "set")
    with pytest.raises(ValueError, match="is closed"):
        writer.commit(episode_of(1))


def test_what_is_there_is_not_overwritten(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError, match="resume it or name another"):
        DatasetWriter(dataset, BODY)
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(FileExistsError, match=r"no journal\.jsonl"):
        DatasetWriter(tmp_path, BODY, resume=True)
    with pytest.raises(FileExistsError, match="is a file"):
        DatasetWriter(tmp_path / "holiday.jpg", BODY)


def test_resuming_asks_for_the_same_body_and_recipe(dataset: Path) -> None:
    with pytest.raises(ValueError, match="its body_schema is"):
        DatasetWriter(dataset, replace(BODY, executed_steps=1), resume=True)
    with pytest.raises(ValueError, match="its recipe is '', now 'noise'"):
        DatasetWriter(dataset, BODY, resume=True, recipe="noise")
    assert validate(dataset) == []


def test_nothing_is_left_of_a_first_episode_that_is_refused(tmp_path: Path) -> None:
    episode = episode_of(0)
    episode.label[5, 2, 1] = np.nan
    with DatasetWriter(tmp_path / "set", BODY) as writer:
        message = r"'brownfield\.label' is NaN or infinite in episode 0, frame 5"
        with pytest.raises(ValueError, match=message):
            writer.commit(episode)
        with pytest.raises(ValueError, match="not an episode of body"):
            writer.commit(replace(episode, body="large"))
    assert not (tmp_path / "set").exists()


def test_a_refused_episode_leaves_the_others(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set", BODY) as writer:
        writer.commit(episode_of(0))
        with pytest.raises(ValueError, match="privileged columns must be"):
            writer.commit(replace(episode_of(1), privileged_names=("a", "b")))
        with pytest.raises(ValueError, match="other prompts must be 2, got 0"):
            writer.commit(replace(episode_of(1), others=()))
        bad = episode_of(1)
        bad.state[0, 0] = np.inf
        with pytest.raises(ValueError, match="in episode 1, frame 0"):
            writer.commit(bad)
        writer.commit(episode_of(1))
    assert validate(tmp_path / "set") == []


@pytest.mark.parametrize("moment", ["encode_video", "write_parquet", "sha256_of"])
def test_an_interrupted_commit_leaves_the_others(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    path = _write(tmp_path / "set", range(1))
    with pytest.raises(KeyboardInterrupt):
        with DatasetWriter(path, BODY, resume=True) as writer:
            with monkeypatch.context() as patch:
                patch.setattr(f"brownfield.robot.dataset_writer.{moment}", interrupt)
                writer.commit(episode_of(1))
    assert validate(path) == []
    _write(path, range(1, 2), resume=True)
    assert validate(path) == []


def test_bodies_without_truth_or_cameras(tmp_path: Path) -> None:
    body = replace(BODY, cameras=())
    episode = synthetic.SyntheticEpisode(body=body)(0)
    episode = replace(
        episode,
        privileged=np.zeros((len(episode), 0), np.float32),
        privileged_names=(),
        others=(),
    )
    with DatasetWriter(tmp_path / "set", body) as writer:
        writer.commit(episode)
    assert validate(tmp_path / "set") == []
    got = DatasetReader(tmp_path / "set", body=body).episode(0)
    assert got.frames == {}
    assert got.privileged.shape == (len(got), 0)


def _with_info(dataset: Path, path: Path, **changes: object) -> Path:
    info = json.loads((dataset / "meta/info.json").read_text()) | changes
    (path / "meta").mkdir(parents=True)
    (path / "meta/info.json").write_text(json.dumps(info))
    return path


def test_readers_refuse_what_they_do_not_know(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no dataset"):
        DatasetReader(tmp_path)
    old = _with_info(dataset, tmp_path / "old", codebase_version="v2.1")
    with pytest.raises(ValueError, match=r"expected LeRobotDataset v3, got 'v2\.1'"):
        read_info(old)
    new = _with_info(dataset, tmp_path / "new", brownfield_schema_version=9)
    with pytest.raises(ValueError, match="expected brownfield_schema_version 2, got 9"):
        read_info(new)
    with pytest.raises(ValueError, match="unknown body 'small'"):
        DatasetReader(dataset)
    with pytest.raises(ValueError, match="brownfield_body_schema is"):
        DatasetReader(dataset, body=replace(BODY, executed_steps=1))
    (tmp_path / "broken/meta").mkdir(parents=True)
    (tmp_path / "broken/meta/info.json").write_text("{")
    with pytest.raises(ValueError, match="not a dataset's info"):
        read_info(tmp_path / "broken")


def test_unsealed_is_not_read(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "set", BODY) as writer:
        writer.commit(episode_of(0))
        with pytest.raises(ValueError, match="was not finished"):
            DatasetReader(tmp_path / "set", body=BODY)
    DatasetReader(tmp_path / "set", body=BODY)


def test_several_are_opened_together(dataset: Path, tmp_path: Path) -> None:
    other = _write(tmp_path / "set", range(4, 6))
    readers = open_datasets([dataset, other], body=BODY)
    assert [len(reader) for reader in readers] == [4, 2]
    with pytest.raises(ValueError, match="at least one"):
        open_datasets([])
    with DatasetWriter(tmp_path / "third", BODY) as writer:
        writer.commit(replace(episode_of(0), privileged_names=("a", "b")))
    with pytest.raises(ValueError, match="their privileged_names differ"):
        open_datasets([dataset, tmp_path / "third"], body=BODY)


def test_meta_holds_the_outcome_and_exact_quantiles(dataset: Path) -> None:
    stats = json.loads((dataset / "meta/stats.json").read_text())
    states = np.concatenate([episode_of(seed).state for seed in range(4)])
    want = np.quantile(states.astype(np.float64), 0.99, axis=0)
    np.testing.assert_allclose(stats["observation.state"]["q99"], want)
    assert stats["observation.state"]["count"] == [len(states)]
    assert len(stats["brownfield.label"]["min"]) == 12

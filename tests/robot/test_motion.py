"""Clips and datasets read as motion."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brownfield.robot.motion import read_motions


def clip(folder, name, rows=50, fps=30, names=("hip", "knee"), values=None):
    folder.mkdir(exist_ok=True)
    values = np.zeros((rows, len(names))) if values is None else values
    np.savez(folder / f"{name}.npz", joint_pos=values, fps=fps, joint_names=names)


def dataset(folder, action, episode, names):
    (folder / "meta").mkdir(parents=True)
    (folder / "data/chunk-000").mkdir(parents=True)
    vector = isinstance(action[0], list)
    width = len(action[0]) if vector else 1
    kind = pa.list_(pa.float32()) if vector else pa.float32()
    feature = {"dtype": "float32", "shape": [width], "names": names}
    info = {"fps": 20, "features": {"action": feature}}
    (folder / "meta/info.json").write_text(json.dumps(info))
    count = len(action)
    table = pa.table(
        {
            "action": pa.array(action, kind),
            "episode_index": episode,
            # Written the wrong way round: the reader must sort.
            "frame_index": list(range(count))[::-1],
            "task_index": [e % 2 for e in episode],
        }
    )
    pq.write_table(table, folder / "data/chunk-000/file-000.parquet")


def test_clips_have_the_kind_in_their_names(tmp_path):
    clip(tmp_path / "a", "side_jump_level2")
    clip(tmp_path / "a", "walk")
    motions = read_motions([tmp_path / "a"])
    assert [m.kind for m in motions] == ["side_jump", "walk"]
    assert motions[0].values.shape == (50, 2) and motions[0].rate_hz == 30
    assert motions[0].names == ("hip", "knee")


@pytest.mark.parametrize("names", [["a", "b"], {"motors": ["a", "b"]}, None])
def test_a_dataset_is_read_episode_by_episode(tmp_path, names):
    action = [[float(i), -float(i)] for i in range(7)]
    dataset(tmp_path / "d", action, [0, 0, 0, 1, 1, 1, 1], names)
    first, second = read_motions([tmp_path / "d"])
    assert (first.kind, second.kind) == ("task 0", "task 1")
    np.testing.assert_array_equal(first.values[:, 0], [2, 1, 0])
    np.testing.assert_array_equal(second.values[:, 1], [-6, -5, -4, -3])
    assert first.names == (("a", "b") if names else ("action_0", "action_1"))


@pytest.mark.parametrize("vector", [True, False])
def test_one_action_is_a_column(tmp_path, vector):
    # LeRobot writes a feature of shape [1] as numbers.
    action = [[0.5 * i] if vector else 0.5 * i for i in range(5)]
    dataset(tmp_path / "d", action, [0, 0, 0, 1, 1], None)
    first, second = read_motions([tmp_path / "d"])
    np.testing.assert_array_equal(first.values, [[1.0], [0.5], [0.0]])
    assert second.values.shape == (2, 1) and first.names == ("action_0",)


def test_actions_that_do_not_fit_their_names_are_told(tmp_path):
    dataset(tmp_path / "d", [[0.0, 1.0]] * 4, [0] * 4, ["a", "b", "c"])
    with pytest.raises(ValueError, match=r"3 actions \(a, b, c\), got 2"):
        read_motions([tmp_path / "d"])
    dataset(tmp_path / "e", [[0.0, 1.0], [0.0]] * 2, [0] * 4, ["a", "b"])
    with pytest.raises(ValueError, match="cannot be read"):
        read_motions([tmp_path / "e"])


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ValueError, match="nothing"):
        read_motions([tmp_path / "nothing"])
    with pytest.raises(ValueError, match="at least one"):
        read_motions([])
    clip(tmp_path / "a", "one")
    clip(tmp_path / "b", "two", fps=50)
    with pytest.raises(ValueError, match="two"):
        read_motions([tmp_path / "a", tmp_path / "b"])
    clip(tmp_path / "c", "bad", values=np.full((9, 2), np.nan))
    with pytest.raises(ValueError, match="NaN"):
        read_motions([tmp_path / "c"])
    (tmp_path / "e").mkdir()
    (tmp_path / "e/x.npz").write_bytes(b"no")
    with pytest.raises(ValueError, match=r"x\.npz"):
        read_motions([tmp_path / "e"])
    clip(tmp_path / "f", "odd", values=np.zeros((9, 3)))
    with pytest.raises(ValueError, match="does not fit"):
        read_motions([tmp_path / "f"])

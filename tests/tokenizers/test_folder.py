import json
from pathlib import Path

import numpy as np
import pytest

from brownfield.tokenizers.folder import folder_hash, load_folder, save_folder

CONFIG = {"names": ["a", "b"], "rate_hz": 12.5}
ARRAYS = {"x": np.arange(6.0).reshape(2, 3), "y": np.zeros((0, 2), np.float32)}


def test_gives_back_what_was_saved(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "codec"
    save_folder(folder, "toy", CONFIG, ARRAYS)
    config, arrays = load_folder(folder, "toy")
    assert config == CONFIG
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)
        arrays[name] += 1
    assert [p.name for p in folder.parent.iterdir()] == ["codec"]


def test_replaces_an_older_one(tmp_path: Path) -> None:
    save_folder(tmp_path / "codec", "toy", CONFIG, ARRAYS)
    save_folder(tmp_path / "codec", "toy", {"new": 1}, {})
    assert load_folder(tmp_path / "codec", "toy") == ({"new": 1}, {})
    assert [p.name for p in tmp_path.iterdir()] == ["codec"]


def test_the_hash_tells_contents_apart(tmp_path: Path) -> None:
    for name, value in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        save_folder(tmp_path / name, "toy", CONFIG, {"x": np.full(3, value)})
    a, b, c = (folder_hash(tmp_path / name) for name in "abc")
    assert a == b != c


@pytest.mark.parametrize("name", ["codec.json", "arrays.safetensors"])
def test_every_changed_byte_is_an_error_that_names_the_file(
    tmp_path: Path, name: str
) -> None:
    save_folder(tmp_path / "codec", "toy", CONFIG, ARRAYS)
    path = tmp_path / "codec" / name
    good = path.read_bytes()
    for place in range(len(good)):
        path.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(ValueError, match=name.replace(".", r"\.")):
            load_folder(tmp_path / "codec", "toy")
    path.write_bytes(good + b" ")
    with pytest.raises(ValueError, match=name):
        load_folder(tmp_path / "codec", "toy")
    path.unlink()
    with pytest.raises(ValueError, match=f"{name} is missing"):
        load_folder(tmp_path / "codec", "toy")


def test_refuses_another_kind_and_version(tmp_path: Path) -> None:
    save_folder(tmp_path / "codec", "toy", CONFIG, ARRAYS)
    with pytest.raises(ValueError, match="expected a ball, got a toy"):
        load_folder(tmp_path / "codec", "ball")
    path = tmp_path / "codec" / "codec.json"
    body = json.loads(path.read_text())
    path.write_text(json.dumps({**body, "format_version": 9}))
    with pytest.raises(ValueError, match="expected format version 1, got 9"):
        load_folder(tmp_path / "codec", "toy")
    for damaged in ("[]", "{}", "null", "{"):
        path.write_text(damaged)
        with pytest.raises(ValueError, match=r"codec\.json is missing or damaged"):
            folder_hash(tmp_path / "codec")

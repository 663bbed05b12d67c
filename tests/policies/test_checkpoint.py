"""Checkpoints: whole or not at all."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from brownfield.policies.checkpoint import (
    find_checkpoint,
    load_checkpoint,
    load_resume,
    save_checkpoint,
)


@pytest.fixture
def folder(checkpoint_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint_folder, tmp_path / "copy"))


def test_saved_and_loaded_is_the_same(folder: Path, tmp_path: Path) -> None:
    first = load_checkpoint(folder)
    save_checkpoint(tmp_path / "again", first)
    second = load_checkpoint(tmp_path / "again")
    ours, theirs = first.policy.state_dict(), second.policy.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert first.facts == second.facts


def test_who_may_read_the_card_may_read_the_weights(
    folder: Path, tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "again", load_checkpoint(folder))
    files = [path for path in (tmp_path / "again").rglob("*") if path.is_file()]
    assert len({path.stat().st_mode for path in files}) == 1


def test_half_precision_is_smaller_and_close(folder: Path, tmp_path: Path) -> None:
    whole = load_checkpoint(folder)
    save_checkpoint(tmp_path / "half", whole, weights="float16")
    half = load_checkpoint(tmp_path / "half")
    name = "weights.safetensors"
    sizes = [(path / name).stat().st_size for path in (folder, tmp_path / "half")]
    assert sizes[1] < 0.6 * sizes[0]
    torch.testing.assert_close(
        half.policy.trunk.head, whole.policy.trunk.head, rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize(
    "name", ["weights.safetensors", "tokenizers/video", "tokenizers/g1/action"]
)
def test_a_changed_byte_is_named(folder: Path, name: str) -> None:
    path = folder / name
    if path.is_dir():
        path = sorted(p for p in path.iterdir() if p.is_file())[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ValueError, match=path.name.replace(".", r"\.")):
        load_checkpoint(folder)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "weights.safetensors").unlink()
    with pytest.raises(ValueError, match=r"lacks weights\.safetensors"):
        load_checkpoint(folder)


def test_another_schema_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["schema_version"] = 99
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="schema 99"):
        load_checkpoint(folder)


def test_another_body_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["bodies"]["g1"] = "0"
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ValueError, match="another description of body"):
        load_checkpoint(folder)


def test_no_checkpoint_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"config\.json is missing"):
        find_checkpoint(tmp_path)
    with pytest.raises(ValueError, match="cannot be resumed"):
        load_resume(tmp_path)


def test_a_failed_save_leaves_the_old_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_checkpoint(folder)

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(type(loaded.tokenizers), "save", fail)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(folder, loaded)
    monkeypatch.undo()
    load_checkpoint(folder)
    assert [p.name for p in folder.parent.iterdir()] == ["copy"]

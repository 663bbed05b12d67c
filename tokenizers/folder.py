"""A tokenizer on disk: one folder, a JSON description, arrays, and their hashes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

FORMAT_VERSION = 1
_DESCRIPTION, _ARRAYS = "codec.json", "arrays.safetensors"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _render(body: dict[str, Any]) -> bytes:
    return (json.dumps(body, indent=2) + "\n").encode()


def save_folder(
    folder: Path, kind: str, config: dict[str, Any], arrays: dict[str, NDArray]
) -> None:
    """Write a tokenizer; the folder appears whole or not at all.

    Args:
        folder: where; an existing folder is replaced.
        kind: which tokenizer, checked when loading.
        config: JSON-able description.
        arrays: named arrays.
    """
    folder = Path(folder).absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    data = save({k: np.ascontiguousarray(v) for k, v in arrays.items()})
    body = {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "config": config,
        "arrays_sha256": _digest(data),
    }
    body["sha256"] = _digest(json.dumps(body, sort_keys=True).encode())
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as w:
        work = Path(w) / "new"
        work.mkdir()
        (work / _ARRAYS).write_bytes(data)
        (work / _DESCRIPTION).write_bytes(_render(body))
        if folder.exists():
            os.replace(folder, Path(w) / "old")
        os.replace(work, folder)


def load_folder(folder: Path, kind: str) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Read what `save_folder` wrote.

    Raises:
        ValueError: a file is missing or changed, or it is another kind or version;
            the message says which.
    """
    folder = Path(folder)
    for name in (_DESCRIPTION, _ARRAYS):
        if not (folder / name).is_file():
            raise ValueError(f"{folder}: {name} is missing")
    body = _read_description(folder)
    if body["kind"] != kind:
        raise ValueError(f"{folder}: expected a {kind}, got a {body['kind']}")
    data = (folder / _ARRAYS).read_bytes()
    if _digest(data) != body["arrays_sha256"]:
        raise ValueError(f"{folder / _ARRAYS} was changed: its hash differs")
    # The arrays that safetensors gives lie in read-only memory.
    return body["config"], {name: array.copy() for name, array in load(data).items()}


def _read_description(folder: Path) -> dict[str, Any]:
    """The description, verified; its "sha256" identifies the whole folder."""
    path = folder / _DESCRIPTION
    try:
        written = path.read_bytes()
        body = json.loads(written)
        version = body["format_version"]
        core = {name: value for name, value in body.items() if name != "sha256"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is missing or damaged: {error}") from error
    if version != FORMAT_VERSION:
        raise ValueError(
            f"{path}: expected format version {FORMAT_VERSION}, got {version}"
        )
    # Rendered again, because a changed blank leaves the parsed description the same.
    claimed = _digest(json.dumps(core, sort_keys=True).encode())
    if body.get("sha256") != claimed or _render(body) != written:
        raise ValueError(f"{path} was changed: its hash differs")
    return body


def folder_kind(folder: Path) -> str:
    """Which tokenizer a folder holds.

    Raises:
        ValueError: the description is missing or changed.
    """
    return str(_read_description(Path(folder))["kind"])


def folder_hash(folder: Path) -> str:
    """The hash that identifies a saved tokenizer.

    Raises:
        ValueError: the description is missing or changed.
    """
    return str(_read_description(Path(folder))["sha256"])

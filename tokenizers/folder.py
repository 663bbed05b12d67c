"""A tokenizer on disk: one folder, a JSON description, arrays, and their hashes."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
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
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    data = save({k: np.ascontiguousarray(v) for k, v in arrays.items()})
    body = {
        "format_version": FORMAT_VERSION,
        "kind": kind,
        "config": config,
        "arrays_sha256": _digest(data),
    }
    body["sha256"] = _digest(json.dumps(body, sort_keys=True).encode())
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    (work / _ARRAYS).write_bytes(data)
    (work / _DESCRIPTION).write_text(json.dumps(body, indent=2) + "\n")
    if folder.exists():
        shutil.rmtree(folder)
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
    try:
        body = json.loads((folder / _DESCRIPTION).read_text())
        claimed = body.pop("sha256")
    except (json.JSONDecodeError, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"{folder / _DESCRIPTION} is damaged: {error}") from error
    if _digest(json.dumps(body, sort_keys=True).encode()) != claimed:
        raise ValueError(f"{folder / _DESCRIPTION} was changed: its hash differs")
    if body["format_version"] != FORMAT_VERSION:
        raise ValueError(
            f"{folder}: expected format version {FORMAT_VERSION}, "
            f"got {body['format_version']}"
        )
    if body["kind"] != kind:
        raise ValueError(f"{folder}: expected a {kind}, got a {body['kind']}")
    data = (folder / _ARRAYS).read_bytes()
    if _digest(data) != body["arrays_sha256"]:
        raise ValueError(f"{folder / _ARRAYS} was changed: its hash differs")
    return body["config"], load(data)


def folder_hash(folder: Path) -> str:
    """The hash that identifies a saved tokenizer."""
    return str(json.loads((Path(folder) / _DESCRIPTION).read_text())["sha256"])

"""The journal of a dataset: what has been committed, one synced line per episode.

The journal is the truth; `meta/` is made from it. A line is written only after the
files it names, so whatever it does not name was not finished.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brownfield.robot.dataset_schema import JOURNAL_PATH, SCHEMA_VERSION

QUARANTINE = "quarantine"
_OWNED = ("data", "videos", "images", "meta", "segments")


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents so that they survive a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name to write to, which becomes `path` when all is well."""
    make_folder(path.parent)
    temporary = path.with_name(path.name + ".tmp")
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def lock(root: Path) -> int:
    """Claim a dataset for one writer; the claim ends with the process.

    Returns:
        descriptor: close it to give the dataset free.

    Raises:
        BlockingIOError: another writer has it.
    """
    descriptor = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise BlockingIOError(
            f"dataset {root} is being written by another process"
        ) from error
    return descriptor


class Journal:
    """The lines of `journal.jsonl`, read once and appended to."""

    def __init__(self, root: Path) -> None:
        """Read the journal; an unfinished last line counts as not there.

        Raises:
            ValueError: a finished line that is no JSON, or another schema version.
        """
        self.path = root / JOURNAL_PATH
        self.header: dict[str, Any] | None = None
        self.episodes: list[dict[str, Any]] = []
        text = self.path.read_bytes() if self.path.exists() else b""
        self._size = text.rfind(b"\n") + 1
        self.unfinished = self._size != len(text)
        """Whether a line was cut off."""
        for number, line in enumerate(text[: self._size].splitlines(), 1):
            try:
                entry = json.loads(line)
                kind = entry["kind"]
                expected = "dataset" if number == 1 else "episode"
                if kind != expected:
                    raise KeyError(f"expected kind {expected!r}, got {kind!r}")
                if number > 1 and entry["episode_index"] != number - 2:
                    raise KeyError(f"expected episode_index {number - 2}")
            except (json.JSONDecodeError, KeyError, TypeError) as error:
                raise ValueError(f"{self.path} line {number}: {error}") from error
            if number > 1:
                self.episodes.append(entry)
                continue
            if entry["schema_version"] != SCHEMA_VERSION:
                raise ValueError(
                    f"{self.path}: expected schema version {SCHEMA_VERSION}, got "
                    f"{entry['schema_version']}"
                )
            self.header = entry

    def append(self, entry: dict[str, Any]) -> None:
        """Add a line and make it last; on failure the journal is as before."""
        # Unsorted: the order of the features is the order of the columns.
        line = json.dumps(entry, separators=(",", ":")) + "\n"
        with open(self.path, "ab") as file:
            file.truncate(self._size)
            try:
                file.write(line.encode())
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                file.truncate(self._size)
                raise
        if not self._size:
            sync_folder(self.path.parent)
        self._size += len(line.encode())
        self.unfinished = False
        if entry["kind"] == "dataset":
            self.header = entry
        else:
            self.episodes.append(entry)

    def drop_unfinished(self) -> None:
        """Cut an unfinished last line off the file."""
        if self.unfinished:
            with open(self.path, "rb+") as file:
                file.truncate(self._size)
                os.fsync(file.fileno())
            self.unfinished = False

    def files(self) -> dict[str, dict[str, Any]]:
        """Every committed file by relative path: its `bytes` and `sha256`."""
        return {f["path"]: f for e in self.episodes for f in e["files"]}


def clear_leftovers(root: Path, journal: Journal, known: set[str]) -> list[str]:
    """Remove what a killed writer left.

    Args:
        root: the dataset.
        journal: its journal.
        known: relative paths to keep beside the journal's own files.

    Returns:
        what was done, a line each.
    """
    done = []
    if journal.unfinished:
        journal.drop_unfinished()
        done.append("dropped an unfinished line of the journal")
    keep = known | set(journal.files())
    for folder in _OWNED:
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_dir() or name in keep:
                continue
            if path.suffix == ".tmp":
                path.unlink()
                done.append(f"removed {name}")
                continue
            target = root / QUARANTINE / name
            make_folder(target.parent)
            number = 1
            while target.exists():
                target = root / QUARANTINE / f"{name}.{number}"
                number += 1
            os.replace(path, target)
            done.append(f"moved {name} to {target.relative_to(root).as_posix()}")
    return done

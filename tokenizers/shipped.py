"""Folders that come with the package, found by name."""

from __future__ import annotations

from pathlib import Path


def shipped_folders(root: Path, file: str) -> dict[str, Path]:
    """Folders below `root` that hold a file, by name."""
    return {p.parent.name: p.parent for p in sorted(root.glob(f"*/{file}"))}


def find_folder(path: Path | str, root: Path, file: str, what: str) -> Path:
    """A folder as it is, or a shipped one by its name.

    Args:
        path: folder or name.
        root: where shipped ones lie.
        file: what such a folder holds.
        what: what it is called.

    Raises:
        ValueError: neither; lists the shipped names.
    """
    if (Path(path) / file).is_file():
        return Path(path)
    shipped = shipped_folders(root, file)
    if str(path) in shipped:
        return shipped[str(path)]
    names = ", ".join(shipped) or "none"
    raise ValueError(
        f"no {what} at {path}: {file} is missing (shipped by name: {names})"
    )

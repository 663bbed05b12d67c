"""Video tokenizers that come with the package, by name."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "checkpoints"
_FILE = "codec.json"


def shipped_videos() -> dict[str, Path]:
    """Folders of the video tokenizers that come with the package, by name."""
    return {p.parent.name: p.parent for p in sorted(_FOLDER.glob(f"*/{_FILE}"))}


def find_video(path: Path | str) -> Path:
    """A folder as it is, or a shipped tokenizer's by its name.

    Raises:
        ValueError: neither; lists the shipped names.
    """
    if (Path(path) / _FILE).is_file():
        return Path(path)
    shipped = shipped_videos()
    if str(path) in shipped:
        return shipped[str(path)]
    names = ", ".join(shipped) or "none"
    raise ValueError(
        f"no video tokenizer at {path}: {_FILE} is missing (shipped by name: {names})"
    )

"""Video tokenizers that come with the package, by name."""

from __future__ import annotations

from pathlib import Path

from brownfield.tokenizers.shipped import find_folder, shipped_folders

_ROOT = Path(__file__).parent / "checkpoints"
_FILE = "codec.json"


def shipped_videos() -> dict[str, Path]:
    """Folders of the video tokenizers that come with the package, by name."""
    return shipped_folders(_ROOT, _FILE)


def find_video(path: Path | str) -> Path:
    """A folder as it is, or a shipped tokenizer's by its name.

    Raises:
        ValueError: neither; lists the shipped names.
    """
    return find_folder(path, _ROOT, _FILE, "video tokenizer")

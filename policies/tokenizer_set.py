"""The four tokenizers that a policy speaks, kept and moved together."""

from dataclasses import dataclass
from pathlib import Path

from brownfield.tokenizers.action_bins import KnotBinTokenizer
from brownfield.tokenizers.state import StateTokenizer
from brownfield.tokenizers.text import ByteTokenizer
from brownfield.tokenizers.video_fsq import VideoFSQ


@dataclass(frozen=True, kw_only=True)
class TokenizerSet:
    """Text, state, action and video."""

    text: ByteTokenizer
    state: StateTokenizer
    action: KnotBinTokenizer
    video: VideoFSQ

    def save(self, folder: Path) -> None:
        """Write one sub-folder for each tokenizer that was fitted."""
        for name in ("state", "action", "video"):
            getattr(self, name).save(folder / name)

    @classmethod
    def load(cls, folder: Path) -> "TokenizerSet":
        """Read what `save` wrote.

        Raises:
            ValueError: the folder or one of its tokenizers is missing.
        """
        for name in ("state", "action", "video"):
            if not (folder / name).is_dir():
                raise ValueError(f"{folder} holds no {name} tokenizer")
        return cls(
            text=ByteTokenizer(),
            state=StateTokenizer.load(folder / "state"),
            action=KnotBinTokenizer.load(folder / "action"),
            video=VideoFSQ.load(folder / "video"),
        )

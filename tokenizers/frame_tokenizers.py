"""The video tokenizers that a policy can see through."""

from __future__ import annotations

from pathlib import Path

from brownfield.tokenizers import video, video_fsq
from brownfield.tokenizers.folder import folder_kind
from brownfield.tokenizers.video_eye import VideoEye
from brownfield.tokenizers.video_fsq import VideoFSQ

FrameTokenizer = VideoFSQ | VideoEye
"""One frame a block, codes as tensors beside ids, trained on with a policy."""

FRAME_TOKENIZERS: dict[str, tuple[str, type[FrameTokenizer]]] = {
    "fsq": (video_fsq.KIND, VideoFSQ),
    "eye": (video.KIND, VideoEye),
}
"""By name: how a folder calls it, and what it is."""


def load_frame_tokenizer(folder: Path) -> FrameTokenizer:
    """Read what one of them saved.

    Raises:
        ValueError: it is damaged, or none of them.
    """
    kind = folder_kind(folder)
    known = dict(FRAME_TOKENIZERS.values())
    if kind not in known:
        raise ValueError(f"{folder}: expected one of {', '.join(known)}; got {kind}")
    return known[kind].load(folder)

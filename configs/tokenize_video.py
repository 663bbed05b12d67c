"""`brownfield tokenize video`."""

from __future__ import annotations

from brownfield.policies.tokenize_video import TokenizeVideoConfig, tokenize_video

TokenizeVideo = TokenizeVideoConfig


def run(config: TokenizeVideoConfig) -> int:
    """Fit the video tokenizer, and say where it is."""
    print(f"video tokenizer in {tokenize_video(config)}")
    return 0

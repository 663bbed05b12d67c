"""`brownfield tokenize video`."""

from __future__ import annotations

import json

from brownfield.policies.tokenize_video import TokenizeVideoConfig, tokenize_video

TokenizeVideo = TokenizeVideoConfig


def run(config: TokenizeVideoConfig) -> int:
    """Fit the video tokenizer, and say where it is and what it keeps."""
    out = tokenize_video(config)
    print(f"video tokenizer in {out}")
    for line in (out / "metrics.jsonl").read_text().splitlines():
        told = json.loads(line)
        if "held_out/psnr_db/all" in told:
            print(
                f"held-out frames after {told['step']} updates: "
                f"{told['held_out/psnr_db/all']:.2f} dB at "
                f"{told['held_out/bits_per_pixel']:.3f} bits a pixel"
            )
    return 0

"""`brownfield probe video`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from brownfield.policies.video_probe import VideoProbeConfig, video_probe

ProbeVideo = VideoProbeConfig


def run(config: VideoProbeConfig) -> int:
    """Train and ask the probes, and print what they can tell."""
    lamp = config.question == "lamp"
    what = "share of colours told right" if lamp else "median error [cm], 90 %"
    table = Table(title=f"{config.question}: {what}, unseen episodes")
    for title in ("tokenizer", "frames", "codes", "codes over frames", "n"):
        table.add_column(title, justify="left" if title == "tokenizer" else "right")
    for name, (frames, codes) in video_probe(config).items():
        told = [
            f"{100 * r.value:.1f} %" if lamp else f"{r.value:.2f}, {r.p90:.2f}"
            for r in (frames, codes)
        ]
        ratio = codes.value / frames.value
        table.add_row(name, *told, f"{ratio:.2f}", str(codes.n))
    Console().print(table)
    return 0

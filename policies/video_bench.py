"""What a picture costs in ids, and what is left of it, beside codecs on the same clips.

Bits of a tokenizer are the entropy of its ids' channels on the clips times their number
(ids of a large vocabulary are too few to tell their own); bits of a codec are those of
its pictures. What decodes them, a network or a program, is not counted: the network's
size is told beside.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from brownfield.policies.bench_page import Chart, Table, write_page
from brownfield.policies.film import write_grid
from brownfield.policies.video_clips import VideoClips, load_clips, loose_files
from brownfield.policies.video_codecs import CODECS, luma
from brownfield.policies.video_quality import Errors, ErrorSum, copied, usage
from brownfield.tokenizers.folder import folder_hash
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_shipped import find_video

FRAMES = 65
"""Frames of a clip: one, and sixty-four more."""
FILMED = 4
"""Clips that are shown."""


@dataclass(frozen=True, kw_only=True)
class VideoBenchConfig:
    """One measurement."""

    data: tuple[Path, ...]
    """LeRobotDatasets v3, or folders of `.npz` with frames `image` (N, H, W, 3) that
    are shown one after the other."""

    tokenizers: tuple[Path, ...]
    """Folders of video tokenizers, or names of shipped ones; all of one size of
    frame."""

    out: Path = Path("video_tokens")
    """Folder of results, film and report."""

    camera: str | None = None
    """Which camera; needed where a dataset has several."""

    hz: float = 5.0
    """Frames kept per second."""

    most: int = 24
    """Clips of every source."""

    def __post_init__(self) -> None:
        """Refuse a measurement of nothing."""
        if not self.data or not self.tokenizers:
            raise ValueError("name at least one source of frames and one tokenizer")


def video_bench(
    config: VideoBenchConfig, report: Callable[[str], None] = print
) -> dict[str, Any]:
    """Measure, and write `results.json`, a film of each source and `report.html`.

    Args:
        config: what to measure.
        report: told what is at work.

    Returns:
        by source and by who gave the frames back: bits per pixel, PSNR by part and of
        luma [dB].

    Raises:
        ValueError: tokenizers of different sizes, or a source without a clip of 65
            frames.
    """
    folders = [find_video(path) for path in config.tokenizers]
    videos = {_name(folder): VideoTokenizer.load(folder) for folder in folders}
    sizes = {video.config.size for video in videos.values()}
    if len(sizes) > 1:
        raise ValueError(f"expected tokenizers of one size, got {sorted(sizes)}")
    config.out.mkdir(parents=True, exist_ok=True)
    sources, films = {}, {}
    for path in config.data:
        report(f"reading {path.name}")
        clips = _clips(path, config, next(iter(sizes)))
        shown: dict[str, list[NDArray[np.uint8]]] = {}
        sources[path.name] = _measure(clips, videos, shown, report)
        film = config.out / f"{path.name}.mp4"
        _film(film, clips, shown, round(config.hz))
        films[path.name] = film
    result = {
        "frames": FRAMES,
        "hz": config.hz,
        "hashes": {_name(folder): folder_hash(folder) for folder in folders},
        "decoders": {name: _decoder_bytes(video) for name, video in videos.items()},
        "sources": sources,
    }
    _write(config.out, result, films)
    return result


def _name(path: Path) -> str:
    return path.resolve().name


def _clips(path: Path, config: VideoBenchConfig, size: tuple[int, int]) -> VideoClips:
    clips = load_clips([path], size=size, hz=config.hz, camera=config.camera)
    if loose_files(path):
        joined = np.concatenate(clips.frames)
        whole = len(joined) // FRAMES
        frames = list(joined[: whole * FRAMES].reshape(whole, FRAMES, *size, 3))
        clips = VideoClips(frames=frames, segments=None, names=(), hz=config.hz)
    long = clips.where([len(frames) >= FRAMES for frames in clips.frames])
    if not len(long):
        longest = max((len(frames) for frames in clips.frames), default=0)
        raise ValueError(
            f"{path}: expected a clip of {FRAMES} frames, the longest has {longest}"
        )
    chosen = np.linspace(0, len(long) - 1, min(config.most, len(long))).round()
    long = long.where([i in set(chosen) for i in range(len(long))])
    return long.shortened([FRAMES] * len(long))


def _measure(
    clips: VideoClips,
    videos: dict[str, VideoTokenizer],
    shown: dict[str, list[NDArray[np.uint8]]],
    report: Callable[[str], None],
) -> dict[str, Any]:
    pixels = sum(frames[..., 0].size for frames in clips.frames)
    result: dict[str, Any] = {"clips": len(clips), "tokenizers": {}, "codecs": {}}
    for name, video in videos.items():
        report(f"{name} at work")
        seen = [video.encode(frames[None]) for frames in clips.frames]
        told = [video.decode(ids)[0] for ids in seen]
        ids = np.concatenate([each.ravel() for each in seen])
        used = usage(ids, video.config.levels)
        whole = np.log2(video.vocab_size)
        row = _quality(clips, told) | {
            "bits_per_pixel": used["digit_entropy_bits"] * ids.size / pixels,
            "bits_per_pixel_fixed": float(whole * ids.size / pixels),
            "usage": used,
        }
        # What its last frame would say of the next block, as a robot might guess.
        lazy = copied(video.frames_per_block)
        row["copy_last"] = _quality(clips, [lazy(frames) for frames in clips.frames])
        result["tokenizers"][name] = row
        shown[name] = told[:FILMED]
    for name, (codec, qualities) in CODECS.items():
        points = []
        for quality in qualities:
            report(f"{name} at quality {quality}")
            coded = [codec(frames, quality) for frames in clips.frames]
            bits = sum(each.bits for each in coded) / pixels
            told = [each.frames for each in coded]
            points.append(_quality(clips, told) | {"bits_per_pixel": bits})
            if not points[1:]:
                shown[f"{name}, least"] = told[:FILMED]
        result["codecs"][name] = points
    return result


def _quality(clips: VideoClips, told: list[NDArray[np.uint8]]) -> dict[str, Any]:
    errors, brightness = Errors(clips.names[1:]), ErrorSum()
    for i, (decoded, frames) in enumerate(zip(told, clips.frames, strict=True)):
        segments = None if clips.segments is None else clips.segments[i]
        errors.add(decoded, frames, segments)
        brightness.add((luma(decoded) - luma(frames)) ** 2, None)
    return {"psnr_db": errors.psnr_db, "luma_psnr_db": brightness.psnr_db}


def _decoder_bytes(video: VideoTokenizer) -> int:
    """Size of what decodes, in single precision."""
    parts: list[nn.Module] = [video.network.decoder]
    if video.network.detail is not None:
        parts.append(video.network.detail.shower)
    return 4 * sum(p.numel() for part in parts for p in part.parameters())


def _film(
    path: Path,
    clips: VideoClips,
    shown: dict[str, list[NDArray[np.uint8]]],
    fps: int,
) -> None:
    """A row for every clip: as seen, and as everybody gives it back."""
    pictures, captions = [], []
    for i, frames in enumerate(clips.frames[:FILMED]):
        for name, told in {"as seen": clips.frames, **shown}.items():
            clip = frames if name == "as seen" else told[i]
            pictures.append(list(clip.repeat(3, 1).repeat(3, 2)))
            captions.append(name)
    write_grid(path, pictures, captions, columns=1 + len(shown), fps=fps)


def _write(out: Path, result: dict[str, Any], films: dict[str, Path]) -> None:
    temporary = out / "results.tmp"
    temporary.write_text(json.dumps(result, indent=1) + "\n")
    os.replace(temporary, out / "results.json")
    charts = []
    for source, found in result["sources"].items():
        lines = {
            name: (
                [point["bits_per_pixel"] for point in points],
                [point["psnr_db"]["all"] for point in points],
            )
            for name, points in found["codecs"].items()
        }
        for name, row in found["tokenizers"].items():
            # A point is drawn as a short level line.
            bits, level = row["bits_per_pixel"], row["psnr_db"]["all"]
            lines[name] = ([bits / 1.15, bits * 1.15], [level, level])
        axes = "bits per pixel", "PSNR [dB]"
        charts.append(Chart(title=source, axes=axes, lines=lines))
    lead = (
        f"Clips of {result['frames']} frames at {result['hz']:g} Hz. Bits of ids are "
        "their channels' entropy; containers, tables and decoders are not counted."
    )
    write_page(
        out / "report.html", "Video tokens", lead, charts, video_tables(result), films
    )


def video_tables(result: dict[str, Any]) -> list[Table]:
    """Tables of what `video_bench` measured; a dash where there is nothing."""
    tables = []
    for source, found in result["sources"].items():
        parts = list(
            dict.fromkeys(n for r in found["tokenizers"].values() for n in r["psnr_db"])
        )
        rows = []

        def row(name: str, one: dict[str, Any], parts: list[str] = parts) -> list[str]:
            bits = one.get("bits_per_pixel")
            return [
                name,
                "-" if bits is None else f"{bits:.3f}",
                f"{one['luma_psnr_db']:.1f}",
                *(_decibels(one["psnr_db"].get(part)) for part in parts),
            ]

        for name, one in found["tokenizers"].items():
            rows += [row(name, one), row("copy of the last frame", one["copy_last"])]
        for name, points in found["codecs"].items():
            rows += [row(name, point) for point in points]
        title = f"{source}: PSNR [dB] of {found['clips']} clips"
        tables.append(Table(title=title, head=["", "bpp", "luma", *parts], rows=rows))
    rows = []
    for name, size in result["decoders"].items():
        used = [found["tokenizers"][name] for found in result["sources"].values()]
        rows.append(
            [
                name,
                f"{size / 2**20:.2f} MB",
                *(f"{one['usage']['digit_entropy_bits']:.1f}" for one in used),
                *(f"{one['usage']['used_codes']:.0f}" for one in used),
                *(f"{one['bits_per_pixel_fixed']:.3f}" for one in used),
            ]
        )
    what = ("bits an id", "ids used", "bpp without entropy coding")
    head = [f"{source}: {each}" for each in what for source in result["sources"]]
    title = "Decoders and use of the vocabulary"
    return [*tables, Table(title=title, head=["", "decoder", *head], rows=rows)]


def _decibels(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"

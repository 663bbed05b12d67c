"""Rules of a dataset's videos, checked by decoding every frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from brownfield.robot import dataset_schema as schema
from brownfield.robot import dataset_stats as stats
from brownfield.robot.video_file import decode_video

Pixels = dict[tuple[str, int], tuple[NDArray[np.int64], int]]


def check_videos(
    root: Path, info: dict[str, Any], episodes: list[dict[str, Any]]
) -> tuple[Pixels, list[str]]:
    """Rules of all videos.

    Returns:
        pixels: per video feature and episode, counts (3, 256) and frames counted.
        problems: a line each.
    """
    pixels: Pixels = {}
    problems = []
    for key in schema.video_keys(info["features"]):
        files: dict[str, list[dict[str, Any]]] = {}
        for row in episodes:
            name = schema.VIDEO_PATH.format(
                video_key=key,
                chunk_index=row[f"videos/{key}/chunk_index"],
                file_index=row[f"videos/{key}/file_index"],
            )
            files.setdefault(name, []).append(row)
        for name, rows in files.items():
            if not (root / name).is_file():
                continue
            try:
                problems += [
                    f"{name}: {problem}"
                    for problem in _check_file(root / name, info, key, rows, pixels)
                ]
            except (FFmpegError, ValueError, IndexError) as error:
                problems.append(f"{name} cannot be decoded: {error}")
    return pixels, problems


def _check_file(
    path: Path,
    info: dict[str, Any],
    key: str,
    rows: list[dict[str, Any]],
    pixels: Pixels,
) -> list[str]:
    problems = []
    fps, feature = info["fps"], info["features"][key]
    with av.open(str(path)) as container:
        if len(container.streams) != 1 or not container.streams.video:
            return ["must hold one video stream and nothing else"]
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        got = {
            "codec": stream.codec_context.codec.canonical_name,
            "pixel format": stream.codec_context.pix_fmt,
            "height": stream.height,
            "width": stream.width,
            "rate": stream.average_rate,
        }
    expected = {
        "codec": feature["info"]["video.codec"],
        "pixel format": feature["info"]["video.pix_fmt"],
        "height": feature["shape"][0],
        "width": feature["shape"][1],
        "rate": fps,
    }
    for what, value in expected.items():
        if got[what] != value:
            problems.append(f"{what} is {got[what]}, expected {value}")
    if problems:
        return problems
    # Raises at the first frame that is not at i / fps.
    shown = decode_video(path, fps)
    wanted = sum(row["length"] for row in rows)
    if len(shown) != wanted:
        return [f"{len(shown)} frames, its episodes have {wanted}"]
    begin = 0
    for row in rows:
        first = row[f"videos/{key}/from_timestamp"]
        if abs(first - begin / fps) > 1e-4:
            problems.append(
                f"episode {row['episode_index']} begins at {first} s, expected "
                f"{begin / fps} s"
            )
        part = shown[begin : begin + row["length"]]
        sample = stats.sampled_frames(len(part))
        pixels[key, row["episode_index"]] = (
            stats.pixel_counts(part[sample]),
            len(sample),
        )
        begin += row["length"]
    return problems

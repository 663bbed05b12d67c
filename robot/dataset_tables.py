"""Rules of a dataset's features, tasks and episodes."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from brownfield.robot import dataset_schema as schema
from brownfield.robot.dataset_meta import episodes_schema

_TYPES = (
    "float32 float64 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool string "
    "image video language"
).split()
_KEPT_FLAT = set(_TYPES) - {"string", "image", "video", "language"}


def check_features(info: dict[str, Any]) -> list[str]:
    """Rules of `features` in `info.json`."""
    problems = []
    features = info["features"]
    for name, feature in features.items():
        here = f"feature {name!r}"
        if "/" in name:
            problems.append(f"{here}: a name must not contain '/'")
        missing = {"dtype", "shape", "names"} - set(feature)
        if missing:
            problems.append(f"{here}: {sorted(missing)} missing")
            continue
        dtype, shape, names = feature["dtype"], feature["shape"], feature["names"]
        if dtype not in _TYPES:
            problems.append(f"{here}: dtype {dtype!r} is none of {', '.join(_TYPES)}")
        elif not shape or any(not isinstance(n, int) or n < 1 for n in shape):
            problems.append(f"{here}: shape {shape!r} must hold positive integers")
        elif dtype in ("video", "image"):
            if len(shape) != 3 or names != ["height", "width", "channels"]:
                problems.append(
                    f"{here}: expected shape [H, W, C] with names height, width, "
                    f"channels, got {shape} with {names}"
                )
            elif dtype == "video":
                problems += _check_video_info(here, feature, info["fps"])
            else:
                problems.append(f"{here}: pictures are kept as video here")
        elif dtype not in _KEPT_FLAT or len(shape) != 1:
            problems.append(f"{here}: {dtype} of shape {shape} has no flat column")
        elif names is not None and len(names) != shape[0]:
            problems.append(f"{here}: {len(names)} names for {shape[0]} columns")
    for name, dtype in schema.DEFAULT_FEATURES.items():
        expected = {"dtype": dtype, "shape": [1], "names": None}
        if features.get(name) != expected:
            problems.append(
                f"feature {name!r} must be {expected}, got {features.get(name)}"
            )
    for name in (schema.STATE, schema.ACTION, schema.LABEL):
        if name not in features:
            problems.append(f"feature {name!r} is missing")
    return problems


def _check_video_info(here: str, feature: dict[str, Any], fps: int) -> list[str]:
    height, width, channels = feature["shape"]
    given = feature.get("info", {})
    expected = {
        "video.height": (height,),
        "video.width": (width,),
        "video.channels": (channels,),
        "video.fps": (fps,),
        "video.codec": ("h264", "hevc", "av1"),
        "video.pix_fmt": ("yuv420p",),
        "has_audio": (False,),
        "is_depth_map": (False,),
    }
    return [
        f"{here}: info {key} is {given.get(key)!r}, expected {values}"
        for key, values in expected.items()
        if given.get(key) not in values
    ]


def check_tasks(root: Path, info: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Rules of `meta/tasks.parquet`.

    Returns:
        tasks: by their index.
        problems: a line each.
    """
    here = schema.TASKS_PATH
    table = pq.read_table(root / here, use_threads=False)
    expected = pa.schema([("task_index", pa.int64()), ("task", pa.string())])
    if not table.schema.equals(expected):
        return [], [f"{here}: expected columns {_words(expected)}"]
    problems = []
    tasks = table["task"].to_pylist()
    if table["task_index"].to_pylist() != list(range(len(tasks))):
        problems.append(f"{here}: row i must hold task_index i")
    if len(set(tasks)) != len(tasks) or not all(tasks):
        problems.append(f"{here}: tasks must be distinct and not empty")
    if len(tasks) != info["total_tasks"]:
        problems.append(
            f"{here}: {len(tasks)} tasks, info.json says {info['total_tasks']}"
        )
    try:
        index = json.loads(table.schema.metadata[b"pandas"])["index_columns"]
    except (TypeError, KeyError, ValueError):
        index = None
    if index != ["task"]:
        problems.append(f"{here}: pandas index must be ['task'], got {index}")
    return tasks, problems


def _words(columns: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in columns)


def check_episodes(
    root: Path, info: dict[str, Any]
) -> tuple[list[dict[str, Any]], list[str]]:
    """Rules of `meta/episodes`.

    Returns:
        rows: one per episode; none where columns are missing.
        problems: a line each.
    """
    expected = episodes_schema(info["features"])
    problems: list[str] = []
    rows: list[dict[str, Any]] = []
    for path in sorted((root / "meta/episodes").glob("*/*.parquet")):
        name = path.relative_to(root).as_posix()
        table = pq.read_table(path, use_threads=False)
        for field in expected:
            index = table.schema.get_field_index(field.name)
            if index < 0:
                problems.append(f"{name}: column {field.name} is missing")
            elif table.schema.field(index).type != field.type:
                problems.append(
                    f"{name}: column {field.name} is {table.schema.field(index).type}, "
                    f"not {field.type}"
                )
            elif table[field.name].null_count:
                problems.append(f"{name}: column {field.name} has gaps")
        if problems:
            return [], problems
        for row in table.to_pylist():
            rows.append(row)
            place = {
                "chunk_index": row["meta/episodes/chunk_index"],
                "file_index": row["meta/episodes/file_index"],
            }
            if schema.EPISODES_PATH.format(**place) != name:
                problems.append(
                    f"episode {row['episode_index']}: lies in {name}, but says {place}"
                )
    problems += _check_episode_rows(rows, info)
    return rows, problems


def _check_episode_rows(rows: list[dict[str, Any]], info: dict[str, Any]) -> list[str]:
    problems = []
    keys = schema.video_keys(info["features"])
    begin = 0
    for number, row in enumerate(rows):
        here = f"episode {number}"
        if row["episode_index"] != number:
            problems.append(f"{here}: its row holds index {row['episode_index']}")
        if row["length"] < 1:
            problems.append(f"{here}: length {row['length']}")
        span = row["dataset_from_index"], row["dataset_to_index"]
        if span != (begin, begin + row["length"]):
            problems.append(
                f"{here}: frames {span[0]}:{span[1]}, expected "
                f"{begin}:{begin + row['length']}"
            )
        begin += row["length"]
        if not row["tasks"]:
            problems.append(f"{here}: no task")
        if row["brownfield_success"] == bool(row["brownfield_reason"]):
            problems.append(
                f"{here}: success {row['brownfield_success']} with reason "
                f"{row['brownfield_reason']!r}"
            )
        for key in keys:
            first = row[f"videos/{key}/from_timestamp"]
            last = row[f"videos/{key}/to_timestamp"]
            if abs(last - first - row["length"] / info["fps"]) > 1e-4:
                problems.append(
                    f"{here}: {key} lasts {first}:{last} s for {row['length']} frames"
                )
            if last > schema.LONGEST_VIDEO_S and first > 0:
                problems.append(
                    f"{here}: {key} ends {last} s into its file, at most "
                    f"{schema.LONGEST_VIDEO_S} s unless alone"
                )
    seeds = [row["brownfield_seed"] for row in rows]
    if len(set(seeds)) != len(seeds):
        double = sorted({a for a, b in pairwise(sorted(seeds)) if a == b})
        problems.append(f"seeds occur twice: {double[:5]}")
    for key, value in (("total_episodes", len(rows)), ("total_frames", begin)):
        if info[key] != value:
            problems.append(f"info.json: {key} is {info[key]}, there are {value}")
    return problems

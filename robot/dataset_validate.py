"""Whether a folder is a whole LeRobotDataset v3.0 of ours: every rule, by reading it.

The rules: the tree of files, `info.json`, features and their columns, tasks, episodes,
exact statistics, videos of constant rate, and that nothing changed since the journal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from brownfield.robot import dataset_schema as schema
from brownfield.robot.dataset_journal import Journal, sha256_of
from brownfield.robot.dataset_rows import check_rows
from brownfield.robot.dataset_tables import check_episodes, check_features, check_tasks
from brownfield.robot.dataset_videos import check_videos

_INFO_TYPES: dict[str, tuple[type, ...]] = {
    "codebase_version": (str,),
    "fps": (int,),
    "features": (dict,),
    "total_episodes": (int,),
    "total_frames": (int,),
    "total_tasks": (int,),
    "chunks_size": (int,),
    "data_files_size_in_mb": (int, float),
    "video_files_size_in_mb": (int, float),
    "data_path": (str,),
    "video_path": (str, type(None)),
    "robot_type": (str, type(None)),
    "splits": (dict,),
}


def validate(path: Path) -> list[str]:
    """Check every rule of the format and of ours.

    Args:
        path: folder of the dataset.

    Returns:
        problems, a line each; none when the dataset is whole.

    Raises:
        FileNotFoundError: there is no folder.
    """
    root = Path(path)
    if not root.is_dir():
        raise FileNotFoundError(f"there is no dataset in {root}")
    problems, committed = _check_journal(root)
    try:
        info = json.loads((root / schema.INFO_PATH).read_bytes())
        found = _check_info(info)
        stats = json.loads((root / schema.STATS_PATH).read_bytes())
        if not isinstance(stats, dict):
            raise TypeError("stats.json must hold an object")
    except FileNotFoundError as error:
        name = Path(error.filename).relative_to(root).as_posix()
        return [*problems, f"{name} is missing: resume recording or repair"]
    except (ValueError, TypeError, KeyError) as error:
        return [*problems, f"meta/info.json or meta/stats.json: {error!r}"]
    problems += found
    if found:
        # What follows takes these keys for granted.
        return problems
    if committed and committed != info["total_episodes"]:
        problems.append(
            f"info.json names {info['total_episodes']} episodes, the journal "
            f"{committed}: repair"
        )
    found = check_features(info)
    problems += found
    if found:
        return problems
    try:
        episodes, found = check_episodes(root, info)
        problems += found
        if not episodes:
            return problems
        tasks, found = check_tasks(root, info)
        problems += found
    except (pa.ArrowException, OSError) as error:
        return [*problems, f"meta cannot be read: {error}"]
    problems += _check_tree(root, info, episodes)
    pixels, found = check_videos(root, info, episodes)
    problems += found
    problems += check_rows(root, info, episodes, tasks, stats, pixels)
    return problems


def _check_info(info: Any) -> list[str]:
    if not isinstance(info, dict):
        raise TypeError("info.json must hold an object")
    problems = []
    for key, kinds in _INFO_TYPES.items():
        if key not in info:
            problems.append(f"info.json: {key} is missing")
        elif not isinstance(info[key], kinds) or isinstance(info[key], bool):
            problems.append(f"info.json: {key} is {info[key]!r}")
    if problems:
        return problems
    for key in sorted(info.keys() - _INFO_TYPES.keys() - {"tools"}):
        if not key.startswith("brownfield_"):
            problems.append(f"info.json: unknown key {key!r}")
    expected = {
        "codebase_version": schema.CODEBASE_VERSION,
        "data_path": schema.DATA_PATH,
        "splits": {"train": f"0:{info['total_episodes']}"},
        "brownfield_schema_version": schema.SCHEMA_VERSION,
        "video_path": (
            schema.VIDEO_PATH if schema.video_keys(info["features"]) else None
        ),
    }
    for key, value in expected.items():
        if info.get(key) != value:
            problems.append(f"info.json: {key} is {info.get(key)!r}, not {value!r}")
    for key in ("brownfield_body", "brownfield_body_schema"):
        if not isinstance(info.get(key), str):
            problems.append(f"info.json: {key} is {info.get(key)!r}")
    for key in ("fps", "chunks_size", "total_episodes", "total_frames", "total_tasks"):
        if info[key] < 1:
            problems.append(f"info.json: {key} is {info[key]}, must be positive")
    return problems


def _check_tree(
    root: Path, info: dict[str, Any], episodes: list[dict[str, Any]]
) -> list[str]:
    """Files that are there, and only those; order of paths; sizes."""
    problems = []
    named: dict[str, int] = {}
    for row in episodes:
        names = {_name(schema.DATA_PATH, row, "data")}
        names.add(_name(schema.EPISODES_PATH, row, "meta/episodes"))
        for key in schema.video_keys(info["features"]):
            names.add(_name(schema.VIDEO_PATH, row, f"videos/{key}", video_key=key))
        for name in names:
            named[name] = named.get(name, 0) + 1
        if info.get("brownfield_segments"):
            named[str(schema.segments_path(row["episode_index"]))] = 1
    known = {schema.INFO_PATH, schema.STATS_PATH, schema.TASKS_PATH}
    for folder in ("data", "meta", "videos", "images", "segments"):
        for path in sorted((root / folder).rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_dir() or name in known or name in named:
                continue
            kind = "left-over" if path.suffix == ".tmp" else "unknown"
            problems.append(f"{kind} file {name}: repair")
    for name in sorted(named):
        path = root / name
        if not path.is_file():
            problems.append(f"{name} is missing")
            continue
        limit = info["data_files_size_in_mb"]
        if name.startswith("videos/"):
            limit = info["video_files_size_in_mb"]
        if named[name] > 1 and path.stat().st_size > limit * 1024**2:
            problems.append(f"{name} is over {limit} MB with {named[name]} episodes")
    order = [_name(schema.DATA_PATH, row, "data") for row in episodes]
    if order != sorted(order):
        problems.append("the order of the data files is not the order of the frames")
    for row in episodes:
        for key, value in row.items():
            if key.endswith("file_index") and not 0 <= value < info["chunks_size"]:
                problems.append(
                    f"episode {row['episode_index']}: {key} is {value}, must be in "
                    f"[0, {info['chunks_size']})"
                )
    return problems


def _name(pattern: str, row: dict[str, Any], prefix: str, **more: str) -> str:
    return pattern.format(
        chunk_index=row[f"{prefix}/chunk_index"],
        file_index=row[f"{prefix}/file_index"],
        **more,
    )


def _check_journal(root: Path) -> tuple[list[str], int]:
    """Problems, and how many episodes the journal names."""
    if not (root / schema.JOURNAL_PATH).is_file():
        return [f"{schema.JOURNAL_PATH} is missing"], 0
    try:
        journal = Journal(root)
    except ValueError as error:
        return [str(error)], 0
    problems = []
    if journal.unfinished:
        problems.append(f"{schema.JOURNAL_PATH} ends in an unfinished line: repair")
    for name, file in journal.files().items():
        path = root / name
        if path.is_file() and sha256_of(path) != file["sha256"]:
            problems.append(f"{name} is not what was committed")
    return problems, len(journal.episodes)

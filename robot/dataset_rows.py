"""Rules of a dataset's frames and of the statistics taken of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from brownfield.robot import dataset_schema as schema
from brownfield.robot import dataset_stats as stats
from brownfield.robot.dataset_meta import to_numpy
from brownfield.robot.dataset_videos import Pixels

Columns = dict[str, list[NDArray[Any]]]


def check_rows(
    root: Path,
    info: dict[str, Any],
    episodes: list[dict[str, Any]],
    tasks: list[str],
    whole: dict[str, Any],
    pixels: Pixels,
) -> list[str]:
    """Rules of the data files, and statistics against `meta/`.

    Args:
        root: the dataset.
        info: `info.json`.
        episodes: rows of `meta/episodes`.
        tasks: by their index.
        whole: `stats.json`.
        pixels: counts of the videos.
    """
    problems: list[str] = []
    columns: Columns = {n: [] for n in schema.data_schema(info["features"]).names}
    files: dict[str, list[dict[str, Any]]] = {}
    for row in episodes:
        name = schema.DATA_PATH.format(
            chunk_index=row["data/chunk_index"], file_index=row["data/file_index"]
        )
        files.setdefault(name, []).append(row)
    there = [name for name in files if (root / name).is_file()]
    for name in there:
        rows = files[name]
        try:
            found = _check_file(root / name, info, rows, tasks, columns)
        except (pa.ArrowException, OSError) as error:
            found = [f"cannot be read: {error}"]
        problems += [f"{name}: {problem}" for problem in found]
    if problems or len(there) < len(files):
        # Statistics of something else than the dataset would only add noise.
        return problems
    return _check_statistics(info["features"], episodes, whole, pixels, columns)


def _check_file(
    path: Path,
    info: dict[str, Any],
    rows: list[dict[str, Any]],
    tasks: list[str],
    columns: Columns,
) -> list[str]:
    problems = []
    expected = schema.data_schema(info["features"])
    with pq.ParquetFile(path) as file:
        got = {field.name: field.type for field in file.schema_arrow}
        for field in expected:
            if got.pop(field.name, None) != field.type:
                problems.append(f"column {field.name} is not {field.type}")
        problems += [f"unknown column {name}" for name in got]
        groups = file.metadata.num_row_groups
        if groups != len(rows):
            problems.append(f"{groups} row groups for {len(rows)} episodes")
        for group in range(groups):
            part = file.metadata.row_group(group)
            kinds = {part.column(c).compression for c in range(part.num_columns)}
            if kinds != {"SNAPPY"}:
                problems.append(f"compression {sorted(kinds)}, expected SNAPPY")
        if problems:
            return problems
        for group, row in enumerate(rows):
            table = file.read_row_group(group, use_threads=False)
            values = {name: to_numpy(table[name]) for name in expected.names}
            problems += _check_episode(values, table, info["fps"], row, tasks)
            for name, value in values.items():
                columns[name].append(value)
    return problems


def _check_episode(
    values: dict[str, NDArray[Any]],
    table: pa.Table,
    fps: int,
    row: dict[str, Any],
    tasks: list[str],
) -> list[str]:
    episode, length = row["episode_index"], row["length"]
    here = f"episode {episode}"
    if len(table) != length:
        return [f"{here}: {len(table)} rows, expected {length}"]
    problems = [
        f"{here}: column {name} has gaps"
        for name in table.column_names
        if table[name].null_count
    ]
    if problems:
        return problems
    frame = np.arange(length)
    last = frame == length - 1
    success = last & row["brownfield_success"]
    given = {
        "timestamp": (frame / fps).astype(np.float32),
        "frame_index": frame,
        "episode_index": np.full(length, episode),
        "index": row["dataset_from_index"] + frame,
        schema.DONE: last,
        schema.SUCCESS: success,
        schema.REWARD: success.astype(np.float32),
    }
    for name, expected in given.items():
        if name in values and not np.array_equal(values[name], expected):
            wrong = int(np.argmax(values[name] != expected))
            problems.append(
                f"{here}, frame {wrong}: {name} is {values[name][wrong]}, expected "
                f"{expected[wrong]}"
            )
    named = sorted({int(i) for i in values["task_index"]})
    words = [tasks[i] if 0 <= i < len(tasks) else f"no task {i}" for i in named]
    if sorted(words) != sorted(row["tasks"]):
        problems.append(f"{here}: its frames name {words}, its row {row['tasks']}")
    for name, value in values.items():
        try:
            stats.require_finite(name, value, episode)
        except ValueError as error:
            problems.append(str(error))
    return problems


def _check_statistics(
    features: schema.Features,
    episodes: list[dict[str, Any]],
    whole: dict[str, Any],
    pixels: Pixels,
    columns: Columns,
) -> list[str]:
    problems = [f"stats.json: unknown feature {n!r}" for n in whole.keys() - features]
    for name, feature in features.items():
        video = feature["dtype"] == "video"
        counted = [pixels.get((name, row["episode_index"])) for row in episodes]
        for number, row in enumerate(episodes):
            if video:
                pair = counted[number]
                true = stats.pixel_statistics(*pair) if pair else {}
            else:
                true = stats.number_statistics(columns[name][number])
            given = {s: row[f"stats/{name}/{s}"] for s in true}
            here = f"statistics of {name!r} in episode {number}"
            problems += _differences(here, given, true)
        if not video:
            true = stats.number_statistics(np.concatenate(columns[name]))
        elif None not in counted:
            pairs = [pair for pair in counted if pair is not None]
            true = stats.pixel_statistics(
                np.sum([pair[0] for pair in pairs], axis=0),
                sum(pair[1] for pair in pairs),
            )
        else:
            continue
        here = f"stats.json: {name!r}"
        problems += _differences(here, whole.get(name, {}), true)
    return problems


def _differences(here: str, given: dict[str, Any], true: dict[str, Any]) -> list[str]:
    problems = []
    for name, value in true.items():
        try:
            got = np.array(given[name], float)
            same = got.shape == np.shape(value) and np.allclose(
                got, value, rtol=1e-6, atol=1e-9
            )
        except (KeyError, TypeError, ValueError):
            same = False
        if not same:
            problems.append(f"{here}: {name} is missing or not that of the data")
    return problems

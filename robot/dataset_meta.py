"""`meta/` of a dataset, made from its journal and its data files.

`meta/info.json` goes first when a dataset is opened for writing and comes last when it
is sealed: a folder that has one is whole.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from brownfield.robot import dataset_schema as schema
from brownfield.robot import dataset_stats as stats
from brownfield.robot.dataset_journal import Journal, sync_folder, whole_file


def to_numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    """A column as (N,) or, of fixed-size lists, (N, D)."""
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if pa.types.is_fixed_size_list(column.type):
        values = array.flatten().to_numpy(zero_copy_only=False)
        return values.reshape(len(array), column.type.list_size)
    return array.to_numpy(zero_copy_only=False)


def write_parquet(path: Path, table: pa.Table, rows: int | None = None) -> None:
    """Write a whole parquet file; `rows` is the size of its row groups."""
    with whole_file(path) as temporary:
        pq.write_table(
            table,
            temporary,
            compression="snappy",
            use_dictionary=True,
            row_group_size=rows or max(len(table), 1),
        )


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write a whole JSON file."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value, indent=4, allow_nan=False) + "\n")


def tasks_of(journal: Journal) -> list[str]:
    """Distinct prompts in the order of their first episode."""
    return list(dict.fromkeys(episode["task"] for episode in journal.episodes))


def tasks_table(tasks: list[str]) -> pa.Table:
    """`meta/tasks.parquet`, with the index that pandas readers look for."""

    def column(name: str, kind: str, numpy_kind: str) -> dict[str, Any]:
        return {
            "name": name,
            "field_name": name,
            "pandas_type": kind,
            "numpy_type": numpy_kind,
            "metadata": None,
        }

    pandas = {
        "index_columns": ["task"],
        "column_indexes": [
            {
                "name": None,
                "field_name": None,
                "pandas_type": "unicode",
                "numpy_type": "object",
                "metadata": {"encoding": "UTF-8"},
            }
        ],
        "columns": [
            column("task_index", "int64", "int64"),
            column("task", "unicode", "object"),
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.2.0",
    }
    fields = pa.schema([("task_index", pa.int64()), ("task", pa.string())])
    return pa.table(
        {"task_index": list(range(len(tasks))), "task": tasks},
        schema=fields.with_metadata({"pandas": json.dumps(pandas)}),
    )


def stats_type(feature: dict[str, Any], name: str) -> pa.DataType:
    """Type of a statistic's column in `meta/episodes`."""
    if name == "count":
        return pa.list_(pa.int64())
    if feature["dtype"] in ("video", "image"):
        return pa.list_(pa.list_(pa.list_(pa.float64())))
    return pa.list_(pa.float64())


def episodes_schema(features: schema.Features) -> pa.Schema:
    """Columns of `meta/episodes`."""
    whole = pa.int64()
    fields: list[tuple[str, pa.DataType]] = [
        ("episode_index", whole),
        ("tasks", pa.list_(pa.string())),
        ("length", whole),
        ("data/chunk_index", whole),
        ("data/file_index", whole),
        ("dataset_from_index", whole),
        ("dataset_to_index", whole),
    ]
    for key in schema.video_keys(features):
        fields += [
            (f"videos/{key}/chunk_index", whole),
            (f"videos/{key}/file_index", whole),
            (f"videos/{key}/from_timestamp", pa.float64()),
            (f"videos/{key}/to_timestamp", pa.float64()),
        ]
    for key, feature in features.items():
        for name in (*stats.NAMES, "count"):
            fields.append((f"stats/{key}/{name}", stats_type(feature, name)))
    fields += [
        ("meta/episodes/chunk_index", whole),
        ("meta/episodes/file_index", whole),
        ("brownfield_seed", whole),
        ("brownfield_success", pa.bool_()),
        ("brownfield_reason", pa.string()),
        ("brownfield_place", pa.string()),
        ("brownfield_other_prompts", pa.list_(pa.string())),
    ]
    return pa.schema(fields)


def _episode_row(
    entry: dict[str, Any], fps: int, statistics: dict[str, stats.Statistics]
) -> dict[str, Any]:
    episode = entry["episode_index"]
    chunk, file = divmod(episode, schema.CHUNK_SIZE)
    meta_chunk, meta_file = divmod(episode // schema.CHUNK_SIZE, schema.CHUNK_SIZE)
    row = {
        "episode_index": episode,
        "tasks": [entry["task"]],
        "length": entry["length"],
        "data/chunk_index": chunk,
        "data/file_index": file,
        "dataset_from_index": entry["dataset_from_index"],
        "dataset_to_index": entry["dataset_from_index"] + entry["length"],
        "meta/episodes/chunk_index": meta_chunk,
        "meta/episodes/file_index": meta_file,
        "brownfield_seed": entry["seed"],
        "brownfield_success": entry["success"],
        "brownfield_reason": entry["reason"],
        "brownfield_place": entry["place"],
        "brownfield_other_prompts": entry["other_prompts"],
    }
    for key in entry["pixels"]:
        row[f"videos/{key}/chunk_index"] = chunk
        row[f"videos/{key}/file_index"] = file
        row[f"videos/{key}/from_timestamp"] = 0.0
        row[f"videos/{key}/to_timestamp"] = entry["length"] / fps
    for key, values in statistics.items():
        for name, value in values.items():
            row[f"stats/{key}/{name}"] = value
    return row


def meta_files(journal: Journal) -> list[str]:
    """Relative paths of everything in `meta/`, `info.json` last."""
    chunks = range(-(-len(journal.episodes) // schema.CHUNK_SIZE))
    paths = []
    for chunk in chunks:
        folder, file = divmod(chunk, schema.CHUNK_SIZE)
        paths.append(schema.EPISODES_PATH.format(chunk_index=folder, file_index=file))
    return [*paths, schema.TASKS_PATH, schema.STATS_PATH, schema.INFO_PATH]


def unseal(root: Path) -> None:
    """Mark a dataset as being written."""
    info = root / schema.INFO_PATH
    if info.exists():
        info.unlink()
        sync_folder(info.parent)


def seal(root: Path, journal: Journal) -> None:
    """Write `meta/` for the episodes of the journal, `info.json` last.

    Raises:
        ValueError: the journal holds no episode.
    """
    header, entries = journal.header, journal.episodes
    if header is None or not entries:
        raise ValueError(f"dataset {root} holds no episode")
    unseal(root)
    features = header["features"]
    columns: dict[str, list[NDArray[Any]]] = {
        name: [] for name in schema.data_schema(features).names
    }
    rows = []
    for entry in entries:
        paths = schema.episode_paths(features, entry["episode_index"])
        table = pq.read_table(root / paths["data"], use_threads=False)
        statistics = {
            key: stats.pixel_statistics(np.array(p["counts"]), p["frames"])
            for key, p in entry["pixels"].items()
        }
        for name, values in columns.items():
            values.append(to_numpy(table[name]))
            statistics[name] = stats.number_statistics(values[-1])
        rows.append(_episode_row(entry, header["fps"], statistics))

    whole: dict[str, stats.Statistics] = {}
    for key in features:
        if key in columns:
            # Popped, so that only one feature is held twice.
            whole[key] = stats.number_statistics(np.concatenate(columns.pop(key)))
        else:
            pixels = [entry["pixels"][key] for entry in entries]
            whole[key] = stats.pixel_statistics(
                np.sum([p["counts"] for p in pixels], axis=0),
                sum(p["frames"] for p in pixels),
            )

    tasks = tasks_of(journal)
    *episode_files, tasks_path, stats_path, info_path = meta_files(journal)
    for number, path in enumerate(episode_files):
        part = rows[number * schema.CHUNK_SIZE :][: schema.CHUNK_SIZE]
        write_parquet(
            root / path, pa.Table.from_pylist(part, schema=episodes_schema(features))
        )
    write_parquet(root / tasks_path, tasks_table(tasks))
    write_json(root / stats_path, whole)
    lengths = [entry["length"] for entry in entries]
    write_json(root / info_path, schema.info_of(header, lengths, len(tasks)))

"""Motion without pictures: clips of joint angles, or the actions of a dataset."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Motion:
    """One clip or episode."""

    name: str
    """Of the clip, or the episode's number."""

    kind: str
    """What clips that are alike share: a file's name up to `_level`, or a task."""

    values: NDArray[np.float64]
    """(T, D) in physical units."""

    rate_hz: float
    """Rows per second [Hz]."""

    names: tuple[str, ...]
    """Fields (D)."""


def read_motions(paths: Sequence[Path]) -> list[Motion]:
    """Read folders of clips (`.npz`) and LeRobot datasets.

    A clip has `joint_pos` (T, D), `fps` and `joint_names` (D,). Of a dataset, the
    `action` of every episode is read.

    Raises:
        ValueError: nothing there, unreadable, or fields and rates that differ.
    """
    motions: list[Motion] = []
    for path in map(Path, paths):
        if (path / "meta/info.json").is_file():
            motions += _dataset(path)
        elif path.is_dir() and any(path.glob("*.npz")):
            motions += [_clip(file) for file in sorted(path.glob("*.npz"))]
        else:
            raise ValueError(
                f"{path}: expected a folder of .npz clips or a LeRobot dataset (with "
                "meta/info.json)"
            )
    if not motions:
        raise ValueError("expected at least one folder of motion")
    first = motions[0]
    for motion in motions:
        if (motion.names, motion.rate_hz) != (first.names, first.rate_hz):
            raise ValueError(
                f"{motion.name}: {len(motion.names)} fields at {motion.rate_hz} Hz, "
                f"{first.name} has {len(first.names)} at {first.rate_hz} Hz; the names "
                "must be the same too"
            )
        if not np.isfinite(motion.values).all():
            raise ValueError(f"{motion.name}: holds NaN or infinity")
    return motions


def _clip(path: Path) -> Motion:
    try:
        with np.load(path, allow_pickle=False) as data:
            values = np.asarray(data["joint_pos"], dtype=np.float64)
            rate = float(data["fps"])
            names = tuple(str(n) for n in data["joint_names"])
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path}: expected joint_pos (T, D), fps and joint_names: {error}"
        ) from error
    if values.ndim != 2 or values.shape[1] != len(names) or not rate > 0:
        raise ValueError(
            f"{path}: joint_pos {values.shape} does not fit {len(names)} joint_names, "
            f"or fps {rate} is not positive"
        )
    kind = path.stem.split("_level")[0]
    return Motion(name=path.stem, kind=kind, values=values, rate_hz=rate, names=names)


def _dataset(path: Path) -> list[Motion]:
    try:
        info = json.loads((path / "meta/info.json").read_text())
        rate = float(info["fps"])
        feature = info["features"]["action"]
        names = _names(feature)
        columns = ["action", "episode_index", "frame_index", "task_index"]
        files = sorted((path / "data").rglob("*.parquet"))
        tables = [pq.read_table(f, columns=columns, use_threads=False) for f in files]
        table = pa.concat_tables(tables)
        action = np.stack(table["action"].to_numpy()).astype(np.float64)
    except (OSError, KeyError, ValueError, pa.ArrowException) as error:
        raise ValueError(f"dataset {path} cannot be read: {error}") from error
    # A feature of shape [1] is a column of numbers, not of lists.
    action = action.reshape(len(action), -1)
    if action.shape[1] != len(names):
        raise ValueError(
            f"dataset {path}: expected {len(names)} actions ({', '.join(names)}), got "
            f"{action.shape[1]}"
        )
    episode, frame, task = (
        np.asarray(table[column].to_numpy()).ravel() for column in columns[1:]
    )
    motions = []
    for index in np.unique(episode):
        rows = np.flatnonzero(episode == index)
        rows = rows[np.argsort(frame[rows], kind="stable")]
        motions.append(
            Motion(
                name=f"{path.name}/{index}",
                kind=f"task {task[rows[0]]}",
                values=action[rows],
                rate_hz=rate,
                names=names,
            )
        )
    return motions


def _names(feature: dict[str, object]) -> tuple[str, ...]:
    """Names of a vector feature; LeRobot writes a list, or a dict with one list."""
    names = feature.get("names")
    if isinstance(names, dict):
        names = next(iter(names.values()), None)
    if isinstance(names, list):
        return tuple(str(n) for n in names)
    shape = feature["shape"]
    assert isinstance(shape, list)
    return tuple(f"action_{i}" for i in range(shape[0]))

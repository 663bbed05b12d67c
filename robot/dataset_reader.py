"""Trajectories out of a LeRobotDataset v3.0."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from brownfield.robot import dataset_schema as schema
from brownfield.robot.bodies import body_named
from brownfield.robot.body import Body
from brownfield.robot.dataset_frames import read_segments
from brownfield.robot.dataset_meta import to_numpy
from brownfield.robot.trajectory import Counterfactual, Trajectory
from brownfield.robot.video_file import decode_video
from brownfield.tokenizers.resize import area_resize


@dataclass(frozen=True, kw_only=True)
class EpisodeRecord:
    """What is known of an episode without opening its files."""

    index: int
    """Position in the dataset."""
    length: int
    """Control steps."""
    prompt: str
    """What the robot was told."""
    seed: int
    """Seed of the episode."""
    success: bool
    """Whether the prompt was fulfilled."""
    reason: str
    """Why not; empty when it was."""
    place: str
    """Name of the place."""
    other_prompts: tuple[str, ...]
    """What it might have been told instead; empty in an unused slot."""


class DatasetReader:
    """A finished dataset, read an episode at a time."""

    def __init__(self, path: Path, *, body: Body | None = None) -> None:
        """Open a dataset.

        Args:
            path: its folder.
            body: the body it must be of; None for the shipped body it names.

        Raises:
            FileNotFoundError: there is no dataset.
            ValueError: not sealed, another format, schema version or body.
        """
        self.path = Path(path)
        self.info = read_info(self.path)
        self.body = body or body_named(self.info["brownfield_body"])
        for key, expected in (
            ("brownfield_body", self.body.name),
            ("brownfield_body_schema", self.body.schema_hash()),
            ("brownfield_chunk_steps", self.body.chunk_steps),
        ):
            if self.info.get(key) != expected:
                raise ValueError(
                    f"dataset {self.path} does not fit body {self.body.name!r}: {key} "
                    f"is {self.info.get(key)!r}, expected {expected!r}"
                )
        self._fps = int(self.info["fps"])
        features = self.info["features"]
        self.privileged_names: tuple[str, ...] = tuple(
            features.get(schema.PRIVILEGED, {}).get("names") or ()
        )
        columns = [
            "episode_index",
            "tasks",
            "length",
            "data/chunk_index",
            "data/file_index",
            "brownfield_seed",
            "brownfield_success",
            "brownfield_reason",
            "brownfield_place",
            "brownfield_other_prompts",
        ]
        for key in schema.video_keys(features):
            columns += [
                f"videos/{key}/{name}"
                for name in ("chunk_index", "file_index", "from_timestamp")
            ]
        paths = sorted((self.path / "meta/episodes").glob("*/*.parquet"))
        if not paths:
            raise ValueError(f"dataset {self.path} has no meta/episodes; repair it")
        try:
            tables = [
                pq.read_table(p, columns=columns, use_threads=False) for p in paths
            ]
            self._rows = pa.concat_tables(tables).to_pylist()
            self.episodes = tuple(_record(row) for row in self._rows)
        except (pa.ArrowException, KeyError) as error:
            raise ValueError(
                f"dataset {self.path}: meta/episodes cannot be read: {error}"
            ) from error
        self._row_group: list[int] = []
        seen: dict[tuple[int, int], int] = {}
        for row in self._rows:
            file = row["data/chunk_index"], row["data/file_index"]
            self._row_group.append(seen.get(file, 0))
            seen[file] = self._row_group[-1] + 1

    def __len__(self) -> int:
        """Episodes."""
        return len(self.episodes)

    def __iter__(self) -> Iterator[Trajectory]:
        """All episodes in order."""
        return (self.episode(index) for index in range(len(self)))

    def episode(self, index: int, *, size: int | None = None) -> Trajectory:
        """One episode.

        Args:
            index: its position.
            size: side of the frames [pixels], averaged down; None as recorded.

        Raises:
            IndexError: there is no such episode.
            ValueError: a file that cannot be read or does not hold the episode.
        """
        record = self._record(index)
        columns = self.numbers(index)
        count, slots = record.length, len(record.other_prompts)
        names = tuple(self.info.get("brownfield_segments", ()))
        label = columns[schema.LABEL].reshape(count, self.body.chunk_steps, -1)
        truth = columns.get(schema.PRIVILEGED, np.zeros((count, 0), np.float32))
        labels = columns.get(schema.OTHER_LABELS)
        truths = columns.get(schema.OTHER_PRIVILEGED)
        others = []
        for slot, prompt in enumerate(record.other_prompts):
            assert labels is not None
            others.append(
                Counterfactual(
                    prompt=prompt,
                    label=labels.reshape(count, slots, *label.shape[1:])[:, slot],
                    privileged=truth
                    if truths is None
                    else truths.reshape(count, slots, -1)[:, slot],
                )
            )
        return Trajectory(
            body=self.body.name,
            place=record.place,
            seed=record.seed,
            prompt=record.prompt,
            frames={
                camera.name: self.load_frames(index, camera.name, size)
                for camera in self.body.cameras
            },
            state=columns[schema.STATE],
            action=columns[schema.ACTION],
            label=label,
            privileged=truth,
            privileged_names=self.privileged_names,
            success=record.success,
            reason=record.reason,
            control_hz=self.body.control_hz,
            others=tuple(others),
            segments=read_segments(self.path, index, count) if names else None,
            segment_names=names,
        )

    def numbers(self, index: int) -> dict[str, NDArray[Any]]:
        """Columns of one episode, (N,) or (N, D), without its video.

        Raises:
            IndexError: there is no such episode.
            ValueError: a file that cannot be read or does not hold the episode.
        """
        record, row = self._record(index), self._rows[index]
        path = self.path / schema.DATA_PATH.format(
            chunk_index=row["data/chunk_index"], file_index=row["data/file_index"]
        )
        names = schema.data_schema(self.info["features"]).names
        try:
            with pq.ParquetFile(path) as file:
                table = file.read_row_group(
                    self._row_group[index], columns=names, use_threads=False
                )
            columns = {name: to_numpy(table[name]) for name in names}
        except (pa.ArrowException, OSError, KeyError) as error:
            raise ValueError(f"{path} cannot be read: {error}") from error
        if set(columns["episode_index"]) != {index} or len(table) != record.length:
            raise ValueError(
                f"{path} does not hold the {record.length} frames of episode {index}"
            )
        return columns

    def load_frames(
        self, index: int, camera: str, size: int | None = 64
    ) -> NDArray[np.uint8]:
        """Frames of one camera, without the rest of the episode.

        Args:
            index: position of the episode.
            camera: name of the camera.
            size: side of the frames [pixels], averaged down; None as recorded.

        Returns:
            frames: (N, size, size, 3).

        Raises:
            IndexError: there is no such episode.
            ValueError: unknown camera, size that does not divide, unreadable video.
        """
        record, row = self._record(index), self._rows[index]
        key = schema.camera_key(camera)
        if f"videos/{key}/chunk_index" not in row:
            names = ", ".join(c.name for c in self.body.cameras)
            raise ValueError(f"no camera {camera!r} in {self.path}: it has {names}")
        path = self.path / schema.VIDEO_PATH.format(
            video_key=key,
            chunk_index=row[f"videos/{key}/chunk_index"],
            file_index=row[f"videos/{key}/file_index"],
        )
        start = round(row[f"videos/{key}/from_timestamp"] * self._fps)
        frames = decode_video(path, self._fps, start, record.length)
        return frames if size is None else area_resize(frames, size)

    def _record(self, index: int) -> EpisodeRecord:
        if not 0 <= index < len(self):
            raise IndexError(f"episode {index} is not in 0..{len(self) - 1}")
        return self.episodes[index]


def _record(row: dict[str, Any]) -> EpisodeRecord:
    return EpisodeRecord(
        index=row["episode_index"],
        length=row["length"],
        prompt=row["tasks"][0],
        seed=row["brownfield_seed"],
        success=row["brownfield_success"],
        reason=row["brownfield_reason"],
        place=row["brownfield_place"],
        other_prompts=tuple(row["brownfield_other_prompts"]),
    )


def read_info(path: Path) -> dict[str, Any]:
    """`meta/info.json` of a dataset that this version reads.

    Raises:
        FileNotFoundError: there is no dataset.
        ValueError: not sealed, unreadable, another format or schema version.
    """
    file = Path(path) / schema.INFO_PATH
    if not file.is_file():
        if (Path(path) / schema.JOURNAL_PATH).is_file():
            raise ValueError(
                f"dataset {path} was not finished: resume recording or repair it"
            )
        raise FileNotFoundError(f"there is no dataset in {path}")
    try:
        info = json.loads(file.read_bytes())
        version = info["codebase_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is not a dataset's info: {error!r}") from error
    if not str(version).startswith("v3."):
        raise ValueError(f"{file}: expected LeRobotDataset v3, got {version!r}")
    ours = info.get("brownfield_schema_version")
    if ours != schema.SCHEMA_VERSION:
        raise ValueError(
            f"{file}: expected brownfield_schema_version {schema.SCHEMA_VERSION}, "
            f"got {ours!r}"
        )
    return info


def open_datasets(
    paths: Sequence[Path], *, body: Body | None = None
) -> tuple[DatasetReader, ...]:
    """Open several datasets of one body.

    Raises:
        FileNotFoundError: a folder without a dataset.
        ValueError: no path, or datasets that do not belong together.
    """
    if not paths:
        raise ValueError("name at least one dataset")
    readers = tuple(DatasetReader(path, body=body) for path in paths)
    for reader in readers[1:]:
        for what in ("body", "privileged_names"):
            if getattr(reader, what) != getattr(readers[0], what):
                raise ValueError(
                    f"datasets {readers[0].path} and {reader.path} do not belong "
                    f"together: their {what} differ"
                )
    return readers

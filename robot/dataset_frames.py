"""Videos of any LeRobotDataset v3, whoever recorded it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from brownfield.robot import dataset_schema as schema
from brownfield.robot.video_file import decode_video


class DatasetFrames:
    """Cameras and episodes of a dataset; nothing else of it is read or asked for, but
    what our simulators know of the pixels."""

    def __init__(self, path: Path) -> None:
        """Open a dataset.

        Args:
            path: its folder.

        Raises:
            FileNotFoundError: there is no dataset.
            ValueError: another version, unreadable tables, or no video in it.
        """
        self.path = Path(path)
        file = self.path / schema.INFO_PATH
        if not file.is_file():
            raise FileNotFoundError(f"there is no LeRobotDataset in {self.path}")
        try:
            self.info: dict[str, Any] = json.loads(file.read_bytes())
            version, features = self.info["codebase_version"], self.info["features"]
            self.fps = int(self.info["fps"])
            self._pattern = self.info["video_path"]
            self.cameras: tuple[str, ...] = tuple(schema.video_keys(features))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file} is not a dataset's info: {error!r}") from error
        if not str(version).startswith("v3."):
            raise ValueError(f"{file}: expected LeRobotDataset v3, got {version!r}")
        if not self.cameras:
            raise ValueError(f"{self.path} holds no video: its pictures are not tokens")
        columns = ["episode_index", "length"]
        columns += [
            f"videos/{key}/{name}"
            for key in self.cameras
            for name in ("chunk_index", "file_index", "from_timestamp")
        ]
        paths = sorted((self.path / "meta/episodes").glob("*/*.parquet"))
        try:
            tables = [
                pq.read_table(p, columns=columns, use_threads=False) for p in paths
            ]
            self._rows = pa.concat_tables(tables).to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise ValueError(
                f"{self.path}: meta/episodes cannot be read: {error}"
            ) from error

    def __len__(self) -> int:
        """Episodes."""
        return len(self._rows)

    def camera(self, name: str | None = None) -> str:
        """The feature of a camera: by its feature's name or the end of it.

        Args:
            name: such as `head`; None where there is only one.

        Raises:
            ValueError: unknown, or none was named and there are several.
        """
        known = ", ".join(self.cameras)
        if name is None and len(self.cameras) > 1:
            raise ValueError(f"{self.path} has several cameras, name one: {known}")
        for key in self.cameras:
            if name is None or name in (key, key.rpartition(".")[2]):
                return key
        raise ValueError(f"{self.path} has no camera {name!r}: it has {known}")

    def frames(self, index: int, camera: str) -> NDArray[np.uint8]:
        """Frames (N, H, W, 3) of an episode.

        Args:
            index: position of the episode.
            camera: a feature, as `camera` gives it.

        Raises:
            IndexError: there is no such episode.
            ValueError: a video that cannot be read; names episode and frame.
        """
        row = self._row(index)
        path = self.path / self._pattern.format(
            video_key=camera,
            chunk_index=row[f"videos/{camera}/chunk_index"],
            file_index=row[f"videos/{camera}/file_index"],
        )
        start = round(row[f"videos/{camera}/from_timestamp"] * self.fps)
        try:
            return decode_video(path, self.fps, start, row["length"])
        except ValueError as error:
            raise ValueError(f"episode {index}: {error}") from error

    @property
    def segment_names(self) -> tuple[str, ...]:
        """Classes of `segments`; none where they were not recorded."""
        return tuple(self.info.get("brownfield_segments", ()))

    def segments(self, index: int) -> NDArray[np.uint8]:
        """What every pixel of the first camera shows, (N, h, w): entries of
        `segment_names`.

        Raises:
            IndexError: there is no such episode.
            ValueError: the dataset was recorded without them, or a damaged file.
        """
        length = self._row(index)["length"]
        if not self.segment_names:
            raise ValueError(
                f"dataset {self.path} holds no segments: record with --segments 64"
            )
        return read_segments(self.path, index, length)

    def _row(self, index: int) -> dict[str, Any]:
        if not 0 <= index < len(self):
            raise IndexError(f"episode {index} is not in 0..{len(self) - 1}")
        return self._rows[index]


def read_segments(root: Path, index: int, length: int) -> NDArray[np.uint8]:
    """Classes (N, h, w) of an episode's pixels.

    Args:
        root: folder of the dataset.
        index: position of the episode.
        length: its frames N.

    Raises:
        ValueError: no such file, or not that of this episode.
    """
    path = root / schema.segments_path(index)
    try:
        with np.load(path, allow_pickle=False) as file:
            segments = file["segments"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    if segments.dtype != np.uint8 or len(segments) != length:
        raise ValueError(
            f"{path}: expected uint8 of {length} frames, got {segments.dtype} "
            f"{segments.shape}"
        )
    return segments

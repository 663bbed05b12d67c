"""Trajectories into a LeRobotDataset v3.0, one whole episode at a time."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from brownfield.robot import dataset_schema as schema
from brownfield.robot import dataset_stats as stats
from brownfield.robot.body import Body
from brownfield.robot.dataset_journal import (
    Journal,
    clear_leftovers,
    lock,
    make_folder,
    sha256_of,
    whole_file,
)
from brownfield.robot.dataset_meta import meta_files, seal, unseal, write_parquet
from brownfield.robot.trajectory import Trajectory
from brownfield.robot.video_file import decode_video, encode_video


class DatasetWriter:
    """The one writer of a dataset.

    Each episode gets its own data file and one video per camera, and a line in the
    journal once they are on disk. Killed at any moment, the writer loses the episode at
    hand and nothing else; `close` makes the metadata that readers need.
    """

    def __init__(
        self, path: Path, body: Body, *, resume: bool = False, recipe: str = ""
    ) -> None:
        """Open a dataset; nothing is written before the first episode is.

        Args:
            path: folder of the dataset.
            body: whose trajectories.
            resume: go on with what is there, if anything is.
            recipe: how the episodes are made; one dataset has one.

        Raises:
            FileExistsError: there is something and `resume` was not asked for.
            BlockingIOError: another process writes there.
            ValueError: what is there has another body, schema version or recipe, or
                lost a file.
        """
        self.path = Path(path)
        self.body = body
        self._recipe = recipe
        self._lock: int | None = None
        self._closed = False
        schema.frames_per_second(body)
        if self.path.exists() and not self.path.is_dir():
            raise FileExistsError(f"{self.path} is a file, not a folder for a dataset")
        there = self.path.is_dir() and any(self.path.iterdir())
        if there and not resume:
            raise FileExistsError(
                f"{self.path} is not empty: resume it or name another folder"
            )
        if there and not (self.path / schema.JOURNAL_PATH).exists():
            raise FileExistsError(
                f"{self.path} is not empty and holds no {schema.JOURNAL_PATH} to resume"
            )
        if there:
            self._lock = lock(self.path)
        try:
            self._journal = Journal(self.path)
            if there:
                self._recover()
        except BaseException:
            self._release()
            raise
        self._count()

    def __len__(self) -> int:
        """Committed episodes."""
        return len(self._journal.episodes)

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def outcomes(self) -> dict[int, bool]:
        """Seeds of the committed episodes, in their order, with their success."""
        return {e["seed"]: e["success"] for e in self._journal.episodes}

    def commit(self, trajectory: Trajectory) -> None:
        """Add an episode; when this returns it is safe.

        Raises:
            ValueError: not an episode of the body, other privileged columns than
                before, or a number that is not finite; the dataset is as before.
        """
        if self._closed:
            raise ValueError(f"dataset {self.path} is closed")
        trajectory.require_body(self.body)
        header = schema.header_of(
            self.body,
            trajectory.privileged_names,
            self._recipe,
            len(trajectory.others),
            () if trajectory.segments is None else trajectory.segment_names,
        )
        if self._journal.header not in (None, header):
            assert self._journal.header is not None
            known = self._journal.header["features"].get(schema.PRIVILEGED, {})
            raise ValueError(
                f"privileged columns must be {known.get('names', [])}, got "
                f"{list(trajectory.privileged_names)}; slots for other prompts must be "
                f"{self._journal.header['others']}, got {len(trajectory.others)}; "
                f"segments must be {self._journal.header.get('segments', [])}, got "
                f"{header.get('segments', [])}"
            )
        features = header["features"]
        episode = len(self)
        columns = self._columns(trajectory)
        for name, values in columns.items():
            stats.require_finite(name, values, episode)

        if self._lock is None:
            make_folder(self.path)
            self._lock = lock(self.path)
        if self._journal.header is None:
            self._journal.append(header)
        unseal(self.path)
        paths = schema.episode_paths(features, episode)
        if trajectory.segments is not None:
            paths["segments"] = schema.segments_path(episode)
        try:
            self._write(trajectory, columns, header, paths)
        except BaseException:
            # Ctrl-C may come between the journal's bytes and our memory of them.
            self._journal = Journal(self.path)
            self._journal.drop_unfinished()
            if len(self) == episode:
                for path in paths.values():
                    (self.path / path).unlink(missing_ok=True)
            raise
        finally:
            self._count()

    def close(self) -> None:
        """Make `meta/` and give the dataset free; twice is once."""
        if self._closed:
            return
        self._closed = True
        try:
            if len(self):
                seal(self.path, self._journal)
        finally:
            self._release()

    def _count(self) -> None:
        entries = self._journal.episodes
        self._frames = sum(entry["length"] for entry in entries)
        self._tasks = {entry["task"]: entry["task_index"] for entry in entries}

    def _write(
        self,
        trajectory: Trajectory,
        columns: dict[str, NDArray[Any]],
        header: dict[str, Any],
        paths: dict[str, PurePosixPath],
    ) -> None:
        """Videos, data, and last the line of the journal."""
        pixels = {
            schema.camera_key(camera): self._write_video(
                paths[schema.camera_key(camera)], frames, header["fps"]
            )
            for camera, frames in trajectory.frames.items()
        }
        layout = schema.data_schema(header["features"])
        arrays = [_arrow(columns[field.name], field.type) for field in layout]
        write_parquet(
            self.path / paths["data"], pa.Table.from_arrays(arrays, schema=layout)
        )
        if trajectory.segments is not None:
            with whole_file(self.path / paths["segments"]) as temporary:
                with open(temporary, "wb") as file:
                    np.savez_compressed(file, segments=trajectory.segments)
        files = [
            {
                "path": str(path),
                "bytes": (self.path / path).stat().st_size,
                "sha256": sha256_of(self.path / path),
            }
            for path in paths.values()
        ]
        self._journal.append(
            {
                "kind": "episode",
                "episode_index": len(self),
                "length": len(trajectory),
                "dataset_from_index": self._frames,
                "task": trajectory.prompt,
                "task_index": self._tasks.get(trajectory.prompt, len(self._tasks)),
                "other_prompts": [other.prompt for other in trajectory.others],
                "seed": int(trajectory.seed),
                "success": bool(trajectory.success),
                "reason": trajectory.reason,
                "place": trajectory.place,
                "files": files,
                "pixels": pixels,
            }
        )

    def _columns(self, trajectory: Trajectory) -> dict[str, NDArray[Any]]:
        count = len(trajectory)
        frame = np.arange(count, dtype=np.int64)
        last = frame == count - 1
        task = self._tasks.get(trajectory.prompt, len(self._tasks))
        fps = schema.frames_per_second(self.body)
        others = trajectory.others
        beside = {}
        if others:
            labels = np.stack([other.label for other in others], 1)
            truths = np.stack([other.privileged for other in others], 1)
            beside = {
                schema.OTHER_LABELS: labels.reshape(count, -1),
                schema.OTHER_PRIVILEGED: truths.reshape(count, -1),
            }
        return beside | {
            schema.STATE: trajectory.state,
            schema.ACTION: trajectory.action,
            schema.LABEL: trajectory.label.reshape(count, -1),
            schema.PRIVILEGED: trajectory.privileged,
            schema.REWARD: (last & trajectory.success).astype(np.float32),
            schema.DONE: last,
            schema.SUCCESS: last & trajectory.success,
            "timestamp": (frame / fps).astype(np.float32),
            "frame_index": frame,
            "episode_index": np.full(count, len(self), np.int64),
            "index": self._frames + frame,
            "task_index": np.full(count, task, np.int64),
        }

    def _write_video(
        self, name: PurePosixPath, frames: NDArray[np.uint8], fps: int
    ) -> dict[str, Any]:
        """Write a video, read it back, and count the pixels a reader will see."""
        sample = stats.sampled_frames(len(frames))
        with whole_file(self.path / name) as temporary:
            encode_video(temporary, frames, fps)
            seen = decode_video(temporary, fps)
            if len(seen) != len(frames):
                raise ValueError(
                    f"{name} holds {len(seen)} frames after writing {len(frames)}"
                )
        counts = stats.pixel_counts(seen[sample])
        return {"frames": len(sample), "counts": counts.tolist()}

    def _recover(self) -> None:
        header = self._journal.header
        if header is not None:
            expected = schema.header_of(self.body, (), self._recipe)
            for key in ("body", "body_schema", "recipe"):
                if header[key] != expected[key]:
                    raise ValueError(
                        f"{self.path} cannot be resumed: its {key} is "
                        f"{header[key]!r}, now {expected[key]!r}"
                    )
        for name, file in self._journal.files().items():
            path = self.path / name
            if not path.is_file() or path.stat().st_size != file["bytes"]:
                raise ValueError(f"{self.path} lost {name}, which its journal names")
        unseal(self.path)
        clear_leftovers(self.path, self._journal, set(meta_files(self._journal)))

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _arrow(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    if not pa.types.is_fixed_size_list(kind):
        return pa.array(values.reshape(-1), type=kind)
    flat = pa.array(np.ascontiguousarray(values).reshape(-1), type=kind.value_type)
    return pa.FixedSizeListArray.from_arrays(flat, type=kind)

"""Recorded videos as clips for the video tokenizer: rate, size and what matters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from brownfield.robot.dataset_frames import DatasetFrames
from brownfield.tokenizers.resize import area_resize

PLACES = ("tray", "table", "drawer", "bay")
"""Classes that are where something is done, not what is handled: large, and no more to
be kept than the rest."""


@dataclass(frozen=True, kw_only=True)
class VideoClips:
    """Clips of one camera; with several datasets, one after the other."""

    frames: list[NDArray[np.uint8]]
    """Each (T, H, W, 3), of any length T."""
    segments: list[NDArray[np.uint8]] | None
    """Each (T, H, W): entries of `names`; None where a dataset was recorded without."""
    names: tuple[str, ...]
    """Classes of the segments, without `PLACES`; the first is the rest."""
    hz: float
    """Frames per second."""

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.frames)

    def split(self, every: int) -> tuple[VideoClips, VideoClips]:
        """All clips but every `every`-th, and those; with less than 2 all and none."""
        last = [every > 1 and i % every == every - 1 for i in range(len(self))]
        return self.where([not x for x in last]), self.where(last)

    def where(self, wanted: Sequence[bool]) -> VideoClips:
        """The clips that are wanted, one truth a clip."""

        def take(clips: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
            return [clip for clip, want in zip(clips, wanted, strict=True) if want]

        return self._each(take)

    def shortened(self, lengths: Sequence[int]) -> VideoClips:
        """The first frames of every clip, as many as `lengths` says."""

        def take(clips: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
            return [clip[:n] for clip, n in zip(clips, lengths, strict=True)]

        return self._each(take)

    def _each(
        self, take: Callable[[list[NDArray[np.uint8]]], list[NDArray[np.uint8]]]
    ) -> VideoClips:
        return VideoClips(
            frames=take(self.frames),
            segments=None if self.segments is None else take(self.segments),
            names=self.names,
            hz=self.hz,
        )


def load_clips(
    paths: Sequence[Path],
    *,
    size: tuple[int, int] = (64, 64),
    hz: float = 5.0,
    camera: str | None = None,
    most: int | None = None,
    report: Callable[[int, int], None] | None = None,
) -> VideoClips:
    """Read the videos of LeRobotDatasets v3, or clips of frames without a dataset.

    Args:
        paths: folders of datasets, ours or not, or of `.npz` files with frames `image`
            (T, H, W, 3), one clip each.
        size: height and width that the frames are averaged down to [px].
        hz: frames kept per second, at most those of the dataset; `.npz` say no rate
            and are kept whole.
        camera: which; None where there is only one.
        most: episodes to read, spread evenly over all; None for all.
        report: called with the episodes read and their number.

    Raises:
        FileNotFoundError: a folder without a dataset or `.npz`.
        ValueError: no folder, a frame that cannot be decoded, a size that the frames do
            not divide into, or a rate above the dataset's; names the episode or file.
    """
    if not paths:
        raise ValueError("name at least one dataset")
    jobs: list[tuple[DatasetFrames | Path, int]] = []
    kinds: set[tuple[str, ...]] = set()
    for path in paths:
        if loose := loose_files(path):
            jobs += [(file, 0) for file in loose]
            kinds.add(())
        elif (path / "meta").is_dir():
            source = DatasetFrames(path)
            jobs += [(source, i) for i in range(len(source))]
            kinds.add(source.segment_names)
        else:
            raise FileNotFoundError(f"{path} is no LeRobotDataset and holds no .npz")
    if most is not None and most < len(jobs):
        jobs = [jobs[i * len(jobs) // most] for i in range(most)]
    names = kinds.pop() if len(kinds) == 1 else ()
    things = tuple(name for name in names if name not in PLACES)
    # Entries of `names` to those of `things`; places become the rest.
    entry = np.array([things.index(n) if n in things else 0 for n in names], np.uint8)
    frames, segments = [], []
    for number, (source, index) in enumerate(jobs):
        if isinstance(source, Path):
            frames.append(_fitted(_loose_frames(source), size, str(source)))
        else:
            where = f"{source.path}, episode {index}"
            whole = source.frames(index, source.camera(camera))
            kept = kept_frames(len(whole), source.fps, hz, where)
            frames.append(_fitted(whole[kept], size, where))
            if names:
                drawn = source.segments(index)[kept]
                if drawn.shape[1:] != size:
                    raise ValueError(
                        f"{where}: expected segments of {size}, got {drawn.shape[1:]}"
                    )
                segments.append(entry[drawn])
        if report:
            report(number + 1, len(jobs))
    return VideoClips(
        frames=frames, segments=segments if names else None, names=things, hz=hz
    )


def loose_files(path: Path) -> list[Path]:
    """The `.npz` files of a folder that is no dataset."""
    return [] if (path / "meta").is_dir() else sorted(path.glob("*.npz"))


def _loose_frames(file: Path) -> NDArray[np.uint8]:
    wanted = f"{file}: expected uint8 `image` (T, H, W, 3)"
    try:
        with file.open("rb") as raw, np.load(raw, allow_pickle=False) as arrays:
            frames = arrays["image"]
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise ValueError(f"{wanted}: {error}") from error
    if frames.dtype != np.uint8 or frames.shape[3:] != (3,) or not len(frames):
        raise ValueError(f"{wanted}, got {frames.dtype} {frames.shape}")
    return frames


def kept_frames(count: int, fps: int, hz: float, where: str) -> NDArray[np.int64]:
    """Which of `count` frames to keep, (T,).

    Args:
        count: frames there are.
        fps: their rate [Hz].
        hz: the rate wanted [Hz].
        where: whose they are, for the message.

    Raises:
        ValueError: a rate above theirs, or none.
    """
    if not 0 < hz <= fps:
        raise ValueError(f"{where}: expected hz above 0 and up to {fps}, got {hz}")
    kept = np.rint(np.arange(int((count - 1) * hz / fps) + 1) * fps / hz)
    return kept.astype(np.int64)


def _fitted(
    frames: NDArray[np.uint8], size: tuple[int, int], where: str
) -> NDArray[np.uint8]:
    if frames.shape[1:3] == size:
        return frames
    try:
        return area_resize(frames, size)
    except ValueError as error:
        raise ValueError(
            f"{where}: expected frames of {size[0]}x{size[1]} or a multiple, got "
            f"{frames.shape[1]}x{frames.shape[2]}"
        ) from error

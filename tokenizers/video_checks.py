"""What the video tokenizer refuses, and how it says so.

Red and blue swapped look like any other picture: that cannot be told here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brownfield.tokenizers.video_config import VideoConfig


def checked_frames(frames: Any, config: VideoConfig) -> NDArray[np.uint8]:
    """Frames (B, T, H, W, 3) as one uint8 array.

    Args:
        frames: an array, or nested lists of arrays (H, W, 3).
        config: sizes of the tokenizer.

    Raises:
        ValueError: another size, type or order of axes, or a frame that was not
            decoded; the message says what was expected and what came.
    """
    height, width = config.size
    wanted = f"expected uint8 RGB frames (B, T, {height}, {width}, 3)"
    if isinstance(frames, (bytes, bytearray, memoryview, str)) or frames is None:
        raise ValueError(f"{wanted}, got {type(frames).__name__}: decode it first")
    if _nested(frames):
        fault = _undecoded(frames)
        if fault:
            raise ValueError(f"{wanted}, got {fault}")
    try:
        array = np.asarray(frames)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{wanted}, got frames of several shapes") from error
    if array.ndim == 5 and array.shape[2:] == (3, height, width):
        raise ValueError(
            f"{wanted}, got channels first, {array.dtype} {array.shape}: "
            "use np.moveaxis(frames, 2, -1)"
        )
    if array.ndim == 5 and array.shape[2:4] == (height, width):
        odd = {1: "grey", 4: "RGBA"}.get(array.shape[4])
        if odd:
            raise ValueError(f"{wanted}, got {odd}, {array.dtype} {array.shape}")
    if array.dtype != np.uint8 or array.shape[2:] != (height, width, 3):
        raise ValueError(f"{wanted}, got {array.dtype} {array.shape}")
    return array


def _nested(frames: Any) -> bool:
    """Whether these are Python objects rather than one block of numbers."""
    kind = frames.dtype.kind if isinstance(frames, np.ndarray) else ""
    return kind == "O" or isinstance(frames, (list, tuple))


def _undecoded(frames: Any, place: tuple[int, ...] = ()) -> str:
    """Which entry of nested lists holds no pixels; empty where all do."""
    for i, frame in enumerate(frames):
        here = (*place, i)
        if frame is None or isinstance(frame, (bytes, bytearray, str)):
            return f"{type(frame).__name__} at {list(here)}: that frame is not decoded"
        if _nested(frame):
            fault = _undecoded(frame, here)
            if fault:
                return fault
    return ""


def check_length(count: int, frames_per_block: int) -> None:
    """Refuse a number of frames that is no whole number of blocks.

    Raises:
        ValueError: an illegal length; the message says the two nearest legal ones.
    """
    k = frames_per_block
    if count >= 1 and (count - 1) % k == 0:
        return
    below = 1 + max(count - 1, 0) // k * k
    rule = "n frames, n > 0" if k == 1 else f"1 + {k} n frames"
    raise ValueError(
        f"a video of {k} frames a block has {rule}, got {count}: the nearest legal "
        f"lengths are {below} and {below + k}"
    )


def checked_ids(ids: Any, config: VideoConfig) -> NDArray[np.int64]:
    """Ids (B, blocks, h, w) as int64.

    Raises:
        ValueError: another shape or type, or no block.
    """
    array = np.asarray(ids)
    if (
        array.dtype.kind not in "iu"
        or array.ndim != 4
        or array.shape[2:] != config.grid
    ):
        height, width = config.grid
        raise ValueError(
            f"expected whole ids (B, blocks, {height}, {width}), got {array.dtype} "
            f"{array.shape}"
        )
    if not array.shape[1]:
        raise ValueError(f"expected at least one block of ids, got {array.shape}")
    return array.astype(np.int64)


def checked_weights(weights: Any, shape: tuple[int, ...]) -> NDArray[np.floating]:
    """Weights (T, H, W) of the pixels of a clip; half precision stays, to save memory.

    Args:
        weights: how much each pixel matters; only ratios within a frame count.
        shape: (T, H, W) of the clip.

    Raises:
        ValueError: another shape, negative or infinite weights, or a frame of which
            nothing matters.
    """
    array = np.asarray(weights)
    if array.dtype != np.float16:
        array = array.astype(np.float32, copy=False)
    if array.shape != shape:
        raise ValueError(f"expected weights {shape} like the clip, got {array.shape}")
    if not np.isfinite(array).all() or array.min(initial=0) < 0:
        raise ValueError("weights must be finite and at least 0")
    empty = np.flatnonzero(array.max((1, 2), initial=0) <= 0)
    if empty.size:
        raise ValueError(
            f"weights of frame {empty[0]} are all 0: nothing matters there"
        )
    return array


def checked_segments(
    segments: Any, shapes: Sequence[tuple[int, ...]]
) -> list[NDArray[np.uint8]]:
    """Classes (T, H, W) of the pixels of clips.

    Args:
        segments: of every clip, uint8.
        shapes: (T, H, W) of the clips.

    Raises:
        ValueError: none, those of another number of clips, of other shapes or types,
            or the rest alone.
    """
    if segments is None:
        raise ValueError("telling needs segments, got none: give some, or telling=0")
    if len(segments) != len(shapes):
        raise ValueError(
            f"expected segments of {len(shapes)} clips, got {len(segments)}"
        )
    arrays = [np.asarray(each) for each in segments]
    for number, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        if array.shape != shape or array.dtype != np.uint8:
            raise ValueError(
                f"clip {number}: expected uint8 segments {shape} like the clip, got "
                f"{array.dtype} {array.shape}"
            )
    if not any(array.any() for array in arrays):
        raise ValueError("segments show class 0, the rest, alone: nothing to tell")
    return arrays

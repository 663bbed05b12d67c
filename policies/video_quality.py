"""What a video tokenizer keeps: errors of all pixels, of moving ones, of things."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from brownfield.policies.video_clips import VideoClips
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_gaze import marked
from brownfield.tokenizers.video_pixels import lead_in
from brownfield.tokenizers.video_salience import salience
from brownfield.tokenizers.video_usage import (
    digit_entropy_bits,
    id_entropy_bits,
    saturation,
    used_codes,
)

Frames = NDArray[np.uint8]
Decoded = Callable[[Frames], Frames]
"""Frames (T, H, W, 3) as somebody gives them back."""

MOVING = 0.05 * 255
"""A pixel moves whose largest channel changed by more since the frame before."""
ALL, MOVED = "all", "moving"
"""Parts of every frame; others are the names of things."""


@dataclass
class ErrorSum:
    """Squared errors of the pixels of one part."""

    total: float = 0.0
    """Of 0-255, over pixels and channels."""
    count: int = 0
    """Pixels and channels."""

    def add(self, square: NDArray[np.floating], mask: NDArray[np.bool_] | None) -> None:
        """Count squared errors (T, H, W, 3) where a mask (T, H, W) holds."""
        chosen = square if mask is None else square[mask]
        self.total += float(chosen.sum())
        self.count += chosen.size

    @property
    def psnr_db(self) -> float:
        """Peak signal to noise [dB]; NaN without a pixel, at most 100."""
        if not self.count:
            return float("nan")
        return float(-10 * np.log10(max(self.total / self.count / 255**2, 1e-10)))


@dataclass
class Errors:
    """Errors by part, of any number of clips."""

    names: tuple[str, ...] = ()
    """Things, without the rest."""
    parts: dict[str, ErrorSum] = field(default_factory=dict)
    """By `ALL`, `MOVED`, `rest` and the names."""

    def add(self, decoded: Frames, real: Frames, segments: Frames | None) -> None:
        """Count a clip.

        Args:
            decoded: (T, H, W, 3).
            real: (T, H, W, 3).
            segments: (T, H, W), entries of names from 1 on, or None.
        """
        square = (decoded.astype(np.float32) - real) ** 2
        masks: dict[str, NDArray[np.bool_] | None] = {ALL: None, MOVED: moving(real)}
        if segments is not None:
            masks |= {n: segments == i for i, n in enumerate(self.names, 1)}
            masks["rest"] = segments == 0
            masks["things"] = segments > 0
        for name, mask in masks.items():
            self.parts.setdefault(name, ErrorSum()).add(square, mask)

    @property
    def psnr_db(self) -> dict[str, float]:
        """By part [dB], without those of which no pixel was seen."""
        return {n: part.psnr_db for n, part in self.parts.items() if part.count}


def moving(frames: Frames) -> NDArray[np.bool_]:
    """Pixels (T, H, W) that changed since the frame before; none of the first."""
    change = np.abs(np.diff(frames.astype(np.int16), axis=0)).max(-1) > MOVING
    return np.concatenate([np.zeros_like(change[:1]), change])


def errors_of(decoded: Decoded, clips: VideoClips) -> Errors:
    """Errors of whoever gives frames back.

    Args:
        decoded: called with each clip (T, H, W, 3).
        clips: of lengths that it takes.
    """
    errors = Errors(clips.names[1:])
    for frames, segments in _pairs(clips):
        errors.add(decoded(frames), frames, segments)
    return errors


def copied(period: int) -> Decoded:
    """Who repeats the last frame that they saw: each frame shows the one before its
    block of `period` frames (the first shows itself)."""

    def decoded(frames: Frames) -> Frames:
        number = np.arange(len(frames))
        return frames[np.maximum((number - 1) // period * period, 0)]

    return decoded


def held_out_numbers(video: VideoTokenizer, clips: VideoClips) -> dict[str, float]:
    """Quality and use of the vocabulary, by name, such as `held_out/psnr_db/all`."""
    cut = legal(clips, video.frames_per_block)
    seen = [video.encode(frames[None])[0] for frames in cut.frames]
    ids = np.concatenate([each.ravel() for each in seen])
    errors = Errors(cut.names[1:])
    for each, (frames, segments) in zip(seen, _pairs(cut), strict=True):
        errors.add(video.decode(each[None])[0], frames, segments)
    gaze = {}
    if video.config.detail and cut.segments is not None:
        gaze = gaze_numbers(video.config, seen, cut.segments)
    numbers = {f"psnr_db/{name}": x for name, x in errors.psnr_db.items()}
    numbers |= usage(ids, video.config.levels)
    pixels = sum(frames[..., 0].size for frames in cut.frames)
    numbers["bits_per_pixel"] = numbers["digit_entropy_bits"] * ids.size / pixels
    return {f"held_out/{name}": x for name, x in (numbers | gaze).items()}


def gaze_numbers(
    config: VideoConfig, ids: Sequence[NDArray[np.int64]], segments: Sequence[Frames]
) -> dict[str, float]:
    """Share of the parts with a thing that are told in detail (`gaze_recall`), and of
    those told so that have one (`gaze_precision`).

    Args:
        config: sizes, with details.
        ids: of clips, each (blocks, h, w).
        segments: of the same clips, each (T, H, W); 0 is the rest.
    """
    both = wanted = told = 0
    for each, shown in zip(ids, segments, strict=True):
        weights = lead_in(
            torch.from_numpy(salience(shown))[None], config.frames_per_block
        )
        there = marked(weights, config)[0].numpy()
        close = each >= math.prod(config.levels[:-1])
        both += int((there & close).sum())
        wanted, told = wanted + int(there.sum()), told + int(close.sum())
    return {
        "gaze_recall": both / max(wanted, 1),
        "gaze_precision": both / max(told, 1),
    }


def usage(ids: NDArray[np.int64], levels: Sequence[int]) -> dict[str, float]:
    """How ids are used: entropy of ids and of their channels [bit], different ones,
    worst channel's saturation (of two levels both are ends)."""
    ends = saturation(ids.ravel(), levels)[np.array(levels) > 2]
    return {
        "entropy_bits": id_entropy_bits(ids),
        "digit_entropy_bits": digit_entropy_bits(ids, levels),
        "used_codes": float(used_codes(ids)),
        "saturation": float(ends.max()),
    }


def legal(clips: VideoClips, frames_per_block: int) -> VideoClips:
    """Clips cut to whole blocks, and those left out that have none.

    Raises:
        ValueError: nothing is left.
    """
    k = frames_per_block
    keep = [len(frames) > k for frames in clips.frames]
    if not any(keep):
        raise ValueError(f"expected a clip of more than {k} frames, got none")
    chosen = clips.where(keep)
    lengths = [1 + (len(frames) - 1) // k * k for frames in chosen.frames]
    return chosen.shortened(lengths)


def _pairs(clips: VideoClips) -> Iterator[tuple[Frames, Frames | None]]:
    segments: Iterable[Frames | None] = clips.segments or [None] * len(clips)
    return zip(clips.frames, segments, strict=True)

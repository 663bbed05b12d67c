"""One camera's frames in one mp4: H.264, constant rate, frame i at i / fps.

Colours are converted here and not by libswscale, whose fast paths shift every channel
by one level: the recorded frame would then differ from the one a policy sees live. Each
2x2 block of pixels shares the mean colour difference of the block and gets it back
unchanged, so that frames averaged to half their side lose almost nothing.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

CODEC = "h264"
PIXEL_FORMAT = "yuv420p"
CRF = 12
GOP = 10
PRESET = "veryfast"

# ITU-R BT.601, studio range: what players assume of untagged small video.
_RED, _GREEN, _BLUE = np.float32(0.299), np.float32(0.587), np.float32(0.114)
_LUMA, _CHROMA = np.float32(219 / 255), np.float32(224 / 255)
_BATCH = 16  # Frames per conversion; larger ones fall out of the processor's cache.

Frames = NDArray[np.uint8]


def _luma(rgb: NDArray[np.floating]) -> NDArray[np.floating]:
    return _RED * rgb[..., 0] + _GREEN * rgb[..., 1] + _BLUE * rgb[..., 2]


def _pixels(plane: Any) -> Frames:
    """A view of one plane (H, W); PyAV does not declare its planes as buffers."""
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def rgb_to_yuv(rgb: Frames) -> tuple[Frames, Frames, Frames]:
    """Planes of 4:2:0 video.

    Args:
        rgb: (N, H, W, 3), even sides.

    Returns:
        luma: (N, H, W).
        blue, red: colour differences (N, H/2, W/2).
    """
    pixels = rgb.astype(np.float32)
    rows = pixels[:, 0::2] + pixels[:, 1::2]
    block = (rows[:, :, 0::2] + rows[:, :, 1::2]) * np.float32(0.25)
    grey = _luma(block)
    blue = (block[..., 2] - grey) * (_CHROMA / (2 - 2 * _BLUE))
    red = (block[..., 0] - grey) * (_CHROMA / (2 - 2 * _RED))
    return (
        np.rint(_luma(pixels) * _LUMA + 16).astype(np.uint8),
        np.rint(blue + 128).astype(np.uint8),
        np.rint(red + 128).astype(np.uint8),
    )


def yuv_to_rgb(luma: Frames, blue: Frames, red: Frames) -> Frames:
    """Inverse of `rgb_to_yuv`, up to rounding and the shared colour of 2x2 blocks.

    Args:
        luma: (N, H, W).
        blue, red: colour differences (N, H/2, W/2).

    Returns:
        rgb: (N, H, W, 3).
    """
    count, height, width = luma.shape
    half = (count, height // 2, 2, width // 2, 2)
    grey = (luma.astype(np.float32) - 16) / _LUMA + np.float32(0.5)
    grey = grey.reshape(half)
    b = (blue.astype(np.float32) - 128) * ((2 - 2 * _BLUE) / _CHROMA)
    r = (red.astype(np.float32) - 128) * ((2 - 2 * _RED) / _CHROMA)
    g = b * (-_BLUE / _GREEN) + r * (-_RED / _GREEN)
    rgb = np.empty((count, height, width, 3), np.uint8)
    for channel, difference in enumerate((r, g, b)):
        value = grey + difference[:, :, None, :, None]
        np.clip(value, 0, 255, out=value)
        rgb[..., channel] = value.reshape(luma.shape)
    return rgb


def encode_video(path: Path, frames: Frames, fps: int) -> None:
    """Write an mp4; the same frames give the same bytes.

    Args:
        path: file to write, whatever its suffix.
        frames: (N, H, W, 3), even sides.
        fps: frames per second.

    Raises:
        ValueError: odd sides.
    """
    height, width = frames.shape[1:3]
    if height % 2 or width % 2:
        raise ValueError(f"video needs even sides, got {height}x{width}")
    # One thread: with several, the encoder's decisions depend on their number. No
    # vector code: with it 116 of 23,698 encodings of the same frames came out
    # different, without it none of 8,384.
    settings = f"threads=1:asm=0:keyint={GOP}:min-keyint={GOP}:bframes=0:scenecut=0"
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, PIXEL_FORMAT
        stream.thread_count = 1
        stream.time_base = Fraction(1, fps)
        stream.options = {
            "crf": str(CRF),
            "preset": PRESET,
            "tune": "fastdecode",
            "x264-params": settings,
        }
        context = stream.codec_context
        # SMPTE 170M matrix, primaries and transfer; studio range.
        context.colorspace = context.color_primaries = context.color_trc = 6
        context.color_range = 1
        for start in range(0, len(frames), _BATCH):
            planes = rgb_to_yuv(frames[start : start + _BATCH])
            for offset in range(len(planes[0])):
                frame = VideoFrame(width, height, PIXEL_FORMAT)
                for target, plane in zip(frame.planes, planes, strict=True):
                    _pixels(target)[...] = plane[offset]
                frame.pts = start + offset
                container.mux(stream.encode(frame))
        container.mux(stream.encode())


def decode_video(
    path: Path, fps: int, start: int = 0, count: int | None = None
) -> Frames:
    """Frames `start` to `start + count` of an mp4.

    Args:
        path: an mp4 of constant rate.
        fps: frames per second.
        start: first frame.
        count: number of frames; None for all that follow.

    Returns:
        rgb: (count, H, W, 3).

    Raises:
        ValueError: unreadable, not 4:2:0, not of constant rate, or too short.
    """
    parts: list[Frames] = []
    planes: tuple[list[Frames], ...] = ([], [], [])
    wanted = start
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "NONE"
            if start:
                assert stream.time_base is not None
                second = Fraction(start, fps)
                container.seek(int(second / stream.time_base), stream=stream)
            for frame in container.decode(stream):
                assert frame.pts is not None and frame.time_base is not None
                index = frame.pts * frame.time_base * fps
                if index < start:
                    continue
                if index != wanted or frame.format.name != PIXEL_FORMAT:
                    raise ValueError(
                        f"{path}: expected {PIXEL_FORMAT} frame {wanted} at "
                        f"{wanted}/{fps} s, got {frame.format.name} at {frame.time} s"
                    )
                for target, plane in zip(planes, frame.planes, strict=True):
                    # The decoder takes its buffer back after this frame.
                    target.append(_pixels(plane).copy())
                wanted += 1
                done = count is not None and wanted == start + count
                if len(planes[0]) == _BATCH or done:
                    parts.append(yuv_to_rgb(*(np.stack(p) for p in planes)))
                    planes = ([], [], [])
                if done:
                    break
    except (FFmpegError, IndexError) as error:
        raise ValueError(
            f"{path} cannot be read as video from frame {wanted} on: {error}"
        ) from error
    if planes[0]:
        parts.append(yuv_to_rgb(*(np.stack(p) for p in planes)))
    if not parts or (count is not None and wanted != start + count):
        raise ValueError(
            f"{path} ends after frame {wanted}, expected {count or 'more'} from {start}"
        )
    return np.concatenate(parts)

"""Video codecs of everyday life on the same clips, to know what a token is worth.

Only what carries pictures is counted: container, parameter sets and tables are left
out, as the tokenizer's weights are.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from av.codec.context import CodecContext, Flags
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray
from PIL import Image

from brownfield.robot.video_file import rgb_to_yuv, yuv_to_rgb

Frames = NDArray[np.uint8]

# ITU-R BT.601, full range.
_TO_YUV = np.array(
    [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
)
_TO_RGB = np.linalg.inv(_TO_YUV)
_GREY = np.array([0, 128, 128])


@dataclass(frozen=True, kw_only=True)
class Coded:
    """A clip as a codec gives it back."""

    bits: int
    """Of the pictures alone."""
    frames: Frames
    """(T, H, W, 3)."""


def luma(frames: Frames) -> NDArray[np.floating]:
    """Brightness (..., H, W) of frames (..., H, W, 3), 0-255."""
    return frames.astype(np.float32) @ _TO_YUV[0].astype(np.float32)


def jpeg(frames: Frames, quality: int) -> Coded:
    """Every frame by itself, 4:4:4, with Huffman codes fitted to it.

    Args:
        frames: (T, H, W, 3).
        quality: 1 to 95.
    """
    bits, decoded = 0, []
    for frame in frames:
        file = io.BytesIO()
        Image.fromarray(frame).save(
            file, "JPEG", quality=quality, subsampling=0, optimize=True
        )
        data = file.getvalue()
        # From the start of the scan on; the tables before it are always the same size.
        bits += 8 * (len(data) - data.index(b"\xff\xda"))
        decoded.append(np.asarray(Image.open(file).convert("RGB")))
    return Coded(bits=bits, frames=np.stack(decoded))


def h264(frames: Frames, quality: int) -> Coded:
    """x264 in 4:4:4, one key frame, no limit on its time.

    Args:
        frames: (T, H, W, 3).
        quality: constant rate factor, 0 to 51.
    """
    planes = frames @ _TO_YUV.T + _GREY
    yuv = np.rint(planes).clip(0, 255).astype(np.uint8)
    options = {"crf": str(quality), "preset": "veryslow", "g": str(len(frames))}
    layers = [[yuv[t, ..., c] for c in range(3)] for t in range(len(frames))]
    bits, decoded = _through("libx264", "h264", "yuvj444p", layers, options)
    pixels = np.stack([np.stack(each, -1) for each in decoded]).astype(float)
    rgb = np.rint((pixels - _GREY) @ _TO_RGB.T).clip(0, 255).astype(np.uint8)
    return Coded(bits=bits, frames=rgb)


def av1(frames: Frames, quality: int) -> Coded:
    """SVT-AV1, which knows 4:2:0 only: colours at half the side.

    Args:
        frames: (T, H, W, 3), even sides.
        quality: constant rate factor, 1 to 63.
    """
    planes = rgb_to_yuv(frames)
    options = {"crf": str(quality), "preset": "2", "g": str(len(frames))}
    options["svtav1-params"] = "lp=1"
    layers = [[plane[t] for plane in planes] for t in range(len(frames))]
    bits, decoded = _through("libsvtav1", "libdav1d", "yuv420p", layers, options)
    whole = [np.stack([each[c] for each in decoded]) for c in range(3)]
    return Coded(bits=bits, frames=yuv_to_rgb(*whole))


os.environ.setdefault("SVT_LOG", "1")  # errors alone

CODECS: dict[str, tuple[Callable[[Frames, int], Coded], tuple[int, ...]]] = {
    "JPEG 4:4:4": (jpeg, (1, 3, 5, 10, 20, 35, 50, 70)),
    "H.264 4:4:4": (h264, (51, 47, 43, 39, 35, 31, 27, 23)),
    "AV1 4:2:0": (av1, (63, 60, 55, 50, 43, 35, 27, 20)),
}
"""Codecs with their qualities, from the fewest bits on; the first is the codec's
lowest operating point."""


def _through(
    encoder: str,
    decoder: str,
    pixel_format: str,
    layers: list[list[NDArray[np.uint8]]],
    options: dict[str, str],
) -> tuple[int, list[list[NDArray[np.uint8]]]]:
    """Bits and planes of frames that were encoded and decoded.

    Args:
        encoder: name of it.
        decoder: name of it.
        pixel_format: of the planes.
        layers: planes of every frame.
        options: of the encoder.
    """
    height, width = layers[0][0].shape
    writer = CodecContext.create(encoder, "w")
    assert isinstance(writer, VideoCodecContext)
    writer.width, writer.height, writer.pix_fmt = width, height, pixel_format
    writer.time_base, writer.framerate = Fraction(1, 5), Fraction(5)
    writer.thread_count = 1
    writer.options = options
    # Parameter sets then lie beside the stream and not in it.
    writer.flags |= Flags.global_header
    packets = []
    for time, planes in enumerate(layers):
        frame = VideoFrame(width, height, pixel_format)
        for target, plane in zip(frame.planes, planes, strict=True):
            _pixels(target)[...] = plane
        frame.pts, frame.time_base = time, writer.time_base
        packets += writer.encode(frame)
    packets += writer.encode(None)
    reader = CodecContext.create(decoder, "r")
    assert isinstance(reader, VideoCodecContext)
    reader.extradata = writer.extradata
    reader.thread_count = 1
    shown = [frame for packet in packets for frame in reader.decode(packet)]
    shown += reader.decode(None)
    if len(shown) != len(layers):
        raise RuntimeError(f"{encoder} gave {len(shown)} of {len(layers)} frames back")
    shown.sort(key=lambda frame: frame.pts or 0)
    bits = 8 * sum(packet.size for packet in packets)
    return bits, [[_pixels(plane).copy() for plane in frame.planes] for frame in shown]


def _pixels(plane: Any) -> NDArray[np.uint8]:
    """A view of one plane (H, W); PyAV does not declare its planes as buffers."""
    rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]

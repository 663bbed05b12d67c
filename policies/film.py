"""Films as H.264 in MP4, which every browser plays."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Picture = NDArray[np.uint8]
"""(H, W, 3), RGB."""


class FilmWriter:
    """Writes frames beside the target; the target appears when all is written."""

    def __init__(self, path: Path, *, height: int, width: int, fps: int) -> None:
        """Args:
        path: file to write, an older one there is replaced.
        height, width: of every frame [px], even.
        fps: frames per second [Hz].
        """
        if height % 2 or width % 2:
            raise ValueError(f"a film needs even sides, got {height}x{width}")
        self.path, self._shape = path, (height, width, 3)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        self._container = av.open(
            str(self._aside), "w", format="mp4", options={"movflags": "faststart"}
        )
        stream = self._container.add_stream("libx264", rate=fps)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = Fraction(1, fps)
        stream.options = {"crf": "24", "preset": "veryfast"}
        self._stream = stream
        self.frames = 0

    def add(self, picture: Picture) -> None:
        """Append a frame.

        Raises:
            ValueError: another type or shape.
        """
        if picture.dtype != np.uint8 or picture.shape != self._shape:
            raise ValueError(
                f"expected a uint8 frame of shape {self._shape}, "
                f"got {picture.dtype} of shape {picture.shape}"
            )
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
        frame.pts = self.frames
        self._container.mux(self._stream.encode(frame))
        self.frames += 1

    def __enter__(self) -> FilmWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self.frames:
            self._container.mux(self._stream.encode())
        self._container.close()
        if kind is None and self.frames:
            os.replace(self._aside, self.path)
        else:
            self._aside.unlink(missing_ok=True)


def write_grid(
    path: Path,
    clips: list[list[Picture]],
    captions: list[str],
    outcomes: list[str] | None = None,
    *,
    columns: int = 4,
    fps: int = 10,
) -> None:
    """Many episodes side by side; the shorter ones wait on their last frame.

    Args:
        path: MP4 to write.
        clips: frames (H, W, 3) of each episode, all of one size.
        captions: a line under each episode.
        outcomes: the line once it is over, green when it begins with `success`, else
            red; None leaves the captions.
        columns: episodes in a row.
        fps: frames per second [Hz].

    Raises:
        ValueError: no clip, or clips, captions and outcomes do not belong together.
    """
    if not clips or len(clips) != len(captions) or not all(clips):
        raise ValueError(
            f"expected as many captions as clips, at least one, "
            f"got {len(captions)} and {len(clips)}"
        )
    if outcomes is not None and len(outcomes) != len(clips):
        raise ValueError(
            f"expected as many outcomes as clips, got {len(outcomes)} and {len(clips)}"
        )
    columns = min(columns, len(clips))
    rows = -(-len(clips) // columns)
    height, width = clips[0][0].shape[:2]
    cell = height + 20
    font = ImageFont.load_default(12)
    with FilmWriter(
        path, height=rows * cell // 2 * 2, width=columns * width // 2 * 2, fps=fps
    ) as film:
        for time in range(max(len(clip) for clip in clips) + fps):
            canvas = Image.new("RGB", (columns * width, rows * cell), (18, 20, 24))
            draw = ImageDraw.Draw(canvas)
            for i, (clip, caption) in enumerate(zip(clips, captions, strict=True)):
                x, y = i % columns * width, i // columns * cell
                canvas.paste(Image.fromarray(clip[min(time, len(clip) - 1)]), (x, y))
                text, colour = caption, (190, 196, 204)
                if outcomes is not None and time >= len(clip):
                    text = outcomes[i]
                    good = text.startswith("success")
                    colour = (96, 214, 130) if good else (240, 110, 90)
                text = _fitting(text, font, width - 12)
                draw.text((x + 6, y + height + 3), text, colour, font)
            sides = film._shape[:2]
            film.add(np.asarray(canvas)[: sides[0], : sides[1]])


def _fitting(text: str, font: Font, width: int) -> str:
    """As much of a text as fits into a width [px]."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def with_inset(picture: Picture, inset: Picture) -> Picture:
    """`inset`, a third as high, in the upper right corner of `picture`."""
    height = picture.shape[0] // 3
    width = inset.shape[1] * height // inset.shape[0]
    small = Image.fromarray(inset).resize((width, height), Image.Resampling.BOX)
    result = picture.copy()
    result[4 : 4 + height, -4 - width : -4] = np.asarray(small)
    return result

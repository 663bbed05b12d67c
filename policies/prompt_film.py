"""The film of one prompt: the body at work, what it sees, and its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from brownfield.policies.film import FilmWriter, Picture
from brownfield.robot.body import Body

HEIGHT, WIDTH, FPS = 720, 1280, 20
VIEW_HEIGHT, VIEW_WIDTH = 480, 640
_TICKER_Y = 596
"""Where the line of tokens begins."""
_BACK, _PANEL, _INK, _DIM = (17, 19, 23), (30, 33, 39), (232, 234, 238), (140, 146, 156)
_ACCENT, _GOOD, _BAD = (110, 170, 255), (96, 214, 130), (240, 110, 90)
_SIDE = 184
_RIGHT = 688


@dataclass(frozen=True, kw_only=True)
class Look:
    """What the policy saw and said at one look."""

    seen: Picture
    """The body's camera (H, W, 3)."""
    pointing: NDArray[np.float32]
    """Share of attention of the cells (rows, columns) that look like what is asked
    for."""
    decoded: Picture
    """The same as its tokens tell it (h, w, 3)."""
    video_ids: NDArray[np.int64]
    """Video tokens (rows, columns)."""
    state_ids: NDArray[np.int64]
    """State tokens (S,)."""
    action_ids: NDArray[np.int64]
    """Action tokens (K,), knot by knot."""


class PromptFilm:
    """Composes and writes the film; use it as a context manager."""

    def __init__(
        self,
        path: Path,
        body: Body,
        *,
        prompt: str,
        levels: tuple[int, ...],
        n_bins: int,
        origin: str,
    ) -> None:
        """Args:
        path: MP4 to write.
        body: whose action fields are shown.
        prompt: what the robot was told.
        levels: of a video token's digits, for its colour.
        n_bins: action ids per field.
        origin: a line that says which policy and which seed.
        """
        self._body, self._prompt, self._levels = body, prompt, levels
        self._n_bins, self._origin = n_bins, origin
        self._writer = FilmWriter(path, height=HEIGHT, width=WIDTH, fps=FPS)
        self._fonts = {n: ImageFont.load_default(n) for n in (12, 14, 18, 30)}
        self._look: Look | None = None
        self._before: Look | None = None

    def __enter__(self) -> PromptFilm:
        return self

    def __exit__(self, kind, error, trace) -> None:  # type: ignore[no-untyped-def]
        self._writer.__exit__(kind, error, trace)

    def add(
        self, view: Picture, look: Look, time_s: float, caption: str, age: int
    ) -> None:
        """Append one control step of 0.1 s.

        Args:
            view: the body at work (480, 640, 3).
            look: the last look.
            time_s: since the episode began [s].
            caption: phase of the episode.
            age: steps since the look; its tokens appear within the first two.
        """
        if look is not self._look:
            self._before, self._look = self._look or look, look
        repeat = round(FPS / self._body.control_hz)
        for i in range(repeat):
            shown = min(1.0, (age * repeat + i + 1) / (2 * repeat))
            self._writer.add(self._page(view, look, time_s, caption, shown, _ACCENT))

    def finish(self, view: Picture, look: Look, time_s: float, reason: str) -> None:
        """Hold the last page for two seconds.

        Args:
            view: the body at work (480, 640, 3).
            look: the last look.
            time_s: length of the episode [s].
            reason: why it failed; empty for a success.
        """
        caption, colour = ("success", _GOOD) if not reason else (reason, _BAD)
        page = self._page(view, look, time_s, caption, 1.0, colour)
        for _ in range(2 * FPS):
            self._writer.add(page)

    def _page(
        self,
        view: Picture,
        look: Look,
        time_s: float,
        caption: str,
        shown: float,
        colour: tuple[int, int, int],
    ) -> Picture:
        canvas = Image.new("RGB", (WIDTH, HEIGHT), _BACK)
        draw = ImageDraw.Draw(canvas)
        draw.text((24, 18), f"\u201c{self._prompt}\u201d", _INK, self._fonts[30])
        right = (WIDTH - 24, 18)
        draw.text(right, f"{time_s:5.1f} s", _INK, self._fonts[30], anchor="ra")
        canvas.paste(Image.fromarray(view), (24, 72))
        draw.text((24, 560), caption, colour, self._fonts[18])
        draw.text(
            (24 + VIEW_WIDTH, 562), self._origin, _DIM, self._fonts[14], anchor="ra"
        )
        before = self._before or look
        grid = self._grid(look.video_ids, before.video_ids, min(1.0, 2 * shown))
        camera = self._body.cameras[0].name
        pictures = (
            (f"{camera} camera, pointing", _lit(look.seen, look.pointing)),
            (f"{look.video_ids.size} video tokens", grid),
            ("what they tell", look.decoded),
        )
        for i, (title, picture) in enumerate(pictures):
            x = _RIGHT + i * (_SIDE + 8)
            draw.text((x, 72), title, _DIM, self._fonts[14])
            image = Image.fromarray(picture).resize(
                (_SIDE, _SIDE), Image.Resampling.NEAREST
            )
            canvas.paste(image, (x, 92))
        self._action(draw, look.action_ids, before.action_ids, max(0.0, 2 * shown - 1))
        self._ticker(draw, look, shown)
        return np.asarray(canvas)

    def _grid(
        self, ids: NDArray[np.int64], before: NDArray[np.int64], shown: float
    ) -> Picture:
        """Codes as colours: near codes look alike, because digits are places."""
        hidden = np.arange(ids.size).reshape(ids.shape) >= shown * ids.size
        rest, digits = np.where(hidden, before, ids), []
        for level in self._levels:
            digits.append((rest % level) / (level - 1))
            rest = rest // level
        while len(digits) < 3:
            digits.append(np.full(ids.shape, 0.5))
        colours = np.stack(digits[:3], -1) * 170 + 40
        if len(digits) > 3:
            colours = colours * (0.75 + 0.5 * digits[3][..., None])
        cell = _SIDE // ids.shape[0]
        picture = colours.clip(0, 255).astype(np.uint8)
        picture = picture.repeat(cell, 0).repeat(cell, 1)
        picture[::cell] = picture[:, ::cell] = _BACK
        return picture

    def _action(
        self,
        draw: ImageDraw.ImageDraw,
        ids: NDArray[np.int64],
        before: NDArray[np.int64],
        shown: float,
    ) -> None:
        """A row per field: name, a bar from the middle bin per knot, and the ids."""
        top, left, right = 304, _RIGHT + 110, WIDTH - 24 - 92
        dim = self._body.action_dim
        # Two hands have more fields than there is room for at full height.
        row = min(24, (_TICKER_Y - 4 - top) // dim)
        font = self._fonts[14 if row >= 20 else 12]
        ids = np.where(np.arange(ids.size) < shown * ids.size, ids, before)
        knots, middle = ids.reshape(-1, dim), (self._n_bins - 1) / 2
        title = f"{ids.size} action tokens, sooner above later"
        draw.text((_RIGHT, top - 22), title, _DIM, self._fonts[14])
        centre, half = (left + right) / 2, (right - left) / 2
        for i, field in enumerate(self._body.action):
            y = top + i * row
            draw.text((_RIGHT, y + 2), field.name, _INK, font)
            draw.rectangle((left, y + 2, right, y + row - 4), _PANEL)
            text = []
            thick = (row - 8) / len(knots)
            for k, values in enumerate(knots):
                end = centre + half * (int(values[i]) - middle) / middle
                low = y + 3 + k * thick
                box = (min(centre, end), low, max(centre, end) + 1, low + thick - 1)
                draw.rectangle(box, _ACCENT if k == 0 else (88, 120, 176))
                text.append(f"{int(values[i]):3d}")
            draw.line((centre, y + 2, centre, y + row - 4), _DIM)
            where = (WIDTH - 24, y + 2)
            draw.text(where, "  ".join(text), _INK, font, anchor="ra")

    def _ticker(self, draw: ImageDraw.ImageDraw, look: Look, shown: float) -> None:
        """The stream itself, two lines of it."""
        text, camera = self._prompt.encode(), self._body.cameras[0].name
        parts = (
            ("<prompt>", [str(b) for b in text]),
            (
                f"<obs:{camera}>",
                [str(i) for i in look.video_ids.ravel()],
            ),
            ("<state>", [str(i) for i in look.state_ids.ravel()]),
            ("<act>", [str(i) for i in look.action_ids.ravel()]),
        )
        heard = len(text) + 1
        words = [word for name, ids in parts for word in (name, *ids)]
        words = words[: heard + round(shown * (len(words) - heard))]
        draw.rectangle((24, _TICKER_Y, WIDTH - 24, HEIGHT - 20), _PANEL)
        x, line, places = 36.0, 0, []
        for word in words:
            width = draw.textlength(word + " ", self._fonts[14])
            if x + width > WIDTH - 36:
                x, line = 36.0, line + 1
            places.append((x, line, word))
            x += width
        # The newest lines are always there.
        first = max(0, line - 4)
        for x, line, word in places:
            if line >= first:
                colour = _ACCENT if word.startswith("<") else _INK
                y = _TICKER_Y + 8 + 18 * (line - first)
                draw.text((x, y), word, colour, self._fonts[14])


def _lit(head: Picture, pointing: NDArray[np.float32]) -> Picture:
    """The frame (H, W, 3) with the cells that are pointed at in the light."""
    share = (pointing / max(float(pointing.max()), 1e-6) * 255).astype(np.uint8)
    size = (head.shape[1], head.shape[0])
    glow = Image.fromarray(share).resize(size, Image.Resampling.BICUBIC)
    light = np.asarray(glow, dtype=np.float32)[..., None] / 255
    return (head * (0.45 + 0.55 * light)).astype(np.uint8)

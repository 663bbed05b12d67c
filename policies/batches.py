"""Batches: tokenized rows, balanced sampling, light image augmentation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from brownfield.envs.prompts import tells_colour
from brownfield.policies.policy import pixels_of, text_rows
from brownfield.policies.recall import Recalled, recall
from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.policies.windows import SIGHT, Windows
from brownfield.robot.bodies import body_named
from brownfield.tokenizers.video_salience import salience

ROWS_AT_ONCE = 1 << 14
"""Rows that are tokenized together."""


class Batch(NamedTuple):
    """One batch of one body; the first W rows also train the world model."""

    body: str
    """Whose rows they are."""

    pixels: Tensor
    """(B, 3, 64, 64) in [-1, 1], augmented."""

    weight: Tensor | None
    """(V, 64, 64) how much each pixel of the first V rows matters; None where nobody
    knows."""

    next_pixels: Tensor
    """(W, 3, 64, 64) the look after the executed part, augmented alike."""

    text: Tensor
    """(U, text_bytes) the distinct prompts."""

    prompt: Tensor
    """(B,) row of `text`."""

    state: Tensor
    """(B, S) dequantised, physical units; (B, S + D) where velocities are read too."""

    next_state: Tensor
    """(W, S) int64 ids."""

    action: Tensor
    """(B, K, J) digits of the label before they are rounded."""

    executed: Tensor
    """(W, n) digits of executed ids as values in [-1, 1]."""

    auxiliary: Tensor
    """(B, A) physical units."""

    visible: Tensor
    """(B,) 0 or 1."""

    pixel: Tensor
    """(B, 2) where the named object appears, -1 to 1 (right, down) in view."""

    recalled: Tensor | None = None
    """(B, M, 3, 64, 64) remembered looks, augmented alike; None where none are."""

    moved: Tensor | None = None
    """(B, M, 3) where the body was then, see `Memory`."""

    known: Tensor | None = None
    """(B, M) bool, whether the episode had begun then."""

    def to(self, device: torch.device) -> "Batch":
        """The same on a device, without waiting for the copy."""
        return Batch(
            *(
                x.to(device, non_blocking=True) if isinstance(x, Tensor) else x
                for x in self
            )  # type: ignore[arg-type]
        )


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """Changes to picture and prompt that leave everything in its place."""

    brightness: float = 0.1
    """Largest shift of all pixels, in units of half the range."""

    exposure: float = 0.3
    """Largest logarithm of a factor on all light."""

    hue: float = 0.15
    """Largest turn of all hues [rad], where they are not drawn anew."""

    any_hue: float = 0.2
    """Chance that all hues of a picture turn by any angle, unless the prompt tells a
    colour: what an object is does not depend on it."""

    saturation: tuple[float, float] = (0.5, 1.3)
    """Range of a factor on saturation."""

    noise: float = 2.0
    """Largest noise on a pixel [of 255]."""

    paraphrase: float = 0.5
    """Chance that a prompt is replaced by one of its paraphrases."""

    paraphrases: int = 128
    """How many paraphrases of each prompt are drawn beforehand."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    """Windows after the tokenizers: what a batch is gathered from."""

    windows: Windows
    text: Tensor
    """(U, text_bytes)."""
    paraphrased: Tensor
    """(U, V, text_bytes) the same asked in other words; V may be 0."""
    state: NDArray[np.float32]
    """(N, S) dequantised, a row a look; (N, S + D) with the velocity of the commands
    where the action tokenizer goes on from it."""
    state_ids: NDArray[np.uint8]
    """(N, S)."""
    action: NDArray[np.float32]
    """(R, K, J) digits of the labels before they are rounded."""
    executed: NDArray[np.float32]
    """(N, n) digits of executed ids as values in [-1, 1]."""
    auxiliary: NDArray[np.float32]
    """(R, A)."""
    visible: NDArray[np.float32]
    """(R,)."""
    pixel: NDArray[np.float32]
    """(R, 2)."""
    coloured: NDArray[np.bool_]
    """(U,) whether a prompt tells a colour."""
    recalled: Recalled | None = None
    """What is remembered at every look; None where nothing ever is."""

    def __len__(self) -> int:
        """Number of rows R."""
        return len(self.windows)

    def pictures(
        self, rows: NDArray[np.int64], augment: "Augment", rng: np.random.Generator
    ) -> Tensor:
        """Augmented pixels (B, 3, H, W) of rows (B,) alone."""
        windows = self.windows
        pixels = pixels_of(torch.from_numpy(windows.frames[windows.look[rows]]))
        augment(pixels, [], rng, self.coloured[windows.prompt[rows]])
        return pixels

    def sample(self, most: int) -> Tensor:
        """Pixels (B, 3, H, W) of at most `most` rows, evenly spaced, as they are."""
        rows = np.unique(np.linspace(0, len(self) - 1, most).astype(np.int64))
        return pixels_of(torch.from_numpy(self.windows.frames[self.windows.look[rows]]))

    def batch(
        self,
        rows: NDArray[np.int64],
        n_world: int,
        augment: "Augment | None" = None,
        rng: np.random.Generator | None = None,
        n_weighted: int = 0,
    ) -> Batch:
        """Gather rows (B,); the first `n_world` come with what followed, the first
        `n_weighted` with what matters.

        `augment` draws from `rng`, which also decides who is asked in other words;
        without either pictures and prompts stay as they are.
        """
        windows, looks = self.windows, self.windows.look[rows]
        first = looks[:n_world]
        pixels = pixels_of(torch.from_numpy(windows.frames[looks]))
        following = windows.following[first]
        next_pixels = pixels_of(torch.from_numpy(windows.frames[following]))
        recalled = moved = known = None
        if self.recalled is not None:
            frames = windows.frames[self.recalled.look[looks]]
            recalled = pixels_of(
                torch.from_numpy(frames.reshape(-1, *frames.shape[2:]))
            )
            recalled = recalled.unflatten(0, frames.shape[:2])
            moved = torch.from_numpy(self.recalled.moved[looks])
            known = torch.from_numpy(self.recalled.known[looks])
        if augment is not None and rng is not None:
            alike = [next_pixels]
            alike += list(recalled.unbind(1)) if recalled is not None else []
            augment(pixels, alike, rng, self.coloured[windows.prompt[rows]])
        used, prompt = np.unique(windows.prompt[rows], return_inverse=True)
        text = self.text[torch.from_numpy(used)]
        n_ways = self.paraphrased.shape[1]
        if augment is not None and rng is not None and n_ways:
            other = torch.from_numpy(rng.random(len(used)) < augment.config.paraphrase)
            way = torch.from_numpy(rng.integers(0, n_ways, len(used)))
            said = self.paraphrased[torch.from_numpy(used), way]
            text = torch.where(other[:, None], said, text)
        return Batch(
            body=windows.body,
            pixels=pixels,
            weight=weights_of(windows, looks[:n_weighted]),
            next_pixels=next_pixels,
            text=text,
            prompt=torch.from_numpy(prompt),
            state=torch.from_numpy(self.state[looks]),
            next_state=torch.from_numpy(self.state_ids[following].astype(np.int64)),
            action=torch.from_numpy(self.action[rows]),
            executed=torch.from_numpy(self.executed[first]),
            auxiliary=torch.from_numpy(self.auxiliary[rows]),
            visible=torch.from_numpy(self.visible[rows]),
            pixel=torch.from_numpy(self.pixel[rows]),
            recalled=recalled,
            moved=moved,
            known=known,
        )


def weights_of(windows: Windows, looks: NDArray[np.int64]) -> Tensor | None:
    """How much each pixel of some looks (V,) matters, (V, 64, 64), where it is
    known."""
    if windows.segments is None:
        return None
    return torch.from_numpy(salience(windows.segments[looks]))


Paraphrase = Callable[[str, np.random.Generator, int], str]
"""Says a prompt in other words, of at most so many bytes."""


def tokenize(
    windows: Windows,
    tokenizers: TokenizerSet,
    text_bytes: int,
    paraphrases: int = 0,
    paraphrase: Paraphrase | None = None,
    memory_s: Sequence[float] = (),
) -> Examples:
    """Turn windows into tokens once, so that batches are only gathered.

    Args:
        windows: what was recorded.
        tokenizers: of text, state and action.
        text_bytes: longest prompt.
        paraphrases: other ways V to say each prompt.
        paraphrase: says them; without it there are none.
        memory_s: ages of the looks that are remembered [s].
    """
    state, action = tokenizers.state[windows.body], tokenizers.action[windows.body]
    rng = np.random.default_rng(0)
    ways = [
        text_rows(
            [
                tokenizers.text.encode(paraphrase(prompt, rng, text_bytes))
                for _ in range(paraphrases)
                if paraphrase is not None
            ],
            text_bytes,
        )
        for prompt in windows.prompts
    ]
    state_ids = _in_parts(lambda x: state.encode(x).astype(np.uint8), windows.state)
    seen = _in_parts(lambda x: state.decode(x).astype(np.float32), state_ids)
    if action.uses_velocity:
        seen = np.concatenate([seen, windows.velocity], 1)
    digits = action.digits

    def values(chunk: NDArray, last: NDArray, velocity: NDArray) -> NDArray:
        return digits.values(digits.of(action.encode(chunk, last, velocity)))

    def places(label: NDArray, look: NDArray) -> NDArray:
        last, velocity = windows.last[look], windows.velocity[look]
        return np.asarray(action.places(label, last, velocity), np.float32)

    n_read = windows.privileged.shape[1] - len(SIGHT)
    return Examples(
        windows=windows,
        text=text_rows(
            [tokenizers.text.encode(p) for p in windows.prompts], text_bytes
        ),
        paraphrased=torch.stack(ways),
        state=seen,
        state_ids=state_ids,
        action=_in_parts(places, windows.label, windows.look),
        executed=_in_parts(values, windows.executed, windows.last, windows.velocity),
        auxiliary=windows.privileged[:, :n_read],
        visible=windows.privileged[:, n_read],
        pixel=windows.privileged[:, n_read + 1 : n_read + 3],
        coloured=np.array([tells_colour(prompt) for prompt in windows.prompts]),
        recalled=recall(
            windows.state, windows.episode, body_named(windows.body), memory_s
        )
        if memory_s
        else None,
    )


def _in_parts(function: Callable[..., NDArray], *arrays: NDArray) -> NDArray:
    """`function` of arrays (N, ...), some rows at a time: on its way a tokenizer takes
    many times the memory of what it returns."""
    starts = range(0, max(len(arrays[0]), 1), ROWS_AT_ONCE)
    parts = [slice(start, start + ROWS_AT_ONCE) for start in starts]
    return np.concatenate([function(*(x[part] for x in arrays)) for part in parts])


class Augment:
    """Light, hue, saturation and noise."""

    def __init__(self, config: AugmentConfig) -> None:
        self.config = config
        # Fresh noise for 3 M pixels costs as much as a convolution: cut slices out of
        # one fixed field instead.
        field = np.random.default_rng(0).uniform(-1, 1, 1 << 22).astype(np.float32)
        self._noise = torch.from_numpy(field * (config.noise / 127.5))

    def __call__(
        self,
        pixels: Tensor,
        alike: Sequence[Tensor],
        rng: np.random.Generator,
        coloured: NDArray[np.bool_] | None = None,
    ) -> None:
        """Change all in place: the first rows of `pixels` (B, 3, H, W) as those of the
        others, which get no noise. Rows that are `coloured` (B,) keep their hues."""
        count = len(pixels)
        matrices, shifts = self._colours(count, rng, coloured)
        for picture in (pixels, *alike):
            n = len(picture)
            # Channels last: a picture is a (H * W, 3) matrix already.
            colours = picture.permute(0, 2, 3, 1).flatten(1, 2)
            turned = torch.baddbmm(shifts[:n], colours, matrices[:n])
            picture.copy_(turned.view(n, *picture.shape[2:], 3).permute(0, 3, 1, 2))
        flat = pixels.permute(0, 2, 3, 1)
        per = flat[0].numel()
        starts = rng.integers(0, len(self._noise) - per, count)
        for row, start in enumerate(starts):
            flat[row].add_(self._noise[start : start + per].view(flat[row].shape))
        for picture in (pixels, *alike):
            picture.clamp_(-1, 1)

    def _colours(
        self,
        count: int,
        rng: np.random.Generator,
        coloured: NDArray[np.bool_] | None,
    ) -> tuple[Tensor, Tensor]:
        """Matrices (B, 3, 3) that act on rows of colours, and shifts (B, 1, 3)."""
        config = self.config
        angle = rng.uniform(-config.hue, config.hue, count)
        anew = rng.random(count) < config.any_hue
        if coloured is not None:
            anew &= ~coloured
        angle = np.where(anew, rng.uniform(-np.pi, np.pi, count), angle)
        chroma = rng.uniform(*config.saturation, count)
        light = np.exp(rng.uniform(-config.exposure, config.exposure, count))
        # Hue and saturation turn and scale the plane across the grey axis (1, 1, 1).
        c, s = chroma * np.cos(angle), chroma * np.sin(angle) / np.sqrt(3)
        own, next_one, one_before = (1 + 2 * c) / 3, (1 - c) / 3 + s, (1 - c) / 3 - s
        cycle = [own, next_one, one_before]
        matrix = np.array([[cycle[(j - i) % 3] for j in range(3)] for i in range(3)])
        matrices = light[:, None, None] * np.moveaxis(matrix, 2, 0)
        # Black is -1: light scales from there.
        shift = rng.uniform(-config.brightness, config.brightness, count) + light - 1
        shifts = np.repeat(shift[:, None, None], 3, 2)
        return (
            torch.from_numpy(matrices.astype(np.float32)),
            torch.from_numpy(shifts.astype(np.float32)),
        )


class Sampler:
    """Rows drawn with the phases' weights."""

    def __init__(self, weights: NDArray[np.float64]) -> None:
        self._edges = np.cumsum(weights)
        self._edges /= self._edges[-1]

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """`count` rows, with replacement."""
        rows = np.searchsorted(self._edges, rng.random(count), side="right")
        return np.minimum(rows, len(self._edges) - 1)

"""Fit the video tokenizer's network: reconstruct clips, within steps or seconds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from brownfield.tokenizers.muon import Muon
from brownfield.tokenizers.video_detail import used
from brownfield.tokenizers.video_gaze import marked, most_of
from brownfield.tokenizers.video_loss import (
    even_weights,
    pixel_weights,
    reconstruction_loss,
    spread_loss,
)
from brownfield.tokenizers.video_network import VideoNetwork
from brownfield.tokenizers.video_pixels import drop_lead, lead_in, to_pixels
from brownfield.tokenizers.video_segments import SegmentHead

Clips = Sequence[NDArray[np.uint8]]
Maps = Sequence[NDArray[np.floating]]
Segments = Sequence[NDArray[np.uint8]]

_GAZE = 0.1  # weight of telling what matters
_MISSED = 3.0  # a part that matters and is missed counts as three seen in vain
PRECISIONS = ("auto", "float32", "bfloat16")
_NARROW = 16
"""Matrices with fewer rows or columns take AdamW's steps."""


@dataclass(frozen=True, kw_only=True)
class VideoFit:
    """How to fit; the same seed and steps on one machine give the same bytes."""

    steps: int | None = 2000
    """Updates; None for as many as the seconds allow."""
    seconds: float | None = None
    """Wall-clock budget [s]; what ends first, steps or seconds, ends the fit."""
    batch: int = 4
    """Clips in an update."""
    blocks: int = 4
    """Longest window of a clip that an update sees [blocks]."""
    rate: float = 4e-3
    """Highest learning rate; it warms up, then falls along a cosine to a twentieth."""
    warm_up: int = 50
    """Updates until the rate is at its highest."""
    decay: float = 1e-4
    """Weight decay."""
    average: float = 0.995
    """Decay of the running mean of the parameters, which is what is kept."""
    spread: float = 0.05
    """Weight of the loss that keeps every channel of the latents over its levels."""
    mirror: bool = True
    """Show half of the windows in a mirror: what is left could be right."""
    motion: float = 2.0
    """Weight added to the pixels that move."""
    telling: float = 0.0
    """Weight of telling from codes which class each quarter of a part shows, which
    needs segments; 0 for pictures alone."""
    precision: str = "auto"
    """`float32`, `bfloat16` (autocast, but for the quantiser), or `auto`: bfloat16 on a
    processor that calculates in it."""
    seed: int = 0
    """Seed of the first parameters and of the windows drawn."""

    def __post_init__(self) -> None:
        """Refuse a fit without an end or without work."""
        if self.steps is None and self.seconds is None:
            raise ValueError("give steps or seconds: a fit needs an end")
        steps = 1 if self.steps is None else self.steps
        seconds = 1.0 if self.seconds is None else self.seconds
        if steps < 1 or seconds <= 0:
            raise ValueError(
                f"steps and seconds must be above 0, got {self.steps} and "
                f"{self.seconds}"
            )
        if min(self.batch, self.blocks, self.warm_up) < 1:
            raise ValueError(
                f"batch, blocks and warm_up must be at least 1, got {self.batch}, "
                f"{self.blocks} and {self.warm_up}"
            )
        if not 0 <= self.telling < math.inf:
            raise ValueError(
                f"telling must be finite and at least 0, got {self.telling}"
            )
        if self.precision not in PRECISIONS:
            raise ValueError(
                f"precision must be one of {', '.join(PRECISIONS)}; got "
                f"{self.precision!r}"
            )

    def halves(self, device: torch.device) -> bool:
        """Whether a fit on this device autocasts to bfloat16."""
        if self.precision != "auto":
            return self.precision == "bfloat16"
        if device.type == "cpu":
            # Others emulate it, several times slower.
            able = torch.cpu.get_capabilities()
            return bool(able.get("avx512_bf16") or able.get("amx_bf16"))
        return device.type == "cuda"


@dataclass(frozen=True)
class FitStep:
    """What is known after an update."""

    number: int
    """Updates so far."""
    loss: float
    """Of this update, with what telling adds."""
    progress: float
    """Share of the budget that is spent."""
    ids: NDArray[np.int64]
    """(B, blocks, h, w) of this update's windows."""


def fit_network(
    network: VideoNetwork,
    clips: Clips,
    weights: Maps | None,
    fit: VideoFit,
    report: Callable[[FitStep], None] | None = None,
    segments: Segments | None = None,
) -> None:
    """Train the network in place, where it lies.

    Args:
        network: what to train.
        clips: N of (T, H, W, 3), each of any length; checked by the caller.
        weights: N of (T, H, W), or None where all pixels matter alike.
        fit: budget and schedule.
        report: called after each update.
        segments: N of (T, H, W) classes that codes have to tell, with `fit.telling`.

    Raises:
        ValueError: `fit.telling` without segments.
        FloatingPointError: the loss is not finite.
    """
    device = next(network.parameters()).device
    halves = fit.halves(device)
    head = None
    if fit.telling:
        if segments is None:
            raise ValueError("telling needs segments: give some, or telling=0")
        count = 1 + max(int(each.max(initial=0)) for each in segments)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(fit.seed)
            head = SegmentHead(network.config, count).to(device)
    learned = [*network.parameters(), *(() if head is None else head.parameters())]
    optimizers = _optimizers(learned, fit.decay, halves)
    mean = [p.detach().clone() for p in network.parameters()]
    shown = None if head is None else segments
    windows = _windows(clips, weights, shown, network.config.frames_per_block, fit)
    begin, step, progress = time.perf_counter(), 0, 0.0
    network.train()
    while progress < 1:
        rate = fit.rate * min(1.0, (step + 1) / fit.warm_up)
        rate *= 0.05 + 0.95 * (1 + math.cos(math.pi * progress)) / 2
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        frames, maps, classes = next(windows)
        pixels = to_pixels(frames.to(device))
        maps = None if maps is None else maps.to(device)
        each = pixel_weights(pixels, maps, fit.motion)
        # The quantiser stays in fp32 by itself.
        with torch.autocast(device.type, torch.bfloat16, enabled=halves):
            loss, codes, ids = window_loss(network, pixels, each, fit.spread, maps)
            if head is not None and classes is not None:
                told = head_loss(head, codes, classes.to(device), maps)
                loss = loss + fit.telling * told
        if not torch.isfinite(loss):
            raise FloatingPointError(
                f"the loss is {loss.item()} at step {step}; lower rate ({fit.rate})"
            )
        for parameter in learned:
            parameter.grad = None
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        # Early parameters are far from the last ones: forget them faster.
        keep = min(fit.average, step / (step + 9))
        with torch.no_grad():
            for value, parameter in zip(mean, network.parameters(), strict=True):
                value.lerp_(parameter, 1 - keep)
        progress = step / fit.steps if fit.steps else 0.0
        if fit.seconds:
            progress = max(progress, (time.perf_counter() - begin) / fit.seconds)
        if report:
            seen = ids.cpu().numpy()
            report(FitStep(step, float(loss.detach()), progress, seen))
    with torch.no_grad():
        for parameter, value in zip(network.parameters(), mean, strict=True):
            parameter.copy_(value)
    network.eval()


def _optimizers(
    parameters: Sequence[nn.Parameter], decay: float, halves: bool
) -> list[torch.optim.Optimizer]:
    """Muon for convolutions, which then learn more from an update, and AdamW for the
    rest; of a very narrow network that is all."""
    wide, rest = [], []
    for each in parameters:
        is_wide = each.ndim > 1 and min(each.flatten(1).shape) >= _NARROW
        (wide if is_wide else rest).append(each)
    adamw = torch.optim.AdamW(rest, betas=(0.9, 0.95), weight_decay=decay)
    return [adamw, Muon(wide, weight_decay=decay, halves=halves)] if wide else [adamw]


def window_loss(
    network: VideoNetwork,
    pixels: Tensor,
    weights: Tensor,
    spread: float,
    maps: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """What a fit makes small, a scalar: errors of windows, and latents off centre; and
    the codes (B, blocks, n, h, w) and ids (B, blocks, h, w) of the windows.

    Args:
        network: what encodes and decodes.
        pixels: (B, T, 3, H, W) in [-1, 1], T legal.
        weights: (B, T, H, W) of mean 1 in every frame.
        spread: weight of the latents' part.
        maps: (B, T, H, W), without the weight of motion: where a network with
            details is to look.
    """
    k = network.config.frames_per_block
    seen, gaze_loss, close = lead_in(pixels, k), 0.0, None
    if network.gaze is not None and maps is not None:
        wanted = marked(lead_in(maps, k), network.config)
        told = network.gaze(seen).float()
        gaze_loss = functional.binary_cross_entropy_with_logits(
            told, wanted.float(), pos_weight=told.new_tensor(_MISSED)
        )
        # Half of the streams look where they should, half where they would.
        half = torch.arange(len(wanted), device=told.device) < len(wanted) // 2
        surely = wanted & half[:, None, None, None]
        close = most_of(told.masked_fill(surely, torch.inf), network.config.detail)
    latents, _ = network.encode_latents(seen, close=close)
    codes, ids = network.round(latents)
    decoded, _ = network.decode_codes(codes)
    error = reconstruction_loss(drop_lead(decoded, k), pixels, weights)
    # Quantisers with a codebook ask for something of their own.
    own = getattr(network.quantiser, "loss", 0.0)
    config = network.config
    even = spread_loss(*used(latents.flatten(0, 1), config.lent, config.shares))
    return error + spread * even + _GAZE * gaze_loss + own, codes, ids


def head_loss(
    head: SegmentHead, codes: Tensor, segments: Tensor, maps: Tensor | None
) -> Tensor:
    """What a head misses in the codes of windows, a scalar; a first frame counts as a
    whole block.

    Args:
        head: what reads them.
        codes: (B, blocks, n, h, w).
        segments: (B, T, H, W) classes, T legal.
        maps: (B, T, H, W), or None where all pixels matter alike.
    """
    k = head.config.frames_per_block
    there = lead_in(segments, k).long()
    each = torch.ones_like(there, dtype=torch.float32)
    if maps is not None:
        each = even_weights(lead_in(maps, k))
    blocks = (x.unflatten(1, (-1, k)).flatten(0, 1) for x in (there, each))
    return head.loss(codes.flatten(0, 1), *blocks)


def _windows(
    clips: Clips,
    weights: Maps | None,
    segments: Segments | None,
    frames_per_block: int,
    fit: VideoFit,
) -> Iterator[tuple[Tensor, Tensor | None, Tensor | None]]:
    """Batches (B, T, H, W, 3), and (B, T, H, W) of weights and of segments, drawn
    without end.

    All windows of a batch are as long as its shortest clip allows; half are mirrored.
    """
    rng, k = np.random.default_rng(fit.seed), frames_per_block
    while True:
        chosen = rng.integers(0, len(clips), fit.batch)
        shortest = min(len(clips[i]) for i in chosen)
        length = 1 + min((shortest - 1) // k, fit.blocks - 1) * k
        starts = [int(rng.integers(0, len(clips[i]) - length + 1)) for i in chosen]
        ways = rng.choice((-1, 1), fit.batch) if fit.mirror else [1] * fit.batch
        views = [
            (i, slice(start, start + length), way)
            for i, start, way in zip(chosen, starts, ways, strict=True)
        ]
        maps = None if weights is None else _cut(weights, views).float()
        classes = None if segments is None else _cut(segments, views)
        yield _cut(clips, views), maps, classes


def _cut(each: Sequence[NDArray], views: Sequence[tuple[int, slice, int]]) -> Tensor:
    """Windows (B, T, H, W, ...) of what lies beside clips: which clip, when, and 1 or,
    for a mirror, -1."""
    parts = [each[clip][when][:, :, ::way] for clip, when, way in views]
    return torch.from_numpy(np.stack(parts))

"""The network between pixels and codes: causal, and the same block by block.

Letters: B streams, T frames, k frames a block, C channels, n channels of a code.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from brownfield.tokenizers.fsq import FSQ
from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_fovea import CLOSE, Gaze, looked_at, stretch, unstretch
from brownfield.tokenizers.video_haar import haar, unhaar
from brownfield.tokenizers.video_layers import (
    PAST,
    ChannelNorm,
    FrameAttention,
    SpatialResidual,
    TemporalResidual,
)
from brownfield.tokenizers.video_state import SideState

_WHISPER = 0.1  # a pixel sums all channels of its patch: at full size 64 drown it
_SPREAD = 3.0  # gives new latents a deviation of about 1: all levels are used at once


class VideoNetwork(nn.Module):
    """Pixels to codes and back, over whole clips or a block at a time."""

    def __init__(self, config: VideoConfig) -> None:
        super().__init__()
        self.config = config
        self.quantiser = FSQ(config.levels)
        self.encoder = nn.ModuleList(_encoder_layers(config))
        self.decoder = nn.ModuleList(_decoder_layers(config))
        self.gaze = Gaze(config) if config.fovea else None

    def encode_latents(
        self,
        pixels: Tensor,
        state: SideState | None = None,
        close: Tensor | None = None,
    ) -> tuple[Tensor, SideState]:
        """Latents (B, T / k, n, h, w) before they are rounded, and the past after.

        Args:
            pixels: (B, T, 3, H, W) in [-1, 1], T a multiple of k: the first block of a
                stream is one frame, repeated.
            state: the past; without one, all streams start.
            close: (B, T / k, h, w) bool, with a fovea, what to look at closely; what
                the network's own gaze says by default.
        """
        config = self.config
        looked: Tensor | None = None
        if self.gaze is not None:
            looked = close if close is not None else torch.gt(self.gaze(pixels), 0)
            pixels = self._refit(stretch, pixels, looked)
        patches = haar(pixels, config.frames_per_block, config.patch)
        state = state or self.start(self.encoder, len(pixels))
        latents, after = self._run(self.encoder, patches, state)
        if looked is not None:
            told = (looked[:, :, None].to(latents.dtype) * 2 - 1) * CLOSE
            latents = torch.cat((latents, told), 2)
        return latents, after

    def encode_codes(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, T / k, n, h, w) in [-1, 1], straight-through; ids (B, T / k, h, w).

        Args:
            pixels: (B, T, 3, H, W) in [-1, 1], see `encode_latents`.
        """
        return self.round(self.encode_latents(pixels)[0])

    def round(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """Codes and ids of latents (B, T / k, n, h, w)."""
        codes, ids = self.quantiser(latents.movedim(2, -1))
        return codes.movedim(-1, 2), ids

    def codes(self, ids: Tensor) -> Tensor:
        """Codes (B, T / k, n, h, w) of ids (B, T / k, h, w), foreign ones clamped."""
        return self.quantiser.codes(ids).movedim(-1, 2)

    def decode_codes(
        self, codes: Tensor, state: SideState | None = None
    ) -> tuple[Tensor, SideState]:
        """Pixels (B, T, 3, H, W) of codes (B, T / k, n, h, w), and the past after."""
        config = self.config
        k = config.frames_per_block
        state = state or self.start(self.decoder, len(codes))
        patches, after = self._run(self.decoder, codes, state)
        pixels = unhaar(patches, k, config.patch)
        if config.fovea:
            pixels = self._refit(unstretch, pixels, looked_at(codes))
        # A first block stands for one frame: what its k frames have in common.
        first = pixels[:, :k].mean(1, keepdim=True)
        known = state.started[:, None, None, None, None]
        first = torch.where(known, pixels[:, :k], first)
        return torch.cat((first, pixels[:, k:]), 1), after

    def start(self, side: nn.ModuleList, batch: int) -> SideState:
        """The past of streams that have none.

        Args:
            side: `encoder` or `decoder`.
            batch: number of streams.
        """
        device = next(self.parameters()).device
        config, past = self.config, []
        height, width = config.grid
        if side is self.encoder:
            height, width = (length // config.patch for length in config.size)
        for layer in side:
            if isinstance(layer, nn.PixelUnshuffle):
                height //= layer.downscale_factor
                width //= layer.downscale_factor
            elif isinstance(layer, nn.PixelShuffle):
                height *= layer.upscale_factor
                width *= layer.upscale_factor
            elif isinstance(layer, TemporalResidual):
                shape = (batch, PAST, layer.first.in_channels, height, width)
                past.append(torch.zeros(shape, device=device))
        started = torch.zeros(batch, dtype=torch.bool, device=device)
        return SideState(started, tuple(past))

    def _refit(
        self, how: Callable[[Tensor, Tensor, float], Tensor], x: Tensor, close: Tensor
    ) -> Tensor:
        """Frames (B, T, 3, H, W) stretched or not, all k of a block alike."""
        k = self.config.frames_per_block
        blocks = x.unflatten(1, (-1, k)).flatten(0, 1).flatten(1, 2)
        fitted = how(blocks, close.flatten(0, 1), self.config.fovea)
        return fitted.reshape(x.shape)

    def _run(
        self, side: nn.ModuleList, x: Tensor, state: SideState
    ) -> tuple[Tensor, SideState]:
        waiting, past = iter(state.past), []
        batch = len(x)
        x = x.flatten(0, 1)
        for layer in side:
            if isinstance(layer, TemporalResidual):
                x, kept = layer(x, next(waiting), state.started)
                past.append(kept)
            else:
                x = layer(x)
        after = SideState(torch.ones_like(state.started), tuple(past))
        return x.unflatten(0, (batch, -1)), after


def _encoder_layers(config: VideoConfig) -> list[nn.Module]:
    width = config.channels[0]
    layers: list[nn.Module] = [nn.Conv2d(config.patch_channels, width, 3, padding=1)]
    for stage, channels in enumerate(config.channels):
        stride = config.strides[stage]
        if stage or stride > 1:
            layers.append(nn.PixelUnshuffle(stride))
            layers.append(nn.Conv2d(width * stride**2, channels, 1))
        width = channels
        layers += [_residual(config, stage, width) for _ in range(config.blocks[stage])]
    if config.attention:
        layers.append(FrameAttention(width))
    # Where to look closely is told by another network.
    last = nn.Conv2d(width, len(config.levels) - bool(config.fovea), 1)
    with torch.no_grad():
        last.weight.mul_(_SPREAD)
    return [*layers, ChannelNorm(width), nn.SiLU(), last]


def _decoder_layers(config: VideoConfig) -> list[nn.Module]:
    width = config.channels[-1]
    layers: list[nn.Module] = [nn.Conv2d(len(config.levels), width, 3, padding=1)]
    if config.attention:
        layers.append(FrameAttention(width))
    for stage in reversed(range(len(config.channels))):
        blocks = config.blocks[stage] + (stage == 0)
        layers += [_residual(config, stage, width) for _ in range(blocks)]
        stride = config.strides[stage]
        if stage or stride > 1:
            finer = config.channels[max(stage - 1, 0)]
            layers.append(nn.Conv2d(width, finer * stride**2, 1))
            layers.append(nn.PixelShuffle(stride))
            width = finer
    last = nn.Conv2d(width, config.patch_channels, 3, padding=1)
    with torch.no_grad():
        last.weight.mul_(_WHISPER)
    return [*layers, ChannelNorm(width), nn.SiLU(), last]


def _residual(config: VideoConfig, stage: int, channels: int) -> nn.Module:
    past = config.temporal and stage > 0
    return TemporalResidual(channels) if past else SpatialResidual(channels)

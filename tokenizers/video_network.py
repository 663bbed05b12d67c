"""The network between pixels and codes: causal, and the same block by block.

Letters: B streams, T frames, k frames a block, C channels, n channels of a code.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from brownfield.tokenizers.fsq import FSQ
from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_detail import Detail, opened
from brownfield.tokenizers.video_gaze import Gaze, most_of
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
        self.quantiser = FSQ(config.levels, symmetric=True)
        self.encoder = nn.ModuleList(_encoder_layers(config))
        self.decoder = nn.ModuleList(_decoder_layers(config))
        self.gaze = Gaze(config) if config.lent else None
        self.detail = Detail(config, _SPREAD, _WHISPER) if config.lent else None

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
            close: (B, T / k, h, w) bool, with details, which parts to tell so; those
                that the network's own gaze says by default.
        """
        config = self.config
        patches = haar(pixels, config.frames_per_block, config.patch)
        state = state or self.start(self.encoder, len(pixels))
        latents, after = self._run(self.encoder, patches, state)
        if self.gaze is not None and self.detail is not None:
            if close is None:
                close = most_of(self.gaze(pixels), config.detail)
            parts = (x.flatten(0, 1) for x in (patches, latents, close))
            latents = self.detail.tell(*parts).unflatten(0, latents.shape[:2])
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
        flat, shape = codes.flatten(0, 1), codes.shape[:2]
        whole = opened(flat, config.lent, config.shares).unflatten(0, shape)
        patches, after = self._run(self.decoder, whole, state)
        if self.detail is not None:
            patches = self.detail.show(patches.flatten(0, 1), flat).unflatten(0, shape)
        pixels = unhaar(patches, k, config.patch)
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
    last = nn.Conv2d(width, config.own, 1)
    with torch.no_grad():
        last.weight.mul_(_SPREAD)
    return [*layers, ChannelNorm(width), nn.SiLU(), last]


def _decoder_layers(config: VideoConfig) -> list[nn.Module]:
    width = config.channels[-1]
    known = config.own + config.more + bool(config.lent)
    layers: list[nn.Module] = [nn.Conv2d(known, width, 3, padding=1)]
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

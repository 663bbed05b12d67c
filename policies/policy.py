"""The policy's parts in one module: video tokenizer, transformer, normalisation."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from brownfield.policies.model import PAD_BYTE, ModelConfig, StreamTransformer
from brownfield.tokenizers.video_fsq import VideoFSQ


class StreamPolicy(nn.Module):
    """From pixels, joints and bytes to logits.

    The video tokenizer is part of the module because it is tuned on with the
    transformer; its codes stay codes, and its pictures stay pictures.
    """

    state_mean: Tensor
    state_std: Tensor
    auxiliary_mean: Tensor
    auxiliary_std: Tensor

    def __init__(self, config: ModelConfig, video: VideoFSQ) -> None:
        super().__init__()
        self.video = video
        self.trunk = StreamTransformer(config)
        self.register_buffer("state_mean", torch.zeros(config.state_dim))
        self.register_buffer("state_std", torch.ones(config.state_dim))
        self.register_buffer("auxiliary_mean", torch.zeros(config.auxiliary))
        self.register_buffer("auxiliary_std", torch.ones(config.auxiliary))

    @property
    def config(self) -> ModelConfig:
        """Sizes of the transformer."""
        return self.trunk.config

    def fit_normalisation(
        self, state: NDArray[np.float32], auxiliary: NDArray[np.float32]
    ) -> None:
        """Take mean and spread from data.

        Args:
            state: (N, S) as the state tokenizer decodes it.
            auxiliary: (N, A) simulator truth that the state position learns to tell.

        Raises:
            ValueError: a column holds NaN or infinity.
        """
        for name, data in (("state", state), ("auxiliary", auxiliary)):
            if not np.isfinite(data).all():
                column = int(np.argmin(np.isfinite(data).all(0)))
                raise ValueError(f"{name} column {column} holds NaN or infinity")
        # A field that hardly moves must not be blown up to unit variance.
        self.state_mean.copy_(torch.from_numpy(state.mean(0)))
        self.state_std.copy_(torch.from_numpy(np.maximum(state.std(0), 0.02)))
        self.auxiliary_mean.copy_(torch.from_numpy(auxiliary.mean(0)))
        self.auxiliary_std.copy_(torch.from_numpy(np.maximum(auxiliary.std(0), 0.01)))

    def normalise_state(self, state: Tensor) -> Tensor:
        """State in physical units (B, S) -> about unit variance, clipped to +-5."""
        return ((state - self.state_mean) / self.state_std).clamp(-5, 5)

    def auxiliary_in_units(self, read: Tensor) -> Tensor:
        """Auxiliary output (B, A + 1) -> quantities in their own units (B, A)."""
        return read[:, :-1].float() * self.auxiliary_std + self.auxiliary_mean


def pixels_of(frames: Tensor) -> Tensor:
    """uint8 (B, H, W, 3) -> float (B, 3, H, W) in [-1, 1], channels last in memory."""
    return frames.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def frames_of(pixels: Tensor) -> NDArray[np.uint8]:
    """float (B, 3, H, W) in [-1, 1] -> uint8 (B, H, W, 3)."""
    scaled = pixels.float().clamp(-1, 1).add(1).mul(127.5).round()
    return scaled.permute(0, 2, 3, 1).to(torch.uint8).cpu().numpy()


def text_rows(prompts: Sequence[NDArray[np.int64]], text_bytes: int) -> Tensor:
    """Byte ids of several prompts -> (U, text_bytes) int64, padded behind.

    Raises:
        ValueError: a prompt is longer than `text_bytes`.
    """
    rows = np.full((len(prompts), text_bytes), PAD_BYTE, dtype=np.int64)
    for row, ids in zip(rows, prompts, strict=True):
        if len(ids) > text_bytes:
            raise ValueError(
                f"a prompt may have {text_bytes} bytes at most, got {len(ids)}"
            )
        row[: len(ids)] = ids
    return torch.from_numpy(rows)


def digits_of(ids: Tensor, levels: tuple[int, ...]) -> Tensor:
    """Video ids (...) -> digits (..., number of levels), the first varying fastest."""
    digits = []
    for level in levels:
        digits.append(ids % level)
        ids = ids // level
    return torch.stack(digits, -1)


def codes_of(digits: Tensor, levels: tuple[int, ...]) -> Tensor:
    """Digits (B, h, w, n) -> code vectors (B, n, h, w) in [-1, 1]."""
    half = torch.tensor([level // 2 for level in levels], device=digits.device)
    return ((digits - half) / half).permute(0, 3, 1, 2)

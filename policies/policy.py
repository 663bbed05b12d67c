"""The policy's parts in one module: video tokenizer and transformer."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from brownfield.policies.model import PAD_BYTE, ModelConfig, StreamTransformer
from brownfield.policies.port import PortConfig
from brownfield.policies.recall import Memory
from brownfield.tokenizers.frame_tokenizers import FrameTokenizer


class StreamPolicy(nn.Module):
    """From pixels, joints and bytes to logits, for one body or several.

    The video tokenizer is part of the module because it is tuned on with the
    transformer; its codes stay codes, and its pictures stay pictures.
    """

    def __init__(
        self,
        config: ModelConfig,
        ports: Mapping[str, PortConfig],
        video: FrameTokenizer,
    ) -> None:
        super().__init__()
        self.video = video
        self.trunk = StreamTransformer(config, ports)

    @property
    def config(self) -> ModelConfig:
        """Sizes of the trunk."""
        return self.trunk.config

    def remembered(
        self, recalled: Tensor | None, moved: Tensor | None, known: Tensor | None
    ) -> Memory | None:
        """Earlier looks as a memory; no gradient reaches the tokenizer through them.

        Args:
            recalled: pixels (B, M, 3, H, W); None for none.
            moved, known: see `Memory`.
        """
        if recalled is None or moved is None or known is None:
            return None
        with torch.no_grad():
            codes = self.video.encode_codes(recalled.flatten(0, 1))[0]
        return Memory(codes.unflatten(0, recalled.shape[:2]), moved, known)

    @property
    def bodies(self) -> tuple[str, ...]:
        """Names of the bodies that it moves, sorted."""
        return tuple(sorted(self.trunk.ports))


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


def ids_of(digits: Tensor, levels: tuple[int, ...]) -> Tensor:
    """Digits (..., number of levels) -> video ids (...), as `digits_of` takes them."""
    ids = torch.zeros_like(digits[..., 0])
    for digit, level in zip(digits.flip(-1).unbind(-1), levels[::-1], strict=True):
        ids = ids * level + digit
    return ids

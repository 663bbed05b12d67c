"""Codes that tell what is where: a small head reads them while they are fitted.

Whoever acts needs to know what stands where, and a picture may look right without: its
few pixels of a cup's handle cost nearly nothing. So a fit may also ask the codes what
each part of a picture shows. Only the codes are kept, not the head.

Letters: N blocks of k frames, n channels of codes, h and w of the grid of ids, K
classes, Q = 2 quarters a side of a part, or 1 where it cannot be halved.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_detail import opened

_WIDTH = 64
"""Channels of the head: what it cannot find easily the codes do not tell."""
_SIDE = 2
"""Q."""


class SegmentHead(nn.Module):
    """Reads from codes what shares of every quarter of a part each class fills."""

    def __init__(self, config: VideoConfig, classes: int) -> None:
        """Args: config: sizes of the tokenizer; classes: K."""
        super().__init__()
        self.config, self.classes = config, classes
        self.quarters = _SIDE if config.shrink % _SIDE == 0 else 1
        told = classes * config.frames_per_block * self.quarters**2
        self.layers = nn.Sequential(
            nn.Conv2d(config.own + config.more + bool(config.lent), _WIDTH, 3, 1, 1),
            nn.SiLU(),
            nn.Conv2d(_WIDTH, told, 1),
        )

    def forward(self, codes: Tensor) -> Tensor:
        """Logits (N, k, K, h Q, w Q) of codes (N, n, h, w)."""
        config = self.config
        told = self.layers(opened(codes, config.lent, config.shares))
        whole = functional.pixel_shuffle(told, self.quarters)
        return whole.unflatten(1, (config.frames_per_block, self.classes))

    def loss(self, codes: Tensor, segments: Tensor, weights: Tensor) -> Tensor:
        """Cross entropy of what is read and what is there, a scalar.

        Args:
            codes: (N, n, h, w), whose gradients teach the tokenizer.
            segments: (N, k, H, W) int64 classes below K.
            weights: (N, k, H, W) of mean 1 in every frame.
        """
        side = self.config.shrink // self.quarters
        there = functional.one_hot(segments, self.classes).movedim(-1, 2).float()
        # A pixel counts for its class as much as it weighs.
        shares = (there * weights[:, :, None]).flatten(0, 1)
        wanted = functional.avg_pool2d(shares, side).unflatten(0, segments.shape[:2])
        told = self(codes).float().log_softmax(2)
        return -(wanted * told).sum(2).mean()

"""A small network that reads a class or some numbers from a picture or from codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

AT_ONCE = 256
"""Rows that are asked about at a time."""
_WIDTH = 48
"""Channels of every cell."""
_LOOKS = 8
"""Places that are looked at."""
_DROPPED = 0.2
"""Share of what was seen that is withheld while learning."""
See = Callable[[NDArray[np.int64]], Tensor]
"""Rows (B,) to what the network sees of them (B, channels, H, W)."""


@dataclass(frozen=True, kw_only=True)
class ReaderFit:
    """How a network learns to read."""

    classes: int
    """Number of answers; 0 where they are numbers."""
    grid: int
    """Side of the grid that pictures are halved to."""
    steps: int
    """Training steps."""
    batch: int
    """Rows of a step."""
    seed: int
    """Draws weights and rows."""


class Reader(nn.Module):
    """Convolutions down to the grid of the codes, then a few looks, each at a place.

    What matters may stand anywhere: it is learned once for all places, and told with
    where it stands (spatial softmax: Levine et al. 2016, arXiv:1504.00702). A network
    that weighs every cell for itself learns its samples by heart.
    """

    middle: Tensor
    scale: Tensor
    places: Tensor

    def __init__(self, channels: int, halvings: int, grid: int, answers: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(halvings):
            layers += [nn.Conv2d(channels, 32, 4, stride=2, padding=1), nn.GELU()]
            channels = 32
        layers += [nn.Conv2d(channels, _WIDTH, 1), nn.GELU()]
        for _ in range(2):
            layers += [nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1), nn.GELU()]
        self.features = nn.Sequential(*layers)
        self.looks = nn.Conv2d(_WIDTH, _LOOKS, 1)
        self.tell = nn.Sequential(
            nn.Dropout(_DROPPED),
            nn.Linear(_LOOKS * (_WIDTH + 2), 96),
            nn.GELU(),
            nn.Linear(96, answers),
        )
        self.register_buffer("middle", torch.zeros(answers))
        self.register_buffer("scale", torch.ones(answers))
        line = torch.linspace(-1, 1, grid)
        places = torch.stack(torch.meshgrid(line, line, indexing="ij"))
        self.register_buffer("places", places.flatten(1))

    def forward(self, seen: Tensor) -> Tensor:
        """(B, channels, H, W) -> logits (B, classes) or numbers (B, D)."""
        found = self.features(seen)
        at = self.looks(found).flatten(2).softmax(-1)
        places = self.places.expand(len(found), -1, -1)
        whole = torch.cat((found.flatten(2), places), 1)
        told = self.tell((at @ whole.transpose(1, 2)).flatten(1))
        return told * self.scale + self.middle


def fit_reader(
    see: See,
    answers: NDArray,
    rows: NDArray[np.int64],
    fit: ReaderFit,
    report: Callable[[float, str], None] | None = None,
) -> Reader:
    """Train a network on rows; of classes every one is drawn equally often.

    Args:
        see: what it sees.
        answers: (R,) classes, or (R, D) numbers.
        rows: (M,) to learn from.
        fit: sizes and budget.
        report: told the share done and a note.
    """
    torch.manual_seed(fit.seed)
    rng = np.random.default_rng(fit.seed)
    sample = see(rows[:1])
    halvings = int(np.log2(sample.shape[2] // fit.grid))
    reader = Reader(
        sample.shape[1], halvings, fit.grid, fit.classes or answers.shape[1]
    )
    if fit.classes:
        groups = [rows[answers[rows] == one] for one in np.unique(answers[rows])]
    else:
        groups = [rows]
        known = torch.from_numpy(answers[rows]).float()
        reader.middle, reader.scale = known.mean(0), known.std(0).clamp_min(1e-6)
    optimizer = torch.optim.AdamW(reader.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, fit.steps)
    for step in range(fit.steps):
        drawn = np.array(
            [rng.choice(groups[i % len(groups)]) for i in range(fit.batch)]
        )
        told, right = reader(see(drawn).clone()), torch.from_numpy(answers[drawn])
        if fit.classes:
            loss = functional.cross_entropy(told, right.long())
        else:
            error = (told - right) / reader.scale
            loss = functional.smooth_l1_loss(error, torch.zeros_like(error), beta=0.1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        if report:
            report((step + 1) / fit.steps, f"loss {float(loss.detach()):.3f}")
    return reader.eval()


@torch.inference_mode()
def read(
    reader: Reader, see: See, rows: NDArray[np.int64], fit: ReaderFit
) -> NDArray[np.float32]:
    """What a network tells of rows (M,): classes (M,) or numbers (M, D)."""
    parts = np.array_split(rows, max(1, len(rows) // AT_ONCE))
    told = torch.cat([reader(see(part)) for part in parts]).numpy()
    return told.argmax(1).astype(np.float32) if fit.classes else told

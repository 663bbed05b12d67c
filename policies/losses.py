"""Losses of the stream, one function a modality, each a mean over its own tokens.

Shapes: B batch, K action ids, n bins, S state fields.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from brownfield.policies.model import PAD_BYTE


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Weights between modalities and the shape of the ordinal targets."""

    sigma_bins: float = 1.5
    """Width of a soft action target, in bins."""

    sigma_rest_bins: float = 0.35
    """Width where the label is exactly the bin of rest: standing still is a class of
    its own, and a wide target would teach to creep."""

    knot_weights: tuple[float, ...] = (1.0, 0.4)
    """Weight of each knot; the earliest is executed, the others are foresight."""

    slot_decay: float = 0.85
    """Weight of an id said one by one, relative to the one before: the first ones are
    the motion, the last ones its finish."""

    auxiliary: float = 4.0
    """Weight of what the state position has to tell (object, stance, yaw)."""

    visible: float = 0.1
    """Weight of telling whether the object is in view."""

    pointing: float = 0.2
    """Weight of pointing at the named object among the cells of the frame."""

    naming: float = 0.2
    """Weight of telling from a cell which prompt names what it shows."""

    video: float = 0.4
    """Weight of the next look's video ids, a channel of theirs on average."""

    state: float = 0.05
    """Weight of the next look's state ids."""

    text: float = 0.02
    """Weight of the prompt's bytes."""

    reconstruction: float = 1.0
    """Weight of the picture decoded from the codes."""


def ordinal_targets(
    coordinate: Tensor, n_bins: int, sigma: float, sigma_rest: float
) -> Tensor:
    """Gaussian over the bins around a continuous coordinate.

    Args:
        coordinate: (..., K) place among the bins, 0 to n_bins - 1; the middle bin is
            rest.
        n_bins: number of bins, odd.
        sigma: width in bins.
        sigma_rest: width where the coordinate is the middle bin exactly.

    Returns:
        probabilities (..., K, n_bins).
    """
    bins = torch.arange(n_bins, device=coordinate.device, dtype=torch.float32)
    rest = (coordinate - (n_bins - 1) / 2).abs() < 1e-3
    width = torch.where(rest, sigma_rest, sigma)[..., None]
    distance = (bins - coordinate[..., None]) / width
    return (-0.5 * distance.square()).softmax(-1)


def action_loss(
    logits: Tensor, coordinate: Tensor, config: LossConfig, n_fields: int
) -> Tensor:
    """Cross-entropy of ordinal targets, earlier knots weighing more.

    Args:
        logits: (B, K, n_bins), knot-major.
        coordinate: (B, K) continuous bin coordinate of the labels.
        config: widths and knot weights.
        n_fields: ids of one knot.
    """
    targets = ordinal_targets(
        coordinate, logits.shape[-1], config.sigma_bins, config.sigma_rest_bins
    )
    each = -(targets * logits.float().log_softmax(-1)).sum(-1)
    each = each.unflatten(1, (-1, n_fields)).mean(-1)
    if each.shape[1] != len(config.knot_weights):
        raise ValueError(
            f"knot_weights needs {each.shape[1]} numbers, got {config.knot_weights}"
        )
    weights = torch.tensor(config.knot_weights, device=logits.device)
    return (each * weights / weights.sum()).sum(-1).mean()


def string_loss(
    chance: Tensor, radix: Tensor, size: Tensor, decay: float = 1.0
) -> Tensor:
    """Cross-entropy of digits, those of large motions and earlier ids weighing more.

    A digit that is a share of a motion means little in a small one, and there it is
    hard to tell: alike, motions that hardly matter would be most of what is learned.

    Args:
        chance: log probabilities (B, L, J) of the labels.
        radix: (L, J) values of every digit, 1 for none.
        size: (B,) of the motions, 1 on average.
        decay: weight of an id relative to the one before.
    """
    slots = torch.arange(len(radix), device=chance.device)
    weight = (decay**slots)[:, None] * (radix > 1)
    each = weight * size[:, None, None]
    # The very first digit tells the size itself.
    each[:, 0, 0] = weight[0, 0]
    return -(chance * each).sum((1, 2)).mean() / weight.sum()


def auxiliary_loss(read: Tensor, wanted: Tensor, visible: Tensor) -> Tensor:
    """Smooth L1 over normalised quantities; unseen objects weigh a tenth.

    Args:
        read: (B, A) quantities about what is asked for.
        wanted: (B, A) the same, from the simulator.
        visible: (B,) 0 or 1. All but the last cannot be known out of view.
    """
    each = functional.smooth_l1_loss(read.float(), wanted, reduction="none", beta=0.1)
    seen = 0.1 + 0.9 * visible[:, None]
    weight = torch.cat(
        [seen.expand(-1, read.shape[1] - 1), torch.ones_like(seen)], dim=1
    )
    return (each * weight).mean()


def visible_loss(logit: Tensor, visible: Tensor) -> Tensor:
    """Binary cross-entropy of "the object is in view"."""
    return functional.binary_cross_entropy_with_logits(logit.float(), visible)


def pointing_loss(logits: Tensor, pixel: Tensor, visible: Tensor) -> Tensor:
    """Cross-entropy of pointing at the named object, where it is in view.

    The place is shared among the four nearest cells by bilinear weights, so that a
    perfect answer is finer than a cell.

    Args:
        logits: (B, h * h) over the cells, row-major.
        pixel: (B, 2) place, -1 to 1 to the right and down.
        visible: (B,) 0 or 1.
    """
    target = cells_at(pixel, round(logits.shape[1] ** 0.5))
    each = -(target * logits.float().log_softmax(-1)).sum(-1)
    return (each * visible).sum() / visible.sum().clamp_min(1)


def naming_loss(
    likeness: Tensor, pixel: Tensor, prompt: Tensor, visible: Tensor
) -> Tensor:
    """Cross-entropy of telling from a place's looks which prompt names it.

    The converse of pointing. Several prompts may name the same thing, so it does not
    reach zero; but it teaches what things look like before any prompt is understood.

    Args:
        likeness: (B, h * h, U) of every cell to every prompt.
        pixel: (B, 2) place, -1 to 1 to the right and down.
        prompt: (B,) int64 row of the prompt that names what is there.
        visible: (B,) 0 or 1.
    """
    place = cells_at(pixel, round(likeness.shape[1] ** 0.5))
    logits = (place[:, None] @ likeness.float())[:, 0]
    each = functional.cross_entropy(logits, prompt, reduction="none")
    return (each * visible).sum() / visible.sum().clamp_min(1)


def cells_at(pixel: Tensor, side: int) -> Tensor:
    """Bilinear weights (B, side * side) of a place (B, 2), -1 to 1, among the cells;
    half a cell from the border the outermost cell takes all."""
    place = ((pixel.clamp(-1, 1) + 1) * (side / 2) - 0.5).clamp(0, side - 1)
    cells = torch.arange(side, device=pixel.device, dtype=place.dtype)
    near = (1 - (cells - place[..., None]).abs()).clamp_min(0)
    return (near[:, 1, :, None] * near[:, 0, None, :]).flatten(1)


def video_loss(logits: Tensor, digits: Tensor, levels: tuple[int, ...]) -> Tensor:
    """Cross-entropy of the next codes, factorised over the quantiser's levels; the mean
    over channels, or the ids of one tokenizer would outweigh all else that is learned
    and those of another nothing.

    Args:
        logits: (B, cells, sum of levels).
        digits: (B, cells, number of levels) int64.
        levels: size of each digit.
    """
    parts = logits.float().split(list(levels), dim=-1)
    losses = [
        functional.cross_entropy(part.flatten(0, 1), digits[..., i].flatten())
        for i, part in enumerate(parts)
    ]
    return torch.stack(losses).mean()


def state_loss(logits: Tensor, ids: Tensor) -> Tensor:
    """Cross-entropy of the next state's ids: logits (B, S, bins), ids (B, S)."""
    return functional.cross_entropy(logits.float().flatten(0, 1), ids.flatten())


def text_loss(logits: Tensor, text: Tensor) -> Tensor:
    """Cross-entropy of the prompt's bytes, padding left out.

    Args:
        logits: (U, positions, pack, 257).
        text: (U, positions * pack) int64.
    """
    return functional.cross_entropy(
        logits.float().flatten(0, 2), text.flatten(), ignore_index=PAD_BYTE
    )


def local_mode(logits: Tensor, reach: int = 2) -> Tensor:
    """Ids from ordinal logits: rest, or the mean around the smoothed mode.

    A plain mode jumps between neighbours; a plain mean answers "left or right" with
    "straight on". The middle bin, rest, is a narrow spike on top of wide targets: as
    a bin among others it would win with a third of the chance. So what stands out of
    its neighbours is weighed as one choice against the mass around the mode of the
    others.

    Args:
        logits: (..., n_bins), n_bins odd.
        reach: bins taken on each side of the mode.

    Returns:
        ids (...) int64.
    """
    n_bins = logits.shape[-1]
    middle = (n_bins - 1) // 2
    chance = logits.float().softmax(-1)
    beside = (chance[..., middle - 1] + chance[..., middle + 1]) / 2
    rest = (chance[..., middle] - beside).clamp_min(0)
    chance[..., middle] -= rest
    below = torch.cat([chance[..., :1], chance[..., :-1]], -1)
    above = torch.cat([chance[..., 1:], chance[..., -1:]], -1)
    mode = (below + 2 * chance + above).argmax(-1, keepdim=True)
    bins = torch.arange(n_bins, device=logits.device)
    # Even sides, or a mode at either end of the range could never be said.
    room = torch.minimum(mode, n_bins - 1 - mode).clamp_max(reach)
    near = chance * ((bins - mode).abs() <= room)
    mass = near.sum(-1)
    mean = (near * bins).sum(-1) / mass.clamp_min(1e-12)
    return torch.where(rest > mass, middle, mean.round().long())

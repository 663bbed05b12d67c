"""What one body's recordings teach: rows to draw from, and rows kept to measure on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from brownfield.envs.places import Place, place_of
from brownfield.policies.batches import (
    Augment,
    AugmentConfig,
    Examples,
    Sampler,
    tokenize,
)
from brownfield.policies.losses import LossConfig
from brownfield.policies.mirror import mirrored
from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.policies.windows import Windows, joined


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One body's share of a training run."""

    body: str
    """Name of the body."""

    examples: Examples
    """All rows, after the tokenizers."""

    training: NDArray[np.bool_]
    """(R,) the rows to learn from."""

    held_out: Examples | None
    """Rows of episodes that are only measured on; None where none are kept."""

    sampler: Sampler
    """Draws the rows to learn from."""

    augment: Augment
    """Changes pictures and prompts without changing what is to be done."""

    loss: LossConfig
    """Weights of what is learned."""

    def fitting_data(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """States (N, S) of the looks to learn from, and quantities (R, A) of the rows:
        what a port's normalisation is fitted to."""
        looks = np.unique(self.examples.windows.look[self.training])
        return self.examples.state[looks], self.examples.auxiliary[self.training]

    def measured(self) -> Examples:
        """The rows to measure on: those held out, or all when none are."""
        return self.held_out or self.examples


def lesson_of(
    windows: Windows,
    tokenizers: TokenizerSet,
    *,
    text_bytes: int,
    augment: AugmentConfig,
    loss: LossConfig,
    hold_out_every: int,
    measure: bool,
    memory_s: Sequence[float] = (),
    mirror: bool = False,
) -> Lesson:
    """Tokenize a body's windows and set some episodes apart.

    Args:
        windows: what was recorded.
        tokenizers: with those of the body.
        text_bytes: longest prompt.
        augment: of pictures and prompts, as far as the body's place allows.
        loss: weights, of which those that mean nothing in its place become zero.
        hold_out_every: every so many-th episode is held out; 0 holds none.
        measure: whether this process measures on them.
        memory_s: ages of the looks that are remembered [s].
        mirror: whether every episode to learn from is there in a mirror too.

    Raises:
        ValueError: no episode is left to learn from, or the body has no mirror.
    """
    held_out = windows.held_out(hold_out_every)
    training = ~held_out[windows.look]
    if not training.any():
        raise ValueError(
            f"a process has no episode of {windows.body!r} to learn from: record "
            "more, or hold out or share out fewer"
        )
    kept = None
    if held_out.any() and measure:
        kept = tokenize(
            windows.looks(held_out), tokenizers, text_bytes, memory_s=memory_s
        )
    if mirror:
        again = mirrored(windows.looks(~held_out))
        windows = joined(windows, again)
        training = np.append(training, np.ones(len(again), bool))
    place = place_of(windows.body)
    return Lesson(
        body=windows.body,
        examples=tokenize(
            windows,
            tokenizers,
            text_bytes,
            augment.paraphrases,
            place.paraphrase,
            memory_s,
        ),
        training=training,
        held_out=kept,
        sampler=Sampler(windows.weights() * training),
        augment=Augment(fitting_augment(augment, place)),
        loss=replace(loss, naming=loss.naming * place.names_things),
    )


def fitting_augment(augment: AugmentConfig, place: Place) -> AugmentConfig:
    """As much augmentation as a place allows: where a lamp's colour is an order, hues
    stay what they are."""
    return replace(
        augment,
        hue=min(augment.hue, place.hue_rad),
        any_hue=augment.any_hue if place.hue_rad >= np.pi else 0.0,
    )

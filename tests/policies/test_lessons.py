"""What a body may learn from: its own rows, changed only where that changes nothing."""

from pathlib import Path

import numpy as np
import pytest

from brownfield.envs.places import place_of
from brownfield.policies.batches import AugmentConfig
from brownfield.policies.lessons import Lesson, fitting_augment, lesson_of
from brownfield.policies.losses import LossConfig
from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.policies.windows import Windows


def test_colours_stay_where_they_are_orders() -> None:
    free = AugmentConfig()
    assert fitting_augment(free, place_of("g1")) == free
    road = fitting_augment(free, place_of("car"))
    assert road.any_hue == 0 and road.hue <= 0.05
    assert road.exposure == free.exposure


def _lesson(windows: Windows, folder: Path) -> Lesson:
    return lesson_of(
        windows,
        TokenizerSet.load(folder),
        text_bytes=64,
        augment=AugmentConfig(paraphrases=0),
        loss=LossConfig(),
        hold_out_every=4,
        measure=True,
    )


def test_held_out_episodes_are_never_drawn(
    windows: Windows, tokenizer_folder: Path
) -> None:
    lesson = _lesson(windows, tokenizer_folder)
    rows = lesson.sampler.draw(2000, np.random.default_rng(0))
    episodes = windows.episode[windows.look[rows]]
    assert set(episodes % 4) == {0, 1, 2}
    assert lesson.held_out is not None
    assert len(lesson.held_out) + lesson.training.sum() == len(windows)
    assert len(lesson.fitting_data()[0]) == (windows.episode % 4 != 3).sum()


def test_nothing_left_to_learn_from(windows: Windows, tokenizer_folder: Path) -> None:
    with pytest.raises(ValueError, match="no episode of 'g1' to learn from"):
        _lesson(windows.looks(windows.episode % 4 == 3), tokenizer_folder)

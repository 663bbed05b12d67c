"""Augmentation changes light and colour, and nothing else."""

from pathlib import Path

import numpy as np
import pytest
import torch

from brownfield.envs.objects import NAMED
from brownfield.envs.places import place_of
from brownfield.envs.prompts import object_of, tells_colour
from brownfield.policies import batches
from brownfield.policies.batches import Augment, AugmentConfig, tokenize
from brownfield.policies.model import PAD_BYTE
from brownfield.policies.tokenizer_set import TokenizerSet
from brownfield.policies.windows import Windows

STILL = AugmentConfig(
    brightness=0, exposure=0, hue=0, any_hue=0, saturation=(1, 1), noise=0
)


def _pictures(count: int) -> torch.Tensor:
    values = np.random.default_rng(0).uniform(-0.6, 0.6, (count, 3, 16, 16))
    pixels = torch.from_numpy(values.astype(np.float32))
    return pixels.contiguous(memory_format=torch.channels_last)


def _augmented(pixels: torch.Tensor, config: AugmentConfig, seed: int = 1):
    changed, after = pixels.clone(), pixels[:2].clone()
    Augment(config)(changed, [after], np.random.default_rng(seed))
    return changed, after


def test_nothing_asked_is_nothing_changed() -> None:
    pixels = _pictures(4)
    changed, after = _augmented(pixels, STILL)
    torch.testing.assert_close(changed, pixels)
    torch.testing.assert_close(after, pixels[:2])


def test_the_picture_that_follows_changes_alike() -> None:
    config = AugmentConfig(noise=0)
    changed, after = _augmented(_pictures(4), config)
    torch.testing.assert_close(after, changed[:2])
    assert (changed - _pictures(4)).abs().mean() > 0.02


def test_hues_turn_around_grey() -> None:
    """Brightness and saturation stay."""
    config = AugmentConfig(
        brightness=0, exposure=0, any_hue=1, saturation=(1, 1), noise=0
    )
    pixels = _pictures(64)
    pixels *= 0.5
    changed, _ = _augmented(pixels, config)
    torch.testing.assert_close(changed.mean(1), pixels.mean(1), rtol=0, atol=1e-5)
    norm = (pixels - pixels.mean(1, keepdim=True)).norm(dim=1)
    turned = (changed - changed.mean(1, keepdim=True)).norm(dim=1)
    torch.testing.assert_close(turned, norm, rtol=0, atol=1e-5)
    assert (changed - pixels).abs().amax((1, 2, 3)).median() > 0.2


def test_pictures_keep_the_hues_that_their_prompts_tell() -> None:
    config = AugmentConfig(
        brightness=0, exposure=0, hue=0, any_hue=1, saturation=(1, 1), noise=0
    )
    pixels = _pictures(8)
    changed = pixels.clone()
    coloured = np.arange(8) < 4
    Augment(config)(changed, [], np.random.default_rng(1), coloured)
    torch.testing.assert_close(changed[:4], pixels[:4])
    assert (changed[4:] - pixels[4:]).abs().mean() > 0.02
    assert tells_colour("take the Red box") and not tells_colour("take the box")


@pytest.mark.parametrize("seed", range(3))
def test_light_scales_from_black(seed: int) -> None:
    config = AugmentConfig(
        brightness=0, exposure=0.3, hue=0, any_hue=0, saturation=(1, 1), noise=0
    )
    pixels = _pictures(8) * 0.4 - 0.5
    changed, _ = _augmented(pixels, config, seed)
    factor = (changed + 1) / (pixels + 1)
    assert factor.flatten(1).std(1).max() < 1e-4
    assert (factor.log().abs() <= 0.3001).all()


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_paraphrases_ask_each_row_for_what_its_prompt_names(
    chance: float, windows: Windows, tokenizer_folder: Path
) -> None:
    examples = tokenize(
        windows,
        TokenizerSet.load(tokenizer_folder),
        64,
        16,
        place_of("g1").paraphrase,
    )
    rows = np.arange(0, len(windows), 5)
    augment = Augment(AugmentConfig(paraphrase=chance))
    batch = examples.batch(rows, 0, augment, np.random.default_rng(0))
    changed = 0
    for row, index in zip(rows, batch.prompt, strict=True):
        prompt = windows.prompts[windows.prompt[row]]
        said = batch.text[index]
        text = bytes(said[said != PAD_BYTE].tolist()).decode()
        assert object_of(text, tuple(NAMED)) == object_of(prompt, tuple(NAMED))
        changed += text != prompt
    assert (changed > len(rows) / 2) if chance else not changed


def test_rows_are_tokenized_alike_however_many_at_once(
    windows: Windows, tokenizer_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizers = TokenizerSet.load(tokenizer_folder)
    whole = tokenize(windows, tokenizers, 64)
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 37)
    parts = tokenize(windows, tokenizers, 64)
    assert len(windows) % 37 and len(windows) > 37
    for name in ("state", "state_ids", "action", "executed"):
        one, other = getattr(whole, name), getattr(parts, name)
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)

"""Laws of looking closely: what is stretched comes back, and ids alone say where."""

import numpy as np
import pytest
import torch

from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_fit import VideoFit
from brownfield.tokenizers.video_fovea import (
    cell_places,
    marked,
    stretch,
    stretched,
    unstretch,
)

GAIN = 2.0
SIZES = VideoConfig(
    frames_per_block=1,
    temporal=False,
    channels=(8, 16),
    levels=(8, 8, 8, 2),
    fovea=GAIN,
)


def smooth(count: int) -> torch.Tensor:
    """Pictures (count, 3, 64, 64) without edges."""
    coarse = torch.rand(count, 3, 10, 10, generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(coarse, size=64, mode="bicubic")


def looks(*cells: tuple[int, int]) -> torch.Tensor:
    close = torch.zeros(1, 8, 8, dtype=torch.bool)
    for row, column in cells:
        close[0, row, column] = True
    return close


def test_nothing_or_everything_matters_and_the_picture_stays() -> None:
    pictures = smooth(2)
    for close in (torch.zeros(2, 8, 8).bool(), torch.ones(2, 8, 8).bool()):
        for how in (stretch, unstretch):
            assert torch.allclose(how(pictures, close, GAIN), pictures, atol=1e-4)


def test_what_matters_gets_more_pixels_and_comes_back_sharper() -> None:
    pictures, close = smooth(1), looks((2, 5))
    # A cell of 8 x 8 pixels, the only light on a dark ground.
    cell = torch.zeros(1, 1, 64, 64)
    cell[..., 16:24, 40:48] = 1
    wide = stretch(cell, close, GAIN)
    assert 3 < wide.sum() / cell.sum() < 5
    back = unstretch(stretch(pictures, close, GAIN), close, GAIN)
    error = (back - pictures).abs().mean(1)[0]
    assert error.mean() < 0.02
    assert error[17:23, 41:47].mean() < 0.5 * error.mean()


def test_a_part_matters_whose_pixels_weigh_more_than_most() -> None:
    weights = torch.ones(1, 4, 64, 64)
    weights[0, 2, 20, 50] = 2.0
    config = VideoConfig(fovea=GAIN, levels=(8, 2))
    assert torch.equal(marked(weights, config), looks((2, 6))[None])
    assert not marked(torch.ones(1, 4, 64, 64), config).any()
    assert not marked(7 * torch.ones(1, 4, 64, 64), config).any()


def test_learns_where_to_look_and_says_it_in_its_ids() -> None:
    rng = np.random.default_rng(0)
    clips = np.full((60, 5, 64, 64, 3), 90, np.uint8)
    clips += rng.integers(0, 8, (60, 1, 1, 1, 3), np.uint8)
    weights = np.ones(clips.shape[:-1], np.float32)
    cells = rng.integers(0, 8, (60, 2))
    for clip, weight, (row, column) in zip(clips, weights, cells, strict=True):
        part = np.s_[:, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        clip[part] = (220, 40, 40)
        weight[part] = 4
    fit = VideoFit(steps=120, batch=8, blocks=2, warm_up=10)
    video = VideoTokenizer.fit(clips[:50], SIZES, weights[:50], fit=fit)
    told = video.encode(clips[50:])[:, 0] // 8**3  # the last digit
    wanted = np.zeros((10, 8, 8), int)
    wanted[np.arange(10), cells[50:, 0], cells[50:, 1]] = 1
    assert (told == wanted).mean() > 0.98
    assert told[wanted > 0].mean() > 0.8


def test_a_fovea_needs_weights_and_a_level_for_its_bit() -> None:
    clips = np.zeros((1, 5, 64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match="a fovea learns from weights"):
        VideoTokenizer.fit(clips, SIZES)
    for fovea, levels in ((2.0, (8, 8)), (-1.0, (8, 2))):
        with pytest.raises(ValueError, match="fovea must be at least 0"):
            VideoConfig(fovea=fovea, levels=levels)


def test_points_and_parts_know_where_they_lie() -> None:
    close = looks((2, 5), (3, 5))
    nothing = looks()
    middles = (torch.arange(8) + 0.5) / 4 - 1
    for places in cell_places(nothing, SIZES.size, GAIN):
        assert torch.allclose(places[0], middles, atol=1e-3)
    rows, columns = cell_places(close, SIZES.size, GAIN)
    grid = torch.stack(
        (columns[0].expand(8, -1), rows[0][:, None].expand(-1, 8)), -1
    ).reshape(-1, 2)
    # A part's middle lies, once stretched, where the part lies on the grid.
    moved = stretched(grid, close.expand(64, -1, -1), SIZES.size, GAIN)
    there = torch.stack(
        (middles.expand(8, -1), middles[:, None].expand(-1, 8)), -1
    ).reshape(-1, 2)
    assert (moved - there).abs().max() < 0.02
    outside = torch.tensor([[2.0, 0.1], [-1.5, -2.0]])
    kept = stretched(outside, close.expand(2, -1, -1), SIZES.size, GAIN)
    assert kept[0, 0] == 2 and torch.equal(kept[1], outside[1])

"""Laws of telling in detail: what is lent comes back, and ids alone say where to."""

import numpy as np
import pytest
import torch

from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_detail import Detail, opened, used
from brownfield.tokenizers.video_fit import VideoFit
from brownfield.tokenizers.video_gaze import looked_at, marked, most_of
from brownfield.tokenizers.video_pixels import to_pixels

SIZES = VideoConfig(
    frames_per_block=1,
    temporal=False,
    channels=(8, 16),
    levels=(8, 8, 8, 8, 2),
    lent=1,
    shares=12,
)
"""Five parts share 64 channels, 12 each."""


def looks(*cells: tuple[int, int]) -> torch.Tensor:
    close = torch.zeros(1, 8, 8, dtype=torch.bool)
    for row, column in cells:
        close[0, row, column] = True
    return close


def told(close: torch.Tensor) -> tuple[Detail, torch.Tensor, torch.Tensor]:
    """A new network, what it is shown, and what it tells (N, 5, 8, 8)."""
    torch.manual_seed(0)
    detail = Detail(SIZES, 3.0, 0.1)
    patches, own = torch.randn(len(close), 48, 16, 16), torch.randn(len(close), 3, 8, 8)
    return detail, patches, detail.tell(patches, own, close)


def test_details_lie_where_they_belong_and_nowhere_else() -> None:
    close = looks((0, 3), (2, 5), (7, 7))
    _, _, latents = told(close)
    assert latents.shape == (1, 5, 8, 8)
    assert torch.equal(looked_at(latents / 20), close)
    codes = torch.tanh(latents)
    whole = opened(codes, SIZES.lent, SIZES.shares)
    assert whole.shape == (1, 3 + 12 + 1, 8, 8)
    assert torch.equal(whole[:, :3], codes[:, :3])
    assert torch.equal(whole[:, -1], codes[:, -1])
    details = whole[0, 3:-1].abs().sum(0) > 0
    assert torch.equal(details, close[0])
    # In the order of rows they fill the lent channel, and the rest of it is empty.
    lent = codes[0, 3].flatten()
    for i, (row, column) in enumerate(((0, 3), (2, 5), (7, 7))):
        assert torch.equal(whole[0, 3:-1, row, column], lent[12 * i : 12 * i + 12])
    assert not lent[36:].any()
    own, parts = used(codes, SIZES.lent, SIZES.shares)
    assert torch.equal(own, codes[:, :3]) and torch.equal(parts.flatten(), lent[:36])


def test_every_part_gets_as_many_of_each_lent_channel() -> None:
    codes = torch.arange(2 * 64.0).view(1, 2, 8, 8) / 128 + 1
    codes = torch.cat((torch.zeros(1, 1, 8, 8), codes, torch.ones(1, 1, 8, 8)), 1)
    parts = used(codes, 2, 5)[1]
    assert parts.shape == (12, 10)
    for i, part in enumerate(parts):
        lent = codes[0, 1:3].flatten(1)[:, 5 * i : 5 * i + 5]
        assert torch.equal(part, lent.flatten())


def test_where_nothing_matters_nothing_is_lent_or_shown() -> None:
    detail, patches, latents = told(looks())
    assert not latents[:, 3].any()
    assert not len(used(latents, SIZES.lent, SIZES.shares)[1])
    assert torch.equal(detail.show(patches, torch.tanh(latents)), patches)
    # Whatever foreign ids hold there.
    foreign = torch.tanh(latents)
    foreign[:, 3] = 0.5
    assert torch.equal(detail.show(patches, foreign), patches)
    assert not opened(foreign, SIZES.lent, SIZES.shares)[:, 3:-1].any()


def test_details_change_their_parts_only() -> None:
    detail, patches, latents = told(looks((2, 5)))
    shown = detail.show(patches, torch.tanh(latents))
    changed = (shown != patches).any(1)[0]
    wanted = torch.zeros(16, 16, dtype=torch.bool)
    wanted[4:6, 10:12] = True
    assert torch.equal(changed, wanted)


def test_without_details_codes_stay() -> None:
    codes = torch.randn(2, 5, 8, 8)
    assert opened(codes, 0, 0) is codes
    assert used(codes, 0, 0)[0] is codes


def test_all_room_is_used_by_the_highest_and_then_the_first() -> None:
    scores = torch.zeros(1, 2, 8, 8) - 1
    scores[0, 0, 4, 4] = scores[0, 0, 5, 5] = scores[0, 0, 7, 0] = 2
    scores[0, 1, 6, 6] = 2
    most = most_of(scores, 3)
    assert torch.equal(most[:, 0], looks((4, 4), (5, 5), (7, 0)))
    assert torch.equal(most[:, 1], looks((0, 0), (0, 1), (6, 6)))


def test_a_part_matters_whose_pixels_weigh_more_than_most() -> None:
    weights = torch.ones(1, 4, 64, 64)
    weights[0, 2, 20, 50] = 2.0
    config = VideoConfig(lent=1, shares=16, levels=(8, 8, 2))
    assert torch.equal(marked(weights, config), looks((2, 6))[None])
    assert not marked(torch.ones(1, 4, 64, 64), config).any()
    assert not marked(7 * torch.ones(1, 4, 64, 64), config).any()
    weights[0, 0, 32:, 32:] = 3.0
    heaviest = marked(weights, config)
    assert heaviest.sum() == 4 and heaviest[0, 0, 4:, 4:].sum() == 4


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
    told = video.encode(clips[50:])[:, 0] // 8**4  # the last digit
    assert (told.sum((1, 2)) == SIZES.detail).all()
    there = told[np.arange(10), cells[50:, 0], cells[50:, 1]]
    assert there.mean() > 0.8
    # What it is sure of is what matters, and nothing else.
    gaze = video.network.gaze
    assert gaze is not None
    with torch.no_grad():
        sure = gaze(to_pixels(torch.from_numpy(clips[50:, :1])))[:, 0] > 0
    wanted = torch.zeros(10, 8, 8, dtype=torch.bool)
    wanted[torch.arange(10), cells[50:, 0], cells[50:, 1]] = True
    assert (sure == wanted).float().mean() > 0.98
    assert sure[wanted].float().mean() > 0.8


def test_details_need_weights_room_and_a_level_for_their_bit() -> None:
    clips = np.zeros((1, 5, 64, 64, 3), np.uint8)
    with pytest.raises(ValueError, match="told of what weights say"):
        VideoTokenizer.fit(clips, SIZES)
    for lent, shares in ((1, 0), (0, 12), (-1, 12), (4, 12), (1, 65)):
        with pytest.raises(ValueError, match="leave some of the 4 channels and shares"):
            VideoConfig(levels=SIZES.levels, lent=lent, shares=shares)
    for levels in ((8, 8, 8), (8, 8, 5, 3)):
        with pytest.raises(ValueError, match="with details the last level is 2"):
            VideoConfig(levels=levels, lent=len(levels) - 2, shares=12)

"""Laws of codes that tell what is where."""

from typing import Any

import numpy as np
import pytest
import torch

from brownfield.tokenizers import video_fit
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_fit import VideoFit, head_loss
from brownfield.tokenizers.video_pixels import to_pixels
from brownfield.tokenizers.video_segments import SegmentHead

torch.set_num_threads(1)
TINY: dict[str, Any] = {"size": (16, 16), "channels": (8, 16), "blocks": (0, 1)}
FINE: dict[str, Any] = {
    **TINY,
    "channels": (8, 8),
    "frames_per_block": 1,
    "patch": 1,
    "strides": (1, 1),
}


def hidden(count: int, length: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Clips (count, length, 16, 16, 3) of strong noise in red and green, and segments
    of a square in them that is a little bluer than the rest."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 2, (count, length, 4, 4, 3)) * 120 + 60
    clips = noise.repeat(4, 2).repeat(4, 3)
    segments = np.zeros((count, length, 16, 16), np.uint8)
    for clip in range(count):
        y, x = 8 * rng.integers(0, 2, 2)
        segments[clip, :, y : y + 8, x : x + 8] = 1
    clips[..., 2] = 100 + 40 * segments
    return clips.astype(np.uint8), segments


@pytest.mark.parametrize(
    "sizes",
    [
        VideoConfig(**TINY, frames_per_block=1),
        VideoConfig(**TINY, levels=(8, 8, 8, 2), lent=1, shares=2),
        VideoConfig(**FINE),
    ],
)
def test_what_is_read_has_the_shape_of_what_is_there(sizes: VideoConfig) -> None:
    head = SegmentHead(sizes, 3)
    h, w = sizes.grid
    codes = torch.zeros(5, len(sizes.levels), h, w)
    told = head(codes)
    k, quarters = sizes.frames_per_block, head.quarters
    assert told.shape == (5, k, 3, h * quarters, w * quarters)
    segments = torch.zeros(5, k, 16, 16, dtype=torch.int64)
    even = torch.ones(5, k, 16, 16)
    # Who says nothing says each of three classes alike.
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    loss = float(head.loss(codes, segments, even).detach())
    assert loss == pytest.approx(np.log(3))


def test_every_frame_of_a_block_and_every_quarter_has_its_own_answer() -> None:
    head = SegmentHead(VideoConfig(**TINY), 2)
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    last = head.layers[-1]
    assert isinstance(last, torch.nn.Conv2d) and last.bias is not None
    # Of channels (k, K, Q, Q): the third frame shows class 1 above left in every part.
    with torch.no_grad():
        last.bias.view(4, 2, 2, 2)[:, 0] = 20
        last.bias.view(4, 2, 2, 2)[2, :, 0, 0] = torch.tensor([0.0, 20])
    segments = torch.zeros(1, 4, 16, 16, dtype=torch.int64)
    codes, even = torch.zeros(1, 4, 2, 2), torch.ones(1, 4, 16, 16)
    with torch.no_grad():
        assert head.loss(codes, segments, even) > 0.5
        for y in (0, 8):
            for x in (0, 8):
                segments[:, 2, y : y + 4, x : x + 4] = 1
        assert head.loss(codes, segments, even) < 1e-6


def test_pixels_that_weigh_more_teach_more() -> None:
    head = SegmentHead(VideoConfig(**TINY, frames_per_block=1), 2)
    last = head.layers[-1]
    assert isinstance(last, torch.nn.Conv2d) and last.bias is not None
    for parameter in head.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():  # says class 0 everywhere
        last.bias.view(2, 4)[0] = 3
    codes, segments = torch.randn(2, 3, 4, 2, 2), torch.zeros(2, 3, 16, 16).byte()
    segments[..., :4, :4] = 1
    heavy = torch.ones(2, 3, 16, 16)
    heavy[..., :4, :4] = 50
    alike = head_loss(head, codes, segments, None)
    assert head_loss(head, codes, segments, heavy) > 2 * alike
    torch.testing.assert_close(head_loss(head, codes, segments, heavy * 0 + 3), alike)


def test_a_first_frame_is_the_whole_first_block() -> None:
    head = SegmentHead(VideoConfig(**TINY), 2)
    codes = torch.randn(1, 2, 4, 2, 2)
    segments = torch.randint(0, 2, (1, 5, 16, 16), dtype=torch.uint8)
    there = segments[0, [0, 0, 0, 0, 1, 2, 3, 4]].view(2, 4, 16, 16).long()
    torch.testing.assert_close(
        head_loss(head, codes, segments, None),
        head.loss(codes[0], there, torch.ones(2, 4, 16, 16)),
    )


def test_segments_stay_with_their_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    segments = rng.integers(0, 2, (3, 9, 16, 16), np.uint8)
    clips = np.repeat(200 * segments[..., None], 3, -1)
    seen, kept = [], video_fit.head_loss

    def spy(head: Any, codes: Any, classes: Any, maps: Any) -> Any:
        seen[-1] = torch.equal(classes > 0, seen[-1])
        return kept(head, codes, classes, maps)

    def pixels(frames: torch.Tensor) -> torch.Tensor:
        seen.append(frames[..., 0] > 0)
        return to_pixels(frames)

    monkeypatch.setattr(video_fit, "head_loss", spy)
    monkeypatch.setattr(video_fit, "to_pixels", pixels)
    fit = VideoFit(steps=8, batch=2, blocks=1, telling=0.1)
    VideoTokenizer.fit(clips, VideoConfig(**TINY), fit=fit, segments=segments)
    assert seen == [True] * 8


def read_by_another(video: VideoTokenizer, seed: int) -> float:
    """What a head that knew no tokenizer misses in codes of clips it never saw."""
    (clips, there), (others, wanted) = hidden(512, 1, seed), hidden(128, 1, seed + 1)
    torch.manual_seed(0)
    head = SegmentHead(video.config, 2)
    codes = [video.network.codes(torch.from_numpy(video.encode(x)))
             for x in (clips, others)]  # fmt: skip
    adam = torch.optim.Adam(head.parameters(), 1e-2)
    for _ in range(80):
        adam.zero_grad()
        head_loss(head, codes[0], torch.from_numpy(there), None).backward()
        adam.step()
    with torch.no_grad():
        return float(head_loss(head, codes[1], torch.from_numpy(wanted), None))


def test_codes_that_had_to_tell_it_tell_what_pictures_leave_out() -> None:
    sizes = VideoConfig(**TINY, frames_per_block=1, levels=(3, 3, 3))
    clips, segments = hidden(512, 1, 0)
    missed = {}
    for telling in (0.0, 1.0):
        fit = VideoFit(steps=60, batch=16, warm_up=10, rate=1e-2, telling=telling)
        video = VideoTokenizer.fit(clips, sizes, fit=fit, segments=segments)
        missed[telling] = read_by_another(video, 10)
    # Who knows nothing misses log(4) / 4 + 3 log(4 / 3) / 4 = 0.56.
    assert missed[1.0] < 0.1 < 0.4 < missed[0.0]


def test_the_head_is_not_kept_and_pictures_alone_need_no_segments() -> None:
    sizes = VideoConfig(**TINY, frames_per_block=1)
    clips, segments = hidden(4, 2, 0)
    fits = [
        VideoTokenizer.fit(clips, sizes, fit=VideoFit(steps=2, telling=t), segments=s)
        for t, s in ((0.0, None), (0.0, segments), (0.5, segments), (0.5, segments))
    ]
    plain, same, told, again = (video.network.state_dict() for video in fits)
    assert (
        plain.keys() == told.keys() == VideoTokenizer(sizes).network.state_dict().keys()
    )
    assert all(torch.equal(plain[name], same[name]) for name in plain)
    assert all(torch.equal(told[name], again[name]) for name in told)
    assert not all(torch.equal(plain[name], told[name]) for name in plain)


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        (None, "got none: give some"),
        (np.zeros((4, 2, 16, 16), np.uint8), "the rest, alone"),
        (np.zeros((3, 2, 16, 16), np.uint8), "segments of 4 clips, got 3"),
        (np.zeros((4, 2, 8, 8), np.uint8), r"clip 0: .*\(2, 16, 16\).*\(2, 8, 8\)"),
        (np.zeros((4, 2, 16, 16)), "clip 0: expected uint8.*float64"),
    ],
)
def test_segments_that_do_not_fit_are_named(segments: Any, message: str) -> None:
    clips, _ = hidden(4, 2, 0)
    fit = VideoFit(steps=1, telling=0.1)
    with pytest.raises(ValueError, match=message):
        VideoTokenizer.fit(
            clips, VideoConfig(**TINY, frames_per_block=1), fit=fit, segments=segments
        )


@pytest.mark.parametrize("telling", [-0.1, float("nan"), float("inf")])
def test_a_weight_that_means_nothing_is_refused(telling: float) -> None:
    with pytest.raises(ValueError, match="telling must be finite and at least 0"):
        VideoFit(telling=telling)

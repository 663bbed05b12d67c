"""Laws of fitting the video tokenizer: no collapse, seeds, budgets, weights."""

import time
from typing import Any

import numpy as np
import pytest
import torch

from brownfield.tokenizers import video_fit
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import VideoConfig, video_preset
from brownfield.tokenizers.video_fit import FitStep, VideoFit
from brownfield.tokenizers.video_loss import spread_loss
from brownfield.tokenizers.video_usage import id_entropy_bits, saturation, used_codes

torch.set_num_threads(1)
TINY: dict[str, Any] = {"size": (16, 16), "channels": (8, 8), "blocks": (0, 1)}


def blobs(count: int, length: int, seed: int) -> np.ndarray:
    """Clips (count, length, 64, 64, 3): three soft blobs move and bounce."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    clips = np.empty((count, length, 64, 64, 3), np.uint8)
    for clip in clips:
        low, high = rng.uniform(40, 160, (2, 3))
        ground = low + (high - low) * (y[..., None] / 64)
        start, speed = rng.uniform(12, 52, (3, 2)), rng.uniform(-2, 2, (3, 2))
        colour, radius = rng.uniform(0, 255, (3, 3)), rng.uniform(4, 9, 3)
        for t, frame in enumerate(clip):
            picture = ground
            for i in range(3):
                at = np.abs((start[i] + speed[i] * t - 4) % 112 - 56) + 4
                far = np.hypot(y - at[0], x - at[1]) - radius[i]
                inside = 1 / (1 + np.exp(2 * far))[..., None]
                picture = picture + (colour[i] - picture) * inside
            frame[:] = picture.clip(0, 255)
    return clips


def psnr_db(first: np.ndarray, second: np.ndarray) -> float:
    error = first.astype(float) - second
    return float(10 * np.log10(255**2 / np.mean(error**2)))


@pytest.mark.parametrize(("k", "blocks"), [(1, 5), (4, 3)])
def test_a_short_fit_does_not_collapse(k: int, blocks: int) -> None:
    clips, held_out = blobs(24, 13, 0), blobs(4, 33, 1)
    video = VideoTokenizer.fit(
        clips,
        video_preset("pico", frames_per_block=k),
        fit=VideoFit(steps=100, batch=4, blocks=blocks, warm_up=20),
    )
    ids = video.encode(held_out)
    decoded = video.decode(ids)
    # A collapse leaves less than 1 bit; 50 updates without the spread loss, 2.8.
    assert id_entropy_bits(ids) > 4.5
    assert used_codes(ids) > 80
    assert (saturation(ids, video.config.levels) < 0.75).all()
    mean = held_out.mean((1, 2, 3), keepdims=True)
    assert psnr_db(decoded, held_out) > psnr_db(mean, held_out) + 0.3
    # A stream does not wear out: clips of a fit had 13 frames, this one has 33.
    early, late = (
        psnr_db(decoded[:, part], held_out[:, part])
        for part in (slice(0, 13), slice(20, 33))
    )
    assert late > early - 1


def test_a_network_without_a_wide_matrix_is_fitted_too() -> None:
    narrow = VideoConfig(frames_per_block=1, patch=1, strides=(2, 2), **TINY)
    clips = blobs(2, 5, 0)[:, :, 20:36, 20:36]
    fits = [VideoFit(steps=steps, batch=2) for steps in (1, 9)]
    one, more = (VideoTokenizer.fit(clips, narrow, fit=fit) for fit in fits)
    for first, last in zip(
        one.network.parameters(), more.network.parameters(), strict=True
    ):
        assert min(first.flatten(1).shape if first.ndim > 1 else (1,)) < 16
        assert not torch.equal(first, last)


@pytest.mark.parametrize("k", [1, 4])
def test_the_seed_decides_the_bytes(k: int) -> None:
    config = VideoConfig(frames_per_block=k, **TINY)
    clips = blobs(3, 9, 0)[:, :, 20:36, 20:36]
    torch.manual_seed(1)
    outside = torch.rand(3)
    torch.manual_seed(1)
    fits = [VideoFit(steps=3, batch=2, seed=seed) for seed in (0, 0, 1)]
    first, again, other = (
        VideoTokenizer.fit(clips, config, fit=fit).network.state_dict() for fit in fits
    )
    assert torch.equal(torch.rand(3), outside)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize(
    ("able", "halves"),
    [({}, False), ({"avx512_bf16": True}, True), ({"amx_bf16": True}, True)],
)
def test_half_precision_is_for_processors_that_calculate_in_it(
    able: dict[str, bool], halves: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: able)
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    assert VideoFit().halves(cpu) is halves
    assert VideoFit().halves(gpu)
    for device in (cpu, gpu):
        assert VideoFit(precision="bfloat16").halves(device)
        assert not VideoFit(precision="float32").halves(device)


def test_half_precision_fits_as_well() -> None:
    clips, held_out = blobs(8, 5, 0)[:, :, 20:36, 20:36], blobs(2, 5, 1)
    held_out = held_out[:, :, 20:36, 20:36]
    config, found = VideoConfig(**TINY), {}
    for precision in ("float32", "bfloat16"):
        fit = VideoFit(steps=60, batch=4, warm_up=10, precision=precision)
        video = VideoTokenizer.fit(clips, config, fit=fit)
        state = video.network.state_dict()
        assert all(value.dtype == torch.float32 for value in state.values())
        found[precision] = psnr_db(video.decode(video.encode(held_out)), held_out)
    assert found["float32"] != found["bfloat16"]
    assert abs(found["float32"] - found["bfloat16"]) < 0.5


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ValueError, match="precision must be one of auto, float32"):
        VideoFit(precision="int4")


def test_seconds_end_a_fit_and_clips_may_differ_in_length() -> None:
    config = VideoConfig(**TINY)
    whole = blobs(2, 9, 0)[:, :, 20:36, 20:36]
    seen: list[FitStep] = []
    before = time.perf_counter()
    video = VideoTokenizer.fit(
        [whole[0], whole[1, :6], whole[1, :1]],
        config,
        [np.ones((n, 16, 16)) for n in (9, 6, 1)],
        fit=VideoFit(steps=None, seconds=0.3, batch=2),
        report=seen.append,
    )
    assert time.perf_counter() - before > 0.3
    assert [step.number for step in seen] == list(range(1, len(seen) + 1)) and seen
    assert all(np.isfinite(step.loss) for step in seen)
    assert seen[-1].progress >= 1 > seen[0].progress
    assert all(step.ids.shape[2:] == (2, 2) for step in seen)
    assert video.encode(whole).shape == (2, 3, 2, 2)


def test_weights_buy_quality_where_they_lie() -> None:
    rng = np.random.default_rng(0)
    clips = rng.integers(0, 256, (16, 1, 2, 2, 3)).repeat(8, 2).repeat(8, 3)
    clips = clips.astype(np.uint8)
    config = VideoConfig(frames_per_block=1, **{**TINY, "levels": (5, 5)})
    found = []
    for columns in (slice(0, 8), slice(8, 16)):
        weights = np.full(clips.shape[:4], 0.01)
        weights[..., columns] = 1.0
        fit = VideoFit(steps=80, batch=8, warm_up=10, rate=5e-3)
        video = VideoTokenizer.fit(clips, config, weights, fit=fit)
        decoded = video.decode(video.encode(clips))
        halves = slice(0, 8), slice(8, 16)
        found.append([psnr_db(decoded[..., h, :], clips[..., h, :]) for h in halves])
    assert found[0][0] > found[1][0] and found[1][1] > found[0][1]


def test_spread_is_least_where_levels_are_used_alike() -> None:
    even = torch.atanh(torch.linspace(-0.999, 0.999, 1000)).reshape(10, 1, 10, 10)
    best = spread_loss(even)
    assert best < 0.01
    for worse in (even + 1, even * 3, even * 0):
        assert spread_loss(worse) > best + 0.5
        # Those of details count as much.
        assert spread_loss(even, worse.reshape(100, 10)) > best + 0.4
    assert spread_loss(even, even.reshape(100, 10)) < 0.02
    assert spread_loss(even, even.new_zeros(0, 10)) == best


def test_a_fit_that_diverges_is_an_error() -> None:
    clips = blobs(2, 5, 0)[:, :, 20:36, 20:36]
    fit = VideoFit(steps=300, batch=2, warm_up=1, rate=1e30)
    with pytest.raises(FloatingPointError, match="lower rate"):
        VideoTokenizer.fit(clips, VideoConfig(**TINY), fit=fit)


def test_goes_on_from_what_another_knew() -> None:
    sizes = VideoConfig(**TINY, levels=(8, 8, 8, 2), lent=1, shares=2)
    known = VideoTokenizer(sizes)
    frozen = VideoFit(steps=1, rate=1e-9, warm_up=1)
    clips = np.zeros((2, 5, *sizes.size, 3), np.uint8)
    same = VideoTokenizer.fit(clips, fit=frozen, init=known)
    assert same is not known and same.config == sizes
    for a, b in zip(same.network.parameters(), known.network.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="expected the sizes"):
        VideoTokenizer.fit(clips, VideoConfig(**TINY), init=known)


@pytest.mark.parametrize("mirror", [True, False])
def test_half_of_the_windows_are_in_a_mirror(
    mirror: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = np.zeros((5, 16, 16, 3), np.uint8)
    clip[:, :, :5] = 255
    weight = np.ones((5, 16, 16), np.float32)
    weight[:, :, :5] = 9
    seen, kept = [], video_fit.window_loss

    def spy(network: Any, pixels: Any, each: Any, spread: float, maps: Any) -> Any:
        seen.extend(zip(pixels[:, 0, 0, 0], maps[:, 0, 0], strict=True))
        return kept(network, pixels, each, spread, maps)

    monkeypatch.setattr(video_fit, "window_loss", spy)
    fit = VideoFit(steps=10, mirror=mirror)
    VideoTokenizer.fit([clip], VideoConfig(**TINY), [weight], fit=fit)
    left = [bool(row[0] > 0) for row, _ in seen]
    assert sum(left) == 40 if not mirror else 10 < sum(left) < 30
    for row, heavy in seen:
        assert torch.equal(row > 0, heavy > 1) and (row > 0).sum() == 5

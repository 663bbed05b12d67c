"""Errors by part, and codecs that they are compared with."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from brownfield.policies.video_clips import VideoClips
from brownfield.policies.video_codecs import CODECS
from brownfield.policies.video_quality import (
    ALL,
    MOVED,
    Errors,
    copied,
    errors_of,
    legal,
    moving,
)
from brownfield.robot.video_file import rgb_to_yuv, yuv_to_rgb

sys.path.insert(0, str(Path(__file__).parents[1] / "robot"))
synthetic = importlib.import_module("synthetic_episodes")


def _clip(length: int, seed: int = 0) -> np.ndarray:
    """A square on a smooth ground, which moves two pixels a frame."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:32, :32]
    ground = 80 + 2 * x + y + rng.uniform(0, 20)
    frames = np.repeat(ground[None, :, :, None], length, 0).repeat(3, 3)
    for t in range(length):
        at = 2 * t % 24
        frames[t, 8:14, at : at + 6] = [250, 20, 20]
    return frames.astype(np.uint8)


def _clips(length: int) -> VideoClips:
    frames = [_clip(length, seed) for seed in range(2)]
    segments = [(clip[..., 1] == 20).astype(np.uint8) for clip in frames]
    return VideoClips(frames=frames, segments=segments, names=("rest", "square"), hz=5)


def test_an_error_counts_where_it_is() -> None:
    clips = _clips(5)

    def without_square(frames: np.ndarray) -> np.ndarray:
        gone = frames.copy()
        gone[(frames[..., 1] == 20)] = 100
        return gone

    found = errors_of(without_square, clips).psnr_db
    assert found["square"] < 10 and found["rest"] == 100
    assert found["square"] == pytest.approx(found["things"])
    square = 6 * 6 / 32**2
    assert found[ALL] == pytest.approx(found["square"] - 10 * np.log10(square), abs=0.1)


def test_nothing_moves_in_a_first_frame() -> None:
    moved = moving(_clip(4))
    assert not moved[0].any() and moved[1:].any((1, 2)).all()
    assert not moving(np.repeat(_clip(1), 4, 0)).any()


def test_parts_without_a_pixel_are_left_out() -> None:
    errors = Errors(("ghost",))
    still = np.repeat(_clip(1), 3, 0)
    errors.add(still, still, np.zeros(still.shape[:3], np.uint8))
    assert set(errors.psnr_db) == {ALL, "rest"}
    assert MOVED in errors.parts


@pytest.mark.parametrize(("period", "shown"), [(1, [0, 0, 1, 2, 3]), (4, [0] * 5)])
def test_the_copy_shows_what_was_before_the_block(
    period: int, shown: list[int]
) -> None:
    frames = _clip(5)
    np.testing.assert_array_equal(copied(period)(frames), frames[shown])


def test_clips_are_cut_to_whole_blocks() -> None:
    frames = [_clip(n) for n in (3, 5, 8, 9)]
    clips = VideoClips(frames=frames, segments=None, names=(), hz=5)
    assert [len(clip) for clip in legal(clips, 4).frames] == [5, 5, 9]
    assert [len(clip) for clip in legal(clips, 1).frames] == [3, 5, 8, 9]
    with pytest.raises(ValueError, match="more than 4 frames"):
        legal(clips.where([True, False, False, False]), 4)


@pytest.mark.parametrize("name", list(CODECS))
def test_more_bits_are_a_better_picture(name: str) -> None:
    codec, qualities = CODECS[name]
    frames = synthetic.texture(np.random.default_rng(0), 12, 32, 32)
    bits, errors = [], []
    for quality in (qualities[0], qualities[3], qualities[-1]):
        coded = codec(frames, quality)
        assert coded.frames.shape == frames.shape and coded.frames.dtype == np.uint8
        bits.append(coded.bits)
        errors.append(np.mean((coded.frames.astype(float) - frames) ** 2))
    assert 0 < bits[0] < bits[1] < bits[2]
    assert errors[0] > errors[1] > errors[2]
    # The best quality has order and colours right, those of 4:2:0 as far as it can.
    halved = yuv_to_rgb(*rgb_to_yuv(frames)).astype(float)
    floor = np.mean((halved - frames) ** 2) if "4:2:0" in name else 0
    assert errors[2] < floor + 20

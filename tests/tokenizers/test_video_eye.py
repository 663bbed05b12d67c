"""Laws of the causal video tokenizer as a policy's eye."""

from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch

from brownfield.tokenizers.frame_tokenizers import load_frame_tokenizer
from brownfield.tokenizers.fsq import FSQ
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import VideoConfig, video_preset
from brownfield.tokenizers.video_eye import VideoEye
from brownfield.tokenizers.video_fsq import VideoFSQ
from brownfield.tokenizers.video_loss import codes_spread_loss

SMALL = video_preset("eye", size=(16, 16), channels=(8, 8), blocks=(0, 1), shares=2)


@pytest.fixture(scope="module")
def eye() -> VideoEye:
    torch.manual_seed(0)
    return VideoEye(SMALL).eval()


def _frames(count: int, length: int = 1) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, length, 16, 16, 3), dtype=np.uint8)


def _pixels(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames[:, 0]).permute(0, 3, 1, 2).float() / 127.5 - 1


def test_codes_are_those_of_the_ids(eye: VideoEye) -> None:
    frames = _frames(5)
    with torch.no_grad():
        codes, ids = eye.encode_codes(_pixels(frames))
        pixels = eye.reconstruct(codes)
    assert codes.shape == (5, len(SMALL.levels), 2, 2) and ids.shape == (5, 2, 2)
    np.testing.assert_array_equal(ids.numpy(), eye.encode(frames)[:, 0])
    shown = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    error = (
        shown.permute(0, 2, 3, 1).numpy().astype(int) - eye.decode(ids[:, None])[:, 0]
    )
    assert np.abs(error).max() <= 1
    assert eye.vocab_size == prod(SMALL.levels) and eye.grid == 2


def test_frames_do_not_know_of_each_other(eye: VideoEye) -> None:
    frames = _frames(2, 6)
    whole = eye.encode(frames)
    turned = eye.encode(frames[:, ::-1])
    np.testing.assert_array_equal(whole, turned[:, ::-1])
    state = eye.init_state(2)
    for t in range(6):
        ids, state = eye.encode_step(frames[:, t : t + 1], state)
        np.testing.assert_array_equal(ids, whole[:, t])


def test_it_is_kept_as_a_video_tokenizer(eye: VideoEye, tmp_path: Path) -> None:
    eye.save(tmp_path / "eye")
    frames = _frames(3)
    for loaded in (
        VideoTokenizer.load(tmp_path / "eye"),
        load_frame_tokenizer(tmp_path / "eye"),
    ):
        np.testing.assert_array_equal(loaded.encode(frames), eye.encode(frames))
    VideoFSQ().save(tmp_path / "fsq")
    assert isinstance(load_frame_tokenizer(tmp_path / "fsq"), VideoFSQ)


def test_gradients_reach_the_encoder_and_weights_count(eye: VideoEye) -> None:
    pixels = _pixels(_frames(4))
    codes, _ = eye.encode_codes(pixels)
    weight = torch.ones(4, 16, 16)
    plain, even = (eye.reconstruct_loss(codes, pixels, w) for w in (None, 7 * weight))
    torch.testing.assert_close(plain, even)
    weight[:, :8] = 9
    assert not torch.isclose(eye.reconstruct_loss(codes, pixels, weight), plain)
    plain.backward()
    first = next(iter(eye.network.encoder.parameters()))
    assert first.grad is not None and first.grad.abs().sum() > 0
    with pytest.raises(ValueError, match="expected weight"):
        eye.reconstruct_loss(codes, pixels, weight[:2])


@pytest.mark.parametrize("level", [2, 3, 8, 32])
def test_even_codes_spread_least(level: int) -> None:
    def loss(digits: torch.Tensor) -> float:
        codes = quantiser.codes(digits + level * digits.roll(1, 1))
        return float(codes_spread_loss(quantiser.evened(codes).movedim(-1, 1)))

    quantiser = FSQ((level, level), symmetric=True)
    even = torch.randint(level, (4, 64, 64))
    assert loss(even) < 0.01
    assert loss(torch.zeros_like(even)) > 0.3
    assert loss(even // 2) > 0.1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (VideoConfig(), "no past"),
        (video_preset("eye", frames_per_block=4), "no past"),
        (video_preset("eye", size=(16, 32)), "square"),
    ],
)
def test_refuses_what_is_no_eye(config: VideoConfig, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VideoEye(config)

"""The parts of the video tokenizer: Haar, FSQ beside its peer, presets, usage."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from brownfield.tokenizers.fsq import FSQ
from brownfield.tokenizers.video_config import PRESETS, VideoConfig, video_preset
from brownfield.tokenizers.video_haar import haar, unhaar
from brownfield.tokenizers.video_loss import pixel_weights, reconstruction_loss
from brownfield.tokenizers.video_network import VideoNetwork
from brownfield.tokenizers.video_pixels import drop_lead, lead_in, to_frames, to_pixels
from brownfield.tokenizers.video_usage import (
    digit_entropy_bits,
    id_entropy_bits,
    saturation,
    used_codes,
)

torch.set_num_threads(1)


@pytest.mark.parametrize(("frames", "pixels"), [(1, 1), (1, 4), (4, 2), (4, 4), (2, 8)])
def test_haar_is_undone_and_keeps_means(frames: int, pixels: int) -> None:
    torch.manual_seed(0)
    video = torch.rand(2, 8, 3, 16, 24) * 2 - 1
    patches = haar(video, frames, pixels)
    sizes = (8 // frames, 3 * frames * pixels**2, 16 // pixels, 24 // pixels)
    assert patches.shape == (2, *sizes)
    assert (unhaar(patches, frames, pixels) - video).abs().max() < 1e-5
    cut = video.unflatten(1, (-1, frames)).unflatten(4, (-1, pixels))
    cut = cut.unflatten(6, (-1, pixels))  # (B, T, k, 3, H, p, W, p)
    torch.testing.assert_close(patches[:, :, :3], cut.mean((2, 5, 7)))
    assert patches.abs().max() <= 1


def test_haar_of_a_still_picture_has_no_time() -> None:
    still = torch.rand(1, 1, 3, 8, 8).expand(1, 4, 3, 8, 8)
    patches = haar(still, 4, 2)
    alone = haar(still[:, :1], 1, 2)
    torch.testing.assert_close(patches.square().sum(), alone.square().sum())


# The peer counts ids in floats.
@pytest.mark.parametrize(
    "levels", [config.without_detail.levels[:8] for config in PRESETS.values()]
)
@pytest.mark.parametrize("symmetric", [True, False])
def test_fsq_says_the_ids_of_its_peer(levels: tuple[int, ...], symmetric: bool) -> None:
    peer: Any = pytest.importorskip(
        "vector_quantize_pytorch", reason="the extra `peers` is not installed"
    )
    torch.manual_seed(0)
    if not symmetric:  # the peer has no such channels of two levels
        levels = tuple(level for level in levels if level > 2)
    theirs = peer.FSQ(list(levels), preserve_symmetry=symmetric)
    ours = FSQ(levels, symmetric=symmetric)
    for scale in (0.1, 1.0, 3.0, 30.0):
        z = torch.randn(1, 20_000, len(levels)) * scale
        codes, ids = ours(z)
        expected_codes, expected = theirs(z)
        assert torch.equal(ids, expected.long())
        torch.testing.assert_close(codes, expected_codes)
    every = torch.arange(math.prod(levels))
    torch.testing.assert_close(ours.codes(every), theirs.indices_to_codes(every))


@pytest.mark.parametrize("frames_per_block", [1, 4])
@pytest.mark.parametrize(
    ("name", "ids", "millions"),
    [
        # What tells it where to look reads whole blocks of frames.
        ("eye", 8 * 8, {1: 0.960, 4: 2.56}),
        ("pico", 8 * 8, 0.6),
        ("nano", 8 * 8, {1: 2.80, 4: 4.48}),
        ("nano-hq", 16 * 16, 0.5),
        ("small", 32 * 32, 24.6),
        ("cosmos", 32 * 32, 90.5),
    ],
)
def test_presets_have_their_sizes(
    name: str,
    ids: int,
    millions: float | dict[int, float],
    frames_per_block: int,
) -> None:
    config = video_preset(name, frames_per_block=frames_per_block)
    with torch.device("meta"):
        network = VideoNetwork(config)
        pixels = torch.empty(2, 3 * frames_per_block, 3, *config.size)
        latents, past = network.encode_latents(pixels)
        again, _ = network.encode_latents(pixels, past)
        shown, _ = network.decode_codes(latents)
        count = sum(p.numel() for p in network.parameters()) / 1e6
        start = network.start(network.encoder, 2)
    assert latents.shape == again.shape == (2, 3, len(config.levels), *config.grid)
    assert math.prod(config.grid) == ids and shown.shape == pixels.shape
    assert [p.shape for p in start.past] == [p.shape for p in past.past]
    if isinstance(millions, dict):
        millions = millions[frames_per_block]
    assert count == pytest.approx(millions, rel=0.1)


def test_a_third_stage_and_a_flat_first_one_fit_together() -> None:
    config = VideoConfig(
        size=(32, 64),
        frames_per_block=1,
        patch=2,
        channels=(8, 16, 64),
        blocks=(0, 1, 1),
        strides=(2, 1, 4),
        attention=True,
    )
    assert config.shrink == 16 and config.grid == (2, 4)
    network = VideoNetwork(config)
    codes, ids = network.encode_codes(torch.rand(2, 3, 3, 32, 64))
    assert ids.shape == (2, 3, 2, 4)
    shown, past = network.decode_codes(codes)
    assert shown.shape == (2, 3, 3, 32, 64)
    start = network.start(network.decoder, 2)
    assert [p.shape for p in start.past] == [p.shape for p in past.past]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames_per_block": 2}, "must be 1 or 4, got 2"),
        ({"patch": 3}, "patch must be one of"),
        ({"channels": (8,)}, "the same stages"),
        ({"channels": (0, 8)}, "at least 1"),
        ({"blocks": (-1, 2)}, "at least 0"),
        ({"attention": True}, "multiple of 64, got 96"),
        ({"size": (64, 60)}, "multiples of patch"),
    ],
)
def test_refuses_sizes_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        video_preset("pico", **changes)
    with pytest.raises(ValueError, match=r"unknown preset 'tiny'.*nano-hq.*pico"):
        video_preset("tiny")


def test_pixels_and_frames_are_inverse() -> None:
    frames = torch.arange(256, dtype=torch.uint8).expand(3, 2, 5, 256).movedim(0, -1)
    frames = frames[None]
    pixels = to_pixels(frames)
    assert pixels.shape == (1, 2, 3, 5, 256) and pixels.abs().max() == 1
    assert torch.equal(to_frames(pixels), frames)
    loud = to_frames(pixels * 9)
    assert (loud[frames < 100] == 0).all() and (loud[frames > 155] == 255).all()
    assert torch.equal(drop_lead(lead_in(pixels, 4), 4), pixels)
    assert lead_in(pixels, 4).shape[1] == 5 and lead_in(pixels, 1).shape[1] == 2


def test_weights_say_where_errors_count() -> None:
    torch.manual_seed(0)
    pixels, decoded = torch.rand(2, 2, 3, 3, 8, 8) * 2 - 1
    plain = pixel_weights(pixels, motion=0.0)
    even = pixel_weights(pixels, torch.full((2, 3, 8, 8), 7.0), motion=0.0)
    torch.testing.assert_close(plain, even)
    inside = torch.zeros(2, 3, 8, 8)
    inside[..., 2:4, 2:6] = 1.0
    weights = pixel_weights(pixels, inside, motion=0.0)
    worse = decoded.clone()
    worse[..., 5:, :] += 1.0
    near, far = (reconstruction_loss(d, pixels, weights) for d in (decoded, worse))
    torch.testing.assert_close(near, far)
    assert reconstruction_loss(worse, pixels, plain) > near


def test_what_moves_counts_more() -> None:
    pixels = torch.zeros(1, 3, 3, 8, 8)
    pixels[:, 2, 1, 4, 4] = 0.5
    weights = pixel_weights(pixels, motion=2.0)
    torch.testing.assert_close(weights.mean((2, 3)), torch.ones(1, 3))
    torch.testing.assert_close(
        weights[0, 2, 4, 4] / weights[0, 2, 0, 0], torch.tensor(3.0)
    )
    assert (weights[:, :2] == 1).all()
    assert torch.equal(pixel_weights(pixels[:, :1]), torch.ones(1, 1, 8, 8))


def test_usage_tells_a_collapse() -> None:
    levels = (8, 5)
    even, one = np.arange(40).repeat(3), np.full(90, 17)
    assert id_entropy_bits(even) == pytest.approx(math.log2(40))
    assert id_entropy_bits(one) == 0 and used_codes(one) == 1
    assert used_codes(even) == 40
    # Coded one by one, channels cost what they say together, if they say all of it.
    assert digit_entropy_bits(even, levels) == pytest.approx(math.log2(40))
    assert digit_entropy_bits(one, levels) == 0
    alike = np.arange(5) * 9  # the second channel repeats the first
    assert digit_entropy_bits(alike, levels) == pytest.approx(2 * math.log2(5))
    np.testing.assert_allclose(saturation(even, levels), [2 / 8, 2 / 5])
    corners = np.array([0, 7, 32, 39]).reshape(2, 2)
    np.testing.assert_allclose(saturation(corners, levels), [1, 1])
    np.testing.assert_allclose(saturation(one, levels), [0, 0])
    with pytest.raises(ValueError, match=r"ids must be in \[0, 40\), got 0 to 40"):
        saturation(np.array([0, 40]), levels)
    with pytest.raises(ValueError, match="expected some ids"):
        id_entropy_bits(even[:0])

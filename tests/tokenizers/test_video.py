"""Laws of the video tokenizer's ids: streams, time, disk."""

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import pytest
import torch

from brownfield.tokenizers import protocols
from brownfield.tokenizers.folder import folder_hash
from brownfield.tokenizers.video import VideoTokenizer
from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_pixels import lead_in, to_pixels
from brownfield.tokenizers.video_state import VideoState

torch.set_num_threads(1)
SIZES = VideoConfig(size=(32, 48), channels=(8, 16), levels=(8, 5, 5))
BLOCKS = pytest.mark.parametrize(
    "video", [(1, 0), (4, 0), (1, 5), (4, 5)], indirect=True
)


@pytest.fixture
def video(request: pytest.FixtureRequest) -> VideoTokenizer:
    """A small network of k frames a block whose every layer does something, with
    details or without."""
    torch.manual_seed(0)
    k, shares = request.param
    sizes = replace(SIZES, frames_per_block=k)
    if shares:
        sizes = replace(sizes, lent=1, shares=shares, levels=(*SIZES.levels, 2))
    video = VideoTokenizer(sizes)
    for parameter in video.network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.1)
    return video


def noise(batch: int, blocks: int, k: int, seed: int = 0) -> np.ndarray:
    """Frames (batch, 1 + (blocks - 1) k, 32, 48, 3) that exercise all ids."""
    rng = np.random.default_rng(seed)
    shape = (batch, 1 + (blocks - 1) * k, 4, 6, 3)
    coarse = rng.integers(0, 256, shape).repeat(8, 2).repeat(8, 3)
    return (coarse + rng.integers(-40, 40, coarse.shape)).clip(0, 255).astype(np.uint8)


def steps(frames: np.ndarray, k: int) -> Iterator[np.ndarray]:
    """The blocks (B, k, H, W, 3) of a stream."""
    padded = np.concatenate([frames[:, :1].repeat(k - 1, 1), frames], 1)
    for start in range(0, padded.shape[1], k):
        yield padded[:, start : start + k]


def same(first: VideoState, second: VideoState) -> bool:
    pairs = ((first.encoder, second.encoder), (first.decoder, second.decoder))
    return all(
        torch.equal(a.started, b.started) and all(map(torch.equal, a.past, b.past))
        for a, b in pairs
    )


@BLOCKS
def test_keeps_the_protocol(video: VideoTokenizer) -> None:
    kept: protocols.VideoTokenizer = video
    k = kept.frames_per_block
    frames = noise(2, 3, k)
    ids = kept.encode(frames)
    assert ids.shape == (2, 3, 4, 6) and ids.dtype == np.int64
    assert 0 <= ids.min() and ids.max() < kept.vocab_size == prod(video.config.levels)
    decoded = kept.decode(ids)
    assert decoded.shape == frames.shape and decoded.dtype == np.uint8
    # One picture is a video.
    assert kept.decode(kept.encode(frames[:, :1])).shape == (2, 1, 32, 48, 3)


@BLOCKS
def test_stream_equals_batch(video: VideoTokenizer) -> None:
    k = video.frames_per_block
    frames = noise(3, 6, k)
    ids = video.encode(frames)
    decoded = video.decode(ids)
    pixels = lead_in(to_pixels(torch.from_numpy(frames)), k)
    with torch.no_grad():
        parallel, _ = video.network.encode_latents(pixels)
        pictures, _ = video.network.decode_codes(
            video.network.codes(torch.from_numpy(ids))
        )
    state, latents = video.init_state(3), video.init_state(3).encoder
    shown = []
    for block, part in enumerate(steps(frames, k)):
        found, after = video.encode_step(part, state)
        np.testing.assert_array_equal(found, ids[:, block])
        part_pixels = to_pixels(torch.from_numpy(part))
        with torch.no_grad():
            z, latents = video.network.encode_latents(part_pixels, latents)
        assert (z[:, 0] - parallel[:, block]).abs().max() < 1e-5
        picture, state = video.decode_step(found, after)
        assert picture.shape == (3, k, 32, 48, 3)
        shown.append(picture)
    np.testing.assert_array_equal(np.concatenate(shown, 1)[:, k - 1 :], decoded)
    exact = (pictures[:, k - 1 :].movedim(2, -1).clamp(-1, 1) + 1) * 127.5
    assert np.abs(exact.numpy() - decoded).max() < 0.51


@BLOCKS
def test_parallel_ids_differ_only_on_rounding_edges(video: VideoTokenizer) -> None:
    k, levels = video.frames_per_block, video.config.levels
    frames = noise(8, 12, k)
    pixels = lead_in(to_pixels(torch.from_numpy(frames)), k)
    with torch.no_grad():
        latents, _ = video.network.encode_latents(pixels)
        ids = video.network.round(latents)[1].numpy()
    stepped = video.encode(frames)
    assert np.mean(ids == stepped) >= 0.999
    fsq = video.network.quantiser
    z = latents.movedim(2, -1)
    bounded = (torch.tanh(z + fsq.shift) * fsq.reach - fsq.offset).numpy()
    digits = [np.stack(np.unravel_index(i, levels[::-1]), -1) for i in (ids, stepped)]
    other = (digits[0] != digits[1])[..., ::-1]
    assert (np.abs(np.abs(bounded[other]) % 1 - 0.5) < 1e-4).all()


@BLOCKS
def test_the_past_does_not_hear_of_the_future(video: VideoTokenizer) -> None:
    k = video.frames_per_block
    frames, other = noise(2, 5, k), noise(2, 5, k, seed=1)
    ids = video.encode(frames)
    for blocks in range(1, 5):
        seen = 1 + (blocks - 1) * k
        changed = np.concatenate([frames[:, :seen], other[:, seen:]], 1)
        found = video.encode(changed)
        np.testing.assert_array_equal(found[:, :blocks], ids[:, :blocks])
        assert (found[:, blocks] != ids[:, blocks]).any()
        np.testing.assert_array_equal(video.encode(frames[:, :seen]), ids[:, :blocks])
        # What is shown does not hear of later ids either.
        pictures = video.decode(ids)[:, :seen]
        np.testing.assert_array_equal(video.decode(found)[:, :seen], pictures)


@BLOCKS
def test_ids_hear_of_the_past(video: VideoTokenizer) -> None:
    k = video.frames_per_block
    frames, other = noise(1, 4, k), noise(1, 4, k, seed=1)
    mixed = np.concatenate([other[:, :-k], frames[:, -k:]], 1)
    assert (video.encode(mixed)[:, -1] != video.encode(frames)[:, -1]).any()


@BLOCKS
def test_state_is_a_value(video: VideoTokenizer) -> None:
    k = video.frames_per_block
    left, right = list(steps(noise(2, 3, k), k)), list(steps(noise(2, 3, k, seed=1), k))
    _, before = video.encode_step(left[0], video.init_state(2))
    kept = before.select(slice(None))
    first, after = video.encode_step(left[1], before)
    # Another stream in between, and the same step again.
    video.encode_step(right[1], before)
    video.decode_step(first, before)
    again, repeated = video.encode_step(left[1], before)
    np.testing.assert_array_equal(first, again)
    assert same(before, kept) and same(after, repeated) and not same(before, after)


@BLOCKS
def test_a_reset_changes_no_other_stream(video: VideoTokenizer) -> None:
    k = video.frames_per_block
    frames = noise(3, 4, k)
    blocks = list(steps(frames, k))
    state = video.init_state(3)
    for block in blocks[:2]:
        ids, state = video.encode_step(block, state)
        _, state = video.decode_step(ids, state)
    fresh = np.array([False, True, False])
    mixed = np.where(fresh[:, None, None, None, None], blocks[0], blocks[2])
    plain, _ = video.encode_step(blocks[2], state)
    first, _ = video.encode_step(blocks[0], video.init_state(3))
    for rows in (fresh, [1], slice(1, 2), torch.tensor([1]), 1):
        ids, after = video.encode_step(mixed, state.reset(rows))
        np.testing.assert_array_equal(ids[~fresh], plain[~fresh])
        np.testing.assert_array_equal(ids[fresh], first[fresh])
        picture, after = video.decode_step(ids, state.reset(rows))
        others, _ = video.decode_step(ids, state)
        alone, _ = video.decode_step(ids, video.init_state(3))
        np.testing.assert_array_equal(picture[~fresh], others[~fresh])
        np.testing.assert_array_equal(picture[fresh], alone[fresh])
        assert after.decoder.started.all()
    if k > 1:
        with pytest.raises(ValueError, match="stream 1 starts: its first block must"):
            video.encode_step(blocks[2], state.reset(fresh))


@BLOCKS
def test_any_ids_are_a_video(video: VideoTokenizer) -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(-(10**9), 10**9, (2, 5, 4, 6))
    known = ids.clip(0, video.vocab_size - 1)
    np.testing.assert_array_equal(video.decode(ids), video.decode(known))
    codes = video.network.codes(torch.from_numpy(ids))
    with torch.no_grad():
        assert video.network.decode_codes(codes)[0].isfinite().all()


@BLOCKS
def test_ids_do_not_hear_of_autocast(video: VideoTokenizer) -> None:
    frames = noise(2, 3, video.frames_per_block)
    ids = video.encode(frames)
    decoded = video.decode(ids)
    pixels = lead_in(to_pixels(torch.from_numpy(frames)), video.frames_per_block)
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(video.encode(frames), ids)
        np.testing.assert_array_equal(video.decode(ids), decoded)
        _, half = video.network.encode_codes(pixels)
    assert 0 <= half.min() and half.max() < video.vocab_size


@BLOCKS
def test_survives_the_disk(video: VideoTokenizer, tmp_path: Path) -> None:
    video.save(tmp_path / "video")
    loaded = VideoTokenizer.load(tmp_path / "video")
    assert loaded.config == video.config
    frames = noise(2, 2, video.frames_per_block)
    ids = video.encode(frames)
    np.testing.assert_array_equal(loaded.encode(frames), ids)
    np.testing.assert_array_equal(loaded.decode(ids), video.decode(ids))
    loaded.save(tmp_path / "again")
    assert folder_hash(tmp_path / "video") == folder_hash(tmp_path / "again")
    for path in (tmp_path / "video").iterdir():
        assert path.suffix in (".json", ".safetensors")
        good = path.read_bytes()
        middle = len(good) // 2
        path.write_bytes(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])
        with pytest.raises(ValueError, match=path.name):
            VideoTokenizer.load(tmp_path / "video")
        path.write_bytes(good)

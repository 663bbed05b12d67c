import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from brownfield.tokenizers.video_fsq import VideoFSQ, VideoFSQConfig

ROOT = Path(__file__).parents[2]
torch.set_num_threads(1)


@pytest.fixture(scope="module")
def video() -> VideoFSQ:
    torch.manual_seed(0)
    return VideoFSQ().eval()


def pictures(count: int, seed: int = 0) -> np.ndarray:
    """Smooth random frames (count, 64, 64, 3) with an edge in each."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64] / 64
    frames = np.empty((count, 64, 64, 3))
    for frame in frames:
        a, b, c = rng.uniform(0, 1, (3, 3))
        edge = (x + rng.uniform(-0.5, 0.5) > y)[..., None]
        frame[:] = np.where(edge, a * x[..., None] + b * y[..., None], c)
    return (frames.clip(0, 1) * 255).astype(np.uint8)


def as_pixels(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames).permute(0, 3, 1, 2).float() / 127.5 - 1


def test_shapes_types_and_sizes(video: VideoFSQ) -> None:
    frames = pictures(6).reshape(2, 3, 64, 64, 3)
    ids = video.encode(frames)
    assert ids.shape == (2, 3, 8, 8) and ids.dtype == np.int64
    assert ids.min() >= 0 and ids.max() < video.vocab_size == 1000
    decoded = video.decode(ids)
    assert decoded.shape == frames.shape and decoded.dtype == np.uint8
    assert sum(p.numel() for p in video.parameters()) <= 350_000
    codes, _ = video.encode_codes(as_pixels(frames[0]))
    assert codes[0].numel() == video.features_dim == 256
    assert video.encode(frames[:, :0]).shape == (2, 0, 8, 8)


def test_ids_are_in_range_under_bf16_and_codes_agree(video: VideoFSQ) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        codes, ids = video.encode_codes(as_pixels(pictures(32)))
    assert codes.dtype == torch.float32
    assert 0 <= ids.min() and ids.max() < 1000
    again = video.quantiser.codes(ids).movedim(-1, 1)
    torch.testing.assert_close(again, codes.detach(), atol=1e-6, rtol=0)


def test_encode_does_not_hear_of_autocast(video: VideoFSQ) -> None:
    frames = pictures(8)[None]
    ids = video.encode(frames)
    decoded = video.decode(ids)
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(video.encode(frames), ids)
        np.testing.assert_array_equal(video.decode(ids), decoded)


def test_stream_equals_batch(video: VideoFSQ) -> None:
    frames = pictures(12).reshape(3, 4, 64, 64, 3)
    ids = video.encode(frames)
    whole = video.decode(ids)
    written, read = video.init_state(3), video.init_state(3)
    for t in range(4):
        step, written = video.encode_step(frames[:, t : t + 1], written)
        # Another batch size may take another kernel: an id on a rounding edge may
        # move, but then its code moves by one level.
        assert np.mean(step == ids[:, t]) >= 0.99
        alone, together = (
            video.quantiser.codes(torch.from_numpy(i)) for i in (step, ids[:, t])
        )
        assert (alone - together).abs().max() <= 0.5
        picture, read = video.decode_step(ids[:, t], read)
        assert picture.shape == (3, 1, 64, 64, 3)
        assert np.abs(picture[:, 0].astype(int) - whole[:, t]).max() <= 1


def test_frames_do_not_know_of_each_other(video: VideoFSQ) -> None:
    frames = pictures(6).reshape(1, 6, 64, 64, 3)
    changed = frames.copy()
    changed[0, 3:] = 255 - changed[0, 3:]
    before, after = video.encode(frames), video.encode(changed)
    np.testing.assert_array_equal(before[0, :3], after[0, :3])
    assert (before[0, 3:] != after[0, 3:]).any()


def test_any_ids_are_a_picture(video: VideoFSQ) -> None:
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 1000, (4, 2, 8, 8))
    assert video.decode(ids).shape == (4, 2, 64, 64, 3)
    foreign = rng.integers(-(10**9), 10**9, (1, 2, 8, 8))
    clamped = video.decode(foreign.clip(0, 999))
    np.testing.assert_array_equal(video.decode(foreign), clamped)
    codes = video.quantiser.codes(torch.from_numpy(ids[0])).movedim(-1, 1)
    assert video.reconstruct(codes).isfinite().all()


def test_gradients_reach_the_encoder(video: VideoFSQ) -> None:
    pixels = as_pixels(pictures(4))
    codes, _ = video.encode_codes(pixels)
    video.reconstruct_loss(codes, pixels).backward()
    for name, parameter in video.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    first = video.encoder[0].weight.grad
    assert isinstance(first, torch.Tensor) and first.abs().sum() > 0
    video.zero_grad()


@torch.no_grad()
def test_the_weight_says_where_errors_count(video: VideoFSQ) -> None:
    pixels = as_pixels(pictures(4))
    codes, _ = video.encode_codes(pixels)
    plain = video.reconstruct_loss(codes, pixels)
    even = video.reconstruct_loss(codes, pixels, torch.full((4, 64, 64), 7.0))
    torch.testing.assert_close(even, plain)
    inside = torch.zeros(4, 64, 64)
    inside[:, 10:20, 30:50] = 1.0
    changed = pixels.clone()
    changed[:, :, 40:] = -changed[:, :, 40:]
    near, far = (video.reconstruct_loss(codes, p, inside) for p in (pixels, changed))
    torch.testing.assert_close(near, far)
    with pytest.raises(ValueError, match=r"expected weight \(4, 64, 64\)"):
        video.reconstruct_loss(codes, pixels, torch.ones(64, 64))


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((1, 1, 32, 32, 3), np.uint8),
        np.zeros((1, 64, 64, 3), np.uint8),
        np.zeros((1, 1, 64, 64, 3), np.float32),
        np.zeros((1, 1, 64, 64, 4), np.uint8),
    ],
)
def test_refuses_other_frames(video: VideoFSQ, frames: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"expected uint8 frames \(B, T, 64, 64, 3\)"):
        video.encode(frames)


def test_refuses_other_ids_and_sizes(video: VideoFSQ) -> None:
    with pytest.raises(ValueError, match=r"expected ids \(B, T, 8, 8\)"):
        video.decode(np.zeros((1, 8, 8), int))
    with pytest.raises(ValueError, match="multiple of 8"):
        VideoFSQConfig(size=60)
    with pytest.raises(ValueError, match="even"):
        VideoFSQConfig(decoder=33)


def test_grows_without_a_change(video: VideoFSQ, tmp_path: Path) -> None:
    frames = pictures(4)
    grown = video.grown(3)
    assert grown.config.blocks == 3
    np.testing.assert_array_equal(
        grown.encode(frames[None]), video.encode(frames[None])
    )
    codes, _ = grown.encode_codes(as_pixels(frames))
    grown.reconstruct_loss(codes, as_pixels(frames)).backward()
    for part in (grown.finer, grown.coarser):
        new = [
            x.grad for n, x in part.named_parameters() if n.endswith("second.weight")
        ]
        assert len(new) == 2 and all(x is not None and x.abs().max() > 0 for x in new)
    grown.save(tmp_path / "grown")
    assert VideoFSQ.load(tmp_path / "grown").config.blocks == 3
    assert grown.grown(3).config == grown.config
    with pytest.raises(ValueError, match="of 3 residual blocks cannot shrink to 1"):
        grown.grown(1)


def test_says_more_without_a_change(video: VideoFSQ, tmp_path: Path) -> None:
    """Further levels stand behind, so an id of before is the rest by its number."""
    frames, before = pictures(4), video.config.levels
    wide = video.grown(levels=(*before, 4, 4))
    assert wide.vocab_size == 16 * video.vocab_size
    ids = wide.encode(frames[None])
    np.testing.assert_array_equal(ids % video.vocab_size, video.encode(frames[None]))
    assert len(np.unique(ids // video.vocab_size)) > 1
    shown = video.decode(ids % video.vocab_size)
    assert np.abs(wide.decode(ids).astype(int) - shown).max() <= 1
    codes, _ = wide.encode_codes(as_pixels(frames))
    wide.reconstruct_loss(codes, as_pixels(frames)).backward()
    learned = dict(wide.named_parameters())["decoder.0.weight"].grad
    assert learned is not None and learned[:, len(before) :].abs().max() > 0
    wide.save(tmp_path / "wide")
    assert VideoFSQ.load(tmp_path / "wide").config.levels == (*before, 4, 4)
    with pytest.raises(ValueError, match="keeps them: expected them and others behind"):
        video.grown(levels=(4, *before))


def test_sees_more_finely_without_a_change(video: VideoFSQ, tmp_path: Path) -> None:
    """Of frames without finer detail it says what it said of smaller ones."""
    frames = pictures(4)
    large = frames.repeat(2, 1).repeat(2, 2)
    fine = video.grown(fold=2)
    assert fine.seen == 128 and fine.grid == video.grid
    np.testing.assert_array_equal(fine.encode(large[None]), video.encode(frames[None]))
    codes, _ = fine.encode_codes(as_pixels(large))
    loss = fine.reconstruct_loss(codes, as_pixels(large))
    torch.testing.assert_close(loss, video.reconstruct_loss(codes, as_pixels(frames)))
    # What differs within a square of pixels is learned from.
    large[:, ::2, ::2] //= 2
    codes, _ = fine.encode_codes(as_pixels(large))
    fine.reconstruct_loss(codes, as_pixels(large)).backward()
    sees = dict(fine.named_parameters())["encoder.0.weight"].grad
    assert sees is not None
    squares = functional.pixel_unshuffle(sees, 2).unflatten(1, (3, 4))
    assert (squares.std(2) > 0.1 * squares.abs().mean()).any()
    fine.save(tmp_path / "fine")
    loaded = VideoFSQ.load(tmp_path / "fine")
    np.testing.assert_array_equal(loaded.encode(large[None]), fine.encode(large[None]))
    assert loaded.decode(loaded.encode(large[None])).shape == (1, 4, 64, 64, 3)
    with pytest.raises(ValueError, match="expected uint8 frames"):
        fine.encode(frames[None])
    with pytest.raises(ValueError, match="of fold 2 keeps it, got 3"):
        fine.grown(fold=3)
    with pytest.raises(ValueError, match="fold must be positive"):
        video.grown(fold=0)


def test_survives_the_disk(video: VideoFSQ, tmp_path: Path) -> None:
    video.save(tmp_path / "video")
    loaded = VideoFSQ.load(tmp_path / "video")
    assert loaded.config == video.config
    for name, value in video.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name
    frames = pictures(4)[None]
    np.testing.assert_array_equal(loaded.encode(frames), video.encode(frames))


def test_learns_real_frames() -> None:
    folder = Path(os.environ.get("BROWNFIELD_DATA", ROOT / "../shared/data"))
    files = sorted((folder / "bridge_frames").glob("*.npz"))
    if not files:
        pytest.skip(f"no bridge_frames in {folder}; set BROWNFIELD_DATA")
    frames = np.concatenate([np.load(file)["image"] for file in files])
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    pixels, video = as_pixels(frames), VideoFSQ()
    optimizer = torch.optim.AdamW(video.parameters(), 2e-3, betas=(0.9, 0.95))
    for _ in range(60):
        batch = pixels[rng.integers(0, len(pixels), 16)]
        codes, _ = video.encode_codes(batch)
        loss = video.reconstruct_loss(codes, batch)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(video.parameters(), 1.0)
        optimizer.step()

    def psnr_db(error: np.ndarray) -> float:
        return float(10 * np.log10(255**2 / np.mean(np.square(error))))

    ids = video.encode(frames[None])
    decoded = video.decode(ids)[0].astype(float)
    assert psnr_db(decoded - frames) > psnr_db(frames.mean(0) - frames) + 1
    chance = np.bincount(ids.ravel()) / ids.size
    chance = chance[chance > 0]
    assert -(chance * np.log2(chance)).sum() > 4  # bits: the codes did not collapse

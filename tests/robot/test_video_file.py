import importlib
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from brownfield.robot.video_file import decode_video, encode_video
from brownfield.tokenizers.resize import area_resize

sys.path.insert(0, str(Path(__file__).parent))
synthetic = importlib.import_module("synthetic_episodes")


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(float) - b) ** 2)
    return 10 * np.log10(255**2 / error)


@pytest.fixture(scope="module")
def frames() -> np.ndarray:
    return synthetic.texture(np.random.default_rng(0), 37, 128, 128)


def test_pictures_survive_without_a_shift_of_colour(
    tmp_path: Path, frames: np.ndarray
) -> None:
    encode_video(tmp_path / "a.mp4", frames, 10)
    seen = decode_video(tmp_path / "a.mp4", 10)
    assert seen.shape == frames.shape
    assert _psnr(seen, frames) > 38
    assert _psnr(area_resize(seen, 64), area_resize(frames, 64)) > 42
    assert abs(np.mean(seen.astype(float) - frames)) < 0.3


def test_extremes_survive(tmp_path: Path) -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 0, 255]], np.uint8)
    frames = np.broadcast_to(colours[:, None, None], (4, 16, 16, 3))
    encode_video(tmp_path / "a.mp4", frames, 10)
    seen = decode_video(tmp_path / "a.mp4", 10)
    assert np.abs(seen.astype(int) - frames).max() <= 6


def test_same_frames_same_bytes(tmp_path: Path, frames: np.ndarray) -> None:
    for name in ("a", "b"):
        encode_video(tmp_path / name, frames, 10)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_any_window_is_that_part_of_the_whole(
    tmp_path: Path, frames: np.ndarray
) -> None:
    path = tmp_path / "a.mp4"
    encode_video(path, frames, 10)
    whole = decode_video(path, 10)
    for start, count in ((0, 1), (1, 9), (10, 10), (19, 17), (36, 1)):
        part = decode_video(path, 10, start, count)
        np.testing.assert_array_equal(part, whole[start : start + count])
    with pytest.raises(ValueError, match="ends after frame 37"):
        decode_video(path, 10, 30, 8)


def test_every_frame_is_at_its_time(tmp_path: Path, frames: np.ndarray) -> None:
    encode_video(tmp_path / "a.mp4", frames, 10)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.average_rate == 10
        times = [f.pts * f.time_base for f in container.decode(stream)]  # type: ignore[operator]
    assert times == [Fraction(i, 10) for i in range(37)]


def test_refuses_what_is_no_such_video(tmp_path: Path, frames: np.ndarray) -> None:
    with pytest.raises(ValueError, match="even sides"):
        encode_video(tmp_path / "a.mp4", frames[:, :127], 10)
    encode_video(tmp_path / "b.mp4", frames[:3], 20)
    with pytest.raises(ValueError, match="expected yuv420p frame 1 at 1/10 s"):
        decode_video(tmp_path / "b.mp4", 10)
    (tmp_path / "c.mp4").write_bytes(b"not a video")
    with pytest.raises(ValueError, match="cannot be read as video"):
        decode_video(tmp_path / "c.mp4", 10)

"""What the video tokenizer refuses, and what the message tells."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.video import KIND, VideoTokenizer
from brownfield.tokenizers.video_config import VideoConfig
from brownfield.tokenizers.video_fit import VideoFit

torch.set_num_threads(1)
SIZES: dict[str, Any] = {"size": (16, 24), "channels": (8, 8), "blocks": (0, 1)}
WANTED = r"expected uint8 RGB frames \(B, T, 16, 24, 3\), got "


@pytest.fixture(scope="module")
def one() -> VideoTokenizer:
    return VideoTokenizer(VideoConfig(frames_per_block=1, **SIZES))


@pytest.fixture(scope="module")
def four() -> VideoTokenizer:
    return VideoTokenizer(VideoConfig(frames_per_block=4, **SIZES))


def grey(*shape: int) -> np.ndarray:
    return np.full((*shape, 16, 24, 3), 128, np.uint8)


@pytest.mark.parametrize(
    ("frames", "got"),
    [
        (np.zeros((1, 1, 24, 16, 3), np.uint8), r"uint8 \(1, 1, 24, 16, 3\)"),
        (np.zeros((1, 16, 24, 3), np.uint8), r"uint8 \(1, 16, 24, 3\)"),
        (np.zeros((1, 1, 16, 24, 3), np.float32), "float32"),
        (np.zeros((1, 1, 3, 16, 24), np.uint8), r"channels first.*np\.moveaxis"),
        (np.zeros((1, 1, 16, 24, 4), np.uint8), "RGBA"),
        (np.zeros((1, 1, 16, 24, 1), np.uint8), "grey"),
        (None, "NoneType: decode it first"),
        (b"\x89PNG", "bytes: decode it first"),
        ([[grey(), None]], r"NoneType at \[0, 1\]: that frame is not decoded"),
        ([[grey()], [b"\xff\xd8"]], r"bytes at \[1, 0\]: that frame is not decoded"),
        ([[grey(), grey()[:8]]], "frames of several shapes"),
    ],
)
def test_names_what_is_wrong_with_frames(
    one: VideoTokenizer, frames: Any, got: str
) -> None:
    with pytest.raises(ValueError, match=WANTED + ".*" + got):
        one.encode(frames)
    with pytest.raises(ValueError, match=WANTED + ".*" + got):
        one.encode_step(frames, one.init_state(1))


def test_takes_lists_and_tensors(one: VideoTokenizer) -> None:
    ids = one.encode(grey(1, 2))
    np.testing.assert_array_equal(one.encode([[grey(), grey()]]), ids)
    np.testing.assert_array_equal(one.encode(torch.from_numpy(grey(1, 2))), ids)
    np.testing.assert_array_equal(one.encode(grey(1, 2)[..., ::-1]), ids)


@pytest.mark.parametrize(
    ("length", "near"), [(0, "1 and 5"), (2, "1 and 5"), (4, "1 and 5"), (7, "5 and 9")]
)
def test_names_the_nearest_legal_lengths(
    four: VideoTokenizer, length: int, near: str
) -> None:
    with pytest.raises(ValueError, match=f"got {length}: .* are {near}$"):
        four.encode(grey(1, length))


def test_names_the_legal_lengths_of_one_frame_a_block(one: VideoTokenizer) -> None:
    with pytest.raises(ValueError, match=r"n > 0, got 0: .* are 1 and 2$"):
        one.encode(grey(1, 0))


def test_refuses_blocks_of_another_length(
    one: VideoTokenizer, four: VideoTokenizer
) -> None:
    with pytest.raises(ValueError, match="expected a block of 1 frames, got 4"):
        one.encode_step(grey(1, 4), one.init_state(1))
    _, state = four.encode_step(grey(2, 1), four.init_state(2))
    for length in (1, 3):
        with pytest.raises(ValueError, match=rf"4 frames \(or 1 .*, got {length}"):
            four.encode_step(grey(2, length), state)
    moving = grey(2, 4)
    moving[1, 2] = 0
    with pytest.raises(ValueError, match=r"stream 1 starts: .* one frame, 4 times"):
        four.encode_step(moving, four.init_state(2))


def test_refuses_another_number_of_streams(four: VideoTokenizer) -> None:
    state = four.init_state(3)
    with pytest.raises(ValueError, match=r"expected 3 streams .*, got 2"):
        four.encode_step(grey(2, 4), state)
    with pytest.raises(ValueError, match=r"expected 3 streams .*, got 1"):
        four.decode_step(np.zeros((1, 2, 3), int), state)


@pytest.mark.parametrize(
    ("ids", "got"),
    [
        (np.zeros((1, 1, 3, 2), int), "got int64"),
        (np.zeros((1, 2, 3), int), "got int64"),
        (np.zeros((1, 1, 2, 3)), "got float64"),
        (np.zeros((1, 0, 2, 3), int), "at least one block"),
    ],
)
def test_refuses_other_ids(four: VideoTokenizer, ids: np.ndarray, got: str) -> None:
    with pytest.raises(ValueError, match=f"expected .*{got}"):
        four.decode(ids)


def test_a_fit_refuses_what_it_cannot_learn_from() -> None:
    config = VideoConfig(frames_per_block=1, **SIZES)
    with pytest.raises(ValueError, match="got none"):
        VideoTokenizer.fit([], config)
    with pytest.raises(ValueError, match="clip 1 has no frames"):
        VideoTokenizer.fit([grey(2), grey(0)], config)
    with pytest.raises(ValueError, match=WANTED):
        VideoTokenizer.fit([grey(2), grey(2)[:, :8]], config)
    good = np.ones((1, 2, 16, 24))
    for weights, message in (
        (good[:, :1], r"expected weights \(2, 16, 24\) .*, got \(1, 16, 24\)"),
        (-good, "finite and at least 0"),
        (good * np.nan, "finite and at least 0"),
        (good * np.array([1, 0])[:, None, None], "frame 1 are all 0"),
        ([], "weights of 1 clips, got 0"),
    ):
        with pytest.raises(ValueError, match=message):
            VideoTokenizer.fit(grey(1, 2), config, weights)
    wrongs: list[dict[str, Any]] = [
        {"steps": None},
        {"steps": 0},
        {"seconds": 0.0},
        {"batch": 0},
    ]
    for wrong in wrongs:
        with pytest.raises(ValueError, match=r"above 0|at least 1|needs an end"):
            VideoFit(**wrong)


def test_what_another_version_saved_is_refused_by_what_differs(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    VideoTokenizer(VideoConfig(**SIZES)).save(folder)
    config, arrays = load_folder(folder, KIND)
    del config["lent"]
    save_folder(folder, KIND, config | {"fovea": 2.0}, arrays)
    with pytest.raises(ValueError, match="differ in fovea, lent; fit it anew"):
        VideoTokenizer.load(folder)


def test_another_network_is_named(one: VideoTokenizer, tmp_path: Path) -> None:
    one.save(tmp_path / "old")
    sizes, arrays = load_folder(tmp_path / "old", KIND)
    name = sorted(arrays)[0]
    shape = str(arrays[name].shape)
    save_folder(tmp_path / "wide", KIND, sizes, arrays | {name: np.zeros((3, 1, 7))})
    del arrays[name]
    save_folder(tmp_path / "less", KIND, sizes, arrays)
    for folder, got in (("wide", "(3, 1, 7)"), ("less", "none")):
        told = f"1 of its arrays differ, such as {name}, expected {shape}, got {got};"
        with pytest.raises(ValueError, match=re.escape(told)):
            VideoTokenizer.load(tmp_path / folder)

import numpy as np
import pytest

from brownfield.tokenizers.resize import area_resize


@pytest.mark.parametrize("factor", [1, 2, 3, 4, 16])
@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
def test_is_the_rounded_mean_of_blocks(factor: int, lead: tuple[int, ...]) -> None:
    rng = np.random.default_rng(factor)
    side = 4 * factor
    frames = rng.integers(0, 256, (*lead, side, side, 3), np.uint8)
    blocks = frames.reshape(*lead, 4, factor, 4, factor, 3).astype(int)
    total, area = blocks.sum(axis=(-4, -2)), factor**2
    small = area_resize(frames, 4)
    assert small.dtype == np.uint8
    np.testing.assert_array_equal(small, (total + area // 2) // area)


def test_frames_need_not_be_square() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8)
    small = area_resize(frames, (12, 16))
    blocks = frames.reshape(2, 12, 4, 16, 4, 3).astype(int).sum(axis=(2, 4))
    np.testing.assert_array_equal(small, (blocks + 8) // 16)


def test_white_stays_white() -> None:
    frames = np.full((1, 128, 128, 3), 255, np.uint8)
    assert (area_resize(frames, 8) == 255).all()


@pytest.mark.parametrize(
    ("frames", "size"),
    [
        (np.zeros((1, 10, 10, 3), np.uint8), 4),
        (np.zeros((1, 8, 4, 3), np.uint8), 4),
        (np.zeros((1, 48, 64, 3), np.uint8), (16, 16)),
        (np.zeros((1, 48, 64, 3), np.uint8), (0, 16)),
        (np.zeros((1, 2, 2, 3), np.uint8), 4),
        (np.zeros((1, 8, 8, 3), np.uint8), 0),
        (np.zeros((1, 8, 8, 3), np.float32), 4),
        (np.zeros((1, 8, 8, 4), np.uint8), 4),
        (np.zeros((8, 8), np.uint8), 4),
    ],
)
def test_refuses_what_does_not_divide(
    frames: np.ndarray, size: int | tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match=r"got|divide"):
        area_resize(frames, size)

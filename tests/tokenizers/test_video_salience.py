"""Small things weigh more, and never everything."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from brownfield.tokenizers.video_salience import LEAST, MOST, SHARE, grown, salience


def _square(side: int, at: int = 20) -> np.ndarray:
    segments = np.zeros((1, 64, 64), np.uint8)
    segments[0, at : at + side, at : at + side] = 1
    return segments


def test_without_things_all_pixels_are_alike() -> None:
    assert (salience(np.zeros((2, 8, 8), np.uint8)) == 1).all()


def test_a_smaller_thing_weighs_more_a_pixel() -> None:
    one, four, big = (salience(_square(side))[0, 21, 21] for side in (1, 4, 16))
    assert one == 1 + LEAST * MOST  # its neighbour's weight: the edge belongs to it
    assert one > four > big == 1 + LEAST


def test_edges_belong_to_a_thing_and_nothing_else_does() -> None:
    weights = salience(_square(3))[0]
    heavy = weights > 1
    assert heavy.sum() == 25 and heavy[19:24, 19:24].all()


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_things_never_take_more_than_their_share(seed: int, chance: float) -> None:
    rng = np.random.default_rng(seed)
    segments = (rng.random((2, 16, 16)) < chance) * rng.integers(1, 5, (2, 16, 16))
    weights = salience(segments.astype(np.uint8))
    things = grown(segments > 0)
    extra = (weights - 1).sum((1, 2))
    assert (extra <= weights.sum((1, 2)) * SHARE + 1e-3).all()
    assert (weights >= 1).all() and (weights[~things] == 1).all()


def test_growing_does_not_reach_over_edges_or_time() -> None:
    shown = np.zeros((3, 4, 4), bool)
    shown[1, 0, 0] = True
    wide = grown(shown)
    assert wide.sum() == 4 and wide[1, :2, :2].all()

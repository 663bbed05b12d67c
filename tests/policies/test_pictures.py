"""Pictures are kept once and come as if they had been copied."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from brownfield.policies.pictures import Pictures


def pictures(seed: int, count: int = 6, channels: tuple[int, ...] = (3,)) -> Pictures:
    rng = np.random.default_rng(seed)
    return Pictures.of(rng.integers(0, 256, (count, 4, 5, *channels), dtype=np.uint8))


@given(st.integers(0, 2**32 - 1), st.sampled_from([(3,), ()]))
def test_taken_turned_and_joined_as_arrays_are(seed: int, channels: tuple) -> None:
    rng = np.random.default_rng(seed)
    one, other = pictures(seed, 6, channels), pictures(seed + 1, 3, channels)
    mask = rng.random(6) < 0.6
    lazy = one.joined(one.take(mask).mirrored()).joined(other.mirrored())
    plain = np.concatenate(
        [one.kept, one.kept[mask][:, :, ::-1], other.kept[:, :, ::-1]]
    )
    assert lazy.shape == plain.shape and len(lazy) == len(plain)
    rows = rng.integers(0, len(plain), (2, 7))
    for which in (slice(None), rows, rows[0], int(rows[0, 0]), np.arange(len(plain))):
        np.testing.assert_array_equal(lazy[which], plain[which])


def test_what_is_told_is_a_copy_and_what_is_kept_is_not() -> None:
    one = pictures(0)
    both = one.joined(one.take([1, 2]).mirrored())
    assert both.kept is one.kept
    before = one.kept.copy()
    for rows in (0, 7, [0, 7], slice(None)):
        both[rows][...] = 0
    np.testing.assert_array_equal(one.kept, before)

from pathlib import Path

import numpy as np
import pytest

from brownfield.tokenizers.state import StateTokenizer

NAMES = ("knee", "gyro", "still")


def states(count: int = 5000) -> np.ndarray:
    rng = np.random.default_rng(0)
    spread = rng.normal(size=(count, 2)) * [0.3, 2.0] + [1.0, 0.0]
    return np.column_stack([spread, np.full(count, 0.7)]).astype(np.float32)


def test_round_trip_is_within_half_a_bin_inside_the_range() -> None:
    tokenizer = StateTokenizer.fit(states(), NAMES)
    x = np.random.default_rng(1).uniform(tokenizer.lower, tokenizer.upper, (4, 50, 3))
    ids = tokenizer.encode(x)
    assert ids.shape == (4, 50, 3) and ids.min() >= 0 and ids.max() < 256
    width = (tokenizer.upper - tokenizer.lower) / 256
    assert (np.abs(tokenizer.decode(ids) - x) <= width / 2 + 1e-12).all()
    np.testing.assert_array_equal(tokenizer.encode(tokenizer.decode(ids)), ids)


def test_every_id_comes_back() -> None:
    tokenizer = StateTokenizer.fit(states(), NAMES, bins=17)
    ids = np.tile(np.arange(17)[:, None], (1, 3))
    np.testing.assert_array_equal(tokenizer.encode(tokenizer.decode(ids)), ids)


def test_beyond_the_range_is_the_outermost_bin() -> None:
    tokenizer = StateTokenizer.fit(states(), NAMES)
    far = np.array([[1e9, -1e9, 0.7], [-1e9, 1e9, 0.7]])
    np.testing.assert_array_equal(tokenizer.encode(far)[:, :2], [[255, 0], [0, 255]])
    assert np.isfinite(tokenizer.decode(np.array([[-5, 999, 10**9]]))).all()


def test_few_states_are_cut_off_and_a_still_field_has_a_range() -> None:
    x = states()
    tokenizer = StateTokenizer.fit(x, NAMES)
    ids = tokenizer.encode(x)
    assert np.mean((ids == 0) | (ids == 255)) < 0.005
    assert abs(tokenizer.decode(ids)[0, 2] - 0.7) < 1e-4


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_names_the_field_that_is_not_finite(bad: float) -> None:
    tokenizer, x = StateTokenizer.fit(states(), NAMES), states()
    x[7, 1] = bad
    with pytest.raises(ValueError, match="state field gyro"):
        tokenizer.encode(x)
    with pytest.raises(ValueError, match="state field gyro"):
        StateTokenizer.fit(x, NAMES)


def test_refuses_other_fields() -> None:
    with pytest.raises(ValueError, match="expected 3 state fields"):
        StateTokenizer.fit(states(), NAMES).encode(np.zeros(4))
    with pytest.raises(ValueError, match=r"expected states \(N, 2\)"):
        StateTokenizer.fit(states(), NAMES[:2])
    with pytest.raises(ValueError, match=r"expected states \(N, 3\)"):
        StateTokenizer.fit(states(0), NAMES)
    with pytest.raises(ValueError, match="state field gyro: expected finite"):
        StateTokenizer(NAMES, np.zeros(3), np.array([1.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match="bins"):
        StateTokenizer(NAMES, np.zeros(3), np.ones(3), bins=1)


def test_survives_the_disk(tmp_path: Path) -> None:
    tokenizer, x = StateTokenizer.fit(states(), NAMES), states()
    tokenizer.save(tmp_path / "state")
    loaded = StateTokenizer.load(tmp_path / "state")
    assert loaded.names == NAMES
    np.testing.assert_array_equal(loaded.encode(x), tokenizer.encode(x))
    ids = tokenizer.encode(x)
    np.testing.assert_array_equal(loaded.decode(ids), tokenizer.decode(ids))

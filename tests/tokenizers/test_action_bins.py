import time
from pathlib import Path

import numpy as np
import pytest

from brownfield.tokenizers.action_bins import KnotBinTokenizer

# Two fields that have a rest value, one of them off-centre, and two that hold.
NAMES = ("speed", "brake", "reach", "grip")
LOWER = np.array([-0.5, 0.0, 0.0, 0.0])
UPPER = np.array([0.6, 1.0, 0.65, 1.0])
MAX_RATE = np.array([np.inf, np.inf, 0.4, 2.0])
REST = np.array([0.0, 0.0, np.nan, np.nan])
HOLDS = np.isnan(REST)
RATE_HZ, STEPS, KNOTS = 10.0, 8, (2, 8)
TOKENIZER = KnotBinTokenizer(
    names=NAMES,
    lower=LOWER,
    upper=UPPER,
    max_rate=MAX_RATE,
    rest=REST,
    rate_hz=RATE_HZ,
    steps=STEPS,
    knots=KNOTS,
)
MIDDLE = 63
STEP = np.where(HOLDS, 0, np.maximum(UPPER, -LOWER))
STILL = np.zeros(4)


def random_chunks(
    count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Motions that are linear (or constant) between knots, at feasible rates."""
    rng = np.random.default_rng(seed)
    last = rng.uniform(LOWER, UPPER, (count, 4))
    chunk = np.empty((count, STEPS, 4))
    before = last
    for start, end in ((0, 2), (2, 8)):
        reach = np.where(HOLDS, MAX_RATE, 0) * (end - start) / RATE_HZ
        moved = before + rng.uniform(-1, 1, before.shape) * reach
        free = rng.uniform(LOWER, UPPER, before.shape)
        after = np.clip(np.where(HOLDS, moved, free), LOWER, UPPER)
        for row in range(start, end):
            line = before + (row + 1 - start) / (end - start) * (after - before)
            chunk[:, row] = np.where(HOLDS, line, after)
        before = after
    return chunk, last, np.zeros_like(last)


def test_round_trip_is_within_half_a_bin_of_the_knot() -> None:
    chunk, last, velocity = random_chunks(2000)
    decoded = TOKENIZER.decode(TOKENIZER.encode(chunk, last, velocity), last, velocity)
    # A held field adds the error of the first knot where the second cannot reach.
    reach = MAX_RATE[2:] * np.array([[0.2], [0.6]])
    bound = np.where(HOLDS, np.pad(reach.sum(0), (2, 0)), STEP) / MIDDLE / 2
    assert (np.abs(decoded - chunk).max((0, 1)) <= bound + 1e-9).all()
    assert (decoded >= LOWER).all() and (decoded <= UPPER).all()


def test_encode_rounds_the_targets() -> None:
    chunk, last, velocity = random_chunks(500)
    targets = TOKENIZER.targets(chunk, last)
    assert targets.shape == (500, 8)
    assert targets.min() >= 0 and targets.max() <= 126
    np.testing.assert_array_equal(
        TOKENIZER.encode(chunk, last, velocity), np.rint(targets)
    )


def test_what_was_decoded_decodes_to_itself() -> None:
    rng = np.random.default_rng(1)
    ids = rng.integers(0, 127, (2000, 8))
    last = rng.uniform(LOWER, UPPER, (2000, 4))
    decoded = TOKENIZER.decode(ids, last, np.zeros_like(last))
    again = TOKENIZER.encode(decoded, last, np.zeros_like(last))
    # Only where the limits cut nothing; and brake has no side below its rest.
    knots = decoded[:, (1, 7)]
    room = np.minimum(knots - LOWER, UPPER - knots)[..., (0, 2, 3)]
    inside = np.all(room > 0, axis=1)
    same = (again == ids).reshape(-1, 2, 4)[..., (0, 2, 3)].all(1)
    assert (inside.sum(0) > 100).all() and same[inside].all()


def test_the_middle_bin_is_rest() -> None:
    last = np.array([0.3, 0.7, 0.21, 0.4])
    decoded = TOKENIZER.decode(np.full(8, MIDDLE), last, STILL)
    np.testing.assert_array_equal(decoded, np.tile([0, 0, 0.21, 0.4], (8, 1)))
    np.testing.assert_array_equal(TOKENIZER.encode(decoded, last, STILL), MIDDLE)


def test_every_string_is_a_motion_within_limits_and_rates() -> None:
    rng = np.random.default_rng(2)
    for _ in range(500):
        ids = rng.integers(-300, 300, rng.integers(0, 20))
        last = rng.uniform(LOWER - 0.2, UPPER + 0.2)
        chunk = TOKENIZER.decode(ids, last, STILL)
        assert chunk.shape == (8, 4) and np.isfinite(chunk).all()
        assert (chunk >= LOWER).all() and (chunk <= UPPER).all()
        whole = np.concatenate([np.clip(last, LOWER, UPPER)[None], chunk])
        rates = np.abs(np.diff(whole, axis=0)) * RATE_HZ
        assert (rates <= MAX_RATE + 1e-9).all()


@pytest.mark.parametrize("ids", [[], [3], [3] * 3, [127] * 8, [-1] * 8])
def test_a_knot_that_is_not_whole_is_rest(ids: list[int]) -> None:
    last = np.array([0.3, 0.7, 0.21, 0.4])
    rest = TOKENIZER.decode(np.full(8, MIDDLE), last, STILL)
    np.testing.assert_array_equal(TOKENIZER.decode(ids, last, STILL), rest)


def test_a_foreign_id_spoils_its_own_knot_only() -> None:
    last = np.array([0.3, 0.7, 0.21, 0.4])
    ids = np.full(8, 100)
    spoilt = ids.copy()
    spoilt[5] = 127
    good, bad = (TOKENIZER.decode(i, last, STILL) for i in (ids, spoilt))
    np.testing.assert_array_equal(good[:2], bad[:2])
    np.testing.assert_array_equal(bad[2:], np.tile([0, 0, *bad[1, 2:]], (6, 1)))


def test_fewer_tokens_are_whole_knots() -> None:
    chunk, last, velocity = random_chunks(3)
    ids = TOKENIZER.encode(chunk, last, velocity)
    for count, kept in ((0, 0), (3, 0), (4, 4), (7, 4), (8, 8), (99, 8)):
        short = TOKENIZER.encode(chunk, last, velocity, max_tokens=count)
        np.testing.assert_array_equal(short, ids[:, :kept])
        TOKENIZER.decode(short, last, velocity)
    with pytest.raises(ValueError, match="max_tokens"):
        TOKENIZER.encode(chunk, last, velocity, max_tokens=-1)


def test_batch_equals_loop() -> None:
    chunk, last, velocity = random_chunks(20)
    ids = TOKENIZER.encode(chunk, last, velocity)
    decoded = TOKENIZER.decode(ids, last, velocity)
    for i in range(20):
        one = TOKENIZER.encode(chunk[i], last[i], velocity[i])
        np.testing.assert_array_equal(one, ids[i])
        np.testing.assert_array_equal(
            TOKENIZER.decode(one, last[i], velocity[i]), decoded[i]
        )
    nested = TOKENIZER.encode(chunk.reshape(4, 5, 8, 4), last.reshape(4, 5, 4))
    np.testing.assert_array_equal(nested.reshape(20, 8), ids)


def test_time_is_free() -> None:
    chunk, last, velocity = random_chunks(50)
    ids = TOKENIZER.encode(chunk, last, velocity)
    rows = TOKENIZER.decode(ids, last, velocity)
    fine_s = np.arange(0, 401) / 500
    fine = TOKENIZER.decode(ids, last, velocity, times_s=fine_s)
    np.testing.assert_allclose(fine[:, 50::50], rows, atol=1e-12)
    np.testing.assert_array_equal(fine[:, 0], last)
    # Rates hold the value of the knot that ends their interval.
    np.testing.assert_array_equal(fine[:, 101, :2], rows[:, 7, :2])
    np.testing.assert_array_equal(fine[:, 100, :2], rows[:, 1, :2])
    after = TOKENIZER.decode(ids, last, velocity, times_s=np.array([0.9, 5.0]))
    np.testing.assert_array_equal(after[:, 0], after[:, 1])
    np.testing.assert_array_equal(after[:, 0, :2], 0)
    np.testing.assert_array_equal(after[:, 0, 2:], rows[:, 7, 2:])
    assert TOKENIZER.decode(ids, last, times_s=np.array([])).shape == (50, 0, 4)


def test_the_derivative_is_that_of_the_motion() -> None:
    chunk, last, velocity = random_chunks(50)
    ids = TOKENIZER.encode(chunk, last, velocity)
    times_s = np.array([0.05, 0.15, 0.31, 0.62])
    slope = TOKENIZER.decode(ids, last, velocity, times_s, derivative=1)
    above, below = (
        TOKENIZER.decode(ids, last, velocity, times_s + d) for d in (1e-4, -1e-4)
    )
    np.testing.assert_allclose((above - below) / 2e-4, slope, atol=1e-8)
    with pytest.raises(ValueError, match="derivative"):
        TOKENIZER.decode(ids, last, velocity, derivative=2)


def test_fits_without_being_told_limits() -> None:
    chunk, last, velocity = random_chunks(200)
    fitted = KnotBinTokenizer.fit(chunk, last, velocity, RATE_HZ)
    decoded = fitted.decode(fitted.encode(chunk, last, velocity), last, velocity)
    assert np.abs(decoded - chunk)[..., 2:].max() < 0.05
    above = chunk + np.array([5, 0, 0, 0])
    rest = KnotBinTokenizer.fit(above, last, velocity, RATE_HZ, rest=REST)
    assert rest.lower[0] <= 0
    two = KnotBinTokenizer.fit(chunk[:, :2], last, velocity, RATE_HZ, knots=(1, 2))
    assert two.knots == (1, 2) and two.n_tokens == 8


def test_survives_the_disk(tmp_path: Path) -> None:
    TOKENIZER.save(tmp_path / "action")
    loaded = KnotBinTokenizer.load(tmp_path / "action")
    chunk, last, velocity = random_chunks(50)
    ids = TOKENIZER.encode(chunk, last, velocity)
    np.testing.assert_array_equal(loaded.encode(chunk, last, velocity), ids)
    np.testing.assert_array_equal(
        loaded.decode(ids, last, velocity), TOKENIZER.decode(ids, last, velocity)
    )
    assert loaded.names == NAMES


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_names_the_field_that_is_not_finite(bad: float) -> None:
    chunk, last, velocity = random_chunks(3)
    ids = TOKENIZER.encode(chunk, last, velocity)
    spoilt = chunk.copy()
    spoilt[1, 3, 2] = bad
    with pytest.raises(ValueError, match="action field reach"):
        TOKENIZER.encode(spoilt, last, velocity)
    last[2, 3] = bad
    with pytest.raises(ValueError, match="action field grip"):
        TOKENIZER.encode(chunk, last, velocity)
    with pytest.raises(ValueError, match="action field grip"):
        TOKENIZER.decode(ids, last, velocity)
    velocity[0, 0] = bad
    with pytest.raises(ValueError, match="action field speed"):
        TOKENIZER.decode(ids, np.zeros((3, 4)), velocity)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_bins": 126}, "odd"),
        ({"knots": (2, 7)}, "knots must rise"),
        ({"knots": (8, 2)}, "knots must rise"),
        ({"knots": ()}, "knots must rise"),
        ({"upper": LOWER}, "field speed: expected finite lower < upper"),
        ({"rest": np.array([9, 0, np.nan, 0])}, "field speed"),
        ({"max_rate": np.full(4, np.inf)}, "reach holds at rest"),
        ({"lower": np.zeros(3)}, "lower: expected 4 values"),
        ({"rate_hz": 0.0}, "rate_hz"),
    ],
)
def test_refuses_descriptions_that_make_no_sense(change: dict, message: str) -> None:
    good = {
        "names": NAMES,
        "lower": LOWER,
        "upper": UPPER,
        "max_rate": MAX_RATE,
        "rest": REST,
        "rate_hz": RATE_HZ,
        "steps": STEPS,
    }
    KnotBinTokenizer(**good)
    with pytest.raises(ValueError, match=message):
        KnotBinTokenizer(**{**good, **change})


def test_refuses_other_shapes() -> None:
    chunk, last, velocity = random_chunks(3)
    with pytest.raises(ValueError, match=r"expected chunks \(\.\.\., 8, 4\)"):
        TOKENIZER.encode(chunk[:, :7], last, velocity)
    with pytest.raises(ValueError, match=r"expected last \(\.\.\., 4\)"):
        TOKENIZER.decode(np.zeros(8, int), np.zeros(3))
    with pytest.raises(ValueError, match="expected velocity"):
        TOKENIZER.encode(chunk, last, velocity[:2])


def test_twenty_thousand_chunks_take_no_time() -> None:
    chunk, last, velocity = random_chunks(20_000)
    began = time.perf_counter()
    TOKENIZER.encode(chunk, last, velocity)
    assert time.perf_counter() - began < 2

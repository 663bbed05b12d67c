"""FAST and the spline bins: what the papers say, and what they do not promise."""

import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brownfield.tokenizers.folder import load_folder, save_folder
from brownfield.tokenizers.spline_bins import KIND, SplineBinTokenizer
from brownfield.tokenizers.uniform_bins import UniformBinTokenizer

# Without the package, the folder of the same name here would be found.
SPEC = importlib.util.find_spec("tokenizers")
HAS_BPE = SPEC is not None and SPEC.origin is not None
needs_bpe = pytest.mark.skipif(not HAS_BPE, reason="the extra `peers` is not installed")
STEPS, DIM, RATE = 20, 3, 20.0


def windows(seed=0, count=120):
    rng = np.random.default_rng(seed)
    times = np.arange(-1, STEPS + 1) / RATE
    phase, speed = rng.uniform(0, 6, (2, count, 1, DIM))
    x = np.sin(times[:, None] * (1 + speed) + phase) * [0.5, 1.0, 2.0]
    return x[:, 2:], x[:, 1], (x[:, 1] - x[:, 0]) * RATE


def fast(**options):
    from brownfield.tokenizers.fast import FastTokenizer

    return FastTokenizer.fit(*windows(), RATE, **options)


VARIANTS = [
    {"merge": merge, "relative": relative}
    for merge in ("bytes", "characters")
    for relative in (False, True)
]


@needs_bpe
@pytest.mark.parametrize("options", VARIANTS)
def test_fast_comes_back_within_its_rounding(options, tmp_path):
    codec = fast(**options, scale=20.0)
    chunks, last, velocity = windows()
    half = np.diff(codec.quantiles, axis=0)[0] / 2
    rates, ids, origin = [], np.zeros(0, int), last[0]
    for row, origin, speed in zip(chunks, last, velocity, strict=True):
        ids = codec.encode(row, origin, speed)
        rates.append(len(ids))
        assert not codec.fails(ids)
        # A rounded coefficient is off by at most a half; the transform is orthonormal.
        off = np.linalg.norm((codec.decode(ids, origin) - row) / half, axis=0)
        assert (off <= 0.5 * np.sqrt(STEPS) / 20 + 1e-9).all()
    assert np.mean(rates) < STEPS * DIM, "pairs were merged"
    codec.save(tmp_path / "a")
    again = type(codec).load(tmp_path / "a")
    first = chunks[0], last[0]
    np.testing.assert_array_equal(again.encode(*first), codec.encode(*first))
    np.testing.assert_array_equal(again.decode(ids, origin), codec.decode(ids, origin))


@needs_bpe
def test_fast_cannot_read_most_strings_but_its_grammar_can_write_them():
    from brownfield.tokenizers.fast import FastGrammar

    codec = fast(merge="characters", relative=True)
    rng = np.random.default_rng(1)
    random = [rng.integers(0, codec.vocab_size, 12) for _ in range(50)]
    assert np.mean([codec.fails(ids) for ids in random]) > 0.5
    origin = np.zeros(DIM)
    middle = codec.quantiles.mean(0)
    strict = codec.decode(random[0][:3], origin, strict=True)
    np.testing.assert_allclose(strict, np.broadcast_to(middle, (STEPS, DIM)), atol=1e-9)
    assert np.isfinite(codec.decode(random[0], origin)).all()
    for merge in ("bytes", "characters"):
        grammar = FastGrammar(fast(merge=merge))
        for _ in range(20):
            assert not grammar.tokenizer.fails(grammar.sample(rng))


@pytest.fixture(scope="module")
def grammars():
    from brownfield.tokenizers.fast import FastGrammar

    return [FastGrammar(fast(merge=merge)) for merge in ("bytes", "characters")]


@needs_bpe
@given(picks=st.lists(st.integers(0, 10_000), min_size=STEPS * DIM))
@settings(max_examples=40, deadline=None)
def test_whatever_is_picked_of_what_a_grammar_allows_is_whole(grammars, picks):
    for grammar in grammars:
        ids, written = [], 0
        for pick in picks:
            allowed = np.flatnonzero(grammar.allowed(written))
            if not len(allowed):
                break
            ids.append(int(allowed[pick % len(allowed)]))
            written += int(grammar.lengths[ids[-1]])
            # Until all is written something may follow, and nothing after that.
            assert grammar.allowed(written).any() == (written < grammar.count)
            assert grammar.tokenizer.fails(ids) == (written < grammar.count)
        assert written == grammar.count


@needs_bpe
def test_fast_refuses_what_it_cannot_code():
    with pytest.raises(ValueError, match="merge"):
        fast(merge="words")
    with pytest.raises(ValueError, match="vocabulary"):
        fast(scale=2000.0)
    codec = fast()
    with pytest.raises(ValueError, match=r"chunk \(20, 3\)"):
        codec.encode(np.zeros((3, 3)), np.zeros(3))
    for wrong in (-1, codec.vocab_size, 2**40):
        with pytest.raises(ValueError, match=rf"in 0\.\.{codec.vocab_size - 1}, got"):
            codec.decode([3, wrong], np.zeros(3))
        with pytest.raises(ValueError, match="merged bytes"):
            codec.fails([3, wrong])
    # Characters that are not there are no coefficients.
    other = fast(merge="characters")
    some = [3, 5]
    np.testing.assert_array_equal(
        other.decode([3, -1, 5, other.vocab_size], np.zeros(3)),
        other.decode(some, np.zeros(3)),
    )


def test_spline_bins_come_back_and_begin_where_the_body_is(tmp_path):
    chunks, last, velocity = windows()
    codec = SplineBinTokenizer.fit(chunks, last, velocity, RATE, points=8)
    ids = codec.encode(chunks, last, velocity)
    assert ids.shape == (len(chunks), 8 * DIM) and ids.max() < codec.vocab_size
    value = codec.decode(ids, last)
    assert np.sqrt(((value - chunks) ** 2).mean()) < 0.05
    start = codec.decode(ids, last, times_s=np.zeros(1))[:, 0]
    np.testing.assert_allclose(start, last, atol=1e-12)
    codec.save(tmp_path / "a")
    again = SplineBinTokenizer.load(tmp_path / "a")
    np.testing.assert_array_equal(again.decode(ids, last), value)
    config, arrays = load_folder(tmp_path / "a", KIND)
    arrays["bounds"] = arrays["bounds"][:, 0]
    save_folder(tmp_path / "b", KIND, config, arrays)
    with pytest.raises(ValueError, match="fit the tokenizer again"):
        SplineBinTokenizer.load(tmp_path / "b")


def test_every_control_point_of_a_spline_has_bounds_of_its_own():
    # Chunks that all begin at 0 and end anywhere: the first points barely move.
    rng = np.random.default_rng(3)
    ramp = np.linspace(0, 1, STEPS + 1)[1:, None] ** 2
    chunks = rng.uniform(-1, 1, (500, 1, 1)) * ramp
    last = np.zeros((500, 1))
    codec = SplineBinTokenizer.fit(chunks, last, last, RATE, points=6, n_bins=16)
    width = codec.bounds[1] - codec.bounds[0]
    assert width.shape == (6, 1) and width[0] < 0.1 * width[-1]
    ids = codec.encode(chunks, last)
    # So each of them uses all of its bins.
    assert all(len(np.unique(column)) == 16 for column in ids.T)
    # Off by half a bin at most where no point is cut off.
    inside = ((ids > 0) & (ids < 15)).all(1)
    off = np.abs(codec.decode(ids, last) - chunks)[inside]
    assert len(off) > 300 and (off <= 0.51 * width.max() / 15 + 1e-3).all()


def test_uniform_bins_read_batches_at_any_time():
    chunks, last, velocity = windows()
    codec = UniformBinTokenizer.fit(chunks, last, velocity, RATE)
    ids, times = codec.encode(chunks, last, velocity), np.linspace(0, 1.2, 33)
    for derivative in (0, 1):
        many = codec.decode(ids, last, velocity, times, derivative)
        assert many.shape == (len(chunks), 33, DIM)
        for i in range(0, len(chunks), 17):
            one = codec.decode(ids[i], last[i], velocity[i], times, derivative)
            np.testing.assert_array_equal(many[i], one)
    rows = np.arange(1, STEPS + 1) / RATE
    np.testing.assert_allclose(
        codec.decode(ids, last, times_s=rows), codec.decode(ids, last), atol=1e-12
    )


def test_spline_bins_read_any_string():
    chunks, last, velocity = windows()
    limits = np.full(DIM, 1.5)
    codec = SplineBinTokenizer.fit(chunks, last, velocity, RATE, -limits, limits)
    rng = np.random.default_rng(2)
    for length in (0, 1, 5, 12, 40):
        ids = rng.integers(-5, 400, (30, length))
        value = codec.decode(ids, last[:30])
        assert value.shape == (30, STEPS, DIM) and (np.abs(value) <= 1.5).all()
        slope = codec.decode(ids, last[:30], derivative=1)
        assert np.isfinite(slope).all()
    with pytest.raises(ValueError, match="derivative"):
        codec.decode(ids, last[:30], derivative=2)
    with pytest.raises(ValueError, match="points"):
        SplineBinTokenizer.fit(chunks, last, velocity, RATE, points=2)

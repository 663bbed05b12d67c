"""FAST and the spline bins: what the papers say, and what they do not promise."""

import importlib.util

import numpy as np
import pytest

from brownfield.tokenizers.spline_bins import SplineBinTokenizer

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


@needs_bpe
def test_fast_refuses_what_it_cannot_code():
    with pytest.raises(ValueError, match="merge"):
        fast(merge="words")
    with pytest.raises(ValueError, match="vocabulary"):
        fast(scale=2000.0)
    codec = fast()
    with pytest.raises(ValueError, match=r"chunk \(20, 3\)"):
        codec.encode(np.zeros((3, 3)), np.zeros(3))


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

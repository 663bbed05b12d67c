"""Laws of the ladder: every string is a motion, and starts where the body is."""

import itertools
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from brownfield.tokenizers.ladder import LadderTokenizer

RATE, STEPS, DIM = 30.0, 30, 5
LOWER = np.array([-1.0, -1.5, -2.0, -1.0, -0.5])
UPPER = np.array([1.0, 1.5, 2.0, 1.0, 0.5])
MAX_RATE = np.array([8.0, 8.0, 8.0, 6.0, 3.0])
REST = np.array([np.nan, np.nan, np.nan, 0.0, np.nan])
NAMES = ("hip", "knee", "elbow", "speed", "fixed")


def motion(seed, rows=400):
    """Smooth random motion (rows, DIM); the last field does not move."""
    rng = np.random.default_rng(seed)
    times = np.arange(rows) / RATE
    phase = rng.uniform(0, 7, (6, DIM))
    speed = rng.uniform(0.3, 6, (6, DIM))
    size = rng.uniform(0.05, 0.15, (6, DIM)) / speed**0.5
    x = (
        size[:, None] * np.sin(times[None, :, None] * speed[:, None] + phase[:, None])
    ).sum(0)
    x[:, 4] = 0.1
    return x


def windows(seed, stride=3):
    x = motion(seed)
    at = np.arange(1, len(x) - STEPS, stride)
    chunks = np.stack([x[i + 1 : i + 1 + STEPS] for i in at])
    return chunks, x[at], (x[at] - x[at - 1]) * RATE


@pytest.fixture(scope="module")
def data():
    parts = [windows(seed) for seed in range(6)]
    return tuple(np.concatenate([p[i] for p in parts]) for i in range(3))


@pytest.fixture(scope="module")
def ladder(data):
    chunks, last, velocity = data
    return LadderTokenizer.fit(
        chunks,
        last,
        velocity,
        RATE,
        LOWER,
        UPPER,
        MAX_RATE,
        NAMES,
        REST,
        max_tokens=24,
    )


@pytest.fixture(scope="module")
def universal():
    return LadderTokenizer.universal(
        RATE, STEPS, LOWER, UPPER, MAX_RATE, NAMES, REST, max_tokens=40
    )


def states(rng, count):
    """Hand-over states (count, DIM) within limits, some of them impossible to keep."""
    share = rng.uniform(0, 1, (count, DIM))
    edge = rng.random((count, DIM)) < 0.1
    share = np.where(edge, np.round(share), share)
    velocity = rng.normal(0, 2, (count, DIM))
    return LOWER + share * (UPPER - LOWER), velocity


def feasible_states(tokenizer, rng, count):
    """Hand-over states (count, DIM) from the whole box that can be braked from; every
    other coordinate lies on an edge of it."""
    f = tokenizer.fields

    def share():
        inner = rng.uniform(0, 1, (count, DIM))
        return np.where(rng.random((count, DIM)) < 0.5, np.round(inner), inner)

    last = np.clip(f.lower + share() * (f.upper - f.lower), f.lower, f.upper)
    slowest = np.maximum(-f.max_rate, (f.lower - last) * 3 / f.duration)
    fastest = np.minimum(f.max_rate, (f.upper - last) * 3 / f.duration)
    velocity = slowest + share() * (fastest - slowest)
    return last, np.clip(velocity, slowest, fastest)


def check_limits(tokenizer, ids, last, velocity):
    fine = np.arange(0, 601) / 500.0
    value = tokenizer.decode(ids, last, velocity, times_s=fine)
    slope = tokenizer.decode(ids, last, velocity, times_s=fine, derivative=1)
    assert np.isfinite(value).all() and np.isfinite(slope).all()
    assert (value >= LOWER).all() and (value <= UPPER).all()
    assert (np.abs(slope) <= MAX_RATE * (1 + 1e-9)).all()
    assert (np.abs(np.diff(value, axis=-2)) * 500 <= MAX_RATE * (1 + 1e-6)).all()


def test_every_string_is_a_motion_within_limits(ladder, universal):
    rng = np.random.default_rng(0)
    for tokenizer in (ladder, universal):
        strings = [
            rng.integers(-2, tokenizer.vocab_size + 2, rng.integers(0, 45))
            for _ in range(500)
        ]
        check_limits(tokenizer, strings, *states(rng, 500))


@given(
    ids=st.lists(st.integers(-3, 1100), max_size=30),
    share=st.lists(st.floats(0, 1), min_size=DIM, max_size=DIM),
    speed=st.lists(st.floats(-20, 20), min_size=DIM, max_size=DIM),
)
@settings(max_examples=60, deadline=None)
def test_no_string_and_no_state_break_it(ladder, ids, share, speed):
    last = LOWER + np.array(share) * (UPPER - LOWER)
    check_limits(ladder, np.array(ids, dtype=int), last, np.array(speed))


@pytest.mark.slow
def test_a_million_random_strings(ladder):
    rng = np.random.default_rng(1)
    for _ in range(250):
        last, velocity = states(rng, 4000)
        ids = rng.integers(0, ladder.vocab_size, (4000, ladder.n_tokens))
        ids[np.arange(24) >= rng.integers(0, 25, 4000)[:, None]] = -1
        value = ladder.decode(ids, last, velocity)
        assert np.isfinite(value).all()
        assert (value >= LOWER).all() and (value <= UPPER).all()
        steps = np.diff(value, axis=1) * RATE
        assert (np.abs(steps) <= MAX_RATE * (1 + 1e-6)).all()


@pytest.fixture(scope="module")
def resting():
    """All fields come to rest, at values that sums of floats do not meet exactly."""
    rest = np.array([0.37, -0.91, 1.23, 0.07, -0.33])
    return LadderTokenizer.universal(
        RATE, STEPS, LOWER, UPPER, MAX_RATE, NAMES, rest, max_tokens=40
    )


@pytest.mark.parametrize("which", ["ladder", "universal", "resting"])
def test_position_and_velocity_go_on_from_every_feasible_state(which, request):
    tokenizer = request.getfixturevalue(which)
    rng = np.random.default_rng(2)
    last, velocity = feasible_states(tokenizer, rng, 1500)
    ids = rng.integers(0, 1024, (1500, tokenizer.n_tokens))
    free = LadderTokenizer(
        tokenizer.model, tokenizer.fields.without_limits(), RATE, 1024
    )
    few = slice(0, 20)
    before = tokenizer.clamped
    for derivative, state in ((0, last), (1, velocity)):
        args = np.zeros(1), derivative
        start = tokenizer.decode(ids, last, velocity, *args)[:, 0]
        np.testing.assert_allclose(start, state, rtol=0, atol=1e-12)
        one = tokenizer.decode(ids[few], last[few], velocity[few], *args)[:, 0]
        np.testing.assert_allclose(one, state[few], rtol=0, atol=1e-12)
    # And from there on: no jump that a first instant would hide.
    for time in (1e-11, 1e-9, 1e-7, 1e-5):
        at = np.array([time])
        bend = np.abs(free.decode(ids, last, velocity, at, 2)).max()
        slope = tokenizer.decode(ids, last, velocity, at, 1)[:, 0]
        assert np.abs(slope - velocity).max() <= 4 * bend * time + 1e-12
    assert tokenizer.clamped == before
    single = [torch.from_numpy(x).float() for x in (last, velocity)]
    for derivative, state in ((0, last), (1, velocity)):
        start = tokenizer.decode(ids, *single, np.zeros(1), derivative)[:, 0]
        np.testing.assert_allclose(start.numpy(), state, rtol=0, atol=3e-6)


@pytest.mark.parametrize("which", ["ladder", "universal", "resting"])
def test_many_plans_are_what_each_is_by_itself(which, request):
    tokenizer = request.getfixturevalue(which)
    rng = np.random.default_rng(6)
    last, velocity = states(rng, 120)
    longest = tokenizer.n_tokens
    whole = rng.integers(0, 1024, (120, longest))
    ragged = [
        rng.integers(-1, 1026, k) for k in rng.integers(0, longest + 3, len(last))
    ]
    times = np.linspace(0, 1, 41)
    for ids in (whole, ragged, whole[:, :5]):
        for derivative in (0, 1):
            many = tokenizer.decode(ids, last, velocity, times, derivative)
            for i in range(0, 120, 3):
                own = ids[i], last[i], velocity[i]
                one = tokenizer.decode(*own, times, derivative)
                np.testing.assert_allclose(many[i], one, atol=1e-7)


def test_states_that_cannot_be_kept_are_counted(ladder):
    before = ladder.clamped
    last = np.stack([np.zeros(DIM), UPPER])
    velocity = np.stack([np.zeros(DIM), np.ones(DIM)])
    start = ladder.decode([[], []], last, velocity, np.zeros(1), 1)
    assert ladder.clamped == before + 1
    np.testing.assert_allclose(start[1, 0, [0, 1, 2]], 0, atol=1e-12)


def test_no_ids_brake_and_hold_or_come_to_rest(ladder):
    last, velocity = np.array([0.1, 0.2, 0.3, 0.4, 0.1]), np.full(DIM, 0.3)
    late = np.linspace(0.31, 3.0, 20)
    value = ladder.decode([], last, velocity, late)
    assert np.ptp(value[:, :3], axis=0).max() < 1e-12
    np.testing.assert_allclose(value[0, :3], last[:3] + 0.03, atol=1e-12)
    np.testing.assert_allclose(value[-1, 3], 0.0, atol=1e-12)
    np.testing.assert_allclose(ladder.decode([], last, velocity, late, 1)[-1], 0)


def test_ids_go_on_from_what_is_done_and_only_silence_goes_to_rest(resting):
    last, velocity = np.full((3, DIM), 0.2), np.zeros((3, DIM))
    going_on = np.repeat(last[:, None], STEPS, 1)
    ids = resting.encode(going_on, last, velocity)
    said = resting.decode(ids[:, :1], last, velocity) - going_on
    assert np.abs(said).max() < 0.05
    # An early stop leaves an id, or what is left would be rest.
    brief = resting.encode(going_on, last, velocity, tolerance=1.0)
    assert [len(row) for row in brief] == [1, 1, 1]
    mixed = resting.decode([[], ids[1], []], last, velocity)
    rest = resting.decode([], last[0], velocity[0])
    np.testing.assert_allclose(mixed[[0, 2]], np.stack([rest, rest]), atol=1e-12)
    assert np.abs(rest[-1] - 0.2).max() > 0.2
    np.testing.assert_allclose(
        mixed[1], resting.decode(ids[1], last[1], velocity[1]), atol=1e-12
    )


def test_what_never_moves_stays_while_something_is_said(ladder, data):
    last = data[1][0] + [0, 0, 0, 0, 0.02]
    said = ladder.decode([3, 5], last, np.zeros(DIM))
    np.testing.assert_allclose(said[:, 4], 0.12, atol=1e-12)
    assert abs(ladder.decode([], last, np.zeros(DIM))[-1, 4] - 0.1) < 1e-9


def test_beyond_the_horizon_it_comes_to_rest_without_a_kick(ladder, data):
    chunks, last, velocity = (x[:40] for x in data)
    ids = ladder.encode(chunks, last, velocity)
    around = np.array([1 - 1e-6, 1 + 1e-6])
    for derivative, bound in ((0, 1e-4), (1, 1e-2)):
        value = ladder.decode(ids, last, velocity, around, derivative)
        assert np.abs(np.diff(value, axis=1)).max() < bound
    rest = ladder.decode(ids, last, velocity, np.array([4.0, 5.0]))
    np.testing.assert_allclose(rest[:, 0], rest[:, 1], atol=1e-12)


def test_more_ids_err_less(ladder, data):
    test = windows(99)
    ids = ladder.encode(*test)
    assert ids.shape == (len(test[0]), ladder.n_tokens)
    error = [
        np.sqrt(((ladder.decode(ids[:, :k], *test[1:]) - test[0]) ** 2).mean())
        for k in (0, 2, 4, 8, 12)
    ]
    assert all(a > b for a, b in itertools.pairwise(error))
    assert error[-1] < 0.02 * error[0]
    table = ladder.model.error
    assert (np.diff(table, axis=1) <= 0).all()


def test_stop_and_tolerance_agree(ladder):
    test = windows(98, stride=20)
    whole = ladder.encode(*test)
    short = ladder.encode(*test, tolerance=0.1)
    for row, full in zip(short, whole, strict=True):
        assert len(row) == ladder.stop(int(full[0]), 0.1)
        np.testing.assert_array_equal(row, full[: len(row)])
    again = ladder.decode(short, *test[1:])
    one = ladder.decode(short[3], test[1][3], test[2][3])
    np.testing.assert_allclose(again[3], one, atol=1e-12)
    span = ladder.fields.span[ladder.fields.moving]
    off = ((again - test[0])[..., ladder.fields.moving]) / span
    assert np.sqrt((off**2).mean()) < 0.15
    assert ladder.stop(0, 0.0) == ladder.n_tokens
    first = whole[:, 0]
    ends = ladder.stop(first, 0.1)
    assert isinstance(ends, np.ndarray) and ends.shape == first.shape
    assert ends.tolist() == [len(row) for row in short]
    assert ladder.stop(first.tolist(), 0.1) == ends.tolist()
    tensor = ladder.stop(torch.from_numpy(first[:6].reshape(2, 3)), 0.1)
    assert isinstance(tensor, torch.Tensor)
    assert tensor.tolist() == ends[:6].reshape(2, 3).tolist()
    assert ladder.stop([], 0.1) == []
    assert all(len(r) <= 3 for r in ladder.encode(*test, tolerance=0.1, max_tokens=3))


def test_what_was_decoded_has_the_same_ids(ladder, data):
    chunks, last, velocity = (x[:200] for x in data)
    ids = ladder.encode(chunks, last, velocity)
    plan = ladder.decode(ids, last, velocity)
    again = ladder.encode(plan, last, velocity)
    same_gain = ids[:, 0] == again[:, 0]
    # What was decoded is a little smaller, so it can fall in a lower class of the gain.
    assert same_gain.sum() >= 20
    assert (ids[same_gain] == again[same_gain]).mean() > 0.97


def test_neighbouring_ids_are_neighbouring_motions(ladder):
    test = windows(97, stride=10)
    ids = ladder.encode(*test)
    span = ladder.fields.span
    rng = np.random.default_rng(3)
    near, far = [], []
    for _ in range(300):
        i, s = rng.integers(len(ids)), rng.integers(1, ladder.n_tokens)
        own = ladder.decode(ids[i], test[1][i], test[2][i])
        for change, out in ((1, near), (int(rng.integers(100, 900)), far)):
            other = ids[i].copy()
            other[s] = (other[s] + change) % ladder.slot_sizes[s]
            moved = ladder.decode(other, test[1][i], test[2][i])
            out.append(np.abs((moved - own) / span).max())
    assert np.median(near) < 0.06
    assert np.median(near) < 0.5 * np.median(far)


def test_any_rate_reads_the_same_plan(ladder, data):
    chunks, last, velocity = (x[:20] for x in data)
    ids = ladder.encode(chunks, last, velocity)
    own = ladder.decode(ids, last, velocity)
    fine = ladder.decode(ids, last, velocity, np.arange(1, 301) / 300.0)
    np.testing.assert_allclose(fine[:, 9::10], own, atol=1e-12)
    slope = ladder.decode(ids, last, velocity, np.arange(1, 301) / 300.0, 1)
    numeric = np.gradient(fine, 1 / 300.0, axis=1)
    np.testing.assert_allclose(slope[:, 5:-5], numeric[:, 5:-5], atol=0.05)
    bend = ladder.decode(ids, last, velocity, np.array([0.5]), 2)
    steps = ladder.decode(ids, last, velocity, np.array([0.5 - 1e-4, 0.5 + 1e-4]), 1)
    np.testing.assert_allclose(bend[:, 0], np.diff(steps, axis=1)[:, 0] / 2e-4, atol=1)


def test_batches_single_chunks_and_torch_agree(ladder):
    test = windows(96, stride=7)
    ids, motion_ = ladder.encode(*test), None
    motion_ = ladder.decode(ids, *test[1:])
    for i in range(0, len(ids), 9):
        one = [x[i] for x in test]
        np.testing.assert_array_equal(ladder.encode(*one), ids[i])
        np.testing.assert_allclose(
            ladder.decode(ids[i], *one[1:]), motion_[i], atol=1e-12
        )
    tensors = [torch.from_numpy(x) for x in test]
    torch_ids = ladder.encode(*tensors)
    assert isinstance(torch_ids, torch.Tensor)
    np.testing.assert_array_equal(torch_ids.numpy(), ids)
    decoded = ladder.decode(torch_ids, *tensors[1:])
    assert isinstance(decoded, torch.Tensor) and decoded.shape == tensors[0].shape
    np.testing.assert_allclose(decoded.numpy(), motion_, atol=1e-12)
    ragged = [row[: 3 + i % 5] for i, row in enumerate(ids)]
    np.testing.assert_allclose(
        ladder.decode([torch.from_numpy(r) for r in ragged], *tensors[1:]).numpy(),
        ladder.decode(ragged, *test[1:]),
        atol=1e-12,
    )


def test_torch_is_differentiable_by_the_state(ladder):
    last = torch.zeros(DIM, dtype=torch.float64, requires_grad=True)
    value = ladder.decode([5, 6, 7], last, torch.zeros(DIM, dtype=torch.float64))
    value[0, 0].backward()
    assert last.grad is not None and last.grad[0] == pytest.approx(1.0)


def test_saved_and_read_it_is_the_same(ladder, tmp_path):
    ladder.save(tmp_path / "a")
    again = LadderTokenizer.load(tmp_path / "a")
    test = windows(95, stride=30)
    ids = ladder.encode(*test)
    np.testing.assert_array_equal(again.encode(*test), ids)
    np.testing.assert_array_equal(
        again.decode(ids, *test[1:]), ladder.decode(ids, *test[1:])
    )
    again.save(tmp_path / "b")
    for name in ("codec.json", "arrays.safetensors"):
        assert (tmp_path / "a" / name).read_bytes() == (
            tmp_path / "b" / name
        ).read_bytes()
    body = json.loads((tmp_path / "a" / "codec.json").read_text())["config"]
    assert body["names"] == list(NAMES) and body["rate_hz"] == RATE


def test_a_changed_byte_is_refused(ladder, tmp_path):
    ladder.save(tmp_path / "a")
    for name in ("codec.json", "arrays.safetensors"):
        path = tmp_path / "a" / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
        with pytest.raises(ValueError, match=name.split(".")[0]):
            LadderTokenizer.load(tmp_path / "a")
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
    LadderTokenizer.load(tmp_path / "a")


@pytest.mark.parametrize(("steps", "dim"), [(1, 1), (2, 3), (3, 1), (7, 2), (50, 12)])
def test_any_shape(steps, dim):
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(0, 0.1, (20, steps + 2, dim)), 1)
    last, velocity = x[:, 1], (x[:, 1] - x[:, 0]) * 20
    ladder = LadderTokenizer.fit(x[:, 2:], last, velocity, 20.0)
    ids = ladder.encode(x[:, 2:], last, velocity)
    off = np.abs(ladder.decode(ids, last, velocity) - x[:, 2:]).mean()
    base = np.abs(ladder.decode(ids[:, :0], last, velocity) - x[:, 2:]).mean()
    assert off < 0.3 * base or steps == 1


def test_frozen_fields_are_exact_and_cost_nothing(ladder):
    test = windows(94)
    value = ladder.decode(ladder.encode(*test), *test[1:])
    np.testing.assert_allclose(value[..., 4], 0.1, atol=1e-12)
    assert 4 not in ladder.fields.moving


def test_bad_input_is_named(ladder, data):
    chunk, last, velocity = (x[0] for x in data)
    bad = chunk.copy()
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match="knee"):
        ladder.encode(bad, last, velocity)
    with pytest.raises(ValueError, match="30, 5"):
        ladder.encode(chunk[:5], last, velocity)
    with pytest.raises(ValueError, match="velocity"):
        ladder.decode([1], last, velocity[:2])
    with pytest.raises(ValueError, match="last"):
        ladder.decode([1], last * np.inf, velocity)
    with pytest.raises(ValueError, match="derivative"):
        ladder.decode([1], last, velocity, derivative=3)
    with pytest.raises(ValueError, match="times_s"):
        ladder.decode([1], last, velocity, times_s=np.array([np.nan]))
    with pytest.raises(ValueError, match="ids"):
        ladder.decode(np.zeros((3, 2), int), last, velocity)
    with pytest.raises(ValueError, match="first_id"):
        ladder.stop(5000, 0.1)
    with pytest.raises(ValueError, match="first_id"):
        ladder.stop([3, -1], 0.1)
    with pytest.raises(ValueError, match="whole"):
        ladder.stop(torch.tensor([0.5]), 0.1)
    with pytest.raises(ValueError, match="max_tokens"):
        ladder.encode(chunk, last, velocity, max_tokens=-1)
    chunks, last, velocity = data
    above = np.where(np.arange(DIM) == 2, 9.0, LOWER)
    with pytest.raises(ValueError, match="elbow"):
        LadderTokenizer.fit(chunks, last, velocity, RATE, above, UPPER, names=NAMES)
    with pytest.raises(ValueError, match="finite limits"):
        LadderTokenizer.universal(RATE, STEPS, [-np.inf], [1.0])


@pytest.mark.parametrize("steps", [6, 9, 12, 18, 27])
def test_limits_hold_where_the_base_ends_on_a_knot(steps):
    ladder = LadderTokenizer.universal(
        RATE, steps, LOWER, UPPER, MAX_RATE, max_tokens=9
    )
    rng = np.random.default_rng(4)
    check_limits(ladder, rng.integers(0, 1024, (300, 9)), *states(rng, 300))


def test_motion_at_its_rate_limit_comes_back():
    """Commands that were limited go at the limit itself, and must not be slowed."""
    rng = np.random.default_rng(5)
    goal, x = rng.uniform(-3, 3, (200, 2)), np.zeros((200, 2))
    rows = [x, x]
    for _ in range(STEPS + 6):
        x = x + np.clip(goal - x, -2.0 / RATE, 2.0 / RATE)
        rows.append(x)
    motion_ = np.stack(rows, 1)[:, 5:]
    last, velocity = motion_[:, 1], (motion_[:, 1] - motion_[:, 0]) * RATE
    chunks = motion_[:, 2 : 2 + STEPS]
    assert (np.abs(velocity) >= 2 - 1e-6).mean() > 0.5
    limits = (np.full(2, -3.0), np.full(2, 3.0))
    bound = LadderTokenizer.fit(chunks, last, velocity, RATE, *limits, np.full(2, 2.0))
    free = LadderTokenizer.fit(chunks, last, velocity, RATE)
    error = []
    for ladder in (bound, free):
        ids = ladder.encode(chunks, last, velocity, max_tokens=4)
        decoded = ladder.decode(ids, last, velocity)
        error.append(np.sqrt(((decoded - chunks) ** 2).mean()))
    assert error[0] < 1.1 * error[1]

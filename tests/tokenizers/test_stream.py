import dataclasses

import numpy as np
import pytest

from brownfield.tokenizers.stream import (
    NO_VALUE,
    Grammar,
    StreamArrays,
    StreamLayout,
)
from brownfield.tokenizers.vocabulary import MODES, Vocabulary

VOCABULARY = Vocabulary(
    state_size=16,
    value_size=7,
    action_size=31,
    video_size=100,
    bodies=("arm", "car"),
    cameras=("head", "wrist"),
    hashes={"video": "a1"},
)
ONE = StreamLayout(
    body="arm", cameras={"head": (2, 3)}, state_tokens=5, action_tokens=4, max_text=9
)
TWO = dataclasses.replace(ONE, body="car", cameras={"wrist": (1, 2), "head": (2, 2)})
LAYOUTS = pytest.mark.parametrize("layout", [ONE, TWO], ids=["one", "two"])


def random_arrays(layout: StreamLayout, rng: np.random.Generator) -> StreamArrays:
    steps = int(rng.integers(0, 5))
    mode = MODES[rng.integers(len(MODES))]
    value = rng.integers(0, VOCABULARY.value_size, steps)
    if mode == "policy":
        value = np.where(rng.random(steps) < 0.5, NO_VALUE, value)
    return StreamArrays(
        mode=mode,
        text=rng.integers(0, 256, rng.integers(0, layout.max_text + 1)),
        video={
            name: rng.integers(0, VOCABULARY.video_size, (steps + 1, *grid))
            for name, grid in layout.cameras.items()
        },
        state=rng.integers(0, VOCABULARY.state_size, (steps + 1, layout.state_tokens)),
        action=rng.integers(0, VOCABULARY.action_size, (steps, layout.action_tokens)),
        value=value,
    )


def assert_same(a: StreamArrays, b: StreamArrays) -> None:
    assert a.mode == b.mode
    assert list(a.video) == list(b.video)
    for name in a.video:
        np.testing.assert_array_equal(a.video[name], b.video[name])
    for name in ("text", "state", "action", "value"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


def generate(grammar: Grammar, rng: np.random.Generator, ending: float) -> list[int]:
    """Random ids under the mask, ending with a chance of `ending` where it may."""
    state, ids = grammar.start(), []
    eos = grammar.vocabulary.marker("eos")
    while not state.done:
        mask = state.allowed()
        if mask[eos] and rng.random() < ending:
            token = eos
        else:
            token = int(rng.choice(np.flatnonzero(mask)))
        ids.append(token)
        state = state.advance(token)
    return ids


@LAYOUTS
def test_pack_and_parse_are_inverse(layout: StreamLayout) -> None:
    grammar, rng = Grammar(VOCABULARY, layout), np.random.default_rng(0)
    for _ in range(100):
        arrays = random_arrays(layout, rng)
        ids = grammar.pack(arrays)
        assert ids.dtype == np.int64
        assert_same(grammar.parse(ids), arrays)


@LAYOUTS
def test_whatever_the_mask_lets_through_parses(layout: StreamLayout) -> None:
    grammar, rng = Grammar(VOCABULARY, layout), np.random.default_rng(1)
    seen = set()
    for _ in range(100):
        ids = generate(grammar, rng, ending=0.4)
        arrays = grammar.parse(ids)
        seen.add(arrays.mode)
        np.testing.assert_array_equal(grammar.pack(arrays), ids)
    assert seen == set(MODES)


@LAYOUTS
def test_the_mask_lets_every_packed_id_through_and_nothing_else_parses(
    layout: StreamLayout,
) -> None:
    grammar, rng = Grammar(VOCABULARY, layout), np.random.default_rng(2)
    refused = 0
    for _ in range(30):
        ids = grammar.pack(random_arrays(layout, rng))
        state = grammar.start()
        for token in ids.tolist():
            assert state.allowed()[token]
            state = state.advance(token)
        assert state.done and not state.allowed().any()
        place, token = rng.integers(len(ids)), rng.integers(VOCABULARY.size)
        if not grammar.allowed(ids[:place])[token]:
            refused += 1
            broken = ids.copy()
            broken[place] = token
            with pytest.raises(ValueError, match=f"position {place}: expected"):
                grammar.parse(broken)
        with pytest.raises(ValueError, match="too early"):
            grammar.parse(ids[:-1])
    assert refused > 5


def test_reads_as_the_grammar_is_written() -> None:
    grammar = Grammar(VOCABULARY, TWO)
    arrays = StreamArrays(
        mode="world",
        text=np.frombuffer(b"go", np.uint8).astype(np.int64),
        video={"wrist": np.zeros((2, 1, 2), int), "head": np.ones((2, 2, 2), int)},
        state=np.full((2, 5), 3),
        action=np.full((1, 4), 30),
        value=np.array([6]),
    )
    look = "obs:wrist video:0 video:0 obs:head " + "video:1 " * 4
    look += "state " + "state:3 " * 5
    expected = "bos body:car tok:knots tol:fixed cam:wrist cam:head prompt byte:103 "
    expected += f"byte:111 world {look} act " + "action:30 " * 4
    expected += f"{look} value value:6 eos"
    names = [VOCABULARY.name(token) for token in grammar.pack(arrays).tolist()]
    assert names == expected.split()


def test_only_the_policy_may_leave_the_value_out() -> None:
    grammar, rng = Grammar(VOCABULARY, ONE), np.random.default_rng(3)
    arrays = random_arrays(ONE, rng)
    while len(arrays.action) == 0:
        arrays = random_arrays(ONE, rng)
    without = np.full(len(arrays.action), NO_VALUE)
    acting = dataclasses.replace(arrays, mode="policy", value=without)
    assert_same(grammar.parse(grammar.pack(acting)), acting)
    for mode in MODES[1:]:
        with pytest.raises(ValueError, match="step 0 has no value"):
            grammar.pack(dataclasses.replace(acting, mode=mode))


def test_the_first_look_has_no_value() -> None:
    grammar = Grammar(VOCABULARY, ONE)
    arrays = random_arrays(ONE, np.random.default_rng(4))
    for mode in MODES:
        first = dataclasses.replace(
            arrays,
            mode=mode,
            video={"head": arrays.video["head"][:1]},
            state=arrays.state[:1],
            action=arrays.action[:0],
            value=arrays.value[:0],
        )
        mask = grammar.allowed(grammar.pack(first)[:-1])
        allowed = {VOCABULARY.name(int(i)) for i in np.flatnonzero(mask)}
        assert allowed == {"act", "eos"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "dream"}, "expected a mode among policy, world"),
        ({"video": {}}, r"expected video of cameras \['head'\], got \[\]"),
        ({"text": np.zeros(10, int)}, "at most 9 bytes"),
        ({"text": np.array([256])}, "text: expected ids in 0..255"),
        ({"state": np.zeros((2, 5), int)}, r"state: expected ids \(1, 5\)"),
        ({"state": np.full((1, 5), 16)}, "state: expected ids in 0..15"),
        ({"state": np.full((1, 5), -1)}, "state: expected ids in 0..15"),
        ({"state": np.zeros((1, 5))}, "expected integer ids"),
        ({"action": np.zeros((1, 4), int)}, r"expected ids \(2,"),
        ({"value": np.array([7])}, r"value: expected ids \(0,\)"),
    ],
)
def test_pack_names_what_does_not_fit(change: dict, message: str) -> None:
    good = StreamArrays(
        mode="full",
        text=np.zeros(3, int),
        video={"head": np.zeros((1, 2, 3), int)},
        state=np.zeros((1, 5), int),
        action=np.zeros((0, 4), int),
        value=np.zeros(0, int),
    )
    grammar = Grammar(VOCABULARY, ONE)
    grammar.pack(good)
    with pytest.raises(ValueError, match=message):
        grammar.pack(dataclasses.replace(good, **change))


def test_refuses_ids_outside_the_vocabulary() -> None:
    grammar = Grammar(VOCABULARY, ONE)
    for token in (-1, VOCABULARY.size, 10**9):
        with pytest.raises(ValueError, match="outside the vocabulary"):
            grammar.start().advance(token)


def test_refuses_layouts_that_the_vocabulary_cannot_say() -> None:
    with pytest.raises(ValueError, match="no special token 'body:boat'"):
        Grammar(VOCABULARY, dataclasses.replace(ONE, body="boat"))
    with pytest.raises(ValueError, match="no special token 'obs:tail'"):
        Grammar(VOCABULARY, dataclasses.replace(ONE, cameras={"tail": (1, 1)}))
    with pytest.raises(ValueError, match="at least one camera"):
        Grammar(VOCABULARY, dataclasses.replace(ONE, cameras={}))
    with pytest.raises(ValueError, match="action_tokens must be positive"):
        Grammar(VOCABULARY, dataclasses.replace(ONE, action_tokens=0))


def test_parses_rows_of_integers_only() -> None:
    grammar = Grammar(VOCABULARY, ONE)
    for ids in (np.zeros((1, 9), int), np.zeros(9)):
        with pytest.raises(ValueError, match="expected integer ids"):
            grammar.parse(ids)

"""Tokens are played relative to what is executed; silence is rest."""

import numpy as np

from brownfield.robot.body import Body, Field
from brownfield.robot.token_player import TokenPlayer
from brownfield.tokenizers.action_bins import KnotBinTokenizer
from brownfield.tokenizers.braking_base import feasible
from brownfield.tokenizers.ladder import LadderTokenizer

BODY = Body(
    name="crane",
    action=(
        Field(name="speed", unit="m/s", lower=-1.0, upper=1.0, rest=0.0),
        Field(name="height", unit="m", lower=0.0, upper=2.0, max_rate=1.0),
    ),
    state=(Field(name="q", unit="rad", lower=-1.0, upper=1.0),),
    cameras=(),
    control_hz=10.0,
    chunk_steps=4,
    executed_steps=2,
)
TOKENIZER = KnotBinTokenizer(
    names=["speed", "height"],
    lower=BODY.action_lower,
    upper=BODY.action_upper,
    max_rate=BODY.action_max_rate,
    rest=BODY.action_rest,
    rate_hz=BODY.control_hz,
    steps=BODY.chunk_steps,
    knots=(2, 4),
)


def test_plays_a_chunk_and_then_rests() -> None:
    player = TokenPlayer(BODY, TOKENIZER, np.array([0.0, 1.0]))
    chunk = np.array([[0.5, 1.05], [0.5, 1.1], [0.5, 1.15], [0.5, 1.2]])
    player.feed(TOKENIZER.encode(chunk, player.executed))
    played = np.array([player.next() for _ in range(4)])
    assert np.allclose(played, chunk, atol=0.02)
    after = player.next()
    assert after[0] == 0.0 and after[1] == played[-1, 1]


def test_rests_without_tokens_and_on_nonsense() -> None:
    player = TokenPlayer(BODY, TOKENIZER, np.array([0.7, 1.0]))
    assert np.allclose(player.next(), [0.0, 1.0])
    player.feed(np.array([5, -3, 4000, 2]))
    assert np.allclose(player.next(), [0.0, 1.0])
    player.feed(np.array([], dtype=np.int64))
    assert np.allclose(player.next(), [0.0, 1.0])


def test_a_new_chunk_replaces_what_is_left() -> None:
    player = TokenPlayer(BODY, TOKENIZER, np.array([0.0, 1.0]))
    up = np.tile([0.0, 1.2], (4, 1))
    player.feed(TOKENIZER.encode(up, player.executed))
    reached = player.next()[1]
    rest = np.full(TOKENIZER.n_tokens, (TOKENIZER.vocab_size - 1) // 2)
    player.feed(rest)
    assert player.steps_left == 4
    assert np.isclose(player.next()[1], reached)


def _ladder() -> LadderTokenizer:
    return LadderTokenizer.universal(
        BODY.control_hz,
        BODY.chunk_steps,
        BODY.action_lower,
        BODY.action_upper,
        BODY.action_max_rate,
        ("speed", "height"),
        BODY.action_rest,
    )


def test_a_ladder_goes_on_as_fast_as_the_plan_before() -> None:
    ladder = _ladder()
    rng = np.random.default_rng(0)
    player, fastest = TokenPlayer(BODY, ladder, np.array([0.0, 1.0])), 0.0
    assert np.array_equal(player.velocity, [0, 0])
    for _ in range(20):
        last, velocity = player.executed, player.velocity
        # Ways to places away from the limits, beside which nobody could brake.
        place = rng.uniform([-0.5, 0.5], [0.5, 1.5])
        way = np.linspace(0, 1, BODY.chunk_steps + 1)[1:, None]
        ids = ladder.encode(last + way * (place - last), last, velocity)
        player.feed(ids)
        assert np.array_equal(player.velocity, velocity)
        slope = ladder.decode(ids, last, velocity, np.array([0.0, 0.2]), 1)
        np.testing.assert_allclose(slope[0], velocity, atol=1e-9)
        player.next()
        player.next()
        np.testing.assert_allclose(player.velocity, slope[1], atol=1e-9)
        # Another player that is told both goes on in the same way.
        again = TokenPlayer(BODY, ladder, player.executed, player.velocity)
        assert np.array_equal(again.velocity, player.velocity)
        fastest = max(fastest, float(np.abs(player.velocity).max()))
    assert fastest > 0.1 and ladder.clamped == 0
    for _ in range(4):
        player.next()
    assert np.array_equal(player.velocity, [0, 0]), "it has come to rest"


def test_random_ids_go_on_as_fast_as_anybody_could_brake_from() -> None:
    ladder = _ladder()
    fields = ladder.fields
    limits = fields.lower, fields.upper, fields.max_rate, fields.braking
    rng = np.random.default_rng(0)
    player, clamped = TokenPlayer(BODY, ladder, np.array([0.0, 1.0])), 0
    for _ in range(60):
        last, velocity = player.executed, player.velocity
        ids = rng.integers(0, ladder.vocab_size, ladder.n_tokens)
        _, kept = feasible(last, velocity, *limits)
        clamped += not np.array_equal(kept, velocity)
        slope = ladder.decode(ids, last, velocity, np.zeros(1), 1)
        np.testing.assert_allclose(slope[0], kept, atol=1e-9)
        player.feed(ids)
        player.next()
        player.next()
    assert 0 < clamped < 15 and ladder.clamped >= clamped

"""One contract for all tokenizers: what a protocol promises, each of them does."""

from pathlib import Path

import numpy as np
import pytest

from brownfield.tokenizers.action_bins import KnotBinTokenizer
from brownfield.tokenizers.folder import folder_hash
from brownfield.tokenizers.protocols import (
    ActionTokenizer,
    StateTokenizer,
    TextTokenizer,
    VideoTokenizer,
)
from brownfield.tokenizers.state import StateTokenizer as BinStateTokenizer
from brownfield.tokenizers.text import ByteTokenizer
from brownfield.tokenizers.video_fsq import VideoFSQ

# Annotated, so that the type checker holds signatures against the protocols.
TEXT: TextTokenizer = ByteTokenizer()
STATE: StateTokenizer = BinStateTokenizer(("a", "b"), np.zeros(2), np.ones(2))
ACTION: ActionTokenizer = KnotBinTokenizer(
    names=("a", "b"),
    lower=[-1, 0],
    upper=[1, 1],
    max_rate=[np.inf, 2],
    rest=[0, np.nan],
    rate_hz=10,
    steps=4,
    knots=(1, 4),
)
VIDEO: VideoTokenizer = VideoFSQ()


def test_ids_are_int64_within_the_vocabulary() -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, 3, 64, 64, 3), dtype=np.uint8)
    still = np.zeros(2)
    for tokenizer, ids in (
        (TEXT, TEXT.encode("pick up the box")),
        (STATE, STATE.encode(rng.normal(size=(50, 2)))),
        (ACTION, ACTION.encode(rng.normal(size=(4, 2)), still, still)),
        (VIDEO, VIDEO.encode(frames)),
    ):
        assert ids.dtype == np.int64
        assert 0 <= ids.min() and ids.max() < tokenizer.vocab_size


@pytest.mark.parametrize("tokenizer", [TEXT, STATE, ACTION, VIDEO])
def test_the_hash_outlives_a_copy(
    tokenizer: TextTokenizer | StateTokenizer | ActionTokenizer | VideoTokenizer,
    tmp_path: Path,
) -> None:
    tokenizer.save(tmp_path / "first")
    type(tokenizer).load(tmp_path / "first").save(tmp_path / "second")
    assert folder_hash(tmp_path / "first") == folder_hash(tmp_path / "second")


@pytest.mark.parametrize("tokenizer", [TEXT, STATE, ACTION, VIDEO])
def test_loads_no_other_kind(
    tokenizer: TextTokenizer | StateTokenizer | ActionTokenizer | VideoTokenizer,
    tmp_path: Path,
) -> None:
    other = STATE if tokenizer is not STATE else TEXT
    other.save(tmp_path / "other")
    with pytest.raises(ValueError, match=r"expected a .* tokenizer, got a"):
        type(tokenizer).load(tmp_path / "other")

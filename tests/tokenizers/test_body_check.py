"""A tokenizer of another body is refused, and told what differs."""

import numpy as np
import pytest

from brownfield.tokenizers.action_bins import KnotBinTokenizer
from brownfield.tokenizers.body_check import check_body
from brownfield.tokenizers.fast_strings import FastStrings
from brownfield.tokenizers.ladder import LadderTokenizer
from brownfield.tokenizers.spline_bins import SplineBinTokenizer
from brownfield.tokenizers.uniform_bins import UniformBinTokenizer

NAMES, RATE = ("speed", "knee"), 20.0
LIMITS = {
    "lower": np.array([-1.0, -2.0]),
    "upper": np.array([1.0, 2.0]),
    "max_rate": np.array([4.0, 5.0]),
    "rest": np.array([0.0, np.nan]),
}
CODECS = {
    "ladder": (LadderTokenizer, LIMITS),
    "knots": (KnotBinTokenizer, LIMITS),
    "spline": (SplineBinTokenizer, ("lower", "upper")),
    "bins": (UniformBinTokenizer, ()),
    "fast": (FastStrings, ()),
}


@pytest.mark.parametrize("kind", CODECS)
def test_another_body_is_refused_and_named(kind):
    if kind == "fast":
        pytest.importorskip("tokenizers.trainers", reason="the extra `peers`")
    codec, known = CODECS[kind]
    rng = np.random.default_rng(0)
    chunks = np.clip(np.cumsum(rng.normal(0, 0.05, (60, 10, 2)), 1), -1, 1)
    last = np.zeros((60, 2))
    own = codec.fit(chunks, last, last, RATE, names=NAMES, **LIMITS)
    check_body(own, NAMES, RATE, **LIMITS)
    with pytest.raises(ValueError, match="fields"):
        check_body(own, NAMES[::-1], RATE, **LIMITS)
    with pytest.raises(ValueError, match=r"20\.0 Hz"):
        check_body(own, NAMES, 50.0, **LIMITS)
    for name, value in LIMITS.items():
        other = LIMITS | {name: np.where(np.isnan(value), np.nan, value + 0.5)}
        if name in known:
            with pytest.raises(ValueError, match=f"{name} of speed"):
                check_body(own, NAMES, RATE, **other)
        else:
            check_body(own, NAMES, RATE, **other)

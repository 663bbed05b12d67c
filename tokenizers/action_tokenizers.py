"""The action tokenizers that a policy can speak."""

from pathlib import Path

from brownfield.tokenizers import (
    action_bins,
    fast_strings,
    ladder,
    spline_bins,
    uniform_bins,
)
from brownfield.tokenizers.folder import folder_kind
from brownfield.tokenizers.protocols import DigitTokenizer

ACTION_TOKENIZERS: dict[str, tuple[str, type[DigitTokenizer]]] = {
    "ladder": (ladder.KIND, ladder.LadderTokenizer),
    "knots": (action_bins.KIND, action_bins.KnotBinTokenizer),
    "fast": (fast_strings.KIND, fast_strings.FastStrings),
    "spline": (spline_bins.KIND, spline_bins.SplineBinTokenizer),
    "bins": (uniform_bins.KIND, uniform_bins.UniformBinTokenizer),
}
"""By name: how a folder calls it, and what it is."""


def load_action_tokenizer(folder: Path) -> DigitTokenizer:
    """Read what one of them saved.

    Raises:
        ValueError: it is damaged, or none of them.
    """
    kind = folder_kind(folder)
    known = dict(ACTION_TOKENIZERS.values())
    if kind not in known:
        raise ValueError(f"{folder}: expected one of {', '.join(known)}; got {kind}")
    return known[kind].load(folder)

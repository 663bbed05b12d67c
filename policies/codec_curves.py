"""Curves of tokens against error, pooled over folds, with a bootstrap over kinds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DRAWS = 1000


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One tokenizer at S settings on N windows of all folds."""

    settings: tuple[float, ...]
    """Scales, lengths, tolerances: (S)."""

    tokens: Array
    """(S, N) ids."""

    error: Array
    """(S, N) mean squared errors, normalised; NaN where a round trip failed."""

    kind: NDArray[np.str_]
    """(N,) kind of motion."""

    def summary(self, weight: Array | None = None) -> tuple[Array, Array]:
        """RMSE (S,) and mean ids (S,), of windows that came back."""
        w = np.ones(self.tokens.shape[1]) if weight is None else weight
        known = np.where(np.isnan(self.error), 0.0, w)
        total = np.maximum(known.sum(1), 1e-12)
        rmse = np.sqrt((np.nan_to_num(self.error) * known).sum(1) / total)
        return rmse, (self.tokens * known).sum(1) / total

    def failed(self) -> NDArray[np.int64]:
        """(S,) windows that did not survive their own round trip."""
        return np.isnan(self.error).sum(1)

    def tokens_at(self, rmse: Array, weight: Array | None = None) -> Array:
        """Ids needed for errors (R,), read between settings; NaN outside of them."""
        error, tokens = self.summary(weight)
        order = np.argsort(error)
        x, y = np.log(np.maximum(error[order], 1e-12)), tokens[order]
        return np.interp(np.log(rmse), x, y, left=np.nan, right=np.nan)


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Tokens of one curve over those of another at the same error."""

    value: float
    """The pooled ratio."""

    low: float
    """2.5 % of the bootstrap over kinds."""

    high: float
    """97.5 %."""


def ratios(curve: Curve, peer: Curve, rmse: Array, seed: int = 0) -> list[Ratio]:
    """Ratio of tokens at errors (R,), with intervals from resampled kinds."""
    kinds, index = np.unique(curve.kind, return_inverse=True)
    rng = np.random.default_rng(seed)
    value = curve.tokens_at(rmse) / peer.tokens_at(rmse)
    draws = np.empty((DRAWS, len(rmse)))
    for i in range(DRAWS):
        count = np.bincount(
            rng.integers(0, len(kinds), len(kinds)), minlength=len(kinds)
        )
        weight = count[index].astype(np.float64)
        draws[i] = curve.tokens_at(rmse, weight) / peer.tokens_at(rmse, weight)
    out = []
    for j in range(len(rmse)):
        known = draws[np.isfinite(draws[:, j]), j]
        low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan,) * 2
        out.append(Ratio(value=float(value[j]), low=float(low), high=float(high)))
    return out

"""How sure a share of successes is, and whether two policies differ."""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, sqrt

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """A count of successes with its Wilson 95 % interval."""

    successes: int
    """How many succeeded."""
    n: int
    """Of how many."""

    @property
    def value(self) -> float:
        """Successes over n; NaN for none."""
        return self.successes / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson 95 % interval."""
        return wilson_interval(self.successes, self.n)

    def __str__(self) -> str:
        if not self.n:
            return "-"
        lower, upper = self.interval
        return (
            f"{100 * self.value:.1f} % [{100 * lower:.1f}, {100 * upper:.1f}] "
            f"({self.successes}/{self.n})"
        )


def wilson_interval(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval (J. Am. Stat. Assoc. 22, 1927) of a binomial share.

    Unlike the textbook interval it keeps its promise near 0 and 1, where policies are.

    Args:
        successes: how many succeeded.
        n: of how many; for none the interval is all of [0, 1].
        z: quantile of the normal distribution.

    Raises:
        ValueError: successes outside 0..n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"expected 0 <= successes <= n, got {successes} of {n}")
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    scale = 1 + z * z / n
    centre = share + z * z / (2 * n)
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    lower = 0.0 if successes == 0 else (centre - half) / scale
    upper = 1.0 if successes == n else (centre + half) / scale
    return lower, upper


def mcnemar_p(only_first: int, only_second: int) -> float:
    """Exact two-sided p-value of McNemar's test on paired episodes.

    Args:
        only_first: pairs in which only the first policy succeeded.
        only_second: pairs in which only the second did.

    Raises:
        ValueError: a negative count.
    """
    if only_first < 0 or only_second < 0:
        raise ValueError(
            f"counts must not be negative, got {only_first} and {only_second}"
        )
    n = only_first + only_second
    tail = sum(comb(n, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, 2 * tail / 2**n)


def paired_difference(
    both: int, only_first: int, only_second: int, neither: int, z: float = Z95
) -> tuple[float, float, float]:
    """Difference of two shares on paired episodes, with an interval.

    Newcombe's method 10 (Statistics in Medicine 17, 1998): Wilson limits of the two
    shares, combined with their correlation.

    Args:
        both: pairs in which both succeeded.
        only_first: pairs in which only the first did.
        only_second: pairs in which only the second did.
        neither: pairs in which neither did.
        z: quantile of the normal distribution.

    Returns:
        difference: first minus second.
        lower: end of the interval.
        upper: end of the interval.

    Raises:
        ValueError: a negative count, or no pair.
    """
    cells = (both, only_first, only_second, neither)
    n = sum(cells)
    if min(cells) < 0 or n == 0:
        raise ValueError(f"expected counts of at least one pair, got {cells}")
    first, second = both + only_first, both + only_second
    p, q = first / n, second / n
    p_lower, p_upper = wilson_interval(first, n, z)
    q_lower, q_upper = wilson_interval(second, n, z)
    margins = first * (n - first) * second * (n - second)
    product = both * neither - only_first * only_second
    if product > 0:
        product = max(product - n / 2, 0)
    phi = product / sqrt(margins) if margins else 0.0

    def reach(a: float, b: float) -> float:
        return sqrt(max(a * a - 2 * phi * a * b + b * b, 0.0))

    return (
        p - q,
        p - q - reach(p - p_lower, q_upper - q),
        p - q + reach(p_upper - p, q - q_lower),
    )

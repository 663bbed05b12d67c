"""Intervals against published values and their own laws."""

import itertools

import pytest

from brownfield.policies.intervals import (
    Share,
    mcnemar_p,
    paired_difference,
    wilson_interval,
)


@pytest.mark.parametrize(
    ("successes", "n", "lower", "upper"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_agrees_with_published_values(
    successes: int, n: int, lower: float, upper: float
) -> None:
    assert wilson_interval(successes, n) == pytest.approx((lower, upper), abs=5e-5)


def test_wilson_laws() -> None:
    for n in (1, 7, 200):
        for k in range(n + 1):
            lower, upper = wilson_interval(k, n)
            assert 0 <= lower <= k / n <= upper <= 1
            mirrored = wilson_interval(n - k, n)
            assert mirrored == pytest.approx((1 - upper, 1 - lower), abs=1e-12)
    assert wilson_interval(0, 0) == (0.0, 1.0)
    assert str(Share(successes=191, n=200)).startswith("95.5 % [91.7, 97.6]")
    with pytest.raises(ValueError, match="successes"):
        wilson_interval(3, 2)


def test_mcnemar_is_the_exact_sign_test() -> None:
    assert mcnemar_p(0, 0) == 1.0
    assert mcnemar_p(5, 5) == 1.0
    assert mcnemar_p(0, 5) == pytest.approx(2 / 32)
    assert mcnemar_p(1, 9) == pytest.approx(2 * 11 / 1024)
    assert mcnemar_p(9, 1) == mcnemar_p(1, 9)


def test_paired_difference_laws() -> None:
    for cells in itertools.product((0, 3, 40), repeat=4):
        if not sum(cells):
            continue
        both, first, second, neither = cells
        difference, lower, upper = paired_difference(*cells)
        assert lower <= difference <= upper
        back = paired_difference(both, second, first, neither)
        assert back == pytest.approx((-difference, -upper, -lower))
    assert paired_difference(380, 10, 5, 5)[0] == pytest.approx(5 / 400)

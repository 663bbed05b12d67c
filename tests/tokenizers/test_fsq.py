import math

import pytest
import torch

from brownfield.tokenizers.fsq import FSQ

LEVELS = pytest.mark.parametrize("levels", [(8, 5, 5, 5), (8, 8, 8), (2, 3), (7,)])


@LEVELS
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_ids_are_in_range_at_any_precision(
    levels: tuple[int, ...], dtype: torch.dtype
) -> None:
    torch.manual_seed(0)
    quantiser = FSQ(levels)
    for scale in (0.1, 1.0, 30.0, 3e4):
        z = (torch.randn(4000, len(levels)) * scale).to(dtype)
        with torch.autocast("cpu", torch.bfloat16):
            codes, ids = quantiser(z)
        assert codes.dtype == torch.float32 and ids.dtype == torch.int64
        assert 0 <= ids.min() and ids.max() < quantiser.codebook_size
        assert codes.abs().max() <= 1


@LEVELS
def test_ids_and_codes_say_the_same(levels: tuple[int, ...]) -> None:
    torch.manual_seed(1)
    quantiser = FSQ(levels)
    codes, ids = quantiser(torch.randn(5000, len(levels)) * 2)
    torch.testing.assert_close(quantiser.codes(ids), codes, atol=1e-6, rtol=0)


@LEVELS
def test_every_id_can_be_reached(levels: tuple[int, ...]) -> None:
    quantiser = FSQ(levels)
    every = torch.arange(math.prod(levels))
    # The latent that each code is the rounding of.
    bounded = quantiser.codes(every) * quantiser.width + quantiser.offset
    z = torch.atanh((bounded / quantiser.reach).clamp(-1 + 1e-6, 1 - 1e-6))
    torch.testing.assert_close(quantiser(z - quantiser.shift)[1], every)


def test_matches_the_formula_written_out() -> None:
    levels, z = (8, 5), (0.4, -0.9)
    digits = []
    for level, x in zip(levels, z, strict=True):
        half = (level - 1) * 1.001 / 2
        offset = 0.5 if level % 2 == 0 else 0.0
        bounded = math.tanh(x + math.atanh(offset / half)) * half - offset
        digits.append(round(bounded) + level // 2)
    codes, ids = FSQ(levels)(torch.tensor(z))
    assert int(ids) == digits[0] + 8 * digits[1]
    expected = [(digits[0] - 4) / 4, (digits[1] - 2) / 2]
    torch.testing.assert_close(codes, torch.tensor(expected))


def test_gradients_pass_the_rounding() -> None:
    z = torch.zeros(3, 4, requires_grad=True)
    codes, _ = FSQ((8, 5, 5, 5))(z)
    codes.sum().backward()
    assert z.grad is not None and (z.grad > 0.1).all()


def test_foreign_ids_are_clamped() -> None:
    quantiser = FSQ((8, 5))
    found = quantiser.codes(torch.tensor([-7, 40, 10**12]))
    expected = quantiser.codes(torch.tensor([0, 39, 39]))
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("levels", [(), (8, 1)])
def test_refuses_levels_that_hold_nothing(levels: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="levels must all be at least 2"):
        FSQ(levels)


def test_ids_of_a_large_vocabulary_are_exact() -> None:
    torch.manual_seed(2)
    quantiser = FSQ((8,) * 12)
    codes, ids = quantiser(torch.randn(2000, 12) * 3)
    assert ids.max() > 2**32
    torch.testing.assert_close(quantiser.codes(ids), codes, atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="64 bits"):
        FSQ((8,) * 22)


@LEVELS
def test_latents_around_zero_use_symmetric_levels_alike(
    levels: tuple[int, ...],
) -> None:
    torch.manual_seed(0)
    quantiser, n = FSQ(levels, symmetric=True), len(levels)
    codes, _ = quantiser(torch.atanh(torch.rand(40_000, n) * 2 - 1))
    mean = quantiser.evened(codes).mean(0)
    torch.testing.assert_close(mean, torch.zeros(n), atol=0.03, rtol=0)
    # Rounding gives the outer two of more levels half as much.
    every = quantiser.codes(torch.arange(math.prod(levels)))
    torch.testing.assert_close(every.mean(0), torch.zeros(n), atol=1e-6, rtol=0)
    every = quantiser.evened(every)
    torch.testing.assert_close(every.mean(0), torch.zeros(n), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        every.std(0, correction=0), torch.ones(n), atol=1e-6, rtol=0
    )


def test_two_symmetric_levels_learn_from_zero() -> None:
    slopes = []
    for symmetric in (False, True):
        z = torch.zeros(1, 1, requires_grad=True)
        FSQ((2,), symmetric=symmetric)(z)[0].sum().backward()
        assert z.grad is not None
        slopes.append(float(z.grad))
    assert slopes[0] < 0.01 and slopes[1] > 0.4

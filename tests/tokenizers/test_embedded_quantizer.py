"""The embedded quantiser against numbers drawn from its density."""

import numpy as np
import pytest

from brownfield.tokenizers.embedded_quantizer import (
    KAPPA,
    centroids,
    distortion,
    distribution,
    quantile,
)


def test_quantile_is_the_inverse_of_the_distribution():
    x = np.linspace(-8, 8, 101)
    np.testing.assert_allclose(quantile(distribution(x)), x, atol=1e-9)
    assert quantile(np.array(0.0)) == -np.inf and quantile(np.array(1.0)) == np.inf


@pytest.mark.parametrize("cells", [1, 2, 3, 5, 8, 21, 256])
def test_centroids_are_means_of_their_cells(cells):
    table = centroids(cells)
    assert table.shape == (cells,)
    np.testing.assert_array_equal(table, -table[::-1])
    assert (np.diff(table) > 0).all()
    x = np.random.default_rng(0).laplace(size=400_000)
    cell = np.minimum((distribution(x / KAPPA) * cells).astype(int), cells - 1)
    for q in range(cells):
        own = x[cell == q]
        if len(own) > 2000:
            assert own.mean() == pytest.approx(table[q], abs=0.1)


@pytest.mark.parametrize("cells", [1, 2, 3, 4, 8, 32])
def test_distortion_is_the_mean_squared_error(cells):
    x = np.random.default_rng(1).laplace(size=400_000)
    cell = np.minimum((distribution(x / KAPPA) * cells).astype(int), cells - 1)
    error = ((x - centroids(cells)[cell]) ** 2).mean() / 2
    assert error == pytest.approx(distortion(cells), rel=0.03)


def test_splitting_cells_refines_them():
    x = np.random.default_rng(2).laplace(size=1000)
    u = distribution(x / KAPPA)
    fine = (u * 12).astype(int)
    np.testing.assert_array_equal(fine // 3, (u * 4).astype(int))

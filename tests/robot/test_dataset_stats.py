import numpy as np
import pytest

from brownfield.robot import dataset_stats as stats


def test_numbers_are_exact() -> None:
    values = np.random.default_rng(0).normal(size=(57, 3)).astype(np.float32)
    got = stats.number_statistics(values)
    exact = values.astype(np.float64)
    assert got["count"] == [57]
    np.testing.assert_allclose(got["mean"], exact.mean(0))
    np.testing.assert_allclose(got["std"], exact.std(0))
    for name, quantile in stats.QUANTILES.items():
        np.testing.assert_allclose(got[name], np.quantile(exact, quantile, axis=0))


@pytest.mark.parametrize("levels", [256, 3, 1])
def test_counted_pixels_give_the_statistics_of_the_pixels(levels: int) -> None:
    rng = np.random.default_rng(levels)
    frames = rng.integers(0, levels, (4, 6, 10, 3), np.uint8)
    counts = stats.pixel_counts(frames[:1]) + stats.pixel_counts(frames[1:])
    got = stats.pixel_statistics(counts, 4)
    exact = frames.reshape(-1, 3) / 255
    assert got["count"] == [4]
    assert np.shape(got["mean"]) == (3, 1, 1)
    np.testing.assert_allclose(np.ravel(got["min"]), exact.min(0))
    np.testing.assert_allclose(np.ravel(got["max"]), exact.max(0))
    np.testing.assert_allclose(np.ravel(got["mean"]), exact.mean(0))
    np.testing.assert_allclose(np.ravel(got["std"]), exact.std(0), atol=1e-12)
    for name, quantile in stats.QUANTILES.items():
        want = np.quantile(exact, quantile, axis=0)
        np.testing.assert_allclose(np.ravel(got[name]), want)


def test_sampled_frames_are_all_of_a_short_episode() -> None:
    np.testing.assert_array_equal(stats.sampled_frames(80), np.arange(80))
    many = stats.sampled_frames(10_000)
    assert len(many) == 1000
    assert (many[0], many[-1]) == (0, 9999)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_is_named(bad: float) -> None:
    values = np.zeros((5, 2), np.float32)
    values[3, 1] = bad
    message = "'observation.state' is NaN or infinite in episode 7, frame 3"
    with pytest.raises(ValueError, match=message):
        stats.require_finite("observation.state", values, 7)

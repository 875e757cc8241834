import numpy as np
import pytest
from scipy import stats

from workbench.compare.student import cdf, mean_deviation, quantile, two_sided

DEGREES = np.array([0.5, 0.75, 1, 1.3, 2, 2.7, 3, 4, 5.5, 10, 30, 1e2, 1e3, 1e4, 1e5, 1e6])[:, None]
# Closer to zero SciPy's own tail has fewer digits than asked for here.
T = np.concatenate([-np.geomspace(1e-3, 1e6, 91), [0.0], np.geomspace(1e-3, 1e6, 91)])


def test_probabilities_are_scipys_to_nine_digits_far_out_in_the_tail_too() -> None:
    expected = 2 * stats.t.sf(np.abs(T), DEGREES)
    told = expected > 1e-290
    np.testing.assert_allclose(two_sided(T, DEGREES)[told], expected[told], rtol=1e-9)
    assert (two_sided(T, DEGREES)[~told] <= 1e-289).all()


def test_cdf_is_scipys() -> None:
    np.testing.assert_allclose(cdf(T, DEGREES), stats.t.cdf(T, DEGREES), rtol=1e-9, atol=1e-290)


def test_quantiles_are_scipys() -> None:
    tail = np.geomspace(1e-12, 0.49, 60)
    probability = np.concatenate([tail, 1 - tail[tail > 1e-6]])
    expected = stats.t.ppf(probability, DEGREES)
    np.testing.assert_allclose(quantile(probability, DEGREES), expected, rtol=1e-9)


def test_one_and_two_degrees_have_closed_forms() -> None:
    t = np.geomspace(1e-9, 1e9, 200)
    np.testing.assert_allclose(two_sided(t, 1), 2 / np.pi * np.arctan2(1, t), rtol=1e-12)
    np.testing.assert_allclose(two_sided(t, 2), 2 / (2 + t**2 + t * np.sqrt(2 + t**2)), rtol=1e-12)


@pytest.mark.parametrize("degrees", [1e6, 1e8])
def test_many_degrees_are_normal(degrees: float) -> None:
    t = np.linspace(0.1, 6, 60)
    np.testing.assert_allclose(two_sided(t, degrees), 2 * stats.norm.sf(t), rtol=1e3 / degrees)


def test_quantile_is_the_inverse_where_it_is_steep_and_where_it_is_flat() -> None:
    for degrees in (0.5, 1.0, 3.3, 40.0):
        t = np.array([-50.0, -2.0, -0.1, -1e-6, 0.0, 1e-6, 0.1, 2.0])
        np.testing.assert_allclose(quantile(cdf(t, degrees), degrees), t, rtol=1e-8, atol=1e-15)


@pytest.mark.parametrize(
    ("probability", "degrees", "expected"),
    [
        (0.0, 3, -np.inf),
        (1.0, 3, np.inf),
        (0.5, 3, 0.0),
        (-0.1, 3, np.nan),
        (1.1, 3, np.nan),
        (np.nan, 3, np.nan),
        (0.9, np.nan, np.nan),
        (0.9, 0, np.nan),
        (0.5, -1, np.nan),
    ],
)
def test_quantiles_at_the_edges(probability: float, degrees: float, expected: float) -> None:
    np.testing.assert_equal(float(quantile(probability, degrees)), expected)


def test_probabilities_at_the_edges() -> None:
    t = np.array([0.0, np.inf, -np.inf, np.nan, 1e200])
    np.testing.assert_array_equal(two_sided(t, 2), [1, 0, 0, np.nan, 0])
    np.testing.assert_array_equal(cdf(t, 2), [0.5, 1, 0, np.nan, 1])
    assert np.isnan(two_sided(1, np.nan))


def test_shapes_are_broadcast() -> None:
    assert two_sided(np.zeros(0), 3).shape == quantile(np.zeros(0), 3).shape == (0,)
    assert two_sided(1, 3).shape == quantile(0.9, 3).shape == ()
    assert quantile(np.full((4, 1), 0.9), np.ones(5)).shape == (4, 5)


def test_mean_deviation_is_that_of_the_chi_distribution() -> None:
    degrees = np.array([1, 1.5, 2, 4, 10, 1000])
    np.testing.assert_allclose(mean_deviation(degrees), stats.chi.mean(degrees) / np.sqrt(degrees), rtol=1e-12)
    assert np.isnan(mean_deviation([0, -1, np.nan])).all()

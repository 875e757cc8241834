import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import stats

from workbench.compare.statistics import compare_means, error_of_mean, significant
from workbench.compare.student import cdf, quantile, two_sided

Array = NDArray[np.float64]

# Whole numbers, for sums of them are exact.
times = st.integers(0, 1000).map(float)
degrees = st.floats(0.5, 1e6)


@st.composite
def sides(draw: st.DrawFn) -> tuple[Array, Array]:
    rows = draw(st.integers(0, 4))
    before, after = (draw(arrays(np.float64, (draw(st.integers(1, 5)), rows), elements=times)) for _ in range(2))
    return before, after


@given(sides())
def test_an_interval_excludes_zero_where_the_p_value_is_small(pair: tuple[Array, Array]) -> None:
    found = compare_means(*pair)
    known = ~np.isnan(found.p_value)
    excludes = (found.low > 0) | (found.high < 0)
    clear = np.abs(found.p_value - 0.05) > 1e-9
    assert ((found.p_value < 0.05) == excludes)[known & clear].all()
    assert (known == (len(pair[0]) + len(pair[1]) > 2)).all()


@given(sides())
def test_swapping_the_sides_turns_the_sign(pair: tuple[Array, Array]) -> None:
    there, back = compare_means(*pair), compare_means(*pair[::-1])
    np.testing.assert_allclose(back.difference, -there.difference, rtol=1e-12)
    np.testing.assert_allclose(back.low, -there.high, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(back.p_value, there.p_value, rtol=1e-9)


@given(sides(), st.integers(0, 9))
def test_the_order_of_captures_does_not_matter(pair: tuple[Array, Array], seed: int) -> None:
    shuffled = [side[np.random.default_rng(seed).permutation(len(side))] for side in pair]
    one, other = compare_means(*pair), compare_means(*shuffled)
    np.testing.assert_allclose(one.difference, other.difference, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(one.p_value, other.p_value, rtol=1e-6, atol=1e-12)


@given(sides(), st.integers(-60, 60), st.integers(0, 2**40))
def test_units_and_what_both_sides_share_do_not_matter(pair: tuple[Array, Array], power: int, shared: int) -> None:
    scale = 2.0**power
    found = compare_means(*pair)
    scaled = compare_means(*(side * scale for side in pair))
    np.testing.assert_array_equal(scaled.p_value, found.p_value)
    np.testing.assert_array_equal(scaled.low, found.low * scale)
    moved = compare_means(*(side + shared for side in pair))
    # Above 2**40 a thousandth is rounding; p-values then differ by as much.
    np.testing.assert_allclose(moved.difference, found.difference, atol=2e-3)


@given(st.floats(-1e6, 1e6), degrees)
def test_probabilities_lie_on_either_side_of_a_half(t: float, degree: float) -> None:
    assert 0 <= two_sided(t, degree) <= 1
    assert abs(cdf(t, degree) + cdf(-t, degree) - 1) <= 1e-15


@given(st.floats(1e-9, 0.49), degrees)
def test_quantile_and_cdf_are_inverse(tail: float, degree: float) -> None:
    t = quantile(tail, degree)
    np.testing.assert_allclose(cdf(t, degree), tail, rtol=1e-9)
    assert quantile(1 - tail, degree) > 0 > t


@given(st.lists(st.floats(0, 1) | st.just(float("nan")), max_size=12), st.floats(0.001, 0.5))
def test_significant_rows_are_scipys(p_values: list[float], rate: float) -> None:
    values = np.array(p_values, np.float64)
    known = ~np.isnan(values)
    found = significant(values, rate)
    assert not found[~known].any()
    adjusted = stats.false_discovery_control(values[known]) if known.any() else values[known]
    clear = np.abs(adjusted - rate) > 1e-12
    assert ((adjusted <= rate) == found[known])[clear].all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.data())
def test_a_smaller_p_value_loses_no_row(p_values: list[float], data: st.DataObject) -> None:
    values = np.array(p_values)
    smaller = values.copy()
    row = data.draw(st.integers(0, len(values) - 1))
    smaller[row] *= data.draw(st.floats(0, 1))
    assert (significant(smaller) >= significant(values)).all()


@given(st.lists(times, max_size=80), st.integers(-20, 20), st.integers(0, 10**6))
def test_the_error_of_a_mean_knows_no_unit_and_no_origin(steps: list[float], power: int, origin: int) -> None:
    values = np.array(steps, np.float64)
    error = error_of_mean(values)
    assert np.isnan(error) if len(steps) < 2 else error >= 0
    np.testing.assert_array_equal(error_of_mean(values * 2.0**power), error * 2.0**power)
    np.testing.assert_array_equal(error_of_mean(values + origin), error)

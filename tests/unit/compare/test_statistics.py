from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from workbench.compare.statistics import Differences, compare_means, error_of_mean, significant
from workbench.compare.student import quantile

UNKNOWN = ("low", "high", "p_value", "error", "noise", "smallest")


def column(*values: float) -> NDArray[np.float64]:
    """Captures of one quantity."""
    return np.array(values, np.float64)[:, None]


def only(found: Differences) -> dict[str, float]:
    """The one row of it."""
    return {field.name: float(getattr(found, field.name)[0]) for field in fields(found)}


def random(*shape: int) -> NDArray[np.float64]:
    return np.random.default_rng(shape).standard_normal(shape)


@pytest.mark.parametrize("captures", [2, 3, 5])
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_with_equal_numbers_of_captures_it_is_welchs_test(captures: int, confidence: float) -> None:
    before, after = random(captures, 200) + 5, random(captures, 200) * np.linspace(0.1, 9, 200) + 7
    found = compare_means(before, after, confidence=confidence)
    welch = stats.ttest_ind(after, before, equal_var=False)
    interval = welch.confidence_interval(confidence)
    np.testing.assert_allclose(found.p_value, welch.pvalue, rtol=1e-9)
    np.testing.assert_allclose(found.low, interval.low, rtol=1e-9)
    np.testing.assert_allclose(found.high, interval.high, rtol=1e-9)
    np.testing.assert_allclose(found.difference / found.error, welch.statistic, rtol=1e-9)


@pytest.mark.parametrize("captures", [(2, 5), (5, 2), (3, 4)])
def test_with_unequal_numbers_it_is_the_wider_of_welchs_and_students(captures: tuple[int, int]) -> None:
    before, after = random(captures[0], 200), random(captures[1], 200) * np.geomspace(0.1, 10, 200)
    found = compare_means(before, after)
    tests = [stats.ttest_ind(after, before, equal_var=equal) for equal in (False, True)]
    welch, student = (test.confidence_interval(0.95) for test in tests)
    is_welchs = welch.high - welch.low > student.high - student.low
    assert 0 < is_welchs.sum() < 200
    np.testing.assert_allclose(found.low, np.minimum(welch.low, student.low), rtol=1e-9)
    np.testing.assert_allclose(found.high, np.maximum(welch.high, student.high), rtol=1e-9)
    np.testing.assert_allclose(found.p_value, np.maximum(tests[0].pvalue, tests[1].pvalue), rtol=1e-9)
    statistic = np.where(is_welchs, tests[0].statistic, tests[1].statistic)
    np.testing.assert_allclose(found.difference / found.error, statistic, rtol=1e-9)


def test_one_capture_against_three_takes_the_spread_of_the_three() -> None:
    found = only(compare_means(column(10), column(12, 13, 14)))
    error = np.sqrt(1 + 1 / 3)
    assert found["difference"] == 3
    assert found["noise"] == pytest.approx(1)
    assert found["error"] == pytest.approx(error)
    assert found["p_value"] == pytest.approx(2 * stats.t.sf(3 / error, 2))
    assert found["high"] - 3 == pytest.approx(stats.t.ppf(0.975, 2) * error) == pytest.approx(3 - found["low"])


def test_the_sides_may_be_swapped() -> None:
    there, back = (only(compare_means(*sides)) for sides in ((column(1), column(2, 5)), (column(2, 5), column(1))))
    assert back["difference"] == -there["difference"]
    assert back["p_value"] == there["p_value"]
    assert (back["low"], back["high"]) == (-there["high"], -there["low"])


def test_of_one_capture_a_side_only_the_difference_is_known() -> None:
    for after in (7.0, 5.0):
        found = only(compare_means(column(5), column(after)))
        assert (found["before"], found["after"], found["difference"]) == (5, after, after - 5)
        assert all(np.isnan(found[name]) for name in UNKNOWN)


def test_noise_is_pooled_over_captures() -> None:
    before, after = column(1, 3), column(10, 10, 16)
    assert only(compare_means(before, after))["noise"] == pytest.approx(np.sqrt((2 + 24) / 3))


def test_the_smallest_difference_is_one_of_the_quantiles_and_the_corrected_error() -> None:
    found = only(compare_means(column(1, 2, 3), column(11, 12, 13)))
    error = np.sqrt(2 / 3)
    # With 4 degrees of freedom a standard deviation is 0.94 of the true one, on average.
    expected = (stats.t.ppf(0.975, 4) + stats.t.ppf(0.8, 4)) * error / (stats.chi.mean(4) / 2)
    assert found["smallest"] == pytest.approx(expected)


def test_without_any_spread_all_is_certain() -> None:
    same, other = (only(compare_means(column(5, 5, 5), column(*after))) for after in ((5, 5), (6, 6)))
    assert (same["p_value"], same["low"], same["high"], same["smallest"]) == (1, 0, 0, 0)
    assert (other["p_value"], other["low"], other["high"], other["smallest"]) == (0, 1, 1, 0)


def test_one_side_without_spread_takes_the_others_degrees_of_freedom() -> None:
    found = only(compare_means(column(5, 5, 5), column(6, 7, 8)))
    assert found["p_value"] == pytest.approx(stats.ttest_1samp([6, 7, 8], 5).pvalue)
    assert only(compare_means(column(5), column(6, 6)))["p_value"] == 0


def test_what_differs_by_rounding_does_not_differ() -> None:
    third = column(1 / 3, 1 / 3 + 1e-16, 1 / 3 - 1e-16)
    found = only(compare_means(third, np.nextafter(column(1 / 3, 1 / 3), 1)))
    assert (found["difference"], found["p_value"], found["noise"]) == (0, 1, 0)


def test_captures_that_agree_on_no_round_number_have_no_spread() -> None:
    """Their mean, as a sum divided by their number, would differ from them in the last digit."""
    value = 0.1 + 0.7
    found = only(compare_means(column(value, value, value), column(*[value] * 7)))
    assert (found["before"], found["after"], found["noise"]) == (value, value, 0)


def test_huge_values_lose_nothing() -> None:
    before, after = np.round(random(3, 50) * 1e6), np.round(random(4, 50) * 1e6) + 1e6
    small, huge = compare_means(before, after), compare_means(before + 1e15, after + 1e15)
    for name in ("difference", "low", "high", "p_value", "noise", "smallest"):
        np.testing.assert_allclose(getattr(huge, name), getattr(small, name), rtol=1e-9)


@pytest.mark.filterwarnings("error")
def test_rows_that_cannot_be_known_leave_the_others_alone() -> None:
    before = np.array([[1, np.nan, np.inf, 2, 0], [2, 3, 1, 2, 0]])
    after = np.array([[3, 1, 1, 2, 0], [5, 1, 2, 2, 1e-300]])
    found = compare_means(before, after)
    alone = compare_means(before[:, [0]], after[:, [0]])
    assert found.p_value[0] == alone.p_value[0]
    assert np.isnan(found.p_value).tolist() == [False, True, True, False, False]
    assert np.isnan(found.low[1:3]).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("captures", [(1, 1), (1, 2), (3, 3)])
def test_no_rows_are_no_differences(captures: tuple[int, int]) -> None:
    found = compare_means(np.zeros((captures[0], 0)), np.zeros((captures[1], 0)))
    assert {getattr(found, field.name).shape for field in fields(found)} == {(0,)}


def test_whole_numbers_are_taken() -> None:
    found = compare_means(np.array([[1], [2]]), np.array([[4], [5]]))
    assert found.difference.tolist() == [3.0]


@pytest.mark.parametrize(
    ("before", "after"), [((0, 2), (3, 2)), ((3, 2), (0, 2)), ((3, 2), (3, 4)), ((3,), (3, 1)), ((3, 1), (3,))]
)
def test_sides_that_cannot_be_compared_are_refused(before: tuple[int, ...], after: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shapes"):
        compare_means(np.zeros(before), np.zeros(after))


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3])
def test_significant_is_scipys_adjusted_p_value_below_the_rate(rate: float) -> None:
    p_values = np.random.default_rng(4).random((50, 40)) ** 3
    for row in p_values:
        expected = stats.false_discovery_control(row) <= rate
        assert significant(row, rate).tolist() == expected.tolist()


def test_a_row_is_carried_by_those_behind_it() -> None:
    assert significant(np.array([0.04, 0.03, 0.049])).tolist() == [True, True, True]
    assert significant(np.array([0.04, 0.03, 0.051])).tolist() == [False, False, False]


def test_rows_without_a_p_value_take_no_part() -> None:
    p_values = np.array([np.nan, 0.02, np.nan, 0.04, np.nan])
    assert significant(p_values).tolist() == [False, True, False, True, False]
    assert significant(np.array([np.nan, np.nan])).tolist() == [False, False]
    assert significant(np.zeros(0)).tolist() == []


def test_certain_differences_are_significant_and_equal_rows_are_not() -> None:
    assert significant(np.array([0.0, 1.0, 0.0])).tolist() == [True, False, True]


def test_the_error_of_two_or_three_steps_is_the_usual_one() -> None:
    assert error_of_mean(np.array([1.0, 3.0])) == pytest.approx(1)
    assert error_of_mean(np.array([1.0, 3.0, 8.0])) == pytest.approx(stats.sem([1, 3, 8]))


@pytest.mark.filterwarnings("error")
def test_of_less_than_two_steps_no_error_is_known() -> None:
    assert np.isnan(error_of_mean(np.array([5.0])))
    assert np.isnan(error_of_mean(np.zeros(0)))
    assert np.isnan(error_of_mean(np.ones((1, 3)))).tolist() == [True] * 3
    assert error_of_mean(np.zeros((50, 0))).shape == (0,)


@pytest.mark.parametrize("steps", [2, 5, 29, 30, 500])
def test_equal_steps_have_no_error(steps: int) -> None:
    assert error_of_mean(np.full(steps, 0.1)) == 0


def test_rows_are_columns_by_themselves() -> None:
    values = np.cumsum(random(60, 4), axis=0)
    assert error_of_mean(values).tolist() == [float(error_of_mean(values[:, row])) for row in range(4)]


def test_a_straight_line_over_many_steps_is_no_error_and_over_few_it_is() -> None:
    noise = random(200)
    line = np.arange(200) * 3.0
    assert error_of_mean(noise + line) == pytest.approx(float(error_of_mean(noise)))
    assert error_of_mean(line) == pytest.approx(0, abs=1e-9)
    assert error_of_mean(line[:20]) > 5


def test_neighbours_that_are_alike_count_once() -> None:
    """Each step said 25 times over tells no more than once; taken as independent, they would seem 5 times as good."""
    steps = random(400)
    repeated = np.repeat(steps, 25)
    once = stats.sem(steps)
    assert stats.sem(repeated) < 0.21 * once
    assert 0.85 * once < error_of_mean(repeated) < 1.15 * once


def test_steps_that_take_turns_are_better_than_independent_ones() -> None:
    """A slow step after each fast one: the mean is known far better than either."""
    values = np.tile([1.0, -1.0], 100) + 0.1 * random(200)
    assert error_of_mean(values) < 0.3 * stats.sem(values)


def test_a_hundred_thousand_steps() -> None:
    error = error_of_mean(random(100_000, 2))
    np.testing.assert_allclose(error, 100_000**-0.5, rtol=0.05)


def test_the_default_confidence_is_that_of_95_in_100() -> None:
    found = compare_means(random(3, 5), random(3, 5))
    wide = compare_means(random(3, 5), random(3, 5), confidence=0.99)
    assert (wide.high - wide.low > found.high - found.low).all()
    np.testing.assert_array_equal(wide.p_value, found.p_value)
    assert quantile(0.975, 4) * found.error[0] <= (found.high - found.low)[0] / 2

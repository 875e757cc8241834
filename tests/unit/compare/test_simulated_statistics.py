"""What is promised of intervals and alarms, held against captures that are made up (see the benchmark)."""

import numpy as np
import pytest

from benchmarks.diff_statistics import Case, Outcome, coverage, error_of_steps, percentile, simulate, two_level
from workbench.compare.statistics import compare_means, significant

PAIRS = 6_000
EXPERIMENTS = PAIRS // 20


def slack(share: float, count: int) -> float:
    """Three standard errors of a share that was counted."""
    return 3 * float(np.sqrt(share * (1 - share) / count))


def assert_kept(found: Outcome) -> None:
    """No more than 5 % of false alarms, and 95 % of intervals around the truth."""
    assert found.alarms <= 0.05 + slack(0.05, PAIRS)
    assert found.experiments <= 0.05 + slack(0.05, EXPERIMENTS)
    assert found.covered >= 0.95 - slack(0.05, PAIRS)


@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("captures", [(2, 2), (3, 3), (5, 5), (2, 5)])
def test_with_and_without_spread_between_captures(spread: float, captures: tuple[int, int]) -> None:
    found = simulate(Case(spread, *captures), PAIRS)
    assert_kept(found)
    assert found.covered <= 0.985
    assert found.shown == pytest.approx(0.8, abs=0.06)


def test_three_captures_a_side_are_covered_closely() -> None:
    found = simulate(Case(1), PAIRS)
    assert found.covered == pytest.approx(0.96, abs=0.012)
    assert found.shown == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize("captures", [(1, 3), (3, 1), (1, 5)])
def test_one_capture_against_several(captures: tuple[int, int]) -> None:
    found = simulate(Case(1, *captures), PAIRS)
    assert_kept(found)
    assert found.covered == pytest.approx(0.95, abs=slack(0.05, PAIRS))
    assert found.shown == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("captures", [(2, 2), (3, 3), (5, 5), (2, 5)])
def test_a_side_that_spreads_twice_as_far(captures: tuple[int, int]) -> None:
    assert_kept(simulate(Case(1, *captures, ratio=4), PAIRS))


def test_two_captures_that_spread_far_against_five_that_do_not_are_the_hardest() -> None:
    found = simulate(Case(1, 5, 2, ratio=4), PAIRS)
    assert 0.92 < found.covered < 0.95


@pytest.mark.parametrize("noise", ["skewed", "stalls"])
@pytest.mark.parametrize("captures", [(2, 2), (3, 3), (2, 5)])
def test_noise_with_a_tail(noise: str, captures: tuple[int, int]) -> None:
    assert_kept(simulate(Case(1, *captures, noise=noise), PAIRS))


@pytest.mark.parametrize("noise", ["skewed", "stalls"])
def test_noise_with_a_tail_on_a_side_that_spreads_twice_as_far(noise: str) -> None:
    assert_kept(simulate(Case(1, noise=noise, ratio=4), PAIRS))


def test_a_bootstrap_would_not_hold() -> None:
    assert coverage(percentile, Case(1), 400) < 0.86
    assert coverage(two_level, Case(3), 400) < 0.86


def test_rows_that_rise_and_fall_together_raise_no_more_alarms() -> None:
    """As when all kernels of a capture are slow because its clocks are."""
    random = np.random.default_rng(6)
    before, after = (
        random.standard_normal((3, 3_000, 1)) + 0.5 * random.standard_normal((3, 3_000, 20)) for _ in range(2)
    )
    p_values = compare_means(before.reshape(3, -1), after.reshape(3, -1)).p_value.reshape(3_000, 20)
    alarms = np.mean([significant(row).any() for row in p_values])
    assert alarms <= 0.05 + slack(0.05, 3_000)


def test_of_the_rows_that_are_said_to_differ_few_do_not() -> None:
    random = np.random.default_rng(7)
    before, after = random.standard_normal((2, 5, 2_000, 20))
    after[:, :, :8] += 5
    p_values = compare_means(before.reshape(5, -1), after.reshape(5, -1)).p_value.reshape(2_000, 20)
    said = np.array([significant(row) for row in p_values])
    false = said[:, 8:].sum(axis=1) / np.maximum(1, said.sum(axis=1))
    assert said[:, :8].mean() > 0.9
    assert 0 < false.mean() <= 0.05


@pytest.mark.parametrize(
    ("steps", "likeness", "low", "high"),
    [(5, 0.0, 0.9, 1.1), (50, 0.0, 0.95, 1.15), (50, 0.8, 0.72, 0.92), (1000, 0.8, 0.9, 1.05), (1000, 0.0, 0.97, 1.05)],
)
def test_the_error_of_steps_is_near_the_true_one(steps: int, likeness: float, low: float, high: float) -> None:
    assert low < error_of_steps(steps, likeness, 500) < high

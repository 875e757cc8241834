import numpy as np
from numpy.typing import NDArray

from workbench.analysis.intervals import Timeline, exclusive_ns


def ns(*times: int) -> NDArray[np.int64]:
    return np.array(times, np.int64)


def union(*intervals: tuple[int, int]) -> list[tuple[int, int]]:
    starts, ends = (ns(*times) for times in zip(*intervals, strict=True))
    timeline = Timeline.union(starts, ends)
    return list(zip(timeline.start_ns.tolist(), timeline.end_ns.tolist(), strict=True))


def test_intervals_that_overlap_or_touch_become_one() -> None:
    assert union((0, 10), (5, 20), (20, 30), (40, 50)) == [(0, 30), (40, 50)]


def test_an_interval_inside_another_adds_nothing() -> None:
    assert union((0, 100), (10, 20), (30, 40), (90, 110)) == [(0, 110)]


def test_intervals_may_come_in_any_order() -> None:
    assert union((40, 50), (5, 20), (0, 10)) == [(0, 20), (40, 50)]


def test_an_interval_that_ends_before_it_starts_is_empty() -> None:
    timeline = Timeline.union(ns(0, 30), ns(10, 20))
    assert timeline.total_ns == 10
    assert timeline.covered_between(ns(0), ns(100)).tolist() == [10]


def test_nothing_covers_nothing() -> None:
    timeline = Timeline.union(ns(), ns())
    assert timeline.total_ns == 0
    assert timeline.covered_until(ns(5)).tolist() == [0]


def test_total_is_the_time_covered_not_the_sum() -> None:
    assert Timeline.union(ns(0, 5, 40), ns(10, 20, 50)).total_ns == 30


def test_covered_until_counts_only_what_lies_before() -> None:
    timeline = Timeline.union(ns(10, 40), ns(20, 60))
    assert timeline.covered_until(ns(0, 10, 15, 20, 30, 50, 60, 99)).tolist() == [0, 0, 5, 10, 10, 20, 30, 30]


def test_windows_are_covered_in_part() -> None:
    timeline = Timeline.union(ns(10, 40), ns(20, 60))
    assert timeline.covered_between(ns(0, 15, 20, 0), ns(15, 45, 40, 99)).tolist() == [5, 10, 0, 30]


def test_a_window_that_ends_before_it_begins_is_empty() -> None:
    assert Timeline.union(ns(0), ns(100)).covered_between(ns(50), ns(20)).tolist() == [0]


def test_overlapping_time_belongs_to_the_interval_that_started_first() -> None:
    assert exclusive_ns(ns(0, 5, 8, 30), ns(10, 20, 12, 35)).tolist() == [10, 10, 0, 5]


def test_of_two_that_start_together_the_longer_one_gets_all() -> None:
    assert exclusive_ns(ns(0, 0), ns(10, 30)).tolist() == [0, 30]


def test_exclusive_times_stay_in_the_order_given() -> None:
    assert exclusive_ns(ns(30, 0, 5), ns(35, 10, 20)).tolist() == [5, 10, 10]


def test_exclusive_times_of_nothing() -> None:
    assert exclusive_ns(ns(), ns()).tolist() == []

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.analysis.intervals import Timeline, exclusive_ns

intervals = st.lists(st.tuples(st.integers(0, 60), st.integers(-3, 20)), max_size=14)


def instants(start: int, end: int) -> set[int]:
    return set(range(start, end))


def arrays(built: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    start = np.array([entry[0] for entry in built], np.int64)
    return start, start + np.array([entry[1] for entry in built], np.int64)


@given(intervals, st.integers(-5, 90), st.integers(-5, 90))
def test_union_and_coverage_equal_counting_instants(built: list[tuple[int, int]], begin: int, end: int) -> None:
    start, stop = arrays(built)
    covered = set().union(*(instants(*pair) for pair in zip(start.tolist(), stop.tolist(), strict=True)))
    timeline = Timeline.union(start, stop)
    assert timeline.total_ns == len(covered)
    assert (timeline.start_ns[1:] > timeline.end_ns[:-1]).all()
    (within,) = timeline.covered_between(np.array([begin]), np.array([end])).tolist()
    assert within == len(covered & instants(begin, end))


@given(intervals)
def test_exclusive_parts_add_up_to_the_union(built: list[tuple[int, int]]) -> None:
    start, stop = arrays(built)
    parts = exclusive_ns(start, stop)
    assert (parts >= 0).all()
    assert parts.sum() == Timeline.union(start, stop).total_ns
    assert (parts <= np.maximum(0, stop - start)).all()

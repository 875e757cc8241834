import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.trace.grouping import group_rows, places_of

small = st.integers(-3, 3)
large = st.integers(-(2**62), 2**62)


@given(st.lists(st.tuples(st.one_of(small, large), small, st.one_of(small, large)), max_size=40))
def test_groups_are_the_distinct_rows_in_order(rows: list[tuple[int, int, int]]) -> None:
    columns = [np.array([row[i] for row in rows], np.int64) for i in range(3)]
    group, first = group_rows(*columns)
    distinct = sorted(set(rows))
    assert [distinct[number] for number in group.tolist()] == rows
    assert first.tolist() == [rows.index(row) for row in distinct]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(-3, 6)), max_size=8))
def test_places_of_stretches_are_those_of_each_by_itself(built: list[tuple[int, int]]) -> None:
    first = np.array([begin for begin, _ in built], np.int64)
    end = first + np.array([length for _, length in built], np.int64)
    stretch, place = places_of(first, end)
    expected = [(number, at) for number, (begin, length) in enumerate(built) for at in range(begin, begin + length)]
    assert list(zip(stretch.tolist(), place.tolist(), strict=True)) == expected

"""Which ranges are open at a moment: against a search through all of them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.traces import minimal_trace
from workbench.attribution.open_ranges import contexts
from workbench.trace.model import NONE, OPEN_END_NS, Ranges, RangeStyle

Range = tuple[int, int | None, int, bool]


@st.composite
def ranges(draw: st.DrawFn) -> list[Range]:
    """Ranges (start, length or None, thread, is start/end): nested, crossing, empty, equal, never closed."""
    horizon = draw(st.sampled_from([4, 12, 40]))
    one = st.tuples(
        st.integers(0, horizon),
        st.one_of(st.none(), st.integers(0, horizon)),
        st.integers(0, 3),
        st.sampled_from([False, False, False, True]),
    )
    return draw(st.lists(one, max_size=16))


moments = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 85)), min_size=1, max_size=16)
# Threads 0 and 1 are of one process, 2 and 3 of another.
PROCESS = (0, 0, 1, 1)


@settings(max_examples=400, deadline=None)
@given(ranges(), moments)
def test_open_ranges_equal_a_search_through_all(built: list[Range], asked: list[tuple[int, int]]) -> None:
    start = np.array([r[0] for r in built], np.int64)
    end = np.array([OPEN_END_NS if r[1] is None else r[0] + r[1] for r in built], np.int64)
    thread = np.array([r[2] for r in built], np.int32)
    style = np.array([RangeStyle.START_END if r[3] else RangeStyle.PUSH_POP for r in built], np.int8)
    order = np.lexsort((-end, start))
    zeros = np.zeros(len(built), np.int32)
    trace = minimal_trace(
        ranges=Ranges(
            start[order], end[order], style[order], thread[order], zeros, zeros.copy(), zeros.copy(), start * 0
        ),
        thread_process=np.array(PROCESS, np.int32),
    )
    table = trace.ranges
    threads = np.array([moment[0] for moment in asked], np.int32)
    times = np.array([moment[1] for moment in asked], np.int64)
    found = contexts(trace, threads, times)
    for number, (own_thread, time) in enumerate(asked):
        is_open = [row for row in range(len(table)) if table.start_ns[row] <= time < table.end_ns[row]]
        push_pop = [
            row for row in is_open if table.style[row] == RangeStyle.PUSH_POP and table.thread[row] == own_thread
        ]
        start_end = [
            row
            for row in is_open
            if table.style[row] == RangeStyle.START_END and PROCESS[table.thread[row]] == PROCESS[own_thread]
        ]

        # The latest-started comes first; of two that start together, the shorter one; of equals, the later row.
        def key(row: int) -> tuple[int, int, int]:
            return (-table.start_ns[row], table.end_ns[row], -row)

        context = found.ranges[found.of_moment[number]].tolist()
        depth = found.push_pop_depth
        assert [row for row in context[:depth] if row != NONE] == sorted(push_pop, key=key)
        assert [row for row in context[depth:] if row != NONE] == sorted(start_end, key=key)
        own = found.own_range()[found.of_moment[number]]
        assert own == (sorted(push_pop, key=key) or [NONE])[0]

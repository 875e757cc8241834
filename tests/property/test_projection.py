"""Where operations belong: against searches through all ranges, calls and graph nodes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.traces import minimal_trace
from workbench.attribution.graph_origins import creation_rows
from workbench.attribution.launches import launching_calls
from workbench.attribution.open_ranges import contexts
from workbench.trace.model import NONE, OPEN_END_NS, Calls, GraphNodes, Operations, Ranges, RangeStyle, Trace

Range = tuple[int, int | None, int, bool]


@st.composite
def ranges(draw: st.DrawFn) -> list[Range]:
    """Ranges (start, length or None, thread, is start/end): nested, crossing, empty, equal, never closed.

    Some programs leave most of them open, as one does that loses a pop on every exception.
    """
    horizon = draw(st.sampled_from([4, 12, 40]))
    lengths = st.integers(0, horizon)
    one = st.tuples(
        st.integers(0, horizon),
        draw(st.sampled_from([lengths, st.one_of(st.none(), lengths), st.one_of(st.none(), st.none(), lengths)])),
        st.integers(0, 3),
        st.sampled_from([False, False, False, True]),
    )
    return draw(st.lists(one, max_size=24))


moments = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 85)), min_size=1, max_size=16)
# Threads 0 and 1 are of one process, 2 and 3 of another.
PROCESS = (0, 0, 1, 1)


def trace_of(built: list[Range]) -> Trace:
    start = np.array([r[0] for r in built], np.int64)
    end = np.array([OPEN_END_NS if r[1] is None else r[0] + r[1] for r in built], np.int64)
    thread = np.array([r[2] for r in built], np.int32)
    style = np.array([RangeStyle.START_END if r[3] else RangeStyle.PUSH_POP for r in built], np.int8)
    order = np.lexsort((-end, start))
    zeros = np.zeros(len(built), np.int32)
    return minimal_trace(
        ranges=Ranges(
            start[order], end[order], style[order], thread[order], zeros, zeros.copy(), zeros.copy(), start * 0
        ),
        thread_process=np.array(PROCESS, np.int32),
    )


def stack(table: Ranges, thread: int, time: int) -> tuple[list[int], list[int]]:
    """The push/pop and the start/end ranges open at a moment, innermost first."""
    is_open = [row for row in range(len(table)) if table.start_ns[row] <= time < table.end_ns[row]]
    push_pop = [row for row in is_open if table.style[row] == RangeStyle.PUSH_POP and table.thread[row] == thread]
    start_end = [
        row
        for row in is_open
        if table.style[row] == RangeStyle.START_END and PROCESS[table.thread[row]] == PROCESS[thread]
    ]

    # The latest-started comes first; of two that start together, the shorter one; of equals, the later row.
    def key(row: int) -> tuple[int, int, int]:
        return (-table.start_ns[row], table.end_ns[row], -row)

    return sorted(push_pop, key=key), sorted(start_end, key=key)


@settings(max_examples=400, deadline=None)
@given(ranges(), moments, st.data())
def test_open_ranges_equal_a_search_through_all(
    built: list[Range], asked: list[tuple[int, int]], data: st.DataObject
) -> None:
    trace = trace_of(built)
    threads = np.array([moment[0] for moment in asked], np.int32)
    times = np.array([moment[1] for moment in asked], np.int64)
    found = contexts(trace, threads, times)
    some, others = (
        np.array(data.draw(st.lists(st.booleans(), min_size=len(built), max_size=len(built))), np.bool_)
        for _ in range(2)
    )
    stacks = found.stacks(np.arange(len(found)), 100)
    innermost = found.innermost(some)
    further_out = found.innermost(others, innermost) if len(built) else innermost
    for number, (thread, time) in enumerate(asked):
        push_pop, start_end = stack(trace.ranges, thread, time)
        expected = [*push_pop, *start_end]
        context = found.of_moment[number]
        assert [row for row in stacks[context].tolist() if row != NONE] == expected
        assert found.stacks(np.array([context]), 2)[0].tolist()[: len(expected)] == expected[:2]
        assert found.own_range()[context] == (push_pop or [NONE])[0]
        first = next((row for row in expected if some[row]), NONE)
        assert innermost[context] == first
        around = expected[expected.index(first) + 1 :] if first != NONE else []
        assert further_out[context] == next((row for row in around if others[row]), NONE)


def test_a_hundred_thousand_ranges_left_open() -> None:
    """Every other one is of the process as a whole, and crosses one that is closed while it is open."""
    count = 100_000
    left_open: list[Range] = [(10 * i, None, 0, i % 2 == 1) for i in range(count)]
    closed: list[Range] = [(10 * i - 5, 10, 0, True) for i in range(1, count, 2)]
    trace = trace_of([*left_open, *closed])
    times = 10 * np.arange(count)
    found = contexts(trace, np.zeros(count, np.int32), times)
    own = found.own_range()[found.of_moment]
    assert trace.ranges.start_ns[own].tolist() == (times // 20 * 20).tolist()
    outermost = np.zeros(len(trace.ranges), np.bool_)
    outermost[0] = True
    assert (found.innermost(outermost) == 0).all()
    assert found.stacks(found.of_moment, 20).shape == (count, 20)


correlations = st.integers(NONE, 6)
some_calls = st.lists(st.tuples(st.integers(0, 3), correlations), max_size=14)
some_operations = st.lists(st.tuples(st.integers(0, 1), correlations | st.just(10**12)), min_size=1, max_size=14)


@settings(max_examples=400, deadline=None)
@given(some_calls, some_operations, st.sampled_from([1, 10**7]))
def test_launching_calls_equal_a_search_through_all(
    calls: list[tuple[int, int]], operations: list[tuple[int, int]], spread: int
) -> None:
    """Ids repeat between processes, and may lie far apart; an operation without one has no call."""

    def column(entries: list[tuple[int, int]], place: int, dtype: type[np.integer]) -> np.ndarray:
        values = np.array([entry[place] for entry in entries], np.int64)
        return np.where(values == NONE, NONE, values * spread).astype(dtype) if place else values.astype(dtype)

    zeros = np.zeros(len(operations), np.int64)
    trace = minimal_trace(
        processes=np.array([1, 2], np.int64) << 24,
        thread_process=np.array(PROCESS, np.int32),
        calls=Calls(
            np.arange(len(calls)),
            np.arange(len(calls)),
            column(calls, 0, np.int32),
            column(calls, 1, np.int64),
            np.zeros(len(calls), np.int32),
        ),
        operations=Operations(
            **{name: zeros.copy() for name in Operations.names() if name not in ("process", "correlation")},
            process=column(operations, 0, np.int32),
            correlation=column(operations, 1, np.int64),
        ),
    )
    expected = [
        next(
            (
                row
                for row, (thread, of_call) in enumerate(calls)
                if PROCESS[thread] == process and of_call == correlation != NONE
            ),
            NONE,
        )
        for process, correlation in operations
    ]
    assert launching_calls(trace).tolist() == expected


@st.composite
def graph_nodes(draw: st.DrawFn) -> list[tuple[int, int, int]]:
    """Creations (thread, node, the node it was cloned from or `NONE`), in order of time; ids repeat."""
    node = st.integers(1, draw(st.sampled_from([3, 8, 30])))
    return draw(st.lists(st.tuples(st.integers(0, 3), node, node | st.just(NONE)), max_size=20))


@settings(max_examples=400, deadline=None)
@given(graph_nodes(), st.lists(st.tuples(st.integers(0, 1), st.integers(1, 31)), max_size=12))
def test_origins_of_graph_nodes_equal_a_walk_along_the_clones(
    created: list[tuple[int, int, int]], wanted: list[tuple[int, int]]
) -> None:
    trace = minimal_trace(
        thread_process=np.array(PROCESS, np.int32),
        graph_nodes=GraphNodes(
            np.arange(len(created)),
            np.array([thread for thread, _, _ in created], np.int32),
            np.array([node for _, node, _ in created], np.int64),
            np.array([original for _, _, original in created], np.int64),
        ),
    )
    first: dict[tuple[int, int], int] = {}
    cloned_from: dict[tuple[int, int], tuple[int, int]] = {}
    for row, (thread, node, original) in enumerate(created):
        key = (PROCESS[thread], node)
        first.setdefault(key, row)
        if original != NONE:
            cloned_from.setdefault(key, (PROCESS[thread], original))

    def origin(key: tuple[int, int]) -> int:
        seen = [key]
        while cloned_from.get(seen[-1], seen[-1]) != seen[-1]:
            seen.append(cloned_from[seen[-1]])
            if seen[-1] in seen[:-1]:
                # No chain of real clones ends in a circle; what leads into one stands for itself.
                return first.get(key, NONE)
        return first.get(seen[-1], NONE)

    processes = np.array([process for process, _ in wanted], np.int32)
    found = creation_rows(trace, processes, np.array([node for _, node in wanted], np.int64)).tolist()
    assert found == [origin(key) for key in wanted]

"""Which ranges were open at a moment: the stack of push/pop ranges of a thread, start/end ranges of a process.

Ranges usually nest, but push/pop ranges of two domains, and start/end ranges always, may cross. Everything here
is exact for crossing ranges too. The work is done on whole arrays: a range knows its parent, the latest-started
range that was open when it began, and every range open at a later moment is on that chain of parents.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.trace.columns import IntArray
from workbench.trace.model import NONE, Ranges, RangeStyle, Trace


@dataclass(frozen=True, eq=False)
class OpenRanges:
    """Ranges by owner (a thread or a process), each owner's sorted by start, longest first.

    Attributes:
        row: the range's row in the trace's table, shape (ranges,).
        owner: who opened it; the ranges of one owner lie together, in `first_of_owner` order.
        start_ns: when it began.
        end_ns: when it ended; it is open while start_ns <= t < end_ns.
        longer: the nearest earlier range of the owner that ends later, or `NONE`.
        parent: the latest-started earlier range of the owner open when this one began, or `NONE`.
    """

    row: NDArray[np.int64]
    owner: NDArray[np.int32]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    longer: NDArray[np.int64]
    parent: NDArray[np.int64]

    @classmethod
    def build(cls, ranges: Ranges, rows: IntArray, owner: IntArray) -> "OpenRanges":
        """Indexes some rows of `ranges`; `owner` says whose each of them is."""
        start_ns, end_ns = ranges.start_ns[rows], ranges.end_ns[rows]
        order = np.lexsort((rows, -end_ns, start_ns, owner))
        rows, owner, start_ns, end_ns = rows[order], owner[order], start_ns[order], end_ns[order]
        previous = np.arange(len(rows)) - 1
        if len(rows):
            previous[1:][owner[1:] != owner[:-1]] = NONE
        longer = previous.copy()
        _skip_back(longer, longer, end_ns, end_ns)
        parent = _skip_back(previous, longer, end_ns, start_ns)
        return cls(rows, owner, start_ns, end_ns, longer, parent)

    def latest_open(self, owner: IntArray, time_ns: IntArray) -> NDArray[np.int64]:
        """For each (owner, time) the latest-started range open then, as an index of this table, or `NONE`."""
        found = np.full(len(time_ns), NONE, np.int64)
        for queries, ranges in _by_owner(owner, self.owner):
            latest = np.searchsorted(self.start_ns[ranges], time_ns[queries], "right") - 1
            found[queries] = np.where(latest >= 0, latest + ranges.start, NONE)
        return _skip_back(found, self.longer, self.end_ns, time_ns)

    def outwards(self, index: IntArray, time_ns: IntArray) -> NDArray[np.int64]:
        """The next range further out that is open at `time_ns`, for ranges open at `time_ns`; `NONE` keeps."""
        parent = np.where(index >= 0, self.parent[index], NONE) if len(self.parent) else index
        return _skip_back(parent, self.parent, self.end_ns, time_ns)

    def crosses_outwards(self, index: IntArray) -> NDArray[np.bool_]:
        """Whether some range further out ends while this one is still open."""
        crossed = np.zeros(len(index), np.bool_)
        outer = self.parent[index]
        active = np.flatnonzero(outer >= 0)
        while len(active):
            crossed[active] |= self.end_ns[outer[active]] < self.end_ns[index[active]]
            outer[active] = self.parent[outer[active]]
            active = active[(outer[active] >= 0) & ~crossed[active]]
        return crossed


def _skip_back(
    position: NDArray[np.int64], link: NDArray[np.int64], end_ns: NDArray[np.int64], time_ns: IntArray
) -> NDArray[np.int64]:
    """Follows `link` from each position until a range that ends after `time_ns`, or `NONE`; changes `position`.

    `link` may be the very array that is being completed: an entry then always skips ranges that end no later
    than its own, so a longer chain of skips is never wrong, and chains double in length with every round.
    """
    active = np.flatnonzero(position >= 0)
    active = active[end_ns[position[active]] <= time_ns[active]]
    while len(active):
        position[active] = link[position[active]]
        active = active[position[active] >= 0]
        active = active[end_ns[position[active]] <= time_ns[active]]
    return position


def _by_owner(query_owner: IntArray, range_owner: NDArray[np.int32]) -> Iterator[tuple[IntArray, slice]]:
    """The queries (as rows) and ranges (as a slice) of each owner that has both."""
    if len(query_owner) and bool((query_owner == query_owner[0]).all()):
        order, owners, bounds = np.arange(len(query_owner)), query_owner[:1], [0, len(query_owner)]
    else:
        order = np.argsort(query_owner, kind="stable")
        owners, first = np.unique(query_owner[order], return_index=True)
        bounds = [*first.tolist(), len(order)]
    for i, owner in enumerate(owners.tolist()):
        low, high = np.searchsorted(range_owner, [owner, owner + 1]).tolist()
        if low < high:
            yield order[bounds[i] : bounds[i + 1]], slice(low, high)


@dataclass(frozen=True, eq=False)
class Contexts:
    """The ranges open at many moments; moments that saw the same ranges share one context.

    Attributes:
        of_moment: each moment's context, shape (moments,).
        ranges: rows of the trace's ranges, shape (contexts, depth), innermost first, padded with `NONE`. Columns
            before `push_pop_depth` hold push/pop ranges of the thread, the others start/end ranges of the
            process, latest-started first.
        push_pop_depth: see there.
    """

    of_moment: NDArray[np.int32]
    ranges: NDArray[np.int32]
    push_pop_depth: int

    def own_range(self) -> NDArray[np.int32]:
        """Each context's innermost push/pop range, or `NONE`, shape (contexts,)."""
        if not self.push_pop_depth:
            return np.full(len(self.ranges), NONE, np.int32)
        return self.ranges[:, 0]


def contexts(trace: Trace, thread: IntArray, time_ns: IntArray) -> Contexts:
    """The ranges open on these threads, and in their processes, at these times.

    Args:
        trace: the capture.
        thread: positions in `trace.threads`, shape (moments,).
        time_ns: times, shape (moments,).
    """
    ranges = trace.ranges
    push_pop_rows = np.flatnonzero(ranges.style == RangeStyle.PUSH_POP)
    push_pop = OpenRanges.build(ranges, push_pop_rows, ranges.thread[push_pop_rows])
    of_moment, levels = _stacks(push_pop, thread, time_ns)
    start_end_rows = np.flatnonzero(ranges.style == RangeStyle.START_END)
    if not len(start_end_rows):
        return Contexts(of_moment.astype(np.int32), levels, levels.shape[1])
    process = trace.thread_process
    start_end = OpenRanges.build(ranges, start_end_rows, process[ranges.thread[start_end_rows]])
    outer_of_moment, outer_levels = _stacks(start_end, process[thread], time_ns)
    pairs, of_moment = np.unique(of_moment * len(outer_levels) + outer_of_moment, return_inverse=True)
    inner, outer = np.divmod(pairs, len(outer_levels))
    return Contexts(of_moment.astype(np.int32), np.hstack([levels[inner], outer_levels[outer]]), levels.shape[1])


def _stacks(table: OpenRanges, owner: IntArray, time_ns: IntArray) -> tuple[IntArray, NDArray[np.int32]]:
    """For each moment its stack, and the distinct stacks as rows, shape (stacks, depth), innermost first.

    While a range nests in all ranges around it, its stack is the same at every moment it is the innermost, so
    one moment stands for all. Where ranges cross, every moment gets a stack of its own.
    """
    own = table.latest_open(owner, time_ns)
    distinct, of_moment = np.unique(own, return_inverse=True)
    moments = np.zeros(len(distinct), np.int64)
    moments[of_moment] = np.arange(len(own))
    crossing = np.zeros(len(distinct), np.bool_)
    crossing[distinct >= 0] = table.crosses_outwards(distinct[distinct >= 0])
    if crossing.any():
        split = np.flatnonzero(crossing[of_moment])
        of_moment[split] = len(distinct) + np.arange(len(split))
        moments = np.concatenate([moments, split])
    current = own[moments]
    at_ns = time_ns[moments]
    levels = []
    while (current >= 0).any():
        levels.append(np.where(current >= 0, table.row[current], NONE).astype(np.int32))
        current = table.outwards(current, at_ns)
    if not levels:
        return of_moment, np.empty((len(moments), 0), np.int32)
    return of_moment, np.stack(levels, axis=1)

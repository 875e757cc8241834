"""Which ranges were open at a moment: the stack of push/pop ranges of a thread, start/end ranges of a process.

Ranges usually nest, but push/pop ranges of two domains, and start/end ranges always, may cross, and a program that
leaves ranges open piles them up by the hundred thousand. So no stack is laid out: what is asked is always the
innermost open range among some. In order of their starts that is the last one, before a place, that ends late
enough, and maxima over blocks of neighbours lead to it in as many steps as their number has digits.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, Ranges, RangeStyle, Trace


@dataclass(frozen=True, eq=False)
class OpenRanges:
    """Ranges of one style by owner (a thread or a process), each owner's by start, longest first.

    Attributes:
        row: the range's row in the trace's table, shape (ranges,).
        owner: who opened it.
        start_ns: when it began.
        end_ns: when it ended; it is open while start_ns <= t < end_ns.
        depth: its place in the whole table; of two ranges open at once, the one with the higher place lies inside.
        latest_ns: the latest end in each block of 1, 2, 4, ... neighbours, shapes (ranges,), (ranges // 2,), ...
    """

    row: NDArray[np.int64]
    owner: NDArray[np.int32]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    depth: NDArray[np.int64]
    latest_ns: tuple[NDArray[np.int64], ...]

    @classmethod
    def build(cls, ranges: Ranges, rows: IntArray, owner: IntArray, first_depth: int) -> "OpenRanges":
        """Sorts some rows of `ranges`; `owner` says whose each of them is, `first_depth` where places begin."""
        start_ns, end_ns = ranges.start_ns[rows], ranges.end_ns[rows]
        order = np.lexsort((rows, -end_ns, start_ns, owner))
        depth = first_depth + np.arange(len(rows))
        return cls(rows[order], owner[order], start_ns[order], end_ns[order], depth, _maxima(end_ns[order]))

    def only(self, chosen: BoolArray) -> "OpenRanges":
        """Those of the ranges that are chosen; `chosen` has shape (rows of the trace's ranges,)."""
        own = chosen[self.row]
        end_ns = self.end_ns[own]
        return OpenRanges(self.row[own], self.owner[own], self.start_ns[own], end_ns, self.depth[own], _maxima(end_ns))

    def innermost(self, owner: IntArray, time_ns: IntArray, around: IntArray | None = None) -> NDArray[np.int64]:
        """For each (owner, time) the row of the latest-started range open then, or `NONE`.

        Args:
            owner: whose ranges, shape (moments,).
            time_ns: when, shape (moments,).
            around: if given, considers only ranges further out than these places, shape (moments,).
        """
        first = np.zeros(len(time_ns), np.int64)
        last = np.full(len(time_ns), NONE, np.int64)
        for moments, ranges in _by_owner(owner, self.owner):
            first[moments] = ranges.start
            last[moments] = np.searchsorted(self.start_ns[ranges], time_ns[moments], "right") - 1 + ranges.start
        if around is not None:
            last = np.minimum(last, np.searchsorted(self.depth, around) - 1)
        found = _last_above(self.latest_ns, last, time_ns)
        return np.where(found >= first, self.row[found], NONE) if len(self.row) else found

    def stretch(self, owner: IntArray, time_ns: IntArray) -> NDArray[np.int64]:
        """A number for each (owner, time); equal ones mean the same ranges open."""
        found = np.zeros(len(time_ns), np.int64)
        for number, (moments, ranges) in enumerate(_by_owner(owner, self.owner), 1):
            changes_ns = np.sort(np.concatenate([self.start_ns[ranges], self.end_ns[ranges]]), kind="stable")
            found[moments] = np.searchsorted(changes_ns, time_ns[moments], "right") + number + 2 * ranges.start
        return found


def _maxima(values: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    """The maximum of each block of 1, 2, 4, ... neighbours; a last block that is not full is left out."""
    levels = [values]
    while len(levels[-1]) > 1:
        blocks = levels[-1][: len(levels[-1]) // 2 * 2]
        levels.append(np.maximum(blocks[::2], blocks[1::2]))
    return tuple(levels)


def _last_above(maxima: tuple[NDArray[np.int64], ...], last: IntArray, bound: IntArray) -> NDArray[np.int64]:
    """For each query the last place, up to `last`, whose value exceeds `bound`, or `NONE`.

    Climbs from `last` to the nearest block before it that holds such a value, then descends to the value.

    Args:
        maxima: of the values, as `_maxima` gives them.
        last: the last place to look at, `NONE` for nowhere, shape (queries,).
        bound: shape (queries,).
    """
    found = np.full(len(last), NONE, np.int64)
    climbing = np.flatnonzero(last >= 0)
    end = last[climbing] + 1
    stops = []
    for values in maxima:
        # Blocks before `end` are still to be looked at; an odd one has no neighbour within that to share a block.
        stop = (end & 1 == 1) & (values[end - 1] > bound[climbing])
        found[climbing[stop]] = end[stop] - 1
        stops.append(climbing[stop])
        climbing, end = climbing[~stop & (end > 1)], end[~stop & (end > 1)] >> 1
        if not len(climbing):
            break
    descending = stops.pop()
    while stops:
        later = 2 * found[descending] + 1
        found[descending] = np.where(maxima[len(stops) - 1][later] > bound[descending], later, later - 1)
        descending = np.concatenate([descending, stops.pop()])
    return found


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
    """The ranges open at many moments; moments that saw the same ranges share a context.

    Attributes:
        of_moment: each moment's context, shape (moments,).
        thread, process, time_ns: one moment of each context, shape (contexts,).
        push_pop: the push/pop ranges, by thread.
        start_end: the start/end ranges, by process: they lie outside the push/pop ranges.
        depth: each range's place from the outside inwards, where it is open, shape (ranges,).
    """

    of_moment: NDArray[np.int32]
    thread: NDArray[np.int32]
    process: NDArray[np.int32]
    time_ns: NDArray[np.int64]
    push_pop: OpenRanges
    start_end: OpenRanges
    depth: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.time_ns)

    def own_range(self) -> NDArray[np.int64]:
        """The row of each context's innermost push/pop range, or `NONE`, shape (contexts,)."""
        return self.push_pop.innermost(self.thread, self.time_ns)

    def innermost(self, chosen: BoolArray, around: IntArray | None = None) -> NDArray[np.int64]:
        """The row of each context's innermost open range among some, or `NONE`, shape (contexts,).

        Args:
            chosen: which ranges, shape (ranges,).
            around: if given, a range open in each context, or `NONE`, shape (contexts,): considers only ranges
                further out than that one, and none where there is none.
        """
        place = None if around is None else np.append(self.depth, 0)[around]
        inner = self.push_pop.only(chosen).innermost(self.thread, self.time_ns, place)
        outer = self.start_end.only(chosen).innermost(self.process, self.time_ns, place)
        return np.where(inner == NONE, outer, inner)

    def stacks(self, context: IntArray, most: int) -> NDArray[np.int64]:
        """The rows of up to `most` ranges open in some contexts, shape (contexts asked for, depth).

        The innermost comes first; padded with `NONE`.
        """
        asked = replace(self, thread=self.thread[context], process=self.process[context], time_ns=self.time_ns[context])
        every = np.ones(len(self.depth), np.bool_)
        levels = [asked.innermost(every)]
        while len(levels) < most and (levels[-1] != NONE).any():
            levels.append(asked.innermost(every, levels[-1]))
        return np.stack(levels, axis=1)


def contexts(trace: Trace, thread: IntArray, time_ns: IntArray) -> Contexts:
    """The ranges open on these threads, and in their processes, at these times.

    Args:
        trace: the capture.
        thread: positions in `trace.threads`, shape (moments,).
        time_ns: times, shape (moments,).
    """
    ranges, process_of = trace.ranges, trace.thread_process
    outside = np.flatnonzero(ranges.style == RangeStyle.START_END)
    inside = np.flatnonzero(ranges.style == RangeStyle.PUSH_POP)
    start_end = OpenRanges.build(ranges, outside, process_of[ranges.thread[outside]], 0)
    push_pop = OpenRanges.build(ranges, inside, ranges.thread[inside], len(outside))
    depth = np.empty(len(ranges), np.int64)
    depth[start_end.row], depth[push_pop.row] = start_end.depth, push_pop.depth
    process = process_of[thread]
    of_moment, first = group_rows(push_pop.stretch(thread, time_ns), start_end.stretch(process, time_ns))
    return Contexts(
        of_moment=of_moment.astype(np.int32),
        thread=thread[first],
        process=process[first],
        time_ns=time_ns[first],
        push_pop=push_pop,
        start_end=start_end,
        depth=depth,
    )

"""Unions of time intervals, on whole arrays. An interval that ends before it starts counts as empty."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.trace.columns import IntArray


@dataclass(frozen=True, eq=False)
class Timeline:
    """Disjoint intervals in order of time, as arrays of shape (intervals,)."""

    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]

    @classmethod
    def union(cls, start_ns: IntArray, end_ns: IntArray) -> "Timeline":
        """The union of intervals given in any order."""
        if not len(start_ns):
            return cls(np.empty(0, np.int64), np.empty(0, np.int64))
        if not bool((start_ns[1:] >= start_ns[:-1]).all()):
            order = np.argsort(start_ns, kind="stable")
            start_ns, end_ns = start_ns[order], end_ns[order]
        end_ns = np.maximum(start_ns, end_ns)
        reach_ns = np.maximum.accumulate(end_ns)
        begins = np.concatenate([[True], start_ns[1:] > reach_ns[:-1]])
        lasts = np.concatenate([np.flatnonzero(begins)[1:] - 1, [len(start_ns) - 1]])
        return cls(start_ns[begins], reach_ns[lasts])

    @property
    def total_ns(self) -> int:
        """The time covered."""
        return int((self.end_ns - self.start_ns).sum())

    def covered_until(self, time_ns: IntArray) -> NDArray[np.int64]:
        """How much of the time before each of these moments is covered, shape (moments,)."""
        if not len(self.start_ns):
            return np.zeros(len(time_ns), np.int64)
        before = np.concatenate([[0], np.cumsum(self.end_ns - self.start_ns)])
        last = np.searchsorted(self.start_ns, time_ns, "right") - 1
        within = np.minimum(time_ns, self.end_ns[last]) - self.start_ns[last]
        return np.where(last >= 0, before[last] + within, 0)

    def covered_between(self, begin_ns: IntArray, end_ns: IntArray) -> NDArray[np.int64]:
        """How much of each window is covered, shape (windows,); a window that ends before it begins is empty."""
        end_ns = np.maximum(begin_ns, end_ns)
        return self.covered_until(end_ns) - self.covered_until(begin_ns)


def exclusive_ns(start_ns: IntArray, end_ns: IntArray) -> NDArray[np.int64]:
    """What each interval adds to the union of those that start before it, shape (intervals,).

    Overlapping time belongs to the interval that started first (the longer one, if two start together), so the
    parts add up to the union exactly.
    """
    order = np.lexsort((-end_ns, start_ns))
    start, end = start_ns[order], np.maximum(start_ns, end_ns)[order]
    reach = np.maximum.accumulate(np.concatenate([start[:1], end]))[:-1] if len(start) else start
    added = np.empty(len(start), np.int64)
    added[order] = np.maximum(0, end - np.maximum(start, reach))
    return added

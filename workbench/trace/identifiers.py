"""Turns an export's ids (strings, threads, processes) into small positions."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from workbench.trace.columns import IntArray
from workbench.trace.model import NONE

# A globalTid is vm << 48 | pid << 24 | tid; a globalPid is the same with tid 0.
PROCESS_MASK = ~np.int64(0xFFFFFF)


class StringPool:
    """The strings of a trace, addressed by position; an export addresses them by sparse ids."""

    def __init__(self, strings: dict[int, str]) -> None:
        self.values = list(strings.values())
        self._position_of: dict[str, int] = {}
        ids = np.fromiter(strings.keys(), np.int64, len(strings))
        self._order = np.argsort(ids).astype(np.int32)
        self._sorted_ids = ids[self._order]

    def positions(self, ids: IntArray) -> NDArray[np.int32]:
        """Positions of the export's string ids; `NONE` for an id it does not hold."""
        if not len(self._sorted_ids) or not len(ids):
            return np.full(len(ids), NONE, np.int32)
        low, high = int(self._sorted_ids[0]), int(self._sorted_ids[-1])
        if high - low > 64 * len(self._sorted_ids) + 1_000_000:
            found = np.minimum(np.searchsorted(self._sorted_ids, ids), len(self._sorted_ids) - 1)
            return np.where(self._sorted_ids[found] == ids, self._order[found], np.int32(NONE))
        # Ids are nearly dense, so a table beats a search; ids out of its bounds share its last entry.
        table = np.full(high - low + 2, NONE, np.int32)
        table[self._sorted_ids - low] = self._order
        offsets = ids - low
        return table[np.where((offsets < 0) | (offsets > high - low), high - low + 1, offsets)]

    def intern(self, text: str) -> int:
        """The position of `text`, which is added where the export does not hold it."""
        if not self._position_of:
            self._position_of = {value: i for i, value in reversed(list(enumerate(self.values)))}
        position = self._position_of.setdefault(text, len(self.values))
        if position == len(self.values):
            self.values.append(text)
        return position


def distinct(columns: Iterable[IntArray]) -> NDArray[np.int64]:
    """The sorted distinct values of all columns; one of a single repeated value, the usual case, is not sorted."""
    parts = [
        column[:1] if len(column) and bool((column == column[0]).all()) else np.unique(column) for column in columns
    ]
    return np.unique(np.concatenate([np.empty(0, np.int64), *parts])).astype(np.int64)


def positions(values: NDArray[np.int64], column: IntArray) -> NDArray[np.int32]:
    """Where each entry of `column` stands in the sorted `values`, which hold all of them."""
    if len(values) <= 1:
        return np.zeros(len(column), np.int32)
    return np.searchsorted(values, column).astype(np.int32)

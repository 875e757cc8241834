"""Groups the rows of integer columns, without sorting them where that can be avoided, and takes stretches apart."""

import numpy as np
from numpy.typing import NDArray

from workbench.trace.columns import IntArray


def group_rows(*columns: IntArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers the distinct rows of equally long integer columns, in ascending order of the rows.

    Returns:
        The group of each row, shape (rows,), and the first row of each group, shape (groups,).
    """
    rows = len(columns[0])
    if not rows:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    key, span = _compact(columns[0])
    for column in columns[1:]:
        codes, count = _compact(column)
        if span > np.iinfo(np.int64).max // count:
            key, span = _ranks(key)
        key = key * count + codes
        span *= count
    group, count = _compact_to_ranks(key, span)
    first = np.empty(count, np.int64)
    first[group[::-1]] = np.arange(rows - 1, -1, -1)
    return group, first


def places_of(first: IntArray, end: IntArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All places of some stretches, one stretch after the other.

    Args:
        first: the first place of each stretch, shape (stretches,).
        end: the place after its last one; none of its places counts where that lies before `first`.

    Returns:
        The number of each place's stretch, and the place, shape (places,).
    """
    length = np.maximum(0, end - first)
    stretch = np.repeat(np.arange(len(first)), length)
    offset = first - (np.cumsum(length) - length)
    return stretch, np.arange(len(stretch)) + offset[stretch]


def _compact(column: IntArray) -> tuple[NDArray[np.int64], int]:
    """The column as codes 0 <= code < span that keep its order, with a span not far above its length."""
    low, high = int(column.min()), int(column.max())
    if high - low < _table_limit(len(column)):
        return column.astype(np.int64) - low, high - low + 1
    return _ranks(column)


def _compact_to_ranks(key: NDArray[np.int64], span: int) -> tuple[NDArray[np.int64], int]:
    if span > _table_limit(len(key)):
        return _ranks(key)
    present = np.zeros(span, np.bool_)
    present[key] = True
    rank = np.cumsum(present) - 1
    return rank[key], int(rank[-1]) + 1


def _ranks(column: IntArray) -> tuple[NDArray[np.int64], int]:
    values, codes = np.unique(column, return_inverse=True)
    return codes.astype(np.int64, copy=False), len(values)


def _table_limit(rows: int) -> int:
    """The largest lookup table worth its memory for so many rows."""
    return 4 * rows + 1_000_000

"""Operations one after another on their streams: which overlap, which begin only when the one ahead has ended.

On one stream an operation begins before the one ahead of it has ended only where it was launched to do so
(programmatic dependent launch). It then prepares, and waits for what that one writes: part of its duration is not
its own. From compute capability 9.0 on every kernel can be launched so.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.findings.selection import followers, neighbours
from workbench.findings.view import PhaseView
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.model import NONE, OperationKind

# A kernel whose launch had returned so long before the one ahead ended could have begun by then.
IN_TIME_NS = 2_000
# What begins later than this after the one ahead, though it was launched in time, waited for something else.
LONGEST_GAP_NS = 5_000
# Of a program that launches kernels so, at least as many overlap as do not.
MOST_SERIAL = 0.5


@dataclass(frozen=True, eq=False)
class Successions:
    """Kernels that were launched in time to begin before the kernel ahead of them on their stream ended.

    Attributes:
        rows: the kernels, shape (successions,).
        previous: the kernels ahead of them.
        is_serial: whether they nevertheless began only afterwards.
    """

    rows: IntArray
    previous: IntArray
    is_serial: BoolArray


def successions(view: PhaseView) -> Successions:
    """Which of a phase's kernels follow a kernel within their step, and were launched in time to overlap it."""
    operations, calls = view.trace.operations, view.trace.calls
    rows, previous = neighbours(view)
    launch = view.analysis.attribution.sites.launch[rows]
    ended_ns = operations.end_ns[previous]
    in_time = np.zeros(len(rows), np.bool_)
    known = launch != NONE
    in_time[known] = calls.end_ns[launch[known]] <= ended_ns[known] - IN_TIME_NS
    in_time &= operations.start_ns[rows] <= ended_ns + LONGEST_GAP_NS
    rows, previous = rows[in_time], previous[in_time]
    return Successions(rows, previous, operations.start_ns[rows] >= operations.end_ns[previous])


def kept_apart(view: PhaseView, operations: IntArray) -> IntArray:
    """Kernels that directly follow one of these operations, where kernels overlap unless something parts them."""
    found = successions(view)
    if not len(found.rows) or found.is_serial.mean() > MOST_SERIAL:
        return operations[:0]
    rows, previous = followers(view)
    is_kernel = view.trace.operations.kind[rows] == OperationKind.KERNEL
    apart: IntArray = rows[np.isin(previous, operations) & ~np.isin(rows, operations) & is_kernel]
    return apart


def overlap_ahead(view: PhaseView, operations: IntArray) -> bool:
    """Whether some of these operations, or those that follow them, overlap what is ahead of them on their stream."""
    rows, previous = followers(view)
    overlaps = own_start_ns(view) > view.trace.operations.start_ns
    return bool(overlaps[operations].any() or overlaps[rows[np.isin(previous, operations)]].any())


def own_start_ns(view: PhaseView) -> NDArray[np.int64]:
    """When each operation of the view's process began, or the last one ahead of it on its stream ended, if later.

    Returns:
        Moments, shape (operations,); those of other processes are their starts.
    """
    operations, rows = view.trace.operations, view.process_operations
    begun_ns = operations.start_ns.copy()
    # In order of time already, so a stable sort keeps it within each stream.
    rows = rows[np.lexsort((operations.stream[rows], operations.device[rows]))]
    stream, device = operations.stream[rows], operations.device[rows]
    bounds = np.flatnonzero((stream[1:] != stream[:-1]) | (device[1:] != device[:-1])) + 1
    for own in np.split(rows, bounds):
        reach_ns = np.maximum.accumulate(operations.end_ns[own])[:-1]
        begun_ns[own[1:]] = np.maximum(operations.start_ns[own[1:]], reach_ns)
    return begun_ns


def own_ns(view: PhaseView, rows: IntArray) -> NDArray[np.int64]:
    """How long some operations ran after all that is ahead of them on their streams had ended, shape (rows,)."""
    time_ns: NDArray[np.int64] = view.trace.operations.end_ns[rows] - own_start_ns(view)[rows]
    return np.maximum(0, time_ns)

"""Kinds of CUDA API calls, by name."""

import re
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.intervals import exclusive_ns
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import Calls, Trace


class CallKind(IntEnum):
    """What a call is for."""

    OTHER = 0
    LAUNCH = 1
    GRAPH_LAUNCH = 2
    SYNCHRONIZE = 3
    ALLOCATE = 4
    FREE = 5
    COPY = 6
    BLOCKING_COPY = 7
    MEMSET = 8
    MODULE_LOAD = 9
    GRAPH_BUILD = 10


_PATTERNS = {
    CallKind.LAUNCH: r"cu(da)?Launch(Cooperative)?(Kernel|Grid)\w*",
    CallKind.GRAPH_LAUNCH: r"cu(da)?GraphLaunch\w*",
    CallKind.SYNCHRONIZE: r"cu(da)?(Device|Stream|Event|Thread|Ctx)Synchronize\w*",
    CallKind.ALLOCATE: r"cuda(Malloc|HostAlloc)\w*|cu(Mem(Alloc|HostAlloc|Create)|ArrayCreate)\w*",
    CallKind.FREE: r"cudaFree\w*|cuMem(Free|Release)\w*",
    CallKind.COPY: r"cu(da)?Memcpy\w*Async\w*",
    CallKind.BLOCKING_COPY: r"cu(da)?Memcpy\w*",
    CallKind.MEMSET: r"cu(da)?Memset\w*",
    CallKind.MODULE_LOAD: r"cu(da)?(Module|Library)Load\w*|cuLink(Create|Complete|Add)\w*",
    CallKind.GRAPH_BUILD: r"cu(da)?(StreamBeginCapture|StreamEndCapture|GraphInstantiate|GraphExecUpdate)\w*",
}
_VERSION_SUFFIX = re.compile(r"_(v\d{4,}|ptsz|ptds)")


def plain_name(name: str) -> str:
    """The call's name without the version that CUPTI adds: `cudaMalloc_v3020` is `cudaMalloc`."""
    return _VERSION_SUFFIX.sub("", name)


def call_kind(name: str) -> CallKind:
    """What a call of this name is for."""
    for kind, pattern in _PATTERNS.items():
        if re.fullmatch(pattern, name):
            return kind
    return CallKind.OTHER


def call_kinds(trace: Trace) -> NDArray[np.int8]:
    """The kind of each API call of the trace, shape (calls,).

    A call that another of its kind makes on the same thread, as the runtime's call makes the driver's, is `OTHER`:
    the two are one.
    """
    group, first = group_rows(trace.calls.name)
    names = trace.texts(trace.calls.name[first])
    kinds = np.array([call_kind(name) for name in names], np.int8)[group]
    for kind in CallKind:
        if kind is not CallKind.OTHER:
            rows = np.flatnonzero(kinds == kind)
            kinds[rows[_is_inside_another(trace.calls, rows)]] = CallKind.OTHER
    return kinds


def _is_inside_another(calls: Calls, rows: IntArray) -> BoolArray:
    """Which of some calls lie within another one of them on their thread."""
    inside = np.zeros(len(rows), np.bool_)
    for thread in np.unique(calls.thread[rows]):
        own = np.flatnonzero(calls.thread[rows] == thread)
        order = own[np.lexsort((-calls.end_ns[rows[own]], calls.start_ns[rows[own]]))]
        end_ns = calls.end_ns[rows[order]]
        inside[order[1:]] = end_ns[1:] <= np.maximum.accumulate(end_ns)[:-1]
    return inside


def own_time_ns(calls: Calls, rows: IntArray | None = None) -> NDArray[np.int64]:
    """The time of each call that no call around it covers: a runtime call covers its driver's.

    Args:
        calls: the table.
        rows: if not all calls, those to be looked at, shape (rows,): what is around them counts if it is one of them.

    Returns:
        A time for each of them, shape (rows,).
    """
    chosen = np.arange(len(calls)) if rows is None else rows
    threads = calls.thread[chosen]
    own = np.zeros(len(chosen), np.int64)
    for thread in np.unique(threads):
        places = np.flatnonzero(threads == thread)
        own[places] = exclusive_ns(calls.start_ns[chosen[places]], calls.end_ns[chosen[places]])
    return own


def is_kind(kinds: NDArray[np.int8], *wanted: CallKind) -> BoolArray:
    """Which calls are of one of these kinds, shape (calls,)."""
    return np.isin(kinds, wanted)

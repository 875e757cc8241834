"""Finds the API call that caused each GPU operation."""

import numpy as np
from numpy.typing import NDArray

from workbench.trace.columns import IntArray
from workbench.trace.model import NONE, Trace


def launching_calls(trace: Trace) -> NDArray[np.int32]:
    """For each operation the row of the call that launched it, or `NONE`, shape (operations,).

    Correlation ids are unique only within a process, so calls and operations are joined on both. A runtime call
    and the driver call it makes have ids of their own; the operation names one of them.
    """
    operations, calls = trace.operations, trace.calls
    found = np.full(len(operations), NONE, np.int32)
    call_process = trace.thread_process[calls.thread] if len(calls) else np.empty(0, np.int32)
    for process in range(len(trace.processes)):
        of_process = operations.process == process
        if of_process.any():
            rows = np.flatnonzero((call_process == process) & (calls.correlation != NONE))
            found[of_process] = _lookup(calls.correlation[rows], rows, operations.correlation[of_process])
    return found


def _lookup(keys: IntArray, rows: IntArray, wanted: IntArray) -> NDArray[np.int32]:
    """The row of the first key equal to each wanted one, or `NONE`."""
    if not len(keys):
        return np.full(len(wanted), NONE, np.int32)
    low, high = int(keys.min()), int(keys.max())
    if high - low > 8 * (len(keys) + len(wanted)) + 1_000_000:
        order = np.argsort(keys, kind="stable")
        at = np.minimum(np.searchsorted(keys[order], wanted), len(keys) - 1)
        return np.where(keys[order][at] == wanted, rows[order][at], NONE).astype(np.int32)
    # Ids count up from 1 in every process, so a table of them is dense; its last entry stands for all others.
    table = np.full(high - low + 2, NONE, np.int32)
    table[keys[::-1] - low] = rows[::-1]
    found: NDArray[np.int32] = table[np.where((wanted < low) | (wanted > high), high + 1, wanted) - low]
    return found

"""API time on the critical path of steps: what of each call went by while the GPU had nothing to do.

Time inside a call holds a step up only where the GPU is idle meanwhile; the rest is hidden behind work that it does
anyway. So this, rather than the time of the calls, is what a step could be shorter by without them, at most.
"""

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.calls import own_time_ns
from workbench.analysis.idle import Gaps
from workbench.analysis.intervals import Timeline
from workbench.trace.columns import IntArray
from workbench.trace.model import NONE, Trace


def critical_call_ns(trace: Trace, gaps: Gaps, gap_steps: IntArray, rows: IntArray | None = None) -> NDArray[np.int64]:
    """The time within each call during which its process's GPU was idle in some step's time, shape (rows,).

    As in `own_time_ns`, what a call around it covers is the outer one's, if both are asked for: a thread's calls add up
    to its union.

    Args:
        trace: the capture.
        gaps: the GPU's idle time.
        gap_steps: the step in whose time each gap lies, or `NONE`, shape (gaps,).
        rows: if not all calls, those that are asked for, shape (rows,).
    """
    calls = trace.calls
    chosen = np.arange(len(calls)) if rows is None else rows
    end_ns = calls.end_ns[chosen]
    begin_ns = end_ns - own_time_ns(calls, rows)
    process = trace.thread_process[calls.thread[chosen]]
    critical_ns = np.zeros(len(chosen), np.int64)
    for number in np.unique(process):
        places = np.flatnonzero(process == number)
        own = (gaps.process == number) & (gap_steps != NONE)
        idle = Timeline.union(gaps.begin_ns[own], gaps.end_ns[own])
        critical_ns[places] = idle.covered_between(begin_ns[places], end_ns[places])
    return critical_ns

"""Idle time of the GPU, and what it waited for.

A gap is a stretch in which none of a process's operations runs. It ends with the next operation, so the question
is why that one did not start earlier. Time is told apart in this order:

- *graph*: both neighbours belong to one graph launch; the GPU waits between nodes.
- *synchronizing*: until that operation's launch, its thread was blocked in a synchronising call.
- *no work*: until that launch, its thread was in no phase (between two steps, before the first) and in no call.
- *launch*: until that launch, in a phase or a call, and while the launch runs: the GPU is starved of launches.
- *queued*: the launch had returned before the gap began: dispatch, or another stream's event.
- *unknown*: no launch was recorded.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.calls import CallKind, is_kind
from workbench.analysis.intervals import Timeline
from workbench.attribution.attribution import Attribution
from workbench.trace.columns import BoolArray, Columns, IntArray
from workbench.trace.model import NONE, OperationKind, RangeStyle
from workbench.trace.schema import MEMORY_KIND_PAGEABLE


class IdleKind(IntEnum):
    """What the GPU waited for."""

    LAUNCH = 0
    SYNCHRONIZING = 1
    GRAPH = 2
    NO_WORK = 3
    QUEUED = 4
    UNKNOWN = 5

    @property
    def label(self) -> str:
        """The name in JSON and in targets."""
        return ("launch_starved", "synchronizing", "in_graph", "no_work", "queued", "unknown")[self]

    @property
    def words(self) -> str:
        """The name in what people read."""
        return (
            "waiting for launches",
            "blocked in a call",
            "between graph nodes",
            "no work",
            "queued",
            "launch unknown",
        )[self]


@dataclass(frozen=True, eq=False)
class Gaps(Columns):
    """All gaps, by process, then in order of time; `waited_ns` has shape (gaps, kinds) and adds up to the gap.

    `next_operation` is the row of the operation that ends the gap, `previous_operation` of one that began it.
    """

    process: NDArray[np.int32]
    begin_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    previous_operation: NDArray[np.int64]
    next_operation: NDArray[np.int64]
    waited_ns: NDArray[np.int64]


def find_gaps(attribution: Attribution, call_kinds: NDArray[np.int8]) -> Gaps:
    """Finds and explains the gaps between each process's first and last operation."""
    trace = attribution.trace
    operations = trace.operations
    found = [_process_gaps(attribution, process) for process in range(len(trace.processes))]
    previous, following = (np.concatenate([part[i] for part in found]) for i in range(2))
    begin_ns = np.concatenate([part[2] for part in found])
    end_ns = operations.start_ns[following]
    waited_ns = _explain(attribution, call_kinds, previous, following, begin_ns, end_ns)
    return Gaps(operations.process[following], begin_ns, end_ns, previous, following, waited_ns)


def _process_gaps(attribution: Attribution, process: int) -> tuple[IntArray, IntArray, IntArray]:
    """The operations before and after each gap, and when it began."""
    operations = attribution.trace.operations
    rows = np.flatnonzero(operations.process == process)
    rows = rows[np.argsort(operations.start_ns[rows], kind="stable")]
    end_ns = np.maximum(operations.start_ns[rows], operations.end_ns[rows])
    reach_ns = np.maximum.accumulate(end_ns)
    reaches = np.maximum.accumulate(np.where(end_ns == reach_ns, np.arange(len(rows)), 0))
    at = np.flatnonzero(operations.start_ns[rows][1:] > reach_ns[:-1])
    return rows[reaches[at]], rows[at + 1], reach_ns[at]


def _explain(
    attribution: Attribution,
    call_kinds: NDArray[np.int8],
    previous: IntArray,
    following: IntArray,
    begin_ns: IntArray,
    end_ns: IntArray,
) -> NDArray[np.int64]:
    sites, calls = attribution.sites, attribution.trace.calls
    waited_ns = np.zeros((len(begin_ns), len(IdleKind)), np.int64)
    launch = sites.launch[following]
    in_graph = sites.is_graph_node[following] & (launch != NONE) & (sites.launch[previous] == launch)
    waited_ns[in_graph, IdleKind.GRAPH] = (end_ns - begin_ns)[in_graph]
    unknown = (launch == NONE) & ~in_graph
    waited_ns[unknown, IdleKind.UNKNOWN] = (end_ns - begin_ns)[unknown]
    launched = np.flatnonzero(~in_graph & ~unknown)
    if not len(launched):
        return waited_ns
    begin, end, launch = begin_ns[launched], end_ns[launched], launch[launched]
    called = np.clip(calls.start_ns[launch], begin, end)
    returned = np.clip(calls.end_ns[launch], called, end)
    blocked, active = _host_time(attribution, call_kinds, calls.thread[launch], begin, called)
    was_queued = calls.start_ns[launch] <= begin
    waited_ns[launched, IdleKind.SYNCHRONIZING] = blocked
    waited_ns[launched, IdleKind.NO_WORK] = called - begin - blocked - active
    waited_ns[launched, IdleKind.QUEUED] = np.where(was_queued, end - returned, 0)
    waited_ns[launched, IdleKind.LAUNCH] = active + np.where(was_queued, returned - called, end - called)
    return waited_ns


def _host_time(
    attribution: Attribution, call_kinds: NDArray[np.int8], thread: IntArray, begin_ns: IntArray, end_ns: IntArray
) -> tuple[IntArray, IntArray]:
    """How long, in each window, its thread was blocked, and how long it was in some phase or call without that."""
    calls = attribution.trace.calls
    blocking = is_kind(call_kinds, CallKind.SYNCHRONIZE, CallKind.BLOCKING_COPY) | _copies_to_pageable(attribution)
    blocked = np.zeros(len(thread), np.int64)
    active = np.zeros(len(thread), np.int64)
    for number in np.unique(thread).tolist():
        windows = np.flatnonzero(thread == number)
        begin, end = begin_ns[windows], end_ns[windows]
        rows = np.flatnonzero(blocking & (calls.thread == number))
        of_thread = Timeline.union(calls.start_ns[rows], calls.end_ns[rows])
        phases = _phase_timeline(attribution, number)
        made = calls.thread == number
        either = Timeline.union(
            np.concatenate([calls.start_ns[made], phases.start_ns]), np.concatenate([calls.end_ns[made], phases.end_ns])
        )
        blocked[windows] = of_thread.covered_between(begin, end)
        active[windows] = either.covered_between(begin, end) - blocked[windows]
    return blocked, active


def _copies_to_pageable(attribution: Attribution) -> BoolArray:
    """Calls that copy to pageable host memory: asynchronous by name, they return only when the copy is done."""
    trace = attribution.trace
    calls = np.zeros(len(trace.calls), np.bool_)
    launch = attribution.sites.launch[trace.operation_rows(OperationKind.MEMCPY)]
    calls[launch[(trace.copies.destination_kind == MEMORY_KIND_PAGEABLE) & (launch != NONE)]] = True
    return calls


def _phase_timeline(attribution: Attribution, thread: int) -> Timeline:
    """When a thread was in a phase: inside the ranges that say so, else from a step's first call to its last."""
    trace, placement = attribution.trace, attribution.placement
    ranges = trace.ranges
    of_process = trace.thread_process[ranges.thread] == trace.thread_process[thread]
    counts_here = (ranges.thread == thread) | ((ranges.style == RangeStyle.START_END) & of_process)
    rows = np.flatnonzero(attribution.is_phase_range & counts_here)
    if len(rows):
        return Timeline.union(ranges.start_ns[rows], ranges.end_ns[rows])
    of_thread = np.flatnonzero(trace.calls.thread == thread)
    step = placement.call_step[of_thread]
    of_thread, step = of_thread[step != NONE], step[step != NONE]
    first_ns = np.full(len(placement.steps), np.iinfo(np.int64).max)
    last_ns = np.full(len(placement.steps), np.iinfo(np.int64).min)
    np.minimum.at(first_ns, step, trace.calls.start_ns[of_thread])
    np.maximum.at(last_ns, step, trace.calls.end_ns[of_thread])
    return Timeline.union(first_ns[first_ns <= last_ns], last_ns[first_ns <= last_ns])

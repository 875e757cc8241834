"""What each step costs: wall, busy and idle time, launches, API time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.calls import CallKind, is_kind, own_time_ns
from workbench.analysis.idle import Gaps, IdleKind
from workbench.analysis.intervals import Timeline
from workbench.attribution.attribution import Attribution
from workbench.attribution.steps import Steps
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.model import NONE, OperationKind


@dataclass(frozen=True, eq=False)
class StepCosts:
    """Costs of each step, in the order of `Steps`; every array has shape (steps,) unless said otherwise.

    Attributes:
        wall_ns: from its first operation to the next step's first (see `Steps`).
        busy_ns: how much of that some operation of the process ran: a union over streams, never a sum.
        idle_ns: the rest, by what the GPU waited for, shape (steps, kinds).
        kernels: how many kernels it ran.
        kernel_ns: the sum of their durations.
        launches: how many kernel launches and graph launches it called.
        api_ns: time inside CUDA calls, calls within calls counted once.
        calls: how many calls it made, by kind, shape (steps, call kinds).
    """

    wall_ns: NDArray[np.int64]
    busy_ns: NDArray[np.int64]
    idle_ns: NDArray[np.int64]
    kernels: NDArray[np.int64]
    kernel_ns: NDArray[np.int64]
    launches: NDArray[np.int64]
    api_ns: NDArray[np.int64]
    calls: NDArray[np.int64]


def step_costs(attribution: Attribution, gaps: Gaps, call_kinds: NDArray[np.int8]) -> StepCosts:
    """Measures every step."""
    trace, placement = attribution.trace, attribution.placement
    operations, steps = trace.operations, placement.steps
    count = len(steps)
    kernels = trace.operation_rows(OperationKind.KERNEL)
    kernel_step = placement.step[kernels]
    duration_ns = (operations.end_ns - operations.start_ns)[kernels]
    in_step = placement.call_step != NONE
    call_step, kinds = placement.call_step[in_step], call_kinds[in_step]
    launches = is_kind(kinds, CallKind.LAUNCH, CallKind.GRAPH_LAUNCH)
    calls = np.bincount(call_step.astype(np.int64) * len(CallKind) + kinds, minlength=count * len(CallKind))
    return StepCosts(
        wall_ns=steps.end_ns - steps.begin_ns,
        busy_ns=_busy_by_step(attribution),
        idle_ns=_idle_by_step(steps, gaps),
        kernels=sum_by(kernel_step, np.ones(len(kernel_step), np.int64), count),
        kernel_ns=sum_by(kernel_step, duration_ns, count),
        launches=np.bincount(call_step[launches], minlength=count),
        api_ns=sum_by(call_step, own_time_ns(trace.calls)[in_step], count),
        calls=calls.reshape(count, len(CallKind)),
    )


def sum_by(group: IntArray, values: IntArray, groups: int) -> NDArray[np.int64]:
    """Exact integer sums of `values` by group, `NONE` left out, shape (groups,)."""
    total = np.zeros(groups, np.int64)
    known = group != NONE
    np.add.at(total, group[known], values[known])
    return total


def _busy_by_step(attribution: Attribution) -> NDArray[np.int64]:
    operations, steps = attribution.trace.operations, attribution.placement.steps
    busy_ns = np.zeros(len(steps), np.int64)
    for process in np.unique(steps.process):
        rows = steps.process == process
        own = operations.process == process
        timeline = Timeline.union(operations.start_ns[own], operations.end_ns[own])
        busy_ns[rows] = timeline.covered_between(steps.begin_ns[rows], steps.end_ns[rows])
    return busy_ns


def _idle_by_step(steps: Steps, gaps: Gaps) -> NDArray[np.int64]:
    """The gaps in each step's time, by kind, shape (steps, kinds); steps that overlap share those of both."""
    idle_ns = np.zeros((len(steps), len(IdleKind)), np.int64)
    for process in np.unique(steps.process):
        rows = np.flatnonzero(steps.process == process)
        own = np.flatnonzero(gaps.process == process)
        # A step begins and ends with operations, so no gap lies across its ends.
        first = np.searchsorted(gaps.begin_ns[own], steps.begin_ns[rows])
        end = np.maximum(first, np.searchsorted(gaps.end_ns[own], steps.end_ns[rows], "right"))
        for kind in IdleKind:
            # One kind at a time: a capture may hold ten million gaps.
            before_ns = np.concatenate([[0], np.cumsum(gaps.waited_ns[own, kind])])
            idle_ns[rows, kind] = before_ns[end] - before_ns[first]
    return idle_ns


def step_of_gaps(steps: Steps, gaps: Gaps) -> NDArray[np.int64]:
    """The step in whose time each gap lies (the later one of two that overlap), or `NONE`, shape (gaps,)."""
    found = np.full(len(gaps), NONE, np.int64)
    for process in np.unique(steps.process):
        rows = np.flatnonzero(steps.process == process)
        of_process = np.flatnonzero(gaps.process == process)
        last = np.searchsorted(steps.begin_ns[rows], gaps.begin_ns[of_process], "right") - 1
        step = rows[last]
        inside = (last >= 0) & (gaps.end_ns[of_process] <= steps.end_ns[step])
        found[of_process] = np.where(inside, step, NONE)
    return found


def median_step(wall_ns: IntArray) -> int:
    """The step that stands for a phase: the one of the (lower) median wall time.

    Of several captures the median step is the mean over captures of each one's.

    Args:
        wall_ns: the wall time of each of its steps, shape (steps,); there is one at least.

    Returns:
        Its position in `wall_ns`.
    """
    return int(np.argsort(wall_ns, kind="stable")[(len(wall_ns) - 1) // 2])


def positions_among(rows: IntArray, step: IntArray, steps: int) -> NDArray[np.int64]:
    """For each operation's step, its position among some rows of `Steps`, or `NONE`.

    Args:
        rows: some of the rows.
        step: a row, or `NONE`, shape (operations,).
        steps: how many rows there are.
    """
    position = np.full(steps + 1, NONE, np.int64)
    position[rows] = np.arange(len(rows))
    # `NONE` finds the last place, which belongs to no row.
    of_operation: NDArray[np.int64] = position[step]
    return of_operation


def rows_of_phase(steps: Steps, process: int, phase: int) -> BoolArray:
    """Which steps are of this phase of this process, shape (steps,)."""
    of_phase: BoolArray = (steps.process == process) & (steps.phase == phase)
    return of_phase

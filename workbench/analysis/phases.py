"""What each phase of each process costs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.calls import CallKind, is_kind, own_time_ns
from workbench.analysis.idle import Gaps, IdleKind
from workbench.analysis.intervals import Timeline
from workbench.analysis.steps import StepCosts, rows_of_phase
from workbench.attribution.attribution import Attribution
from workbench.attribution.rules import PHASES, STEPPED_PHASES
from workbench.trace.columns import BoolArray
from workbench.trace.model import NONE, OperationKind


@dataclass(frozen=True)
class PhaseSummary:
    """One phase of one process.

    Attributes:
        process: the process, a position in `trace.processes`.
        phase: its name.
        steps: how many steps it has; 0 for phases without steps.
        steps_source: how they are known (`ranges`, `graph_launches`, `inferred`), or None.
        wall_ns: the sum of its steps' wall time; for phases without steps, of its stretches between other phases.
        busy_ns: how much of that the GPU worked: a union over streams, never a sum.
        idle_ns: the rest, by kind.
        kernels, kernel_ns: how many kernels it ran, and the sum of their durations.
        attributed_ns: the part of `kernel_ns` that has a layer type.
        memops, memop_ns: its copies and memsets.
        hidden_graph_ns: the time of graphs recorded as single rows.
        launches: kernel launches and graph launches called.
        graph_launches: graph launches among them.
        api_ns: time inside CUDA calls, calls within calls counted once.
    """

    process: int
    phase: str
    steps: int
    steps_source: str | None
    wall_ns: int
    busy_ns: int
    idle_ns: dict[IdleKind, int]
    kernels: int
    kernel_ns: int
    attributed_ns: int
    memops: int
    memop_ns: int
    hidden_graph_ns: int
    launches: int
    graph_launches: int
    api_ns: int


def summarize_phases(
    attribution: Attribution, gaps: Gaps, costs: StepCosts, call_kinds: NDArray[np.int8]
) -> tuple[PhaseSummary, ...]:
    """All phases that put something on the GPU, by process, in the order of `PHASES`."""
    trace, placement = attribution.trace, attribution.placement
    own_ns = own_time_ns(trace.calls)
    call_process = trace.thread_process[trace.calls.thread]
    summaries = []
    for process in range(len(trace.processes)):
        in_process = trace.operations.process == process
        for phase, name in enumerate(PHASES):
            rows = in_process & (placement.phase == phase)
            if rows.any():
                calls = (placement.call_phase == phase) & (call_process == process)
                times = _stepped_times if name in STEPPED_PHASES else _unstepped_times
                steps, wall_ns, busy_ns, idle_ns = times(attribution, gaps, costs, process, phase)
                summaries.append(
                    PhaseSummary(
                        process=process,
                        phase=name,
                        steps=steps,
                        steps_source=placement.sources.get((process, phase)),
                        wall_ns=wall_ns,
                        busy_ns=busy_ns,
                        idle_ns=idle_ns,
                        **_operation_sums(attribution, rows),
                        launches=int(is_kind(call_kinds[calls], CallKind.LAUNCH, CallKind.GRAPH_LAUNCH).sum()),
                        graph_launches=int(is_kind(call_kinds[calls], CallKind.GRAPH_LAUNCH).sum()),
                        api_ns=int(own_ns[calls].sum()),
                    )
                )
    return tuple(summaries)


def _operation_sums(attribution: Attribution, rows: BoolArray) -> dict[str, int]:
    operations = attribution.trace.operations
    duration_ns = np.where(rows, operations.end_ns - operations.start_ns, 0)
    kernel = rows & (operations.kind == OperationKind.KERNEL)
    memop = rows & np.isin(operations.kind, (OperationKind.MEMCPY, OperationKind.MEMSET))
    return {
        "kernels": int(kernel.sum()),
        "kernel_ns": int(duration_ns[kernel].sum()),
        "attributed_ns": int(duration_ns[kernel & (attribution.leaf != NONE)].sum()),
        "memops": int(memop.sum()),
        "memop_ns": int(duration_ns[memop].sum()),
        "hidden_graph_ns": int(duration_ns[operations.kind == OperationKind.GRAPH].sum()),
    }


_Times = tuple[int, int, int, dict[IdleKind, int]]


def _stepped_times(attribution: Attribution, _: Gaps, costs: StepCosts, process: int, phase: int) -> _Times:
    rows = rows_of_phase(attribution.placement.steps, process, phase)
    idle_ns = costs.idle_ns[rows].sum(axis=0)
    return (
        int(rows.sum()),
        int(costs.wall_ns[rows].sum()),
        int(costs.busy_ns[rows].sum()),
        {kind: int(idle_ns[kind]) for kind in IdleKind},
    )


def _unstepped_times(attribution: Attribution, gaps: Gaps, _: StepCosts, process: int, phase: int) -> _Times:
    """Without steps, a phase is the time its operations run and the gaps between two of them."""
    operations, phases = attribution.trace.operations, attribution.placement.phase
    rows = (operations.process == process) & (phases == phase)
    busy_ns = Timeline.union(operations.start_ns[rows], operations.end_ns[rows]).total_ns
    within = (phases[gaps.previous_operation] == phase) & (phases[gaps.next_operation] == phase)
    idle_ns = gaps.waited_ns[within & (gaps.process == process)].sum(axis=0)
    return 0, busy_ns + int(idle_ns.sum()), busy_ns, {kind: int(idle_ns[kind]) for kind in IdleKind}

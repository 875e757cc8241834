"""Where one step goes: the busy time of each layer type, and what the GPU waited for."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.analysis import Analysis
from workbench.analysis.idle import IdleKind
from workbench.analysis.intervals import exclusive_ns
from workbench.analysis.steps import median_step, rows_of_phase
from workbench.attribution.rules import PHASES
from workbench.trace.columns import IntArray
from workbench.trace.model import NONE, OperationKind

UNATTRIBUTED = "not attributed"
COPIES = "copies and memsets"
HIDDEN = "hidden in graphs"


@dataclass(frozen=True)
class Part:
    """A part of a step: a layer type's busy time, or idle time of a kind (then `operations` is 0)."""

    label: str
    is_idle: bool
    time_ns: int
    operations: int


@dataclass(frozen=True, eq=False)
class StepProfile:
    """One step, taken apart.

    Where operations overlap, the time belongs to the one that started first, so the parts add up to `wall_ns`.

    Attributes:
        phase, process, step: which step.
        steps: how many steps the phase has; this one's wall time is their (lower) median.
        wall_ns: how long it takes.
        parts: busy parts, the longest first, then idle parts.
        begin_ns, end_ns, part: the same in order of time, shape (stretches,): `part` is a position in `parts`, or
            `NONE` for idle time. Times count from the step's beginning.
    """

    phase: str
    process: int
    step: int
    steps: int
    wall_ns: int
    parts: tuple[Part, ...]
    begin_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    part: NDArray[np.int64]


def median_step_profile(analysis: Analysis, process: int, phase: str) -> StepProfile:
    """Takes the (lower) median step of a phase apart; the phase must have steps."""
    placement, operations = analysis.attribution.placement, analysis.trace.operations
    rows = np.flatnonzero(rows_of_phase(placement.steps, process, PHASES.index(phase)))
    step = rows[median_step(analysis.step_costs.wall_ns[rows])]
    window_begin, window_end = int(placement.steps.begin_ns[step]), int(placement.steps.end_ns[step])
    inside = (operations.process == process) & (operations.end_ns > window_begin) & (operations.start_ns < window_end)
    own = np.flatnonzero(inside)
    # What an operation has to itself lies at its end; an earlier one may have begun before the step.
    ends = operations.end_ns[own]
    begin_ns = np.clip(ends - exclusive_ns(operations.start_ns[own], ends), window_begin, window_end)
    end_ns = np.clip(ends, window_begin, window_end)
    busy_ns = end_ns - begin_ns
    labels = _labels(analysis, own)
    names, of_operation = np.unique(np.array(labels, dtype=np.str_), return_inverse=True)
    totals = np.bincount(of_operation, busy_ns, len(names))
    counts = np.bincount(of_operation, minlength=len(names))
    order = np.lexsort((names, -totals))
    busy = [Part(str(names[i]), False, int(totals[i]), int(counts[i])) for i in order.tolist()]
    idle_ns = analysis.step_costs.idle_ns[step]
    idle = [Part(kind.label, True, int(idle_ns[kind]), 0) for kind in IdleKind if idle_ns[kind]]
    rank = np.empty(len(names), np.int64)
    rank[order] = np.arange(len(names))
    shown = np.flatnonzero(busy_ns > 0)
    shown = shown[np.argsort(end_ns[shown], kind="stable")]
    return StepProfile(
        phase=phase,
        process=process,
        step=int(placement.steps.number[step]),
        steps=len(rows),
        wall_ns=window_end - window_begin,
        parts=(*busy, *sorted(idle, key=lambda part: -part.time_ns)),
        begin_ns=begin_ns[shown] - window_begin,
        end_ns=end_ns[shown] - window_begin,
        part=rank[of_operation[shown]],
    )


def _labels(analysis: Analysis, rows: IntArray) -> list[str]:
    """What each operation is called in the profile."""
    leaves, kinds = analysis.attribution.leaves, analysis.trace.operations.kind
    labels = []
    for leaf, kind in zip(analysis.attribution.leaf[rows].tolist(), kinds[rows].tolist(), strict=True):
        if kind == OperationKind.GRAPH:
            labels.append(HIDDEN)
        elif kind != OperationKind.KERNEL:
            labels.append(COPIES)
        else:
            labels.append(leaves[leaf].layer_type if leaf != NONE else UNATTRIBUTED)
    return labels

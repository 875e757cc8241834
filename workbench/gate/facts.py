"""What one capture tells of its decode steps, as gates ask for it."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind, is_kind, plain_name
from workbench.analysis.idle import IdleKind
from workbench.analysis.steps import positions_among
from workbench.attribution.rules import PHASES
from workbench.compare.grouping import group_phase
from workbench.compare.measure_capture import measure_capture
from workbench.compare.measurement import PhaseMeasurement
from workbench.compare.reconciliation import part_labels, step_parts
from workbench.errors import UserError
from workbench.gate.measured import MeasuredModel, Part, StepFacts
from workbench.gate.verdict import GateResult, Status
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, OperationKind
from workbench.trace.schema import MEMORY_KIND_PAGEABLE

# Told of a call whose copy reads or writes pageable memory: its name alone does not say so.
PAGEABLE = " (pageable)"
_DECODE = "decode"
_BREAKING = (
    CallKind.ALLOCATE,
    CallKind.FREE,
    CallKind.SYNCHRONIZE,
    CallKind.BLOCKING_COPY,
    CallKind.MODULE_LOAD,
    CallKind.GRAPH_BUILD,
)


def step_facts(analysis: Analysis, *, profiled_ns: float | None, unprofiled_ns: float | None) -> StepFacts:
    """What a capture tells of its mean decode step.

    A call counts where a step made it: where ranges tell steps apart, between the ends of the step's range on its
    thread, before or after its launches alike. The engine reads a token behind its step's range, while the next step is
    under way, so of its own steps none has any such call.

    Args:
        analysis: the capture.
        profiled_ns: a decode step as the program timed it in this run; None where it did not.
        unprofiled_ns: the same, of runs without the profiler.

    Raises:
        UserError: the capture has no decode step.
    """
    phase = measure_capture(analysis, "").phase(_DECODE)
    if phase is None or not phase.steps:
        raise UserError(
            f"{analysis.trace.info.file_name} has no decode step that a gate could judge; "
            "capture a workload that decodes, such as pp=256,tg=48"
        )
    steps = np.flatnonzero(analysis.attribution.placement.steps.phase == PHASES.index(_DECODE))
    costs = analysis.step_costs
    return StepFacts(
        graphs=_are_in_graphs(analysis, steps),
        steps=phase.steps,
        wall_ns=float(phase.wall_ns.mean()),
        parts=_parts(phase),
        kernels=float(costs.kernels[steps].mean()),
        launches=float(costs.launches[steps].mean()),
        breaking_calls=_breaking_calls(analysis, steps),
        profiled_ns=profiled_ns,
        unprofiled_ns=unprofiled_ns,
    )


def in_graphs(model: MeasuredModel) -> tuple[StepFacts, ...]:
    """The captures whose steps ran in graphs."""
    return tuple(facts for facts in model.captures if facts.graphs)


def not_in_graphs(model: MeasuredModel) -> tuple[StepFacts, ...]:
    """The captures whose steps were launched kernel by kernel."""
    return tuple(facts for facts in model.captures if not facts.graphs)


def busy_ns(facts: StepFacts) -> float:
    """The time of a step in which the GPU worked."""
    return sum(part.time_ns for part in facts.parts if not part.is_idle)


def idle_ns(facts: StepFacts, *kinds: IdleKind) -> float:
    """The time of a step in which the GPU waited in one of these ways."""
    labels = {kind.label for kind in kinds}
    return sum(part.time_ns for part in facts.parts if part.is_idle and part.label in labels)


def calls_a_step(captures: Iterable[StepFacts]) -> dict[str, float]:
    """The breaking calls of some captures, a step: of each name the most that any capture has."""
    found: dict[str, float] = {}
    for facts in captures:
        for name, number in facts.breaking_calls:
            found[name] = max(number, found.get(name, 0.0))
    return found


def without_captures(gate: str, baseline: MeasuredModel, now: MeasuredModel) -> GateResult | None:
    """The answer of a gate that looks into captures of a GPU, where there are none; None where there are."""
    if now.request.backend != "cuda":
        return GateResult(gate, Status.NOT_RUN, "The model ran on a CPU, which knows neither graphs nor CUDA's calls.")
    if now.captures:
        return None
    if not baseline.captures:
        return GateResult(gate, Status.NOT_RUN, "Neither the baseline nor this run has captures of decode.")
    return GateResult(gate, Status.UNDECIDED, "This run has no capture of decode, and the baseline has.")


def _parts(phase: PhaseMeasurement) -> tuple[Part, ...]:
    """What the mean step is made of; adds up to it."""
    grouped = group_phase([phase], [phase])
    labels = part_labels(grouped, [phase])
    times_ns = step_parts([phase], grouped.before, grouped, labels).values[0].tolist()
    return tuple(Part(label, is_idle, time_ns) for (label, is_idle), time_ns in zip(labels, times_ns, strict=True))


def _are_in_graphs(analysis: Analysis, steps: IntArray) -> bool:
    """Whether steps ran in graphs: all of them but the first, which a program may launch before it captures one."""
    placement, operations = analysis.attribution.placement, analysis.trace.operations
    step = positions_among(steps, placement.step, len(placement.steps))
    is_node = analysis.attribution.sites.is_graph_node
    is_kernel, is_graph = (operations.kind == kind for kind in (OperationKind.KERNEL, OperationKind.GRAPH))
    nodes, launched, hidden = (
        np.bincount(step[chosen & (step != NONE)], minlength=len(steps))
        for chosen in (is_kernel & is_node, is_kernel & ~is_node, is_graph)
    )
    ran_in_graph = (hidden > 0) | (nodes > launched)
    processes = len(np.unique(placement.steps.process[steps]))
    return bool(ran_in_graph.any()) and int((~ran_in_graph).sum()) <= processes


def _breaking_calls(analysis: Analysis, steps: IntArray) -> tuple[tuple[str, float], ...]:
    """Calls in steps that a graph's capture would not survive, or that stall the host, the most frequent first."""
    trace, call_step = analysis.trace, analysis.attribution.placement.call_step
    in_steps = (call_step != NONE) & np.isin(call_step, steps)
    found = _names(analysis, np.flatnonzero(in_steps & is_kind(analysis.call_kinds, *_BREAKING)))
    copies = trace.operation_rows(OperationKind.MEMCPY)
    is_pageable = (trace.copies.source_kind == MEMORY_KIND_PAGEABLE) | (
        trace.copies.destination_kind == MEMORY_KIND_PAGEABLE
    )
    launch = analysis.attribution.sites.launch[copies]
    launch = launch[is_pageable & (launch != NONE)]
    # A blocking copy is counted by its name already.
    launch = launch[in_steps[launch] & ~is_kind(analysis.call_kinds[launch], CallKind.BLOCKING_COPY)]
    for name, number in _names(analysis, launch).items():
        found[name + PAGEABLE] = number
    ordered = sorted(found.items(), key=lambda call: (-call[1], call[0]))
    return tuple((name, number / len(steps)) for name, number in ordered)


def _names(analysis: Analysis, calls: NDArray[np.int64]) -> Counter[str]:
    """How many of some calls have each name; versions of one call are one name."""
    group, first = group_rows(analysis.trace.calls.name[calls])
    names = analysis.trace.texts(analysis.trace.calls.name[calls[first]])
    found: Counter[str] = Counter()
    for name, number in zip(names, np.bincount(group, minlength=len(first)).tolist(), strict=True):
        found[plain_name(name)] += number
    return found

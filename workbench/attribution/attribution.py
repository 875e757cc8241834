"""Attribution: for every GPU operation one leaf, or the reason why not; a phase; and a step."""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.kernel_names import layers_by_kernel_name
from workbench.attribution.layers import layers_by_range
from workbench.attribution.leaves import Leaf, Reason
from workbench.attribution.matching import RangeMatches
from workbench.attribution.phases import phases_by_range
from workbench.attribution.rules import LayerRules, RangePattern
from workbench.attribution.sites import Sites, find_sites
from workbench.attribution.steps import Placement, place
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.model import NONE, OperationKind, Trace


@dataclass(frozen=True, eq=False)
class Attribution:
    """What each operation of a trace is, and where in the program's course it ran.

    All arrays have one entry an operation, in the order of `trace.operations`.

    Attributes:
        trace: the capture.
        rules: the rules that were applied.
        sites: where operations were described and launched.
        placement: phases and steps.
        is_phase_range: which ranges of the trace are phases or steps, shape (ranges,).
        leaves: the distinct leaves.
        leaf: each operation's leaf, a position in `leaves`, or `NONE`.
        reason: why an operation has no leaf; `Reason.ATTRIBUTED` where it has one.
    """

    trace: Trace
    rules: LayerRules
    sites: Sites
    placement: Placement
    is_phase_range: BoolArray
    leaves: tuple[Leaf, ...]
    leaf: NDArray[np.int32]
    reason: NDArray[np.int8]

    @cached_property
    def own_range(self) -> NDArray[np.int32]:
        """The row of each operation's own range: the latest-started push/pop range open when it was described."""
        own = self.sites.contexts.own_range().astype(np.int32)
        return np.append(own, np.int32(NONE))[self.sites.context_described()]


def attribute(trace: Trace, rules: LayerRules) -> Attribution:
    """Attributes every operation of the trace.

    Layers come from the ranges in which operations were described; in processes that have no ranges of their own
    (beyond phases, and what libraries annotate) they come from kernel names, and everywhere from those rules for
    kernel names that ask for it.
    """
    sites = find_sites(trace)
    phases = phases_by_range(trace, rules.phases, sites.contexts)
    placement = place(trace, sites, phases)
    by_range = layers_by_range(trace, rules.layers, sites.contexts, sites.context_described(), _long_names(trace))
    leaves, leaf = list(by_range.leaves), by_range.of_row
    has_own_ranges = _has_own_ranges(trace, rules, phases.is_phase_range)
    by_name_anywhere = LayerRules(kernels=tuple(rule for rule in rules.kernels if rule.anywhere))
    for process in range(len(trace.processes)):
        rows = np.flatnonzero((trace.operations.process == process)[: len(trace.kernels)])
        rows = rows[leaf[rows] == NONE]
        asked = by_name_anywhere if has_own_ranges[process] else rules
        by_name = layers_by_kernel_name(trace, asked, rows, placement.step[rows])
        leaf[rows] = np.where(by_name.of_row == NONE, NONE, by_name.of_row + len(leaves))
        leaves.extend(by_name.leaves)
    return Attribution(
        trace=trace,
        rules=rules,
        sites=sites,
        placement=placement,
        is_phase_range=phases.is_phase_range,
        leaves=tuple(leaves),
        leaf=leaf,
        reason=_reasons(trace, sites, leaf, np.flatnonzero(~has_own_ranges)),
    )


def _long_names(trace: Trace) -> NDArray[np.int32]:
    """Each operation's long kernel name, `NONE` for other operations."""
    names = np.full(len(trace.operations), NONE, np.int32)
    names[trace.operation_rows(OperationKind.KERNEL)] = trace.kernels.demangled
    return names


def _has_own_ranges(trace: Trace, rules: LayerRules, is_phase_range: BoolArray) -> BoolArray:
    """Whether each process has ranges that are neither phases nor a library's, shape (processes,)."""
    libraries = [RangePattern(re.compile(""), domain) for domain in rules.library_domains]
    own = ~is_phase_range & ~RangeMatches.build(trace, libraries).any_pattern()
    found = np.zeros(len(trace.processes), np.bool_)
    found[trace.thread_process[trace.ranges.thread[own]]] = True
    return found


def _reasons(trace: Trace, sites: Sites, leaf: NDArray[np.int32], named_processes: IntArray) -> NDArray[np.int8]:
    context = sites.context_described()
    has_range = sites.contexts.innermost(np.ones(len(trace.ranges), np.bool_)) != NONE
    in_range = np.append(has_range, np.False_)[context]
    unknown = np.where(sites.is_graph_node, Reason.NODE_CREATED_OUTSIDE_CAPTURE, Reason.NO_LAUNCH_RECORD)
    reason = np.where(context == NONE, unknown, np.where(in_range, Reason.NO_RULE, Reason.NO_RANGE))
    asked_by_name = np.isin(trace.operations.process, named_processes)
    asked_by_name &= trace.operations.kind == OperationKind.KERNEL
    reason[asked_by_name] = Reason.NO_RULE
    reason[leaf != NONE] = Reason.ATTRIBUTED
    return reason.astype(np.int8)

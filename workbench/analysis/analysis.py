"""Everything that follows from one attribution, computed once and when it is first asked for."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.analysis import coverage as coverage_module
from workbench.analysis.calls import call_kinds
from workbench.analysis.coverage import Coverage, Totals
from workbench.analysis.critical_calls import critical_call_ns
from workbench.analysis.footprint import UNKNOWN, Footprint
from workbench.analysis.idle import Gaps, find_gaps
from workbench.analysis.intervals import exclusive_ns
from workbench.analysis.phases import PhaseSummary, summarize_phases
from workbench.analysis.roofline import PhaseRoofline, rooflines
from workbench.analysis.steps import StepCosts, step_costs, step_of_gaps
from workbench.attribution.attribution import Attribution
from workbench.trace.model import Trace


@dataclass(frozen=True, eq=False)
class Analysis:
    """What follows from an attribution, and from what the program says its roles need."""

    attribution: Attribution
    footprint: Footprint = UNKNOWN

    @property
    def trace(self) -> Trace:
        """The capture."""
        return self.attribution.trace

    @cached_property
    def totals(self) -> Totals:
        """Sums over the whole capture."""
        return coverage_module.totals(self.attribution)

    @cached_property
    def coverage(self) -> Coverage:
        """How much is attributed."""
        return coverage_module.coverage(self.attribution)

    @cached_property
    def call_kinds(self) -> NDArray[np.int8]:
        """The kind of each API call."""
        return call_kinds(self.trace)

    @cached_property
    def gaps(self) -> Gaps:
        """The GPU's idle time."""
        return find_gaps(self.attribution, self.call_kinds)

    @cached_property
    def gap_steps(self) -> NDArray[np.int64]:
        """The step in whose time each gap lies, or `NONE`."""
        return step_of_gaps(self.attribution.placement.steps, self.gaps)

    @cached_property
    def step_costs(self) -> StepCosts:
        """What each step costs."""
        return step_costs(self.attribution, self.gaps, self.call_kinds)

    @cached_property
    def critical_call_ns(self) -> NDArray[np.int64]:
        """The time within each API call during which the GPU was idle in a step, shape (calls,).

        A call within another one on its thread has none of its own.
        """
        return critical_call_ns(self.trace, self.gaps, self.gap_steps)

    @cached_property
    def added_ns(self) -> NDArray[np.int64]:
        """What each operation adds to its process's busy time, shape (operations,).

        Time in which several ran belongs to the one that started first.
        """
        operations = self.trace.operations
        added_ns = np.zeros(len(operations), np.int64)
        for process in range(len(self.trace.processes)):
            own = np.flatnonzero(operations.process == process)
            added_ns[own] = exclusive_ns(operations.start_ns[own], operations.end_ns[own])
        return added_ns

    @cached_property
    def rooflines(self) -> tuple[PhaseRoofline, ...]:
        """How far each role is from its floor, in the phases whose needs are known."""
        return rooflines(self.attribution, self.step_costs, self.added_ns, self.footprint)

    @cached_property
    def phases(self) -> tuple[PhaseSummary, ...]:
        """What each phase of each process costs."""
        return summarize_phases(self.attribution, self.gaps, self.step_costs, self.call_kinds)

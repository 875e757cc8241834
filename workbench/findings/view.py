"""One phase of one process, as detectors look at it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind, is_kind
from workbench.analysis.critical_calls import critical_call_ns
from workbench.analysis.idle import IdleKind
from workbench.analysis.intervals import Timeline
from workbench.analysis.roofline import PhaseRoofline
from workbench.analysis.steps import median_step, rows_of_phase, sum_by
from workbench.attribution.rules import PHASES, STEPPED_PHASES
from workbench.findings.finding import CallTime
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.model import NONE, OperationKind, Trace

# A phase is launch-bound when the GPU waits for launches for more than this share of its steps.
LAUNCH_BOUND = 0.3
# With fewer steps the median step may be a cold one, in which modules load and buffers grow.
FEWEST_STEADY_STEPS = 4
# A wait of more than so many times the median wait has a cause of its own.
ONE_OFF = 20


@dataclass(frozen=True, eq=False)
class PhaseView:
    """A phase with steps."""

    analysis: Analysis
    process: int
    phase: str

    @property
    def trace(self) -> Trace:
        """The capture."""
        return self.analysis.trace

    @property
    def pid(self) -> int:
        """The process id."""
        return self.trace.pid(self.process)

    @cached_property
    def steps(self) -> NDArray[np.int64]:
        """The rows of its steps, in order of time."""
        placement = self.analysis.attribution.placement
        return np.flatnonzero(rows_of_phase(placement.steps, self.process, PHASES.index(self.phase)))

    @property
    def step_count(self) -> int:
        """How many steps it has."""
        return len(self.steps)

    @cached_property
    def operations(self) -> NDArray[np.int64]:
        """The rows of its operations, in order of time."""
        placement, operations = self.analysis.attribution.placement, self.trace.operations
        rows = np.flatnonzero((placement.phase == PHASES.index(self.phase)) & (operations.process == self.process))
        return rows[np.argsort(operations.start_ns[rows], kind="stable")]

    @cached_property
    def kernels(self) -> NDArray[np.int64]:
        """The rows of its kernels, in order of time."""
        return self._operations_of(OperationKind.KERNEL)

    @cached_property
    def copies(self) -> NDArray[np.int64]:
        """The rows of its memory copies, in order of time."""
        return self._operations_of(OperationKind.MEMCPY)

    @cached_property
    def memsets(self) -> NDArray[np.int64]:
        """The rows of its memsets, in order of time."""
        return self._operations_of(OperationKind.MEMSET)

    def _operations_of(self, kind: OperationKind) -> NDArray[np.int64]:
        chosen: NDArray[np.int64] = self.operations[self.trace.operations.kind[self.operations] == kind]
        return chosen

    @cached_property
    def calls(self) -> NDArray[np.int64]:
        """The rows of its steps' API calls, in order of time."""
        return np.flatnonzero(np.isin(self.analysis.attribution.placement.call_step, self.steps))

    def calls_of(self, *kinds: CallKind) -> NDArray[np.int64]:
        """The rows of its steps' API calls of these kinds."""
        return self.calls[is_kind(self.analysis.call_kinds[self.calls], *kinds)]

    def duration_ns(self, rows: IntArray) -> NDArray[np.int64]:
        """Durations of operations."""
        duration_ns: NDArray[np.int64] = self.trace.operations.end_ns[rows] - self.trace.operations.start_ns[rows]
        return duration_ns

    def step_of(self, rows: IntArray) -> NDArray[np.int64]:
        """For operations of this phase, the position of their step among `steps`."""
        return np.searchsorted(self.steps, self.analysis.attribution.placement.step[rows])

    @cached_property
    def wall_ns(self) -> NDArray[np.int64]:
        """Each step's wall time."""
        wall_ns: NDArray[np.int64] = self.analysis.step_costs.wall_ns[self.steps]
        return wall_ns

    def median_of_step_ns(self, rows: IntArray) -> float:
        """How long some operations run in a step, added up: the median over all steps."""
        return float(np.median(np.bincount(self.step_of(rows), self.duration_ns(rows), self.step_count)))

    def added_of_step_ns(self, rows: IntArray) -> NDArray[np.int64]:
        """What some operations add to each step's busy time: where they overlap others, those that began first do."""
        return sum_by(self.step_of(rows), self.analysis.added_ns[rows], self.step_count)

    @cached_property
    def roofline(self) -> PhaseRoofline | None:
        """How far its roles are from their floors, where the program says what they need."""
        found = self.analysis.rooflines
        return next((one for one in found if (one.process, one.phase) == (self.process, self.phase)), None)

    def above_floor(self, rows: IntArray) -> NDArray[np.float64]:
        """Which part of each operation's time lies above its role's floor; NaN where no floor worth the name is known.

        A role's operations share its floor in proportion to their times.
        """
        leaves = self.analysis.attribution.leaves
        # The last entry is for operations without a leaf.
        parts = np.full(len(leaves) + 1, np.nan)
        for number, leaf in enumerate(leaves):
            role = self.roofline and self.roofline.of(leaf.layer_type, leaf.role)
            if role and role.share is not None and not role.is_loose:
                parts[number] = max(0.0, 1 - role.share)
        of_rows: NDArray[np.float64] = parts[self.analysis.attribution.leaf[rows]]
        return of_rows

    @cached_property
    def middle_step(self) -> int:
        """The step whose wall time is the (lower) median, as a position among `steps`."""
        return median_step(self.wall_ns)

    @cached_property
    def median_wall_ns(self) -> int:
        """The median step's wall time."""
        return int(self.wall_ns[self.middle_step])

    def idle_ns(self, kind: IdleKind) -> NDArray[np.int64]:
        """Each step's idle time of a kind."""
        idle_ns: NDArray[np.int64] = self.analysis.step_costs.idle_ns[self.steps, kind]
        return idle_ns

    @cached_property
    def _is_one_off(self) -> BoolArray:
        """Which gaps of the capture are far longer than this phase's usual ones, shape (gaps,)."""
        gaps = self.analysis.gaps
        length_ns = gaps.end_ns - gaps.begin_ns
        own = np.isin(self.analysis.gap_steps, self.steps)
        limit_ns = ONE_OFF * float(np.median(length_ns[own])) if own.any() else 0.0
        return length_ns > limit_ns

    @cached_property
    def regular_wall_ns(self) -> NDArray[np.int64]:
        """Each step's wall time, without single long waits where steps are too few for the median to be warm."""
        return self.wall_ns - self._single_waits_ns(*IdleKind)

    def regular_idle_ns(self, kind: IdleKind) -> NDArray[np.int64]:
        """Each step's idle time of a kind, without single long waits where steps are too few."""
        return self.idle_ns(kind) - self._single_waits_ns(kind)

    def _single_waits_ns(self, *kinds: IdleKind) -> NDArray[np.int64]:
        if self.step_count >= FEWEST_STEADY_STEPS:
            return np.zeros(self.step_count, np.int64)
        return self._waits_by_step(self._is_one_off, *kinds)

    def late_launch_ns(self) -> NDArray[np.int64]:
        """Each step's idle time that ended with an operation whose launch was called while the GPU was idle."""
        gaps, step = self.analysis.gaps, self.analysis.gap_steps
        launch = self.analysis.attribution.sites.launch[gaps.next_operation]
        known = np.flatnonzero((launch != NONE) & (step != NONE))
        late = known[self.trace.calls.start_ns[launch[known]] > gaps.begin_ns[known]]
        late_ns = np.zeros(len(self.analysis.attribution.placement.steps), np.int64)
        np.add.at(late_ns, step[late], (gaps.end_ns - gaps.begin_ns)[late])
        of_steps: NDArray[np.int64] = late_ns[self.steps]
        return of_steps

    def idle_during_ns(self, calls: IntArray) -> int:
        """How long the GPU was idle, over all steps, while the host was inside some of these API calls."""
        gaps, table = self.analysis.gaps, self.trace.calls
        own = np.isin(self.analysis.gap_steps, self.steps)
        inside = Timeline.union(table.start_ns[calls], table.end_ns[calls])
        return int(inside.covered_between(gaps.begin_ns[own], gaps.end_ns[own]).sum())

    def call_time(self, calls: IntArray) -> CallTime | None:
        """Where the time of some of its API calls lies; None where there are none."""
        if not len(calls):
            return None
        table, rows = self.trace.calls, self.process_operations
        busy = Timeline.union(self.trace.operations.start_ns[rows], self.trace.operations.end_ns[rows])
        begin_ns, end_ns = table.start_ns[calls], table.end_ns[calls]
        return CallTime(
            steps=self.step_count,
            total_ns=int((end_ns - begin_ns).sum()),
            critical_ns=int(critical_call_ns(self.trace, self.analysis.gaps, self.analysis.gap_steps, calls).sum()),
            hidden_ns=int(busy.covered_between(begin_ns, end_ns).sum()),
        )

    @cached_property
    def launch_bound_share(self) -> float:
        """The part of the median step in which the GPU waits for launches."""
        return float(np.median(self.regular_idle_ns(IdleKind.LAUNCH) / np.maximum(1, self.regular_wall_ns)))

    @property
    def is_launch_bound(self) -> bool:
        """Whether its steps last as long as the host takes to launch them, so that faster kernels gain nothing."""
        return self.launch_bound_share > LAUNCH_BOUND

    @cached_property
    def process_operations(self) -> NDArray[np.int64]:
        """The rows of all operations of its process, in order of time."""
        rows = np.flatnonzero(self.trace.operations.process == self.process)
        return rows[np.argsort(self.trace.operations.start_ns[rows], kind="stable")]

    def waits_before_ns(self, rows: IntArray, *kinds: IdleKind) -> NDArray[np.int64]:
        """For each step, how long the GPU waited, in these ways, for some of its operations to begin.

        Waits far longer than the phase's usual ones are left out: they have other causes than the operation, and
        would stay without it.
        """
        chosen = np.zeros(len(self.trace.operations), np.bool_)
        chosen[rows] = True
        return self._waits_by_step(chosen[self.analysis.gaps.next_operation] & ~self._is_one_off, *kinds)

    def waits_of_ns(self, rows: IntArray, *kinds: IdleKind) -> NDArray[np.int64]:
        """For each of some operations, how long the GPU waited for it in these ways, as in `waits_before_ns`."""
        gaps = self.analysis.gaps
        waited_ns = np.zeros(len(self.trace.operations), np.int64)
        counted = np.flatnonzero(~self._is_one_off & (self.analysis.gap_steps != NONE))
        waited_ns[gaps.next_operation[counted]] = gaps.waited_ns[counted][:, list(kinds)].sum(axis=1)
        of_rows: NDArray[np.int64] = waited_ns[rows]
        return of_rows

    def _waits_by_step(self, counted: BoolArray, *kinds: IdleKind) -> NDArray[np.int64]:
        gaps, step = self.analysis.gaps, self.analysis.gap_steps
        counted = counted & (step != NONE)
        waits_ns = np.zeros(len(self.analysis.attribution.placement.steps), np.int64)
        np.add.at(waits_ns, step[counted], gaps.waited_ns[counted][:, list(kinds)].sum(axis=1))
        of_steps: NDArray[np.int64] = waits_ns[self.steps]
        return of_steps

    def has_graph_kernels(self) -> bool:
        """Whether some of its kernels, or hidden ones, ran in CUDA graphs."""
        graphs = self.trace.operations.kind[self.operations] == OperationKind.GRAPH
        return bool(self.analysis.attribution.sites.is_graph_node[self.operations].any() or graphs.any())


def phase_views(analysis: Analysis) -> Iterator[PhaseView]:
    """The phases of every process that have steps."""
    for summary in analysis.phases:
        if summary.phase in STEPPED_PHASES and summary.steps:
            yield PhaseView(analysis, summary.process, summary.phase)

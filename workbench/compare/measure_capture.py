"""Measures one capture for a comparison."""

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.analysis import Analysis
from workbench.analysis.breakdown import memop_kinds
from workbench.analysis.calls import plain_name
from workbench.analysis.idle import IdleKind
from workbench.analysis.step_profile import COPIES, HIDDEN
from workbench.analysis.step_shares import step_shares
from workbench.analysis.steps import median_step, positions_among, rows_of_phase, sum_by
from workbench.attribution.rules import PHASES
from workbench.compare.measurement import CaptureMeasurement, Cell, Kernel, Launch, PhaseMeasurement, Place, Total, add
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, OperationKind

OTHER_PHASES = "operations of other phases"
# Of a phase with more steps, neighbouring ones are averaged.
MOST_SAMPLES = 512
_MOST_SAMPLED_VALUES = 4_000_000


def measure_capture(analysis: Analysis, name: str) -> CaptureMeasurement:
    """Sums what a comparison needs of a capture, under the name by which reports call it."""
    places = _Places(analysis)
    phase_of = analysis.attribution.placement.phase
    present = [number for number in range(len(PHASES)) if bool((phase_of == number).any())]
    everything = np.ones(len(analysis.trace.calls), np.bool_)
    return CaptureMeasurement(
        name=name,
        phases=tuple(_PhaseMeasuring(analysis, places, number).measure() for number in present),
        kernels=None,
        calls=_call_totals(analysis, everything),
        memops=_memop_totals(analysis, None),
    )


class _Places:
    """The places and kernels of a capture, and where each of its kernels is."""

    def __init__(self, analysis: Analysis) -> None:
        trace, attribution = analysis.trace, analysis.attribution
        nowhere = Place("", NONE, "")
        of_leaf = [Place(leaf.layer_type, leaf.layer, leaf.role) for leaf in attribution.leaves]
        self.places = list(dict.fromkeys([*of_leaf, nowhere]))
        number = {place: i for i, place in enumerate(self.places)}
        # `NONE` finds the last entry, which stands for no leaf.
        numbers = np.array([*(number[place] for place in of_leaf), number[nowhere]], np.int64)
        kernels = trace.operation_rows(OperationKind.KERNEL)
        self.place = numbers[attribution.leaf[kernels]]
        named, first = group_rows(trace.kernels.demangled, trace.operations.name[kernels])
        longs, shorts = trace.kernels.demangled[first], trace.operations.name[kernels][first]
        names = [
            Kernel(trace.text(long) or trace.text(short), trace.text(short))
            for long, short in zip(longs.tolist(), shorts.tolist(), strict=True)
        ]
        self.kernels = list(dict.fromkeys(names))
        canonical = {kernel: i for i, kernel in enumerate(self.kernels)}
        self.kernel = np.array([canonical[kernel] for kernel in names], np.int64)[named]


class _PhaseMeasuring:
    """Measures one phase, a number in `PHASES`."""

    def __init__(self, analysis: Analysis, places: _Places, phase: int) -> None:
        self._analysis, self._places, self._phase = analysis, places, phase
        self._trace, self._placement = analysis.trace, analysis.attribution.placement
        self._rows = np.flatnonzero(self._placement.phase[: len(places.place)] == phase)
        steps = self._placement.steps
        self._steps = np.flatnonzero(steps.phase == phase)
        self._processes = np.unique(self._trace.operations.process[self._placement.phase == phase])

    def measure(self) -> PhaseMeasurement:
        costs = self._analysis.step_costs
        cell, first = group_rows(self._places.place[self._rows], self._places.kernel[self._rows])
        example = self._rows[first]
        busy_ns, other_busy_ns = self._busy(cell, len(first))
        roles, samples_ns = self._samples()
        in_steps = np.isin(self._placement.call_step, self._steps) & (self._placement.call_step != NONE)
        return PhaseMeasurement(
            phase=PHASES[self._phase],
            processes=len(self._processes),
            wall_ns=costs.wall_ns[self._steps],
            idle_ns=costs.idle_ns[self._steps].sum(axis=0).reshape(len(IdleKind)),
            cells=self._cells(cell, example, busy_ns),
            other_busy_ns=other_busy_ns,
            sequences=self._sequences(),
            roles=roles,
            samples_ns=samples_ns,
            calls=_call_totals(self._analysis, in_steps),
            memops=_memop_totals(self._analysis, self._phase),
        )

    def _duration_ns(self, rows: IntArray) -> NDArray[np.int64]:
        operations = self._trace.operations
        duration_ns: NDArray[np.int64] = operations.end_ns[rows] - operations.start_ns[rows]
        return duration_ns

    def _cells(self, cell: IntArray, example: IntArray, busy_ns: IntArray) -> tuple[Cell, ...]:
        count = np.bincount(cell, minlength=len(example))
        total_ns = sum_by(cell, self._duration_ns(self._rows), len(example))
        columns = (self._places.place[example], self._places.kernel[example], count, total_ns, busy_ns)
        return tuple(
            Cell(self._places.places[place], self._places.kernels[kernel], calls, time_ns, added_ns)
            for place, kernel, calls, time_ns, added_ns in zip(*(column.tolist() for column in columns), strict=True)
        )

    def _busy(self, cell: IntArray, cells: int) -> tuple[NDArray[np.int64], dict[str, int]]:
        """What each cell adds to the busy time of all steps, and what everything else adds, by label."""
        trace = self._trace
        cell_of = np.full(len(trace.operations), NONE, np.int64)
        cell_of[self._rows] = cell
        busy_ns, other_ns = np.zeros(cells, np.int64), dict.fromkeys((COPIES, HIDDEN, OTHER_PHASES), 0)
        for process in np.unique(self._placement.steps.process[self._steps]).tolist():
            rows = np.flatnonzero(rows_of_phase(self._placement.steps, process, self._phase))
            shares = step_shares(self._analysis, rows)
            of_cell = cell_of[shares.operation]
            busy_ns += sum_by(of_cell, shares.busy_ns, cells)
            kind = trace.operations.kind[shares.operation]
            for label, chosen in _labels(kind, of_cell):
                other_ns[label] += int(shares.busy_ns[chosen].sum())
        return busy_ns, {label: time_ns for label, time_ns in other_ns.items() if time_ns}

    def _sequences(self) -> dict[tuple[str, int], tuple[Launch, ...]]:
        """The kernels of the median step of the first process that has one."""
        if not len(self._steps):
            return {}
        steps = self._placement.steps
        own = self._steps[steps.process[self._steps] == steps.process[self._steps[0]]]
        middle = own[median_step(self._analysis.step_costs.wall_ns[own])]
        rows = self._rows[self._placement.step[self._rows] == middle]
        rows = rows[np.argsort(self._trace.operations.start_ns[rows], kind="stable")]
        details = self._trace.kernels
        blocks = details.grid_x[rows].astype(np.int64) * details.grid_y[rows] * details.grid_z[rows]
        found: dict[tuple[str, int], list[Launch]] = {}
        for place, kernel, grid in zip(
            self._places.place[rows].tolist(), self._places.kernel[rows].tolist(), blocks.tolist(), strict=True
        ):
            at = self._places.places[place]
            found.setdefault((at.layer_type, at.layer), []).append(Launch(at.role, self._places.kernels[kernel], grid))
        return {key: tuple(launches) for key, launches in found.items()}

    def _samples(self) -> tuple[tuple[tuple[str, str], ...], NDArray[np.float64]]:
        """Kernel time of each step, or of a few neighbouring ones, by layer type and role."""
        roles = tuple(dict.fromkeys((place.layer_type, place.role) for place in self._places.places))
        of_place = np.array([roles.index((at.layer_type, at.role)) for at in self._places.places], np.int64)
        present, of_row = np.unique(of_place[self._places.place[self._rows]], return_inverse=True)
        shown = tuple(roles[number] for number in present.tolist())
        if not len(self._steps) or not len(shown):
            return shown, np.zeros((0, len(shown)))
        most = min(MOST_SAMPLES, max(1, _MOST_SAMPLED_VALUES // len(shown)))
        size = -(-len(self._steps) // most)
        samples = len(self._steps) // size
        step = positions_among(self._steps, self._placement.step[self._rows], len(self._placement.steps))
        sample = step // size
        # Steps left over at the end belong to no sample.
        counted = (step != NONE) & (sample < samples)
        slot = sample[counted] * len(shown) + of_row[counted]
        sums = np.bincount(slot, self._duration_ns(self._rows[counted]), samples * len(shown))
        return shown, sums.reshape(samples, len(shown)) / size


def _labels(kind: IntArray, cell: IntArray) -> list[tuple[str, BoolArray]]:
    """Which operations are no kernels of the phase, by what they are."""
    is_memop = np.isin(kind, (OperationKind.MEMCPY, OperationKind.MEMSET))
    is_graph = kind == OperationKind.GRAPH
    return [(COPIES, is_memop), (HIDDEN, is_graph), (OTHER_PHASES, (cell == NONE) & ~is_memop & ~is_graph)]


def _call_totals(analysis: Analysis, chosen: BoolArray) -> dict[str, Total]:
    """Some API calls, by their names without versions."""
    calls = analysis.trace.calls
    rows = np.flatnonzero(chosen)
    group, first = group_rows(calls.name[rows])
    names = [plain_name(name) for name in analysis.trace.texts(calls.name[rows[first]])]
    count = np.bincount(group, minlength=len(first))
    total_ns = sum_by(group, calls.end_ns[rows] - calls.start_ns[rows], len(first))
    critical_ns = sum_by(group, analysis.critical_call_ns[rows], len(first))
    sums = zip(names, count.tolist(), total_ns.tolist(), critical_ns.tolist(), strict=True)
    totals: dict[str, Total] = {}
    for name, number, time_ns, waited_ns in sums:
        # Versions of one call are one name.
        known = totals.get(name, Total(0, 0, None, 0))
        totals[name] = add(known, Total(number, time_ns, None, waited_ns))
    return totals


def _memop_totals(analysis: Analysis, phase: int | None) -> dict[str, Total]:
    """Copies and memsets by kind: those of a phase, or all."""
    trace = analysis.trace
    begin, end = trace.operation_rows(OperationKind.MEMCPY).start, trace.operation_rows(OperationKind.MEMSET).stop
    rows = np.arange(begin, end)
    kind, names = memop_kinds(trace)
    sizes = np.concatenate([trace.copies.bytes, trace.memsets.bytes])
    if phase is not None:
        chosen = analysis.attribution.placement.phase[rows] == phase
        rows, kind, sizes = rows[chosen], kind[chosen], sizes[chosen]
    count = np.bincount(kind, minlength=len(names))
    total_ns = sum_by(kind, trace.operations.end_ns[rows] - trace.operations.start_ns[rows], len(names))
    moved = sum_by(kind, sizes, len(names))
    return {name: Total(int(count[i]), int(total_ns[i]), int(moved[i])) for i, name in enumerate(names) if count[i]}

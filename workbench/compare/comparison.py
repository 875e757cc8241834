"""Compares two sets of captures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from workbench.attribution.rules import PHASES
from workbench.compare.comparability import FieldDifference
from workbench.compare.estimate import p_values
from workbench.compare.fingerprint import Fingerprint
from workbench.compare.matching import Relation
from workbench.compare.measurement import CaptureMeasurement, Kernel, PhaseMeasurement, Total, add
from workbench.compare.phase_comparison import PhaseComparison, compare_phase
from workbench.compare.results import ResultsComparison
from workbench.compare.rows import KernelPair, Row
from workbench.compare.statistics import significant
from workbench.errors import UserError
from workbench.findings.names import short_of
from workbench.manifest import Speed

# Of differences that are said to be real, so many are not.
RATE = 0.05


@dataclass(frozen=True, eq=False)
class CaptureSet:
    """Captures of the same thing.

    Attributes:
        name: what the user called them.
        captures: one measurement a capture; at least one.
        fingerprint: what all of them were made of.
        unprofiled: the program's speed without the profiler, where it is known.
    """

    name: str
    captures: tuple[CaptureMeasurement, ...]
    fingerprint: Fingerprint
    unprofiled: Speed | None = None

    @property
    def has_times(self) -> bool:
        """Whether they are captures, not tables of sums."""
        return all(capture.has_times for capture in self.captures)

    def phases(self, name: str) -> tuple[PhaseMeasurement, ...]:
        """A phase in each capture that has it."""
        found = (capture.phase(name) for capture in self.captures)
        return tuple(phase for phase in found if phase is not None)


@dataclass(frozen=True)
class NamedTotals:
    """API calls of one name, or copies of one kind, on both sides; None where a side has none."""

    name: str
    before: Total | None
    after: Total | None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two sets of captures, compared.

    Attributes:
        before, after: the sets.
        vary: what was declared to differ.
        differences: what does differ, and is no reason to refuse.
        results: whether both computed the same.
        focus: the phase whose step is asked about.
        phases: all phases of either side; none for tables of sums.
        rows: kernels by phase, layer type and role.
        calls, memops: API calls, and copies and memsets, over whole captures, all captures of a side added up; None
            where a table of sums does not tell them.
        step_calls, step_memops: those of the steps of `focus`.
    """

    before: CaptureSet
    after: CaptureSet
    vary: tuple[str, ...]
    differences: tuple[FieldDifference, ...]
    results: ResultsComparison
    focus: str
    phases: tuple[PhaseComparison, ...]
    rows: tuple[Row, ...]
    calls: tuple[NamedTotals, ...] | None
    memops: tuple[NamedTotals, ...] | None
    step_calls: tuple[NamedTotals, ...]
    step_memops: tuple[NamedTotals, ...]

    @property
    def phase(self) -> PhaseComparison | None:
        """The phase asked about, if either side has it."""
        return next((phase for phase in self.phases if phase.phase == self.focus), None)

    @property
    def is_without_difference(self) -> bool:
        """Whether both sides are the same to the nanosecond."""
        return all(row.is_paired and all(_is_equal(pair) for pair in row.kernels) for row in self.rows) and all(
            phase.step.wall.difference == 0 and all(part.time.difference == 0 for part in phase.step.contributions)
            for phase in self.phases
            if phase.step
        )


def compare(
    before: CaptureSet,
    after: CaptureSet,
    vary: Sequence[str],
    differences: Sequence[FieldDifference],
    results: ResultsComparison,
    focus: str,
) -> Comparison:
    """Compares two sets of captures; whether that makes sense was decided before.

    Raises:
        UserError: captures of either side have no step of the phase asked about.
    """
    has_times = before.has_times and after.has_times
    phases: tuple[PhaseComparison, ...] = ()
    if has_times:
        _check_steps(before, focus)
        _check_steps(after, focus)
        phases = tuple(
            compare_phase(phase, before.phases(phase), after.phases(phase))
            for phase in PHASES
            if before.phases(phase) or after.phases(phase)
        )
        phases = _judged(phases)
    rows = tuple(row for phase in phases for row in phase.rows) if has_times else _rows_of_tables(before, after)
    return Comparison(
        before=before,
        after=after,
        vary=tuple(vary),
        differences=tuple(differences),
        results=results,
        focus=focus,
        phases=phases,
        rows=rows,
        calls=_named([capture.calls for capture in before.captures], [capture.calls for capture in after.captures]),
        memops=_named([capture.memops for capture in before.captures], [capture.memops for capture in after.captures]),
        step_calls=_named([p.calls for p in before.phases(focus)], [p.calls for p in after.phases(focus)]) or (),
        step_memops=_named([p.memops for p in before.phases(focus)], [p.memops for p in after.phases(focus)]) or (),
    )


def _check_steps(side: CaptureSet, focus: str) -> None:
    for capture in side.captures:
        phase = capture.phase(focus)
        if phase is None or not phase.steps:
            others = [phase.phase for phase in capture.phases if phase.steps]
            advice = f"give --phase {others[-1]}" if others else "annotate its steps, or record one that has them"
            raise UserError(
                f"{capture.name} has no steps of {focus}, so there is nothing to compare a step of; {advice}"
            )


def _is_equal(pair: KernelPair) -> bool:
    return pair.relation is Relation.SAME and pair.before == pair.after


def _judged(phases: Sequence[PhaseComparison]) -> tuple[PhaseComparison, ...]:
    """Says of each row whether it differs, false discoveries bounded among all rows; of steps, each by itself."""
    rows = [row for phase in phases for row in phase.rows]
    times, busy = (
        significant(p_values(estimates), RATE).tolist()
        for estimates in ([row.time for row in rows], [row.busy for row in rows])
    )
    judged = iter([row.judged(*verdicts) for row, *verdicts in zip(rows, times, busy, strict=True)])
    return tuple(
        replace(phase, rows=tuple(next(judged) for _ in phase.rows), step=phase.step and phase.step.judged(RATE))
        for phase in phases
    )


def _rows_of_tables(before: CaptureSet, after: CaptureSet) -> tuple[Row, ...]:
    """One row of all kernels, matched by name alone; none where a side does not tell them."""
    one, other = _kernel_totals(before), _kernel_totals(after)
    if one is None or other is None:
        return ()
    pairs = [
        KernelPair(
            (kernel,) if kernel in one else (),
            (kernel,) if kernel in other else (),
            Relation.SAME if kernel in one and kernel in other else Relation.UNPAIRED,
            one.get(kernel),
            other.get(kernel),
        )
        for kernel in dict.fromkeys([*one, *other])
    ]
    pairs.sort(key=lambda pair: -max(total.total_ns for total in (pair.before, pair.after) if total))
    return (Row(None, None, ("",), ("",), None, None, None, None, None, None, tuple(pairs)),) if pairs else ()


def _kernel_totals(side: CaptureSet) -> dict[Kernel, Total] | None:
    """Kernels by their long names, over all captures of a side."""
    found: dict[Kernel, Total] = {}
    for capture in side.captures:
        if not capture.has_times and capture.kernels is None:
            return None
        totals = [(cell.kernel, Total(cell.count, cell.total_ns)) for phase in capture.phases for cell in phase.cells]
        for named, total in [*totals, *(capture.kernels or {}).items()]:
            kernel = Kernel(named.long, short_of(named.long))
            found[kernel] = add(found[kernel], total) if kernel in found else total
    return found


def _named(
    before: Sequence[Mapping[str, Total] | None], after: Sequence[Mapping[str, Total] | None]
) -> tuple[NamedTotals, ...] | None:
    one, other = _sum(before), _sum(after)
    if one is None or other is None:
        return None
    names = sorted({*one, *other}, key=lambda name: (-_largest_ns(one.get(name), other.get(name)), name))
    return tuple(NamedTotals(name, one.get(name), other.get(name)) for name in names)


def _largest_ns(*totals: Total | None) -> int:
    return max(total.total_ns for total in totals if total)


def _sum(sides: Sequence[Mapping[str, Total] | None]) -> dict[str, Total] | None:
    if any(side is None for side in sides):
        return None
    names = dict.fromkeys(name for side in sides if side for name in side)
    return {name: reduce(add, [side[name] for side in sides if side and name in side]) for name in names}

"""The tables that all renderings of a comparison share, as texts that people read."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from workbench.analysis.step_profile import UNATTRIBUTED
from workbench.compare.comparison import Comparison, NamedTotals
from workbench.compare.estimate import Change, Estimate
from workbench.compare.kernel_labels import pair_label
from workbench.compare.matching import Relation
from workbench.compare.measurement import Kernel, Total
from workbench.compare.reconciliation import Contribution, ReconciledStep
from workbench.compare.rows import KernelPair, Row
from workbench.report import quantities
from workbench.report.diff import (
    LEAST_NS,
    NOT_COMPARED,
    ONLY_AFTER,
    ONLY_BEFORE,
    change_words,
    part_label,
    side_text,
)
from workbench.report.diff_context import median_run
from workbench.report.texts import one_line

NOTHING = "-"


@dataclass(frozen=True)
class DiffTable:
    """A table: the first `texts` columns hold words; of each row what it says, as far as it says anything."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int
    changes: tuple[Change | None, ...]


_Row = tuple[tuple[str, ...], Change | None]


def _table(headings: Sequence[str], rows: Iterable[_Row], texts: int) -> DiffTable:
    """A table without those columns of numbers that tell nothing."""
    found = list(rows)
    kept = [
        column
        for column in range(len(headings))
        if column < texts or any(cells[column] not in ("", NOTHING) for cells, _ in found)
    ]
    return DiffTable(
        tuple(headings[column] for column in kept),
        tuple(tuple(cells[column] for column in kept) for cells, _ in found),
        texts,
        tuple(change for _, change in found),
    )


def _interval(time: Estimate) -> str:
    return quantities.differences(*time.interval) if time.interval else NOTHING


def sides_table(comparison: Comparison) -> DiffTable:
    """What either side is: captures, steps, and what is under test."""
    sides = (comparison.before, comparison.after)
    facts = [
        ("captures", *(", ".join(capture.name for capture in side.captures) for side in sides)),
        ("extent", *(side_text(comparison, side) for side in sides)),
        *((factor, *(getattr(side.fingerprint, factor) or "unknown" for side in sides)) for factor in comparison.vary),
    ]
    if any(side.unprofiled for side in sides):
        facts.append(("without the profiler", *(median_run(side.unprofiled, comparison.focus) for side in sides)))
    return _table(("", "before", "after"), [(fact, None) for fact in facts], 3)


def step_table(step: ReconciledStep) -> DiffTable:
    """The mean step's parts, what they leave unexplained, and the step itself, which they add up to."""
    headings = ("part", "verdict", "before", "after", "difference", "launches", "time a call", "swapped", "interval")
    residual = step.residual if abs(step.residual) >= LEAST_NS else 0.0
    rows = [_part_row(part) for part in step.contributions]
    rows.append((("unexplained residual", "", "", "", quantities.difference(residual), "", "", "", ""), None))
    rows.append((("mean step", *_time_cells(step.wall), "", "", "", _interval(step.wall)), step.wall.change))
    return _table(headings, rows, 2)


def _time_cells(time: Estimate) -> tuple[str, str, str, str]:
    return (
        change_words(time),
        quantities.time(time.before),
        quantities.time(time.after),
        quantities.difference(time.difference),
    )


def _part_row(part: Contribution) -> _Row:
    split = part.split
    parts = (split.launches, split.time_a_call, split.swapped) if split else ()
    texts = [quantities.difference(part_ns) if abs(part_ns) >= LEAST_NS else "0" for part_ns in parts] or [""] * 3
    return (part_label(part), *_time_cells(part.time), *texts, _interval(part.time)), part.time.change


def differs(row: Row) -> bool:
    """Whether a row belongs among those with a difference: one that is real, or none that could be judged."""
    if row.time is None:
        return not row.is_paired
    return row.time.difference != 0 and row.time.change is not Change.NONE_SHOWN


def compared_rows(comparison: Comparison) -> list[Row]:
    """The rows of phases with steps on both sides: those that differ first, of the phase asked about, the largest."""
    compared = {phase.phase for phase in comparison.phases if phase.step}
    rows = [row for row in comparison.rows if row.phase in compared]
    return sorted(rows, key=lambda row: (not differs(row), row.phase != comparison.focus, -abs(_row_difference(row))))


def _row_difference(row: Row) -> float:
    if row.time:
        return row.time.difference
    return (row.after_ns_per_step or 0.0) - (row.before_ns_per_step or 0.0)


def row_table(rows: Sequence[Row]) -> DiffTable:
    """Kernel time a step by layer type and role."""
    headings = (
        "phase",
        "layer type",
        "role",
        "verdict",
        "before",
        "after",
        "difference",
        "change",
        "interval",
        "effect",
    )
    return _table(headings, map(_row_cells, rows), 4)


def _row_cells(row: Row) -> _Row:
    time = row.time
    before, after = (
        NOTHING if ns is None else quantities.time(ns) for ns in (row.before_ns_per_step, row.after_ns_per_step)
    )
    if time is None:
        word = NOT_COMPARED if row.is_paired else ONLY_BEFORE if row.before_roles else ONLY_AFTER
        return (*place_cells(row), word, before, after, *[NOTHING] * 4), None
    cells = (
        change_words(time),
        before,
        after,
        quantities.difference(time.difference),
        NOTHING if time.share is None else quantities.change(time.share),
        _interval(time),
        NOTHING if time.effect is None else f"{time.effect:.1f}",
    )
    return (*place_cells(row), *cells), time.change


def place_cells(row: Row) -> tuple[str, str, str]:
    """Phase, layer type and role."""
    return row.phase or NOTHING, one_line(row.layer_type or UNATTRIBUTED), one_line(row.role or NOTHING)


@dataclass(frozen=True)
class _Basis:
    """By what totals of a phase are divided, and what that is."""

    before: int
    after: int
    unit: str


def _basis(comparison: Comparison, phase_name: str | None) -> _Basis:
    """Steps; captures where a phase has none on a side that it is on, and of tables of sums."""
    phase = next((phase for phase in comparison.phases if phase.phase == phase_name), None)
    if phase is None:
        return _Basis(len(comparison.before.captures), len(comparison.after.captures), "capture")
    has_steps = (phase.before_steps or not phase.before_captures) and (phase.after_steps or not phase.after_captures)
    if has_steps:
        return _Basis(phase.before_steps, phase.after_steps, "step")
    return _Basis(phase.before_captures, phase.after_captures, "capture")


def kernel_table(comparison: Comparison, rows: Sequence[Row], labels: Mapping[Kernel, str]) -> DiffTable:
    """The kernels behind rows: of those that differ all that do, of the others what is no longer the same kernel."""
    headings = ("phase", "layer type, role", "kernel", "relation", "calls", "before", "after", "difference")
    found = []
    for row in rows:
        basis = _basis(comparison, row.phase)
        shown = [
            pair
            for pair in row.kernels
            if pair.relation is not Relation.SAME or (differs(row) and _pair_difference(pair, basis))
        ]
        shown.sort(key=lambda pair: -abs(_pair_difference(pair, basis)))
        phase, *place = place_cells(row)
        found += [((phase, _joined(place), *_pair_cells(pair, basis, labels)), None) for pair in shown]
    return _table(headings, found, 4)


def _joined(place: Sequence[str]) -> str:
    return " ".join(part for part in place if part != NOTHING)


def _pair_cells(pair: KernelPair, basis: _Basis, labels: Mapping[Kernel, str]) -> tuple[str, ...]:
    return (
        one_line(pair_label(pair, labels)) or NOTHING,
        pair.relation.value if pair.before and pair.after else ONLY_BEFORE if pair.before else ONLY_AFTER,
        _calls(pair.before, pair.after, basis),
        _each(pair.before, basis.before, _time_of),
        _each(pair.after, basis.after, _time_of),
        quantities.difference(_pair_difference(pair, basis)) if pair.before and pair.after else NOTHING,
    )


def _pair_difference(pair: KernelPair, basis: _Basis) -> float:
    return _mean(pair.after, basis.after) - _mean(pair.before, basis.before)


def _mean(total: Total | None, number: int) -> float:
    return total.total_ns / number if total and number else 0.0


def _calls(before: Total | None, after: Total | None, basis: _Basis) -> str:
    """How many calls: one number where it is the same."""
    texts = [
        quantities.count(round(total.count / number, 1)) if total and number else "0"
        for total, number in ((before, basis.before), (after, basis.after))
    ]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} -> {texts[1]}"


def _each(total: Total | None, number: int, text: Callable[[Total, int], str]) -> str:
    return text(total, number) if total and number else NOTHING


def _time_of(total: Total, number: int) -> str:
    return quantities.time(total.total_ns / number)


def unpaired_table(comparison: Comparison, labels: Mapping[Kernel, str]) -> DiffTable:
    """The kernels that only one side has: of steps, of the phase asked about, and with most time first."""
    headings = ("phase", "layer type, role", "kernel", "side", "calls", "time", "a")
    found = []
    for row in comparison.rows:
        basis = _basis(comparison, row.phase)
        phase, *place = place_cells(row)
        for pair in row.kernels:
            total, number = (pair.before, basis.before) if pair.before else (pair.after, basis.after)
            if pair.relation is Relation.UNPAIRED and total and number:
                _, side, *_ = cells = _pair_cells(pair, basis, labels)
                calls = quantities.count(round(total.count / number, 1))
                shown = (phase, _joined(place), cells[0], side, calls, _time_of(total, number), basis.unit)
                found.append(((basis.unit != "step", row.phase != comparison.focus, -_mean(total, number)), shown))
    found.sort(key=lambda entry: entry[0])
    return _table(headings, [(cells, None) for _, cells in found], 4)


def totals_table(comparison: Comparison, labels: Mapping[Kernel, str], *, differing: bool) -> DiffTable:
    """Of tables of sums: kernels whose totals differ, the largest difference first, or those whose totals do not."""
    basis = _basis(comparison, None)
    pairs = [pair for row in comparison.rows for pair in row.kernels if (pair.before != pair.after) == differing]
    pairs.sort(key=lambda pair: -abs(_pair_difference(pair, basis)))
    headings = ("kernel", "relation", "calls", "before", "after", "difference", "change")
    return _table(
        headings, [((*_pair_cells(pair, basis, labels), _pair_change(pair, basis)), None) for pair in pairs], 2
    )


def _pair_change(pair: KernelPair, basis: _Basis) -> str:
    before = _mean(pair.before, basis.before)
    return quantities.change(_pair_difference(pair, basis) / before) if before and pair.after else NOTHING


def call_table(comparison: Comparison, calls: Sequence[NamedTotals]) -> DiffTable:
    """API calls: how many, how long they took, and in how much of that the GPU waited."""
    basis = _basis(comparison, comparison.focus)
    headings = ("API call", "calls", "before", "after", "exposed before", "exposed after")
    found = [
        (
            one_line(one.name),
            _calls(one.before, one.after, basis),
            _each(one.before, basis.before, _time_of),
            _each(one.after, basis.after, _time_of),
            _each(one.before, basis.before, _exposed_of),
            _each(one.after, basis.after, _exposed_of),
        )
        for one in sorted(calls, key=lambda one: _call_rank(one, basis))
    ]
    return _table(headings, [(cells, None) for cells in found], 1)


def _call_rank(one: NamedTotals, basis: _Basis) -> tuple[float, float]:
    """What changed most on the critical path first, then what changed most."""
    exposed = [
        (total.exposed_ns or 0) / number if total and number else 0.0
        for total, number in ((one.before, basis.before), (one.after, basis.after))
    ]
    return -abs(exposed[1] - exposed[0]), -abs(_mean(one.after, basis.after) - _mean(one.before, basis.before))


def _exposed_of(total: Total, number: int) -> str:
    return NOTHING if total.exposed_ns is None else quantities.time(total.exposed_ns / number)


def memop_table(comparison: Comparison, memops: Sequence[NamedTotals]) -> DiffTable:
    """Copies and memsets by kind."""
    basis = _basis(comparison, comparison.focus)
    headings = ("operation", "count", "before", "after", "bytes before", "bytes after")
    found = [
        (
            one_line(one.name),
            _calls(one.before, one.after, basis),
            _each(one.before, basis.before, _time_of),
            _each(one.after, basis.after, _time_of),
            _each(one.before, basis.before, _bytes_of),
            _each(one.after, basis.after, _bytes_of),
        )
        for one in sorted(memops, key=lambda one: -abs(_mean(one.after, basis.after) - _mean(one.before, basis.before)))
    ]
    return _table(headings, [(cells, None) for cells in found], 1)


def _bytes_of(total: Total, number: int) -> str:
    return NOTHING if total.bytes is None else quantities.size(total.bytes / number)


def phase_table(comparison: Comparison) -> DiffTable:
    """Each phase with steps on both sides: its mean step."""
    headings = ("phase", "verdict", "captures", "steps", "before", "after", "difference", "change", "interval")
    found = [
        (
            (
                phase.phase,
                change_words(wall),
                _pair_of(phase.before_captures, phase.after_captures),
                _pair_of(phase.before_steps, phase.after_steps),
                quantities.time(wall.before),
                quantities.time(wall.after),
                quantities.difference(wall.difference),
                NOTHING if wall.share is None else quantities.change(wall.share),
                _interval(wall),
            ),
            wall.change,
        )
        for phase in comparison.phases
        if phase.step
        for wall in (phase.step.wall,)
    ]
    return _table(headings, found, 2)


def _pair_of(before: int, after: int) -> str:
    return quantities.count(before) if before == after else f"{quantities.count(before)} -> {quantities.count(after)}"

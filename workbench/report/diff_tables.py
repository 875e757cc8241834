"""The tables that all renderings of a comparison share, as texts that people read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.analysis.step_profile import UNATTRIBUTED
from workbench.compare.comparison import Comparison
from workbench.compare.estimate import Change, Estimate
from workbench.compare.reconciliation import Contribution, ReconciledStep
from workbench.compare.rows import Row
from workbench.report import quantities
from workbench.report.diff import (
    LEAST_NS,
    NOT_COMPARED,
    ONLY_AFTER,
    ONLY_BEFORE,
    change_words,
    largest_parts,
    part_label,
    side_text,
)
from workbench.report.diff_context import median_run
from workbench.report.texts import capture_names, one_line

NOTHING = "-"
# The first words of headings of columns that are left out where they tell nothing.
_LEFT_OUT = {"interval", "effect", "smallest", "overlap", "critical", "bytes"}
_LARGEST_EFFECT = 999


@dataclass(frozen=True)
class DiffTable:
    """A table: the first `texts` columns hold words; of each row what it says, as far as it says anything."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    texts: int
    changes: tuple[Change | None, ...]


# Of kernels that hide behind others a share of their own time says nothing.
_OVERLAPS = (Change.OVERLAPS_MORE, Change.OVERLAPS_LESS)
_Row = tuple[tuple[str, ...], Change | None]


def table_of(headings: Sequence[str], rows: Iterable[_Row], texts: int) -> DiffTable:
    """A table without those columns that may tell nothing, and do not."""
    found = list(rows)
    told = {
        headings[column].partition(" ")[0]
        for cells, _ in found
        for column in range(len(headings))
        if cells[column] not in ("", NOTHING)
    }
    kept = [
        column
        for column, heading in enumerate(headings)
        if (first := heading.partition(" ")[0]) in told or first not in _LEFT_OUT
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
        ("captures", *(", ".join(capture_names([capture.name for capture in side.captures])) for side in sides)),
        ("extent", *(side_text(comparison, side) for side in sides)),
        *((factor, *(getattr(side.fingerprint, factor) or "unknown" for side in sides)) for factor in comparison.vary),
    ]
    if any(side.unprofiled for side in sides):
        facts.append(("without the profiler", *(median_run(side.unprofiled, comparison.focus) for side in sides)))
    return table_of(("", "before", "after"), [(fact, None) for fact in facts], 3)


def step_table(step: ReconciledStep, most: int | None = None) -> DiffTable:
    """The mean step's parts, what they leave unexplained, and the step itself, which they add up to.

    Args:
        step: the step.
        most: of more parts, those that changed least are one row together.
    """
    headings = (
        "part",
        "verdict",
        "before",
        "after",
        "difference",
        "launches",
        "time a call",
        "swapped",
        "overlap",
        "interval",
    )
    residual = step.residual if abs(step.residual) >= LEAST_NS else 0.0
    shown, small = largest_parts(step.contributions, most)
    rows = [_part_row(part) for part in shown]
    if small:
        before, after = (sum(getattr(part.time, side) for part in small) for side in ("before", "after"))
        times = (quantities.time(before), quantities.time(after), quantities.difference(after - before))
        rows.append(((f"other ({len(small)} parts)", "", *times, *[""] * 5), None))
    rows.append((("unexplained residual", "", "", "", quantities.difference(residual), *[""] * 5), None))
    rows.append((("mean step", *_time_cells(step.wall), *[""] * 4, _interval(step.wall)), step.wall.change))
    return table_of(headings, rows, 2)


def _time_cells(time: Estimate, change: Change | None = None, *, is_idle: bool = False) -> tuple[str, str, str, str]:
    return (
        change_words(time, change, is_idle=is_idle),
        quantities.time(time.before),
        quantities.time(time.after),
        quantities.difference(time.difference),
    )


def _part_row(part: Contribution) -> _Row:
    split = part.split
    parts = (split.launches, split.time_a_call, split.swapped, split.overlap) if split else ()
    texts = [quantities.difference(part_ns) if abs(part_ns) >= LEAST_NS else "0" for part_ns in parts] or [""] * 4
    return (
        part_label(part),
        *_time_cells(part.time, part.change, is_idle=part.is_idle),
        *texts,
        _interval(part.time),
    ), part.change


def differs(row: Row) -> bool:
    """Whether a row belongs among those with a difference: one that is real, or none that could be judged."""
    if row.busy is None:
        return not row.is_paired
    return row.busy.difference != 0 and row.busy.change is not Change.NONE_SHOWN


def compared_rows(comparison: Comparison) -> list[Row]:
    """The rows of phases with steps on both sides: those that differ first, of the phase asked about, the largest."""
    compared = {phase.phase for phase in comparison.phases if phase.step}
    rows = [row for row in comparison.rows if row.phase in compared]
    return sorted(rows, key=lambda row: (not differs(row), row.phase != comparison.focus, -abs(_row_difference(row))))


def _row_difference(row: Row) -> float:
    return (row.after_busy_ns_per_step or 0.0) - (row.before_busy_ns_per_step or 0.0)


def row_table(rows: Sequence[Row], *, with_smallest: bool = False) -> DiffTable:
    """Busy time a step by layer type and role, and how kernel time changed beside it.

    Args:
        rows: the rows.
        with_smallest: show, instead of kernel time, what difference would have shown.
    """
    headings = (
        "phase, layer type, role",
        "verdict",
        "before",
        "after",
        "difference",
        "change",
        "interval",
        "effect",
        "smallest" if with_smallest else "kernels",
    )
    return table_of(headings, (_row_cells(row, with_smallest=with_smallest) for row in rows), 2)


def _row_cells(row: Row, *, with_smallest: bool) -> _Row:
    busy = row.busy
    before, after = (
        NOTHING if ns is None else quantities.time(ns)
        for ns in (row.before_busy_ns_per_step, row.after_busy_ns_per_step)
    )
    if busy is None:
        word = NOT_COMPARED if row.is_paired else ONLY_BEFORE if row.before_roles else ONLY_AFTER
        return (place_text(row), word, before, after, *[NOTHING] * 5), None
    cells = (
        change_words(busy, row.change),
        before,
        after,
        quantities.difference(busy.difference),
        NOTHING if busy.share is None or row.change in _OVERLAPS else quantities.change(busy.share),
        _interval(busy),
        _effect(busy),
        _last_cell(row, busy, with_smallest=with_smallest),
    )
    return (place_text(row), *cells), row.change


def _effect(time: Estimate) -> str:
    """The difference as a multiple of its noise; captures that happen to agree make it no more certain than certain."""
    if time.effect is None:
        return NOTHING
    return f"{time.effect:.1f}" if time.effect < _LARGEST_EFFECT else f">{_LARGEST_EFFECT}"


def _last_cell(row: Row, busy: Estimate, *, with_smallest: bool) -> str:
    if with_smallest:
        return NOTHING if busy.smallest is None else quantities.time(busy.smallest)
    return quantities.difference(row.time.difference) if row.time else NOTHING


def place_text(row: Row) -> str:
    """Phase, layer type and role, as far as they are known."""
    parts = (row.phase, row.layer_type or UNATTRIBUTED, row.role)
    return " ".join(one_line(part) for part in parts if part)


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
    return table_of(headings, found, 2)


def _pair_of(before: int, after: int) -> str:
    return quantities.count(before) if before == after else f"{quantities.count(before)} -> {quantities.count(after)}"

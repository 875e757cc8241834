"""The tables of a comparison that divide totals: kernels, API calls, copies and memsets, a step or a capture."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from workbench.compare.comparison import Comparison, NamedTotals
from workbench.compare.kernel_labels import kernel_labels, pair_label
from workbench.compare.matching import Relation
from workbench.compare.measurement import Kernel, Total
from workbench.compare.rows import KernelPair, Row
from workbench.report import quantities
from workbench.report.diff import ONLY_AFTER, ONLY_BEFORE
from workbench.report.diff_tables import NOTHING, DiffTable, differs, place_text, table_of
from workbench.report.texts import cut, one_line

_LONGEST_LABEL, _LONGEST_PAIR = 80, 200


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


def shown_labels(comparison: Comparison) -> dict[Kernel, str]:
    """What each kernel is called in tables: its label, cut where that leaves it the only one of its name."""
    labels = {kernel: one_line(text) for kernel, text in kernel_labels(comparison).items()}
    count = Counter(cut(text, _LONGEST_LABEL) for text in labels.values())
    return {
        kernel: short if count[short := cut(text, _LONGEST_LABEL)] == 1 else text for kernel, text in labels.items()
    }


def kernel_table(comparison: Comparison, rows: Sequence[Row], labels: Mapping[Kernel, str]) -> DiffTable:
    """The kernels behind rows: of those that differ all that do, of the others what is no longer the same kernel."""
    headings = ("phase, layer type, role", "kernel", "relation", "calls", "before", "after", "difference")
    found = []
    for row in rows:
        basis = _basis(comparison, row.phase)
        shown = [
            pair
            for pair in row.kernels
            if pair.relation is not Relation.SAME or (differs(row) and _pair_difference(pair, basis))
        ]
        shown.sort(key=lambda pair: -abs(_pair_difference(pair, basis)))
        found += [((place_text(row), *_pair_cells(pair, basis, labels)), None) for pair in shown]
    return table_of(headings, found, 3)


def _pair_cells(pair: KernelPair, basis: _Basis, labels: Mapping[Kernel, str]) -> tuple[str, ...]:
    return (
        cut(pair_label(pair, labels), _LONGEST_PAIR) or NOTHING,
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
    headings = ("phase, layer type, role", "kernel", "side", "calls", "time", "a")
    found = []
    for row in comparison.rows:
        basis = _basis(comparison, row.phase)
        for pair in row.kernels:
            total, number = (pair.before, basis.before) if pair.before else (pair.after, basis.after)
            if pair.relation is Relation.UNPAIRED and total and number:
                _, side, *_ = cells = _pair_cells(pair, basis, labels)
                calls = quantities.count(round(total.count / number, 1))
                shown = (place_text(row), cells[0], side, calls, _time_of(total, number), basis.unit)
                found.append(((basis.unit != "step", row.phase != comparison.focus, -_mean(total, number)), shown))
    found.sort(key=lambda entry: entry[0])
    return table_of(headings, [(cells, None) for _, cells in found], 3)


def totals_table(comparison: Comparison, labels: Mapping[Kernel, str], *, differing: bool) -> DiffTable:
    """Of tables of sums: kernels whose totals differ, the largest difference first, or those whose totals do not."""
    basis = _basis(comparison, None)
    pairs = [pair for row in comparison.rows for pair in row.kernels if (pair.before != pair.after) == differing]
    pairs.sort(key=lambda pair: -abs(_pair_difference(pair, basis)))
    headings = ("kernel", "relation", "calls", "before", "after", "difference", "change")
    return table_of(
        headings, [((*_pair_cells(pair, basis, labels), _pair_change(pair, basis)), None) for pair in pairs], 2
    )


def _pair_change(pair: KernelPair, basis: _Basis) -> str:
    before = _mean(pair.before, basis.before)
    return quantities.change(_pair_difference(pair, basis) / before) if before and pair.after else NOTHING


def call_table(comparison: Comparison, calls: Sequence[NamedTotals]) -> DiffTable:
    """API calls: how many, how long they took, and in how much of that the GPU waited."""
    basis = _basis(comparison, comparison.focus)
    headings = ("API call", "calls", "before", "after", "critical before", "critical after")
    found = [
        (
            one_line(one.name),
            _calls(one.before, one.after, basis),
            _each(one.before, basis.before, _time_of),
            _each(one.after, basis.after, _time_of),
            _each(one.before, basis.before, _critical_of),
            _each(one.after, basis.after, _critical_of),
        )
        for one in sorted(calls, key=lambda one: _call_rank(one, basis))
    ]
    return table_of(headings, [(cells, None) for cells in found], 1)


def _call_rank(one: NamedTotals, basis: _Basis) -> tuple[float, float]:
    """What changed most on the critical path first, then what changed most."""
    critical = [
        (total.critical_ns or 0) / number if total and number else 0.0
        for total, number in ((one.before, basis.before), (one.after, basis.after))
    ]
    return -abs(critical[1] - critical[0]), -abs(_mean(one.after, basis.after) - _mean(one.before, basis.before))


def _critical_of(total: Total, number: int) -> str:
    return NOTHING if total.critical_ns is None else quantities.time(total.critical_ns / number)


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
    return table_of(headings, [(cells, None) for cells in found], 1)


def _bytes_of(total: Total, number: int) -> str:
    return NOTHING if total.bytes is None else quantities.size(total.bytes / number)

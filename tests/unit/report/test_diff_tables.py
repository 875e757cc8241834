from dataclasses import replace

import pytest

from tests.unit.report.comparisons import (
    COMPARISONS,
    columns,
    faster,
    itself,
    many_parts,
    one_a_side,
    phases_of_one_side,
    slower,
    tables,
    unshown,
)
from workbench.compare.comparison import Comparison
from workbench.compare.estimate import Change
from workbench.compare.reconciliation import ReconciledStep
from workbench.report.diff_tables import (
    compared_rows,
    differs,
    phase_table,
    row_table,
    sides_table,
    step_table,
)
from workbench.report.diff_totals import (
    call_table,
    kernel_table,
    memop_table,
    shown_labels,
    unpaired_table,
)


def step_of(comparison: Comparison) -> ReconciledStep:
    assert comparison.phase is not None
    assert comparison.phase.step is not None
    return comparison.phase.step


def test_the_step_is_told_by_its_parts_which_add_up_to_it() -> None:
    table = step_table(step_of(faster()))
    assert columns(table, "part", "verdict", "before", "after", "difference") == [
        ("attention", "faster", "220 µs", "170 µs", "-50.0 µs"),
        ("mlp", "slower", "200 µs", "215 µs", "+15.0 µs"),
        ("norm", "equal", "20.0 µs", "20.0 µs", "0 ns"),
        ("waiting for launches", "shorter", "60.0 µs", "20.0 µs", "-40.0 µs"),
        ("queued", "equal", "4.00 µs", "4.00 µs", "0 ns"),
        ("unexplained residual", "", "", "", "0 ns"),
        ("mean step", "faster", "504 µs", "429 µs", "-75.0 µs"),
    ]
    assert table.changes[:2] == (Change.BETTER, Change.WORSE)


def test_busy_time_says_why_it_changed_and_idle_time_does_not() -> None:
    table = step_table(step_of(faster()))
    why = columns(table, "launches", "time a call", "swapped")
    assert why[:4] == [("0", "0", "-50.0 µs"), ("0", "+12.0 µs", "+3.00 µs"), ("0", "0", "0"), ("", "", "")]


def test_a_residual_is_shown_unless_it_is_one_of_rounding() -> None:
    for residual, text in ((-1500.0, "-1.50 µs"), (1e-10, "0 ns")):
        table = step_table(replace(step_of(faster()), residual=residual))
        assert columns(table, "part", "difference")[-2] == ("unexplained residual", text)


def test_of_many_parts_the_smallest_are_one_row() -> None:
    step = step_of(many_parts())
    table = step_table(step, most=5)
    assert len(table.rows) == 8
    assert table.rows[5][:2] == ("other (55 parts)", "")
    assert len(step_table(step).rows) == 62


def test_rows_that_differ_come_first_and_one_sided_ones_are_never_minus_100_percent() -> None:
    table = row_table(compared_rows(faster()))
    assert columns(table, "phase, layer type, role", "verdict", "difference", "change") == [
        ("decode attention softmax", "faster", "-50.0 µs", "-41.7 %"),
        ("decode mlp down_proj", "slower", "+12.0 µs", "+6.0 %"),
        ("decode mlp up_proj", "only after", "-", "-"),
        ("decode attention qkv_proj", "equal", "0 ns", "0.0 %"),
        ("decode norm norm", "equal", "0 ns", "0.0 %"),
        ("prefill mlp down_proj", "equal", "0 ns", "0.0 %"),
    ]
    only = row_table([row for row in compared_rows(slower()) if not row.after_roles])
    assert columns(only, "verdict", "before", "after") == [("only before", "3.00 µs", "-")]


def test_a_row_differs_if_that_is_real_or_cannot_be_judged() -> None:
    assert not any(map(differs, compared_rows(unshown())))
    assert not any(map(differs, compared_rows(itself())))
    assert [row.role for row in compared_rows(one_a_side()) if differs(row)] == ["softmax", "down_proj", "up_proj"]


def test_columns_of_numbers_that_tell_nothing_are_left_out() -> None:
    assert "interval" in row_table(compared_rows(faster())).headings
    assert "interval" not in row_table(compared_rows(one_a_side())).headings
    assert "bytes before" not in memop_table(tables(), []).headings


def test_phases_with_steps_on_both_sides_are_told() -> None:
    table = phase_table(faster())
    assert columns(table, "phase", "verdict", "captures", "steps", "before") == [
        ("prefill", "equal", "3", "3", "360 µs"),
        ("decode", "faster", "3", "30", "504 µs"),
    ]
    assert columns(phase_table(phases_of_one_side()), "phase") == [("decode",)]


def test_the_sides_are_told_with_what_is_under_test() -> None:
    assert sides_table(faster()).rows == (
        ("captures", *[", ".join(f"capture-{number}.sqlite.zst" for number in (1, 2, 3))] * 2),
        ("extent", *["3 captures, 30 steps of decode"] * 2),
        ("commit", "abc", "def"),
        ("without the profiler", *["601 µs (median of 3 runs)"] * 2),
    )
    assert sides_table(tables()).rows[-1] == ("commit", "unknown", "unknown")


@pytest.mark.parametrize("name", COMPARISONS)
def test_every_row_has_a_cell_in_every_column(name: str) -> None:
    comparison = COMPARISONS[name]()
    labels, rows = shown_labels(comparison), compared_rows(comparison)
    step = comparison.phase.step if comparison.phase else None
    found = [
        sides_table(comparison),
        phase_table(comparison),
        row_table(rows),
        kernel_table(comparison, rows, labels),
        unpaired_table(comparison, labels),
        call_table(comparison, comparison.step_calls),
        memop_table(comparison, comparison.step_memops),
        *([step_table(step)] if step else []),
    ]
    for table in found:
        assert {len(row) for row in table.rows} <= {len(table.headings)}
        assert len(table.rows) == len(table.changes)

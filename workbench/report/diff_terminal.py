"""Shows a comparison in a terminal."""

import shlex
from collections.abc import Sequence

from rich.console import Console

from workbench.compare.comparison import Comparison
from workbench.compare.estimate import Change
from workbench.report import quantities
from workbench.report.diff import (
    UNKNOWN_ORIGIN,
    DiffOrigin,
    command,
    has_equal_totals,
    notice,
    side_text,
    step_of,
    title,
    verdict,
    verdict_change,
)
from workbench.report.diff_context import context, lead, overlap_sentence, phase_sentences
from workbench.report.diff_tables import DiffTable, compared_rows, differs, phase_table, row_table, step_table
from workbench.report.diff_totals import (
    call_table,
    kernel_table,
    memop_table,
    shown_labels,
    totals_table,
    unpaired_table,
)
from workbench.report.terminal import print_line, terminal_table

MOST_ROWS = 20
# Beside them the step has two rows of its own, and one for what is left.
MOST_PARTS = MOST_ROWS - 3
_FEW_ROWS = 8
_STYLES = {Change.BETTER: "green", Change.WORSE: "red", Change.NONE_SHOWN: "dim"}


def print_diff(comparison: Comparison, console: Console, origin: DiffOrigin = UNKNOWN_ORIGIN) -> None:
    """Shows the verdict, what it rests on, where the step's difference comes from, and the rows that differ most."""
    if notice(comparison):
        print_line(console, notice(comparison), style="bold")
    print_line(console, title(comparison), style="bold")
    change = verdict_change(comparison)
    style = _STYLES[change] if change in (Change.BETTER, Change.WORSE) else ""
    print_line(console, verdict(comparison), style=f"bold {style}".strip())
    for sentence in lead(comparison):
        print_line(console, sentence)
    before, after = (side_text(comparison, side) for side in (comparison.before, comparison.after))
    for sentence in (f"Before: {before}; after: {after}.", *context(comparison)):
        print_line(console, sentence, style="dim")
    if comparison.phases and not (comparison.is_without_difference and has_equal_totals(comparison)):
        _print_captures(comparison, console)
    elif not comparison.phases:
        _print_tables(comparison, console)
    console.print()
    print_line(console, f"{shlex.join(command(comparison, origin))} -o FILE.md: the whole report.", style="dim")


def _print_captures(comparison: Comparison, console: Console) -> None:
    labels, rows, step = shown_labels(comparison), compared_rows(comparison), step_of(comparison)
    differing = [row for row in rows if differs(row)]
    if step:
        _print_table(f"A mean step of {comparison.focus}", step_table(step, MOST_PARTS), console, MOST_ROWS)
    if len(comparison.phases) > 1:
        _print_table("Mean steps", phase_table(comparison), console, MOST_ROWS)
    if differing and overlap_sentence(comparison):
        console.print()
        print_line(console, overlap_sentence(comparison))
    _print_table("Busy time a step", row_table(differing), console, MOST_ROWS)
    if len(rows) > len(differing):
        alike = quantities.counted(len(rows) - len(differing), "row")
        print_line(console, f"{alike} without a difference that is shown.", style="dim")
    _print_table("The kernels behind, a step", kernel_table(comparison, rows, labels), console, MOST_ROWS)
    _print_table("Kernels without a partner", unpaired_table(comparison, labels), console, _FEW_ROWS)
    of_steps = f"of {comparison.focus}'s steps, a step"
    _print_table(f"API calls {of_steps}", call_table(comparison, comparison.step_calls), console, _FEW_ROWS)
    _print_table(f"Copies and memsets {of_steps}", memop_table(comparison, comparison.step_memops), console, _FEW_ROWS)
    for sentence in phase_sentences(comparison):
        print_line(console, sentence, style="dim")


def _print_tables(comparison: Comparison, console: Console) -> None:
    labels = shown_labels(comparison)
    _print_table("Kernels", totals_table(comparison, labels, differing=True), console, MOST_ROWS)
    _print_table("API calls", call_table(comparison, comparison.calls or ()), console, _FEW_ROWS)
    _print_table("Copies and memsets", memop_table(comparison, comparison.memops or ()), console, _FEW_ROWS)


def _print_table(title: str, table: DiffTable, console: Console, most: int) -> None:
    """The first rows of a table, and how many more there are; nothing of an empty one."""
    if not table.rows:
        return
    styles: Sequence[str] = [_STYLES.get(change, "") if change else "" for change in table.changes[:most]]
    console.print()
    console.print(terminal_table(title, table.headings, table.rows[:most], table.texts, console.width, styles).text)
    if len(table.rows) > most:
        more = quantities.counted(len(table.rows) - most, "row")
        print_line(console, f"{more} more: see --format markdown.", style="dim")

"""Shows baselines, and what differs between two, in a terminal."""

from rich.console import Console

from workbench.compare import estimate
from workbench.gate.baseline import ModelDifference
from workbench.gate.measured import MeasuredModel
from workbench.report.baseline import circumstances, difference_verdict
from workbench.report.baseline_tables import (
    change_table,
    fingerprint_sentences,
    memory_table,
    speed_table,
    step_table,
)
from workbench.report.diff_tables import DiffTable
from workbench.report.terminal import print_line, terminal_table

_STYLES = {
    estimate.Change.BETTER: "green",
    estimate.Change.WORSE: "red",
    estimate.Change.NONE_SHOWN: "dim",
}


def print_measured(measured: MeasuredModel, console: Console) -> None:
    """Shows what was measured of a model."""
    print_line(console, measured.request.model, style="bold")
    for sentence in fingerprint_sentences(measured):
        print_line(console, sentence, style="dim")
    _print_table("Speed", speed_table(measured), console)
    _print_table("Memory", memory_table(measured), console)
    _print_table("A mean step of decode, under the profiler", step_table(measured), console)


def print_difference(one: ModelDifference, console: Console) -> None:
    """Shows old, new and difference of each number of a model, and what else it was measured with than before."""
    print_line(console, difference_verdict(one), style="bold")
    for sentence in circumstances(one):
        print_line(console, sentence, style="dim")
    _print_table("Old and new", change_table(one.changes), console)


def _print_table(title: str, table: DiffTable, console: Console) -> None:
    if not table.rows:
        return
    styles = [_STYLES.get(change, "") if change else "" for change in table.changes]
    console.print()
    console.print(terminal_table(title, table.headings, table.rows, table.texts, console.width, styles).text)

"""Shows what gates say in a terminal."""

from rich.console import Console

from workbench.gate.verdict import GateReport, Status
from workbench.report.gate import context, model_sentences, remark_sentences, verdict
from workbench.report.gate_tables import gate_table, line_sentences
from workbench.report.terminal import print_line, terminal_table

STYLES = {Status.PASSED: "green", Status.FAILED: "red", Status.UNDECIDED: "yellow", Status.NOT_RUN: "dim"}


def print_gate(report: GateReport, console: Console) -> None:
    """Shows the verdict, the table, and what each gate says."""
    print_line(console, verdict(report), style=f"bold {STYLES[report.status]}")
    table = gate_table(report)
    if table.rows:
        styles = [STYLES[status] for status in table.statuses]
        title = f"Against {report.baseline}"
        console.print()
        console.print(terminal_table(title, table.headings, table.rows, table.texts, console.width, styles).text)
    for model in report.models:
        console.print()
        print_line(console, model.model, style="bold")
        for gate, sentence in model_sentences(model):
            print_line(console, sentence, style=STYLES[gate.status])
        for sentence in remark_sentences(model):
            print_line(console, sentence, style=STYLES[Status.UNDECIDED])
    told = [(status, text) for status, text in line_sentences(report) if status is not Status.PASSED]
    if told:
        console.print()
    for status, sentence in told:
        print_line(console, sentence, style=STYLES[status])
    console.print()
    for sentence in context(report):
        print_line(console, sentence, style="dim")

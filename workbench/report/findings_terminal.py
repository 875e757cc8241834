"""Shows a findings report in a terminal."""

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from workbench.findings.document import FindingsDocument
from workbench.report.capture import coverage_sentences
from workbench.report.findings import (
    Entry,
    entries,
    evidence_cells,
    gain_sentence,
    gain_short,
    heading,
    text_columns,
    verdict,
)
from workbench.report.terminal import terminal_table

# So many findings are told at length; the others are in the table.
MOST_TOLD = 5


def print_findings(document: FindingsDocument, console: Console) -> None:
    """Shows coverage, where a step goes, all findings in a table, and those with the best return at length."""
    console.print(Text(document.info.file_name, style="bold"))
    for sentence in coverage_sentences(document.totals, document.coverage):
        console.print(Text(sentence))
    console.print()
    for sentence in verdict(document):
        console.print(Text(sentence, style="bold"))
    found = entries(document)
    if not found:
        console.print(Text("No detector found anything."))
    for entry in [entry for entry in found if not entry.is_minor][:MOST_TOLD]:
        _print_finding(entry, console)
    if found:
        console.print()
        _print_table(found, console)
    for detector, reason in document.findings.lacking.items():
        console.print(Text(f"Could not look for {detector.replace('_', ' ')}: {reason}.", style="dim"))
    console.print(Text("Gains overlap and do not add up. With -o FILE.md: the whole report, its SQL and a picture."))


def _print_finding(entry: Entry, console: Console) -> None:
    finding = entry.finding
    console.print()
    console.print(Text.assemble((f"{entry.number}  ", "bold cyan"), (finding.claim, "bold")))
    for evidence in finding.evidence[:1]:
        headings = [heading(column) for column in evidence.columns]
        table = terminal_table(
            evidence.title, headings, evidence_cells(evidence)[:4], text_columns(evidence), console.width - 4
        )
        console.print(Padding(table, (0, 0, 0, 4)))
    for label, text in (
        ("cause?", finding.hypothesis),
        ("remedy", finding.remedy),
        ("gain", gain_sentence(finding.gain)),
        ("target", str(finding.target)),
    ):
        console.print(Padding(Text.assemble((f"{label:<7}", "dim"), text), (0, 0, 0, 4)))


def _print_table(found: list[Entry], console: Console) -> None:
    width = max(20, console.width - 52)
    rows = [
        [
            entry.number,
            entry.finding.phase,
            _cut(entry.finding.claim, width),
            gain_short(entry.finding.gain),
            entry.finding.effort.value,
        ]
        for entry in found
    ]
    console.print(terminal_table("All findings", ("", "phase", "finding", "gain (of a step)", "effort"), rows, 3))


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"

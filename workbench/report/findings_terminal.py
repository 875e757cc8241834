"""Shows a findings report in a terminal."""

from rich.console import Console
from rich.text import Text

from workbench.findings.document import FindingsDocument
from workbench.report.capture import coverage_sentences, notice
from workbench.report.findings import (
    Entry,
    call_sentence,
    entries,
    evidence_cells,
    finding_label,
    gain_cells,
    gain_columns,
    has_several_processes,
    heading,
    not_looked_for,
    nothing_found,
    prediction,
    roofline_label,
    target_words,
    text_columns,
    verdict,
)
from workbench.report.manifest import program_name
from workbench.report.origin import UNKNOWN, Origin
from workbench.report.roofline import HEADINGS, TEXT_COLUMNS, roofline_rows
from workbench.report.speed import speed_sentences
from workbench.report.terminal import print_line, terminal_table
from workbench.report.texts import one_line

# So many findings are told at length; the others are in the table.
MOST_TOLD = 5
_INDENT = 4


def print_findings(document: FindingsDocument, console: Console, origin: Origin = UNKNOWN) -> None:
    """Shows coverage, where a step goes, all findings in a table, and those with the best return at length."""
    if notice(document.info):
        print_line(console, notice(document.info), style="bold")
    title = filter(None, (document.info.file_name, program_name(origin.manifest)))
    print_line(console, ": ".join(title), style="bold")
    for sentence in coverage_sentences(document.totals, document.coverage):
        print_line(console, sentence)
    console.print()
    for sentence in verdict(document):
        print_line(console, sentence, style="bold")
    for sentence in speed_sentences(origin.manifest):
        print_line(console, f"{sentence[:1].upper()}{sentence[1:]}.")
    for roofline in document.rooflines:
        console.print()
        title_of = f"Roofline of a {roofline_label(document, roofline)} step"
        console.print(terminal_table(title_of, HEADINGS, roofline_rows(roofline), TEXT_COLUMNS, console.width).text)
    found = entries(document)
    if not found:
        print_line(console, nothing_found(document))
    for entry in [entry for entry in found if not entry.finding.is_minor][:MOST_TOLD]:
        _print_finding(document, entry, console)
    if found:
        console.print()
        _print_table(document, found, console)
    for sentence in not_looked_for(document):
        print_line(console, sentence, style="dim")
    overlap = "Gains overlap and do not add up. " if found else ""
    print_line(console, f"{overlap}With -o FILE.md: the whole report, its SQL and a picture.")


def _print_finding(document: FindingsDocument, entry: Entry, console: Console) -> None:
    finding, words = entry.finding, target_words(entry)
    console.print()
    console.print(
        Text.assemble(
            (f"{entry.number}  ", "bold cyan"),
            (one_line(finding.claim), "bold"),
            (f"  (pid {finding.pid})" if has_several_processes(document) else "", "dim"),
        )
    )
    for evidence in finding.evidence[:1]:
        headings = [heading(column) for column in evidence.columns]
        table = terminal_table(
            evidence.title, headings, evidence_cells(evidence)[:4], text_columns(evidence), console.width - _INDENT
        )
        _print_indented(table.text, console)
    for label, text in (
        *((("calls", call_sentence(finding.call_time)),) if finding.call_time else ()),
        ("cause?", finding.hypothesis),
        ("remedy", finding.remedy),
        ("gain", prediction(entry)),
        ("target", f"{finding.target}{f' ({words})' if words else ''}"),
    ):
        _print_indented(Text.assemble((f"{label:<7}", "dim"), one_line(text)), console)


def _print_indented(text: Text, console: Console) -> None:
    for line in text.wrap(console, console.width - _INDENT):
        line.rstrip()
        console.print(Text(" " * _INDENT) + line)


def _print_table(document: FindingsDocument, found: list[Entry], console: Console) -> None:
    rows = [
        [
            entry.number,
            finding_label(document, entry.finding),
            entry.finding.claim,
            *gain_cells(entry),
            entry.finding.effort.value,
        ]
        for entry in found
    ]
    headings = ("", "phase", "finding", *gain_columns(document), "effort")
    console.print(terminal_table("All findings", headings, rows, texts=3, width=console.width).text)

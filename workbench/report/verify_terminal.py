"""Shows a verification in a terminal."""

from rich.console import Console

from workbench.compare.estimate import Change
from workbench.compare.verification import Verification
from workbench.report import quantities
from workbench.report.diff_tables import DiffTable
from workbench.report.terminal import print_line, terminal_table
from workbench.report.verify import (
    has_other_results,
    joint_sentences,
    notice,
    outcome_sentences,
    step_label,
    title,
    verdict,
)
from workbench.report.verify_context import captures_sentence, context, unspoken_sentence
from workbench.report.verify_origin import UNKNOWN_ORIGIN, VerifyOrigin, calibration_sentences
from workbench.report.verify_tables import (
    finding_table,
    new_table,
    part_table,
    phase_table,
    speed_table,
)

MOST_ROWS = 20
_STYLES = {Change.BETTER: "green", Change.WORSE: "red", Change.NONE_SHOWN: "dim"}


def print_verification(verification: Verification, console: Console, origin: VerifyOrigin = UNKNOWN_ORIGIN) -> None:
    """Shows the verdict, what became of each finding, the steps, what moved, and what is new."""
    if notice(verification):
        print_line(console, notice(verification), style="bold")
    print_line(console, title(verification), style="bold")
    print_line(console, verdict(verification), style="bold")
    alarm = "bold red" if has_other_results(verification) else ""
    print_line(console, verification.conditions.results.sentence, style=alarm)
    for sentence in (captures_sentence(verification), *context(verification)):
        print_line(console, sentence, style="dim")
    _print_table("Findings of the earlier report", finding_table(verification), console)
    for sentence in joint_sentences(verification):
        print_line(console, sentence)
    for one in verification.findings:
        told = outcome_sentences(verification, one) if one.is_met and one.reasons else []
        if told:
            print_line(console, f"{one.finding.number}: {' '.join(told)}")
    _print_table("Steps", phase_table(verification), console)
    _print_table("Without the profiler", speed_table(verification), console)
    for phase in verification.phases:
        _print_table(f"What moved in {step_label(verification, phase)}", part_table(phase), console)
        if sentence := unspoken_sentence(verification, phase):
            print_line(console, sentence)
    _print_table("New findings, as AFTER's own report numbers them", new_table(verification), console)
    console.print()
    for sentence in calibration_sentences(verification, origin):
        print_line(console, sentence, style="dim")
    print_line(console, "With -o FILE.md: the whole report, and what its words mean.", style="dim")


def _print_table(title: str, table: DiffTable, console: Console) -> None:
    """The first rows of a table, and how many more there are; nothing of an empty one."""
    if not table.rows:
        return
    styles = [_STYLES.get(change, "") if change else "" for change in table.changes[:MOST_ROWS]]
    console.print()
    console.print(
        terminal_table(title, table.headings, table.rows[:MOST_ROWS], table.texts, console.width, styles).text
    )
    if len(table.rows) > MOST_ROWS:
        more = quantities.counted(len(table.rows) - MOST_ROWS, "row")
        print_line(console, f"{more} more: see --format markdown.", style="dim")

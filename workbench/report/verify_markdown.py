"""Renders a verification as the Markdown document that is called `nsys_findings_after.md` in the trade."""

import shlex
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader

from workbench.compare.verification import FoundNow, Verification
from workbench.report.diff_tables import DiffTable, compared_rows, differs, row_table
from workbench.report.findings import gain_sentence
from workbench.report.markdown import code, code_block, escape, markdown_table
from workbench.report.texts import cut_words, one_line
from workbench.report.verify import (
    MARK,
    found_now_words,
    gain_words,
    has_other_results,
    joint_sentences,
    new_label,
    notice,
    outcome_sentences,
    step_label,
    target_sentence,
    title,
    verdict,
)
from workbench.report.verify_context import captures_sentence, context, limitations, unspoken_sentence
from workbench.report.verify_origin import UNKNOWN_ORIGIN, VerifyOrigin, calibration_sentences, command
from workbench.report.verify_tables import finding_table, part_table, phase_table, speed_table
from workbench.report.verify_terms import verify_terms

# No browser breaks a line in a word.
_LONGEST_WORD = 40
_PARTS = "Busy time by layer type, and idle time by what was waited for."


@dataclass(frozen=True)
class _New:
    label: str
    found: FoundNow


def to_markdown(verification: Verification, origin: VerifyOrigin = UNKNOWN_ORIGIN) -> str:
    """The report as a Markdown document.

    Args:
        verification: what it says.
        origin: what was asked, and what became of the calibration file.
    """
    environment = Environment(
        loader=PackageLoader("workbench.report"), trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {
        "code": code,
        "escape_md": escape,
        "gain_sentence": gain_sentence,
        "gain_words": gain_words,
        "new_label": new_label,
        "now": found_now_words,
        "one_line": one_line,
        "outcome_sentences": lambda one: outcome_sentences(verification, one),
        "table": _markdown,
        "target_sentence": target_sentence,
    }
    comparison = verification.comparison
    rows = [row for row in compared_rows(comparison) if differs(row)] if comparison else []
    speeds = speed_table(verification)
    return environment.get_template("verify.md.j2").render(
        mark=MARK,
        notice=notice(verification),
        title=title(verification),
        verdict=verdict(verification),
        results=one_line(verification.conditions.results.sentence),
        is_alarming=has_other_results(verification),
        captures=captures_sentence(verification),
        context=context(verification),
        findings=finding_table(verification),
        joint=joint_sentences(verification),
        phases=phase_table(verification) if verification.phases else None,
        speeds=speeds if speeds.rows else None,
        met=[one for one in verification.findings if one.is_met],
        moved=[
            (step_label(verification, phase), table, unspoken_sentence(verification, phase))
            for phase in verification.phases
            if (table := part_table(phase)).rows
        ],
        moved_words=_PARTS,
        rows=row_table(rows) if rows else None,
        new=[_New(new_label(place), verification.found[place]) for place in verification.new],
        open=[one for one in verification.findings if not one.is_met],
        calibration=calibration_sentences(verification, origin),
        terms=verify_terms(),
        limitations=limitations(verification),
        reproduce=code_block(shlex.join([*command(verification, origin), "-o", "FINDINGS_AFTER.md"]), "sh"),
    )


def _markdown(table: DiffTable) -> str:
    rows = [[cut_words(cell, _LONGEST_WORD) for cell in row] for row in table.rows]
    return markdown_table(table.headings, rows, numbers_from=table.texts)

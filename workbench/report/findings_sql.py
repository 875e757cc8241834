"""Renders the SQL of a findings report: what yields its evidence on the export."""

from workbench.findings.document import FindingsDocument
from workbench.findings.finding import Evidence
from workbench.report.findings import MARK, entries
from workbench.report.texts import one_line


def to_sql(document: FindingsDocument) -> str:
    """All statements, in the order of the findings, as a script for the `sqlite3` shell."""
    parts = [f"-- The evidence of all findings; {MARK}.\n.headers on\n.mode column"]
    for entry in entries(document):
        parts.append(f"-- {entry.number}. {one_line(entry.finding.claim)}")
        parts += map(commented_sql, entry.finding.evidence)
    return "\n\n".join(parts) + "\n"


def commented_sql(evidence: Evidence) -> str:
    """The statement that yields a table, with the table's title above it."""
    return f"-- {one_line(evidence.title)}\n{evidence.sql};"

"""Renders the SQL of a findings report: what yields its evidence on the export."""

from workbench.findings.document import FindingsDocument
from workbench.findings.finding import Evidence
from workbench.report.capture import notice
from workbench.report.findings import MARK, entries
from workbench.report.texts import one_line


def to_sql(document: FindingsDocument) -> str:
    """All statements, in the order of the findings, as a script for the `sqlite3` shell."""
    first = f"-- {notice(document.info)}\n" if notice(document.info) else ""
    parts = [f"{first}-- {MARK}\n-- The evidence of all findings.\n.headers on\n.mode column"]
    for entry in entries(document):
        parts.append(_printed(f"{entry.number}. {entry.finding.claim}"))
        parts += [f"{_printed(evidence.title)}\n{evidence.sql};" for evidence in entry.finding.evidence]
    return "\n\n".join(parts) + "\n"


def commented_sql(evidence: Evidence) -> str:
    """The statement that yields a table, with the table's title above it."""
    return f"-- {one_line(evidence.title)}\n{evidence.sql};"


def _printed(text: str) -> str:
    """Commands of the `sqlite3` shell that print an empty line and the text."""
    quoted = one_line(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'.print\n.print "{quoted}"'

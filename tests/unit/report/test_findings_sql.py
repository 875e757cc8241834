import sqlite3
from collections.abc import Callable

from tests.claims import assert_reproduced
from tests.conftest import capture_path
from workbench.analysis.analysis import Analysis
from workbench.findings.document import FindingsDocument
from workbench.report.findings_sql import commented_sql, to_sql
from workbench.trace.open import uncompressed

Document = Callable[[Analysis], FindingsDocument]


def test_every_statement_stands_under_its_finding(real_capture: Analysis, document: Document) -> None:
    report = document(real_capture)
    paragraphs = to_sql(report).rstrip("\n").split("\n\n")[1:]
    expected = []
    for number, finding in enumerate(report.findings.findings, 1):
        expected += [f"-- F{number}. {finding.claim}", *map(commented_sql, finding.evidence)]
    assert paragraphs == expected


def test_the_script_runs_on_the_export(real: Callable[[str], Analysis], document: Document) -> None:
    report = document(real("hf_qwen3_graph"))
    script = "\n".join(line for line in to_sql(report).splitlines() if not line.startswith("."))
    with uncompressed(capture_path("hf_qwen3_graph")) as export:
        database = sqlite3.connect(export)
        database.executescript(script)
        assert_reproduced(report.findings.findings[0].evidence[0], database)
        database.close()

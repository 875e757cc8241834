import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.claims import assert_reproduced
from tests.conftest import capture_path
from tests.unit.report.odd_captures import NAMES
from workbench.analysis.analysis import Analysis
from workbench.findings.document import FindingsDocument
from workbench.findings.finding import Evidence
from workbench.report.findings_sql import commented_sql, to_sql
from workbench.report.texts import one_line
from workbench.trace.open import uncompressed

Named = Callable[[str], Analysis]
Document = Callable[[Analysis], FindingsDocument]


def test_every_statement_stands_under_its_finding(real_capture: Analysis, document: Document) -> None:
    report = document(real_capture)
    paragraphs = to_sql(report).rstrip("\n").split("\n\n")[1:]
    expected = []
    for number, finding in enumerate(report.findings.findings, 1):
        expected.append(f'.print\n.print "F{number}. {finding.claim}"')
        expected += [f'.print\n.print "{evidence.title}"\n{evidence.sql};' for evidence in finding.evidence]
    assert paragraphs == expected


def test_a_statement_in_a_report_has_its_title_above_it() -> None:
    assert commented_sql(Evidence("The\nwaits", ("a",), ((1,),), "SELECT 1 AS a")) == "-- The waits\nSELECT 1 AS a;"


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="there is no sqlite3 shell")
@pytest.mark.parametrize("claim", [f"It is {name}" for name in NAMES])
def test_the_shell_prints_every_claim_as_it_is(odd: Named, document: Document, claim: str) -> None:
    report = document(odd("names_of_all_kinds"))
    finding = replace(
        report.findings.findings[0], claim=claim, evidence=(Evidence(claim, ("a",), ((1,),), "SELECT 1"),)
    )
    findings = replace(report.findings, findings=(finding,))
    script = to_sql(replace(report, findings=findings, measured=(None,)))
    done = subprocess.run(["sqlite3", "-batch"], input=script.encode(), capture_output=True, check=True)
    lines = done.stdout.decode().splitlines()
    assert (lines[1], lines[3], done.stderr) == (f"F1. {one_line(claim)}", one_line(claim), b"")


def test_the_script_runs_on_the_export(real: Named, document: Document) -> None:
    report = document(real("hf_qwen3_graph"))
    script = "\n".join(line for line in to_sql(report).splitlines() if not line.startswith("."))
    with uncompressed(capture_path("hf_qwen3_graph")) as export:
        database = sqlite3.connect(export)
        database.executescript(script)
        assert_reproduced(report.findings.findings[0].evidence[0], database)
        database.close()

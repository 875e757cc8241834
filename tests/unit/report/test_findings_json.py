import json
from collections.abc import Callable

from tests.schemas import check
from tests.unit.test_manifest import a_manifest
from workbench.analysis.analysis import Analysis
from workbench.findings.document import FindingsDocument
from workbench.report.findings_json import to_json

Document = Callable[[Analysis], FindingsDocument]


def test_it_holds_every_finding_in_order_with_its_number(real_capture: Analysis, document: Document) -> None:
    report = document(real_capture)
    found = json.loads(to_json(report))["findings"]
    assert [entry["id"] for entry in found] == [f"F{number}" for number in range(1, len(found) + 1)]
    assert [entry["claim"] for entry in found] == [finding.claim for finding in report.findings.findings]


def test_evidence_is_kept_to_the_last_digit(real_capture: Analysis, document: Document) -> None:
    report = document(real_capture)
    for entry, finding in zip(json.loads(to_json(report))["findings"], report.findings.findings, strict=True):
        assert [(table["columns"], table["rows"], table["sql"]) for table in entry["evidence"]] == [
            (list(table.columns), [list(row) for row in table.rows], table.sql) for table in finding.evidence
        ]


def test_targets_say_what_they_measure_now(real_capture: Analysis, document: Document) -> None:
    report = document(real_capture)
    targets = [entry["target"] for entry in json.loads(to_json(report))["findings"]]
    assert [target["measured"] for target in targets] == list(report.measured)
    assert [target["text"] for target in targets] == [str(finding.target) for finding in report.findings.findings]


def test_it_says_how_the_capture_was_made_where_that_is_known(real_capture: Analysis, document: Document) -> None:
    report, manifest = document(real_capture), a_manifest()
    text = to_json(report, manifest)
    check(text, "findings")
    assert json.loads(text)["manifest"] == json.loads(manifest.to_json())
    assert json.loads(to_json(report))["manifest"] is None


def test_the_median_steps_add_up(real_capture: Analysis, document: Document) -> None:
    for step in json.loads(to_json(document(real_capture)))["median_steps"]:
        assert sum(part["time_ns"] for part in step["parts"]) == step["wall_ns"]


def test_detectors_without_a_finding_are_named(odd_capture: Analysis, document: Document) -> None:
    report = document(odd_capture)
    found = json.loads(to_json(report))
    assert found["lacking"] == report.findings.lacking
    assert found["silent"] == list(report.findings.silent)


def test_a_finding_names_its_process(real: Callable[[str], Analysis], document: Document) -> None:
    analysis = real("hf_qwen3_eager")
    pid = analysis.trace.pid(0)
    assert {entry["process"] for entry in json.loads(to_json(document(analysis)))["findings"]} == {pid}

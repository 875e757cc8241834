import json
from collections.abc import Callable

from tests.schemas import check
from tests.unit.findings.test_calibration import an_outcome
from tests.unit.test_manifest import a_manifest
from workbench.analysis.analysis import Analysis
from workbench.findings.document import FindingsDocument, compile_document, with_counterpart
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


def test_a_finding_alone_knows_no_other_mode_and_no_earlier_prediction(
    real_capture: Analysis, document: Document
) -> None:
    report = json.loads(to_json(document(real_capture)))
    assert report["counterpart"] is None
    assert all(entry["counterpart"] is entry["calibration"] is None for entry in report["findings"])


def test_both_modes_and_what_predictions_came_to_are_told(real: Callable[[str], Analysis], document: Document) -> None:
    eager, graph = real("hf_qwen3_eager"), real("hf_qwen3_graph")
    outcomes = [
        an_outcome(detector="tiny_kernels", found_in=f"{ns}", gpu=None, realised_ns=ns) for ns in (100, 300, 500)
    ]
    report = with_counterpart(compile_document(eager, outcomes), document(graph), graph)
    text = to_json(report)
    check(text, "findings")
    found = json.loads(text)
    assert (found["graphs"], found["counterpart"]) == ("off", {"file": graph.trace.info.file_name, "graphs": "on"})
    decode = {entry["detector"]: entry for entry in found["findings"] if entry["phase"] == "decode"}
    assert decode["launch_bound"]["counterpart"] == {"graphs": "on", "arises": False, "gain": None}
    there = json.loads(to_json(document(graph)))["findings"]
    (tiny,) = [entry for entry in there if (entry["detector"], entry["phase"]) == ("tiny_kernels", "decode")]
    assert decode["tiny_kernels"]["counterpart"] == {"graphs": "on", "arises": True, "gain": tiny["gain"]}
    assert decode["tiny_kernels"]["calibration"] == {
        "ratio": 1.5,
        "low": 0.5,
        "high": 2.5,
        "count": 3,
        "alone": 3,
        "gpu": None,
    }
    assert decode["launch_bound"]["calibration"] is None


def test_time_in_calls_adds_up(real_capture: Analysis, document: Document) -> None:
    for entry in json.loads(to_json(document(real_capture)))["findings"]:
        if entry["api_ns"]:
            assert entry["api_ns"]["total"] >= entry["api_ns"]["critical"] + entry["api_ns"]["hidden"]

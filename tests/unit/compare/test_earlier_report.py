import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.compare.loops import MEMSET_NS, STEP_NS, Analysed, loop
from tests.unit.test_manifest import a_manifest
from workbench.analysis.analysis import Analysis
from workbench.compare.earlier_report import SCHEMA, EarlierGpu, EarlierReport, parse_report
from workbench.errors import UserError
from workbench.findings.document import compile_document
from workbench.findings.target import parse_target
from workbench.report import findings
from workbench.report.findings_json import to_json


@pytest.fixture
def document(analysed: Analysed) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(to_json(compile_document(analysed(loop(memsets=2))), a_manifest()))
    return found


def parsed(document: Any) -> EarlierReport:
    return parse_report(json.dumps(document), "findings.json")


def test_it_reads_the_schema_that_is_written() -> None:
    assert SCHEMA == findings.SCHEMA


def test_a_report_is_read_as_it_was_written(document: dict[str, Any]) -> None:
    report = parsed(document)
    assert report.capture.manifest == a_manifest()
    assert report.capture.devices == (EarlierGpu("Test GPU", 132),)
    assert report.capture.graphs is False
    assert report.notice == ""
    (finding,) = report.findings
    assert (finding.number, finding.detector, finding.phase, finding.pid) == ("F1", "memsets_in_steps", "decode", 7)
    assert finding.target == parse_target("memset.calls_per_step <= 0")
    assert finding.measured == 2
    assert finding.gain
    assert (finding.gain.low_ns, finding.gain.high_ns) == (2 * MEMSET_NS, 2 * MEMSET_NS)
    assert (finding.gain.step_ns, finding.gain.of_mean_step) == (STEP_NS + 2 * MEMSET_NS, False)
    (phase,) = report.phases
    assert (phase.phase, phase.pid, phase.steps, phase.median_ns) == ("decode", 7, 8, STEP_NS + 2 * MEMSET_NS)
    assert phase.mean_ns == document["phases"][0]["wall_ns"] // 8
    assert sum(part.time_ns for part in phase.parts) == phase.median_ns


def test_a_capture_is_known_by_its_hash_or_else_by_the_report(document: dict[str, Any]) -> None:
    entry = {"size_bytes": 1, "repetition": 1, "exit_code": 0, "duration_s": 1.0, "interrupted": False}
    document["capture"]["file"] = "before/capture-2.sqlite.zst"
    document["manifest"]["captures"] = [
        {"file": f"capture-{number}.sqlite.zst", "sha256": f"{number}" * 64, **entry} for number in (1, 2)
    ]
    assert parsed(document).capture.sha256 == "2" * 64
    document["capture"]["file"] = "before/other.sqlite"
    text = json.dumps(document)
    assert parse_report(text, "x").capture.sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_real_reports_are_read(real_capture: Analysis) -> None:
    document = compile_document(real_capture)
    report = parse_report(to_json(document), "findings.json")
    assert [one.claim for one in report.findings] == [one.claim for one in document.findings.findings]
    assert [one.gain for one in report.findings] == [one.gain for one in document.findings.findings]
    assert [one.target for one in report.findings] == [one.target for one in document.findings.findings]


def test_what_a_report_does_not_tell_of_graphs_and_means_is_not_known(document: dict[str, Any]) -> None:
    report = parsed(document)
    for finding in document["findings"]:
        del finding["gain"]["of_mean_step"]
    assert parsed(document).findings == report.findings
    del document["graphs"]
    assert parsed(document).capture.graphs is None


def test_without_steps_nothing_tells_graphs(document: dict[str, Any]) -> None:
    document |= {"graphs": None, "phases": [], "median_steps": [], "manifest": None}
    assert (parsed(document).capture.graphs, parsed(document).capture.manifest) == (None, None)


def _set(*path: str | int, to: Any) -> Callable[[Any], None]:
    def change(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = to

    return change


_FINDING = ("findings", 0)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda document: document.pop("findings"), "findings is missing"),
        (lambda document: document["findings"][0].pop("gain"), r"findings\[0\]\.gain is missing"),
        (lambda document: document["median_steps"].clear(), "the one of decode is missing"),
        (_set(*_FINDING, "gain", "low_ns", to=-1), "no interval within a step"),
        (_set(*_FINDING, "gain", "low_ns", to=7_000), "no interval within a step"),
        (_set(*_FINDING, "gain", "high_ns", to=10**9), "no interval within a step"),
        (_set(*_FINDING, "gain", "step_ns", to=1 << 63), "step_ns is beyond all bounds"),
        (_set(*_FINDING, "gain", "steps", to=0), "steps is no count of steps"),
        (_set(*_FINDING, "gain", "of_mean_step", to=1), "of_mean_step is no bool"),
        (_set(*_FINDING, "id", to="1"), "id is no number of a finding"),
        (_set(*_FINDING, "phase", to="decoding"), "phase is none of load, warmup"),
        (_set(*_FINDING, "effort", to="XL"), "effort is none of S, M, L"),
        (_set(*_FINDING, "target", "text", to="memset <= 0"), "is no target"),
        (_set(*_FINDING, "target", "text", to="nothing.calls_per_step <= 0"), "nothing measures this"),
        (_set(*_FINDING, "target", "text", to=f"memset.calls_per_step <= {10**30}"), "asks for what no capture has"),
        (_set(*_FINDING, "target", "measured", to=-2), "measured is no measure"),
        (_set(*_FINDING, "target", "measured", to="2"), "measured is no float"),
        (_set("phases", 0, "wall_ns", to=-1), r"phases\[0\]\.wall_ns is negative"),
        (_set("phases", 0, "steps", to=1 << 70), "steps is beyond all bounds"),
        (_set("median_steps", 0, "parts", 0, "time_ns", to=-1), "time_ns of decode is negative"),
        (_set("graphs", to="maybe"), "graphs is neither on nor off"),
        (_set("manifest", "schema", to="wb.manifest/9"), "manifest is not of schema"),
        (_set("manifest", "nsys", "version", to=1), r"manifest\.nsys\.version is no str"),
        (_set("capture", "devices", to=[{"name": "GPU"}]), r"devices\[0\]\.sm_count is missing"),
    ],
)
def test_what_cannot_be_is_refused(document: dict[str, Any], change: Callable[[Any], None], problem: str) -> None:
    change(document)
    with pytest.raises(UserError, match=problem) as raised:
        parsed(document)
    assert str(raised.value).startswith("findings.json is malformed: ")


def test_two_findings_of_one_number_are_refused(document: dict[str, Any]) -> None:
    document["findings"] *= 2
    with pytest.raises(UserError, match="two of them have the same id"):
        parsed(document)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is no JSON document"),
        ("# Findings", "is no JSON document"),
        ("[]", "is no findings report of schema wb.findings/1"),
        ('{"schema": "wb.findings/2"}', "is no findings report of schema wb.findings/1"),
        ('{"schema": "wb.attribution/1"}', "is no findings report of schema wb.findings/1"),
        ('{"schema": "wb.findings/1", "capture": NaN}', "NaN is no JSON number"),
        ('{"schema": "wb.findings/1"}', "capture is missing"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_report_is_refused_with_a_word_of_advice(text: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem) as raised:
        parse_report(text, "x.json")
    assert "make one with `wb findings CAPTURE -o FINDINGS.json`" in str(raised.value)


def test_a_report_without_findings_is_one(document: dict[str, Any]) -> None:
    report = parsed(document)
    document["findings"] = []
    assert replace(parsed(document), capture=report.capture) == replace(report, findings=())

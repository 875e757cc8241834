from pathlib import Path

import pytest

from tests.conftest import PROFILES
from tests.unit.compare.loops import Analysed, loop, report_of
from workbench.analysis.analysis import Analysis
from workbench.attribution.attribution import attribute
from workbench.attribution.rules import LayerRules
from workbench.compare.comparability import Kind, differences
from workbench.compare.earlier_fingerprint import earlier_fingerprint
from workbench.compare.earlier_report import parse_report
from workbench.compare.fingerprint import fingerprint
from workbench.findings.document import compile_document
from workbench.manifest import read_manifest
from workbench.report.findings_json import to_json
from workbench.trace.open import open_trace

_FOLDERS = ["hf_qwen3_eager", "hf_qwen3_graph", "engine_style", "qwen3-4b-pp256-tg48-graphs-on-2026-11-21"]


@pytest.mark.parametrize("name", _FOLDERS)
def test_a_report_tells_what_its_capture_was_made_of(name: str, rules: LayerRules) -> None:
    folder = PROFILES / name
    manifest = read_manifest(folder)
    analysis = Analysis(attribute(open_trace(Path(folder, manifest.captures[0].file)), rules))
    report = parse_report(to_json(compile_document(analysis), manifest), "findings.json")
    told, seen = earlier_fingerprint(report), fingerprint(manifest, analysis)
    assert {one.field for one in differences(told, seen, ()) if one.kind is not Kind.UNKNOWN} == set()
    assert (told.gpu, told.graphs, told.model, told.nsys) == (seen.gpu, seen.graphs, seen.model, seen.nsys)


def test_without_a_manifest_only_what_the_capture_showed_is_known(analysed: Analysed) -> None:
    told = earlier_fingerprint(report_of(analysed(loop())))
    assert (told.recorder, told.gpu, told.multiprocessors, told.graphs) == ("nsys", "Test GPU", "132", "off")
    assert (told.model, told.driver, told.commit) == (None, None, None)

"""Whatever is made from a CPU's times says so on its first line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from tests.exports import Export
from tests.schemas import check
from tests.unit.findings.programs import Program
from workbench.analysis.analysis import Analysis
from workbench.analysis.summary import summarize
from workbench.findings.document import compile_document
from workbench.recorders import CPU_NOTICE
from workbench.report import attribution
from workbench.report.findings_files import report_files
from workbench.report.findings_json import to_json
from workbench.report.findings_markdown import to_markdown
from workbench.report.findings_terminal import print_findings
from workbench.report.origin import UNKNOWN

Analysed = Callable[[Export], Analysis]


@pytest.fixture
def analysis(analysed: Analysed) -> Analysis:
    program = Program(Export(recorder="engine-cpu", sm_count=0, capability=(0, 0)))
    for _ in range(4):
        with program.step():
            program.kernel("numpy_attend", 80_000)
            program.kernel("numpy_norm", 1_000)
            program.kernel("numpy_embed", 1_000)
    return analysed(program.export)


def test_findings(analysis: Analysis, capsys: pytest.CaptureFixture[str]) -> None:
    document = compile_document(analysis)
    assert to_markdown(document).startswith(f"**{CPU_NOTICE}**\n\n# Findings")
    print_findings(document, Console(width=100))
    assert capsys.readouterr().out.startswith(f"{CPU_NOTICE}\n")
    text = to_json(document)
    check(text, "findings")
    assert next(iter(json.loads(text))) == "notice"
    assert json.loads(text)["capture"]["recorder"] == "engine-cpu"


def test_files_beside_a_report(analysis: Analysis) -> None:
    files = report_files(compile_document(analysis), Path("report.md"), UNKNOWN, as_json=False)
    assert files.texts[Path("report.sql")].startswith(f"-- {CPU_NOTICE}\n-- {files.mark}\n")
    picture = files.texts[Path("report.svg")]
    assert CPU_NOTICE in picture
    assert "GPU" not in picture.replace(CPU_NOTICE, "")


def test_a_cpu_is_not_called_a_gpu(analysis: Analysis) -> None:
    markdown = to_markdown(compile_document(analysis))
    assert "NumPy works for" in markdown
    assert "the GPU works" not in markdown
    assert "multiprocessors" not in markdown
    assert "profiler | nsys" not in markdown
    for told in (CPU_NOTICE, "No GPU was used.", "Test GPU"):
        markdown = markdown.replace(told, "")
    assert "GPU" not in markdown
    assert "Could not look for " in markdown
    assert "the times are a CPU's." in markdown


def test_attribution(analysis: Analysis, capsys: pytest.CaptureFixture[str]) -> None:
    summary = summarize(analysis)
    assert attribution.to_markdown(summary).startswith(f"**{CPU_NOTICE}**\n\n# Attribution")
    attribution.print_tables(summary, Console(width=100))
    assert capsys.readouterr().out.startswith(f"{CPU_NOTICE}\n")
    text = attribution.to_json(summary)
    check(text, "attribution")
    assert next(iter(json.loads(text))) == "notice"


def test_a_gpus_times_are_not_remarked_on(analysed: Analysed) -> None:
    program = Program()
    with program.step():
        program.kernel("gemv", 80_000)
    document = compile_document(analysed(program.export))
    assert to_markdown(document).startswith("# Findings")
    assert "notice" not in json.loads(to_json(document))
    assert json.loads(to_json(document))["capture"]["recorder"] == "nsys"

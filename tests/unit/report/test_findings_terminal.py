import io
import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.unit.findings.test_calibration import an_outcome
from tests.unit.test_manifest import a_manifest
from workbench.analysis.analysis import Analysis
from workbench.findings.document import FindingsDocument, compile_document, with_counterpart
from workbench.report.findings import entries, gain_short, nothing_found
from workbench.report.findings_terminal import MOST_TOLD, print_findings
from workbench.report.origin import Origin

Named = Callable[[str], Analysis]
Document = Callable[[Analysis], FindingsDocument]


def printed(report: FindingsDocument, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_findings(report, console)
    return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(odd_capture: Analysis, document: Document, width: int) -> None:
    assert max(map(cell_len, printed(document(odd_capture), width).splitlines())) <= width


@pytest.mark.parametrize("width", [60, 80, 120])
def test_real_findings_fit_as_well(real_capture: Analysis, document: Document, width: int) -> None:
    assert max(map(cell_len, printed(document(real_capture), width).splitlines())) <= width


def test_no_name_steers_the_terminal(odd: Named, document: Document) -> None:
    text = printed(document(odd("names_of_all_kinds")))
    assert all(character == "\n" or character.isprintable() for character in text)


def test_every_finding_is_in_the_table_with_its_gain(real_capture: Analysis, document: Document) -> None:
    report = document(real_capture)
    found = entries(report)
    text = printed(report)
    lines = text[text.index("All findings") :].splitlines() if found else []
    table = [line for line in lines if re.match(r"F\d+ ", line)]
    for line, entry in zip(table, found, strict=True):
        assert line.split()[0] == entry.number
        assert gain_short(entry.finding.gain) in line
        assert line.endswith(entry.finding.effort.value)


def test_only_the_best_are_told_at_length(real: Named, document: Document) -> None:
    report = document(real("hf_qwen3_graph"))
    major = [entry for entry in entries(report) if not entry.finding.is_minor]
    assert len(major) > MOST_TOLD
    assert printed(report).count("target ") >= MOST_TOLD
    assert sum(line.startswith("    target ") for line in printed(report).splitlines()) == MOST_TOLD


def test_coverage_comes_first(real_capture: Analysis, document: Document) -> None:
    lines = printed(document(real_capture), 200).splitlines()
    assert lines[0] == real_capture.trace.info.file_name
    assert "is attributed to layers" in lines[1]


def test_the_program_is_named_where_it_is_known(real: Named, document: Document) -> None:
    console = Console(file=io.StringIO(), width=80)
    manifest = replace(a_manifest(), workload={"program": "[b]mine[/b]"})
    print_findings(document(real("engine_style")), console, Origin(manifest=manifest))
    assert console.file.getvalue().startswith("capture-1.sqlite.xz: [b]mine[/b]\n")  # type: ignore[attr-defined]


def test_where_there_is_room_nothing_is_cut(real: Named, document: Document) -> None:
    report = document(real("hf_qwen3_graph"))
    text = printed(report, 1_000_000)
    assert all(finding.claim in text for finding in report.findings.findings)
    assert not [line for line in text.splitlines() if line.endswith(" ")]


def test_targets_say_what_they_measure_now(real: Named, document: Document) -> None:
    text = printed(document(real("hf_qwen3_eager")), 200)
    assert "target step.graph_launches >= 1 (now 0)\n" in text
    assert "ms; now 52.5 ms)\n" in text


def test_a_capture_without_findings_says_so(odd: Named, document: Document) -> None:
    text = printed(document(odd("without_ranges")))
    assert nothing_found(document(odd("without_ranges"))) in " ".join(text.split())
    assert "Gains overlap" not in text
    assert "All findings" not in text
    assert "Could not look for" in text


def test_processes_are_named_where_there_are_several(odd: Named, document: Document) -> None:
    text = printed(document(odd("several_processes")), 120)
    assert "(pid 7)" in text
    assert "(pid 8)" in text
    assert "(pid" not in printed(document(odd("names_of_all_kinds")), 120)


@pytest.mark.parametrize("width", [60, 80, 200])
def test_both_modes_of_graphs_and_earlier_predictions_fit_as_well(real: Named, document: Document, width: int) -> None:
    eager, graph = real("hf_qwen3_eager"), real("hf_qwen3_graph")
    report = compile_document(eager, [an_outcome(detector="launch_bound", gpu=None)])
    text = printed(with_counterpart(report, document(graph), graph), width)
    assert max(map(cell_len, text.splitlines())) <= width
    words = " ".join(text.split())
    assert "gain with graphs off: 50.4 ms to 52.5 ms off a step of 55.9 ms (90.2 % to 93.9 %); does not arise" in words
    assert "predictions of this detector were realised at 0.8 times (n = 1, alone)" in words
    assert "calls 231 ms a step: 225 ms on the critical path (the GPU was idle), 6.20 ms outside the steps" in words

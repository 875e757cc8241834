import json
from collections.abc import Callable

import pytest

from tests.exports import Export
from tests.schemas import check
from tests.unit.findings.programs import Program
from tests.unit.report.rendered import tables
from workbench.analysis.analysis import Analysis
from workbench.analysis.footprint import Footprint, RoleNeed
from workbench.attribution.attribution import Attribution
from workbench.findings.document import FindingsDocument, compile_document
from workbench.report.findings_json import to_json
from workbench.report.findings_markdown import to_markdown
from workbench.report.findings_terminal import print_findings

Attributed = Callable[[Export], Attribution]


@pytest.fixture
def report(attributed: Attributed) -> Callable[..., FindingsDocument]:
    """The report of a step of each phase: a product of known needs, and a norm of none."""

    def compiled(*needs: RoleNeed, problem: str = "") -> FindingsDocument:
        program = Program()
        for phase in ("prefill", "decode"):
            with program.step(phase):
                with program.range("model.layers.0.mlp.down_proj"):
                    program.kernel("gemv", 8_000)
                with program.range("model.layers.0.input_layernorm"):
                    program.kernel("rms_norm", 2_000)
        footprint = Footprint(needs, 1e9, problem=problem)
        return compile_document(Analysis(attributed(program.export), footprint))

    return compiled


def need(phase: str, size: int, operations: int = 0) -> RoleNeed:
    return RoleNeed(phase, "mlp", "down_proj", size, operations)


def test_the_table_of_a_phase(report: Callable[..., FindingsDocument]) -> None:
    markdown = to_markdown(report(need("decode", 6_000), need("prefill", 1_000, 640_000)))
    decode, prefill = [table for table in tables(markdown) if table[0][-1:] == ["headroom"]]
    assert decode == [
        ["layer type", "role", "bytes a step", "floor", "measured", "share", "headroom"],
        ["mlp", "down_proj", "6.00 kB", "6.00 µs", "8.00 µs", "75.0 %", "2.00 µs"],
        ["norm", "input_layernorm", "-", "-", "2.00 µs", "-", "-"],
        ["whole step", "", "6.00 kB", "6.00 µs", "10.0 µs", "60.0 %", "4.00 µs"],
    ]
    assert prefill[1][-1] == "at most 7.00 µs"
    assert "floors of prefill count bytes alone" in markdown
    assert "- **floor**: " in markdown


def test_the_terminal_shows_it_too(report: Callable[..., FindingsDocument], capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    print_findings(report(need("decode", 6_000)), Console(width=120))
    assert "Roofline of a decode step" in capsys.readouterr().out


def test_json_has_all_of_it(report: Callable[..., FindingsDocument]) -> None:
    text = to_json(report(need("decode", 6_000)))
    check(text, "findings")
    (roofline,) = json.loads(text)["rooflines"]
    assert roofline["roles"][0] == {
        "layer_type": "mlp",
        "role": "down_proj",
        "bytes": 6_000,
        "operations": 0,
        "floor_ns": 6_000.0,
        "is_loose": False,
        "measured_ns": 8_000,
        "share": 0.75,
        "headroom_ns": 2_000.0,
    }
    assert roofline["roles"][1]["floor_ns"] is None


def test_what_is_odd_is_a_limitation(report: Callable[..., FindingsDocument]) -> None:
    assert any("Faster than their floor: down_proj" in text for text in report(need("decode", 9_000)).limitations)
    assert "Why not." in report(problem="Why not.").limitations


def test_without_needs_there_is_no_word_of_it(report: Callable[..., FindingsDocument]) -> None:
    markdown = to_markdown(report())
    assert "Roofline of" not in markdown
    assert "**floor**" not in markdown
    assert json.loads(to_json(report()))["rooflines"] == []

"""What gates say, in every form."""

import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from tests.schemas import check
from workbench.gate.verdict import GateReport, GateResult, Line, ModelVerdict, Status
from workbench.report.gate import MARK, verdict
from workbench.report.gate_json import to_json
from workbench.report.gate_markdown import to_markdown
from workbench.report.gate_tables import gate_table, value_text
from workbench.report.gate_terminal import print_gate

SLOW = Line(
    "decode.128", Status.FAILED, 1e8, 1.2e8, "ns", 0.2, (0.18, 0.22), 0.005, "Slower by 20 %, by 18 % at least."
)
SPEED = GateResult("speed", Status.FAILED, "1 of 1 numbers is slower.", (SLOW,))
MEMORY = GateResult(
    "memory", Status.PASSED, "No use of memory grew.", (Line("peak_bytes", Status.PASSED, 5e9, 5e9, "bytes", 0.0),)
)
STEADY = GateResult("steady_state", Status.NOT_RUN, "The model ran on a CPU.")
OPEN = GateResult("results", Status.UNDECIDED, "This run does not tell what it computed.")


def report(*gates: GateResult, models: int = 1) -> GateReport:
    return GateReport("b.json", 0.01, tuple(ModelVerdict(f"model-{number}", gates) for number in range(models)))


def printed(one: GateReport, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width)
    print_gate(one, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


REPORTS = {
    "failed": report(SPEED, MEMORY, STEADY, OPEN),
    "passed": report(MEMORY, STEADY),
    "undecided": report(MEMORY, OPEN),
    "nothing ran": report(STEADY),
    "nothing at all": report(models=0),
    "several models": report(SPEED, MEMORY, models=2),
}


@pytest.mark.parametrize("one", REPORTS.values(), ids=REPORTS)
def test_every_form_begins_with_the_same_answer(one: GateReport) -> None:
    document = json.loads(to_json(one))
    check(to_json(one), "gate")
    assert document["verdict"] == verdict(one)
    assert document["exit_code"] == one.exit_code
    assert printed(one, 100_000).splitlines()[0] == verdict(one)
    plain = to_markdown(one).splitlines()[0].replace("\\", "")
    assert plain == f"**{verdict(one)}**"
    assert to_markdown(one).splitlines()[-1] == f"<!-- {MARK} -->"


def test_a_failure_names_gate_model_and_reason() -> None:
    assert verdict(REPORTS["failed"]) == ("Failed: speed of model-0, held against b.json. 1 of 1 numbers is slower.")
    assert verdict(REPORTS["several models"]).startswith("Failed: speed of model-0; speed of model-1, held")


def test_what_did_not_run_has_not_passed() -> None:
    assert verdict(REPORTS["passed"]) == (
        "Passed: memory of model-0, held against b.json (not run: steady state of model-0)."
    )
    assert verdict(REPORTS["nothing ran"]).startswith("Could not be judged: of model-0 nothing was run")
    assert verdict(REPORTS["nothing at all"]).startswith("Could not be judged: nothing was run")
    assert (REPORTS["nothing ran"].exit_code, REPORTS["nothing at all"].exit_code) == (2, 2)


def test_what_could_not_be_judged_is_told_with_its_reason() -> None:
    assert verdict(REPORTS["undecided"]) == (
        "Could not be judged: results of model-0, held against b.json. This run does not tell what it computed."
    )


def test_the_table_has_a_row_a_line_and_one_for_gates_without() -> None:
    table = gate_table(REPORTS["failed"])
    assert table.headings[:3] == ("gate", "what", "answer")
    assert [row[0] for row in table.rows] == ["speed", "memory", "steady state", "results"]
    assert table.rows[0] == (
        "speed", "decode.128", "failed", "100 ms", "120 ms", "+20.0 %", "+18.0 % to +22.0 %", "0.5 %",
    )  # fmt: skip
    assert table.rows[2] == ("steady state", "-", "not run", "-", "-", "-", "-", "-")
    assert table.statuses == (Status.FAILED, Status.PASSED, Status.NOT_RUN, Status.UNDECIDED)
    assert gate_table(REPORTS["several models"]).headings[0] == "model"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(None, "ns", "-"), (1.9, "ratio", "1.90"), (3.0, "calls", "3"), (5e9, "bytes", "5.00 GB"), (0.25, "", "0.25")],
)
def test_values_are_in_their_units(value: float | None, unit: str, text: str) -> None:
    assert value_text(value, unit) == text


def test_what_a_line_says_is_said_once() -> None:
    assert printed(REPORTS["failed"]).count("by 18 % at least") == 1
    said = replace(SPEED, sentence=f"One is slower. {SLOW.sentence}")
    assert printed(report(said)).count("by 18 % at least") == 2  # in the verdict, and under its gate


def test_remarks_on_the_measurement_are_in_every_form() -> None:
    remark = "Processes computed different tokens."
    one = GateReport("b.json", 0.01, (ModelVerdict("model", (MEMORY,), (remark,)),))
    check(to_json(one), "gate")
    assert json.loads(to_json(one))["models"][0]["remarks"] == [remark]
    assert f"- remark: {remark}" in to_markdown(one).replace("\\", "")
    assert f"remark: {remark}" in printed(one)

"""Calls that decode steps must not make."""

import pytest

from tests.unit.gate.steps import GPU_NS, in_graph, launched, measured
from tests.unit.gate.test_facts import engine_facts
from workbench.gate.steady_state import judge
from workbench.gate.verdict import Status

CLEAN = measured([in_graph(), launched(2 * GPU_NS)])


def test_steps_without_such_calls_pass() -> None:
    result = judge(CLEAN, CLEAN)
    assert (result.gate, result.status, result.lines) == ("steady_state", Status.PASSED, ())


@pytest.mark.parametrize("where", [0, 1])
def test_one_call_in_any_capture_fails_and_is_named_with_its_count(where: int) -> None:
    calls = [("cudaMalloc", 1.0), ("cudaStreamSynchronize", 0.5)]
    captures = [in_graph(calls=calls if where == 0 else ()), launched(2 * GPU_NS, calls=calls if where else ())]
    result = judge(CLEAN, measured(captures))
    assert result.status is Status.FAILED
    assert result.sentence == "Decode steps call cudaMalloc (1 a step) and cudaStreamSynchronize (0.5 a step)."
    assert [(line.name, line.status, line.baseline, line.now) for line in result.lines] == [
        ("cudaMalloc", Status.FAILED, 0, 1),
        ("cudaStreamSynchronize", Status.FAILED, 0, 0.5),
    ]


def test_of_several_captures_the_one_with_most_calls_counts() -> None:
    captures = [in_graph(calls=[("cudaMalloc", number)]) for number in (0.25, 3.0, 1.0)]
    (line,) = judge(CLEAN, measured(captures)).lines
    assert line.now == 3


def test_what_the_baseline_did_is_no_excuse() -> None:
    model = measured([in_graph(calls=[("cudaMalloc", 1.0)])])
    result = judge(model, model)
    assert result.status is Status.FAILED
    assert result.sentence == "Decode steps call cudaMalloc (1 a step), which the baseline does as well."


def test_a_call_that_is_gone_is_shown_as_passed() -> None:
    (line,) = judge(measured([in_graph(calls=[("cudaMalloc", 1.0)])]), CLEAN).lines
    assert (line.status, line.baseline, line.now) == (Status.PASSED, 1, 0)


def test_of_a_baseline_without_captures_nothing_is_claimed() -> None:
    (line,) = judge(measured(), measured([in_graph(calls=[("cudaMalloc", 1.0)])])).lines
    assert line.baseline is None


def test_without_captures_nothing_is_passed() -> None:
    assert judge(CLEAN, measured()).status is Status.UNDECIDED
    assert judge(measured(), measured()).status is Status.NOT_RUN
    on_cpu = measured([launched(GPU_NS)], backend="numpy")
    assert judge(on_cpu, on_cpu).status is Status.NOT_RUN


def test_real_captures_of_the_engine_are_steady() -> None:
    on, off = (engine_facts(f"qwen3-4b-pp256-tg48-graphs-{graphs}-2026-11-21") for graphs in ("on", "off"))
    assert judge(CLEAN, measured([on, off])).status is Status.PASSED

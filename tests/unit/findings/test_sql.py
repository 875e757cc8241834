"""Phases and kernels must be told exactly by SQL, whatever tells them."""

import pytest

from tests.claims import assert_reproduced
from tests.exports import VERSIONS, Export
from tests.unit.findings.conftest import Opened
from tests.unit.findings.programs import H2D, Program
from workbench.analysis.calls import CallKind
from workbench.findings import sql
from workbench.findings.evidence import call_evidence, copy_evidence, kernel_evidence, memset_evidence
from workbench.findings.view import PhaseView, phase_views
from workbench.trace.columns import IntArray


def duration_ns(view: PhaseView, *wanted: int) -> IntArray:
    """The phase's kernels of these durations."""
    return view.kernels[[time in wanted for time in view.duration_ns(view.kernels).tolist()]]


def test_values_are_quoted() -> None:
    assert sql.listed(["it's", "a"]) == "'it''s', 'a'"
    assert sql.listed([1, 2]) == "1, 2"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_the_export_is_queried_as_it_is_laid_out(opened: Opened, version: str) -> None:
    program = Program(Export(version))
    program.kernel("gemv", 9_000)
    program.copy(H2D, 8, 100)
    program.memset(8, 100)
    for _ in range(2):
        with program.step(), program.graph_launch():
            program.kernel("gemv", 1_000, node=1)
            program.kernel("gemv", 2_000, node=2)
            program.copy(H2D, 8, 100, node=3)
        with program.step("prefill"):
            program.kernel("gemv", 4_000)
            program.memset(8, 100)
    analysis, database = opened(program.export)
    prefill, decode = phase_views(analysis)
    assert_reproduced(kernel_evidence(decode, duration_ns(decode, 2_000), "One node"), database)
    assert_reproduced(copy_evidence(decode, decode.copies, "Copies"), database)
    assert_reproduced(memset_evidence(prefill, "Memsets"), database)
    assert_reproduced(call_evidence(decode, "Launches", CallKind.GRAPH_LAUNCH), database)


def test_kernels_are_told_by_the_most_telling_condition_that_is_exact(opened: Opened) -> None:
    program = Program()
    with program.step():
        program.kernel("add", 1_000, long_name="add<it's>")
        program.kernel("add", 2_000, long_name="add<half>")
        program.kernel("mul", 3_000, grid=(1, 2, 3))
        program.kernel("mul", 4_000, grid=(3, 2, 1))
        program.kernel("mul", 5_000, grid=(3, 2, 1))
        with program.graph_launch():
            program.kernel("mul", 6_000, grid=(3, 2, 1), node=11)
            program.kernel("mul", 7_000, grid=(3, 2, 1), node=12)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    for chosen, condition in (
        (range(1_000, 8_000, 1_000), "1"),
        ((1_000, 2_000), "k.kernel IN ('add')"),
        ((1_000,), "k.long_name IN ('add<it''s>')"),
        ((3_000,), "(k.long_name, k.gridX, k.gridY, k.gridZ) IN (VALUES ('mul', 1, 2, 3))"),
        ((7_000,), "k.graphNodeId IN (12)"),
        ((4_000,), "k.graphNodeId IS NULL AND k.correlationId IN (4)"),
        ((4_000, 6_000), "k.graphNodeId IN (11) OR k.graphNodeId IS NULL AND k.correlationId IN (4)"),
    ):
        rows = duration_ns(view, *chosen)
        assert sql.condition(view, rows) == condition
        assert_reproduced(kernel_evidence(view, rows, "Chosen"), database)


def test_the_same_node_in_one_of_two_launches_is_told_by_its_start(opened: Opened) -> None:
    program = Program()
    with program.step():
        for time in (1_000, 2_000):
            with program.graph_launch():
                program.kernel("add", time, node=11)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    rows = duration_ns(view, 2_000)
    assert sql.condition(view, rows) == "k.start IN (1000001000)"
    assert_reproduced(kernel_evidence(view, rows, "Chosen"), database)


def test_of_two_that_start_together_the_stream_tells_them_apart(opened: Opened) -> None:
    program = Program()
    with program.step():
        for _ in range(2):
            with program.graph_launch():
                program.kernel("add", 2_000, node=11)
                program.kernel("add", 1_000, wait_ns=-2_000, node=12, stream=8)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    rows = duration_ns(view, 1_000)[:1]
    assert (
        sql.condition(view, rows)
        == "(k.start, k.end, k.deviceId, k.streamId) IN (VALUES (1000000000, 1000001000, 0, 8))"
    )
    assert_reproduced(kernel_evidence(view, rows, "Chosen"), database)


def test_processes_with_equal_correlation_ids_are_told_apart(opened: Opened) -> None:
    export = Export()
    for pid in (7, 8):
        export.range("decode 0", 0, 1_000, pid=pid, tid=pid)
        correlation = export.call("cudaLaunchKernel_v7000", 10, 20, pid=pid, tid=pid, correlation=1)
        export.kernel("add", 2_000, 2_000 + 100 * pid, correlation, pid=pid)
        export.memset(pid, 3_000, 3_100, correlation, pid=pid)
    analysis, database = opened(export)
    for view, time_ns in zip(phase_views(analysis), (700, 800), strict=True):
        evidence = kernel_evidence(view, view.kernels, "All")
        assert evidence.rows == (("add", 1, time_ns, float(time_ns), 1.0),)
        assert_reproduced(evidence, database)
        assert_reproduced(memset_evidence(view, "Memsets"), database)


@pytest.mark.parametrize("steps", [3, 20, 1_500])
def test_steps_that_take_turns_with_other_work_are_told_however_many(opened: Opened, steps: int) -> None:
    """SQLite takes no expression of more than a thousand alternatives."""
    program = Program()
    for _ in range(steps):
        with program.step():
            program.kernel("add", 1_000)
            program.call("cudaMalloc_v3020")
        program.kernel("add", 3_000)
        program.call("cudaMalloc_v3020")
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    evidence = kernel_evidence(view, view.kernels, "All")
    assert evidence.rows == (("add", steps, 1_000 * steps, 1_000.0, 1.0),)
    assert_reproduced(evidence, database)
    calls = call_evidence(view, "Allocations", CallKind.ALLOCATE)
    assert calls.rows == (("cudaMalloc_v3020", steps, 1.0, 10 * steps),)
    assert_reproduced(calls, database)


def test_where_the_capture_lacks_launches_operations_are_told_by_when_they_began(opened: Opened) -> None:
    """A capture that begins while the program runs lacks the first launches; its steps are inferred all the same."""
    program = Program()
    for _ in range(6):
        for name in ("qkv", "attention", "out", "up", "down"):
            program.kernel(name, 1_000)
        program.memset(8, 100)
        program.copy(2, 8, 100)
    program.kernel("other", 50_000)
    program.memset(8, 100)
    calls = program.export.rows["CUPTI_ACTIVITY_KIND_RUNTIME"]
    del calls[:9]
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    assert view.step_count == 6
    evidence = kernel_evidence(view, view.kernels, "All")
    assert [row[:3] for row in evidence.rows] == [
        (name, 6, 6_000) for name in ("attention", "down", "out", "qkv", "up")
    ]
    assert_reproduced(evidence, database)
    assert_reproduced(memset_evidence(view, "Memsets"), database)
    assert_reproduced(copy_evidence(view, view.copies, "Copies"), database)

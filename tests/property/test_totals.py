"""What must hold for any capture: nothing is lost, nothing counts twice."""

import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings

from tests.exports import Export
from tests.property.traces import exports
from workbench.analysis.analysis import Analysis
from workbench.analysis.breakdown import KEYS, kernel_rows, memop_rows
from workbench.analysis.calls import own_time_ns
from workbench.attribution.attribution import attribute
from workbench.attribution.leaves import Reason
from workbench.attribution.rule_files import load_rules
from workbench.findings.find import find
from workbench.trace.columns import IntArray
from workbench.trace.export import read_export
from workbench.trace.model import NONE, OperationKind

RULES = load_rules()


def analyse(export: Export) -> Analysis:
    with tempfile.TemporaryDirectory() as folder:
        return Analysis(attribute(read_export(export.write(Path(folder) / "e.sqlite"), "e.sqlite"), RULES))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(exports())
def test_everything_adds_up(export: Export) -> None:
    analysis = analyse(export)
    attribution, totals = analysis.attribution, analysis.totals
    operations = attribution.trace.operations
    assert len(attribution.leaf) == len(attribution.reason) == len(operations)
    assert ((attribution.leaf != NONE) == (attribution.reason == Reason.ATTRIBUTED)).all()
    coverage = analysis.coverage
    assert coverage.attributed_ns + sum(entry.kernel_ns for entry in coverage.unattributed) == totals.kernel_ns
    kernels = attribution.trace.operation_rows(OperationKind.KERNEL)
    assert totals.kernel_ns == int((operations.end_ns - operations.start_ns)[kernels].sum())
    for keys in (["phase", "layer_type"], list(KEYS)):
        rows = kernel_rows(attribution, keys)
        assert sum(row.total_ns for row in rows) == totals.kernel_ns
        assert sum(row.count for row in rows) == totals.kernel_count
        assert len({tuple(row.keys.values()) for row in rows}) == len(rows)
    assert sum(row.total_ns for row in memop_rows(attribution)) == totals.memop_ns
    assert sum(phase.kernel_ns for phase in analysis.phases) == totals.kernel_ns
    assert sum(phase.memop_ns for phase in analysis.phases) == totals.memop_ns
    assert sum(phase.hidden_graph_ns for phase in analysis.phases) == totals.hidden_graph_ns


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(exports())
def test_steps_are_busy_or_idle(export: Export) -> None:
    analysis = analyse(export)
    costs, gaps = analysis.step_costs, analysis.gaps
    assert np.array_equal(costs.wall_ns, costs.busy_ns + costs.idle_ns.sum(axis=1))
    assert (costs.idle_ns >= 0).all()
    assert (costs.busy_ns >= 0).all()
    assert np.array_equal(gaps.end_ns - gaps.begin_ns, gaps.waited_ns.sum(axis=1))
    assert (gaps.waited_ns >= 0).all()
    for phase in analysis.phases:
        assert phase.wall_ns == phase.busy_ns + sum(phase.idle_ns.values())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(exports())
def test_detectors_take_any_capture(export: Export) -> None:
    find(analyse(export))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(exports())
def test_critical_api_time_is_every_nanosecond_in_a_call_while_the_gpu_is_idle_in_a_step(export: Export) -> None:
    analysis = analyse(export)
    trace, critical_ns = analysis.trace, analysis.critical_call_ns
    assert ((critical_ns >= 0) & (critical_ns <= own_time_ns(trace.calls))).all()
    for thread, process in enumerate(trace.thread_process.tolist()):
        gaps = np.flatnonzero((analysis.gaps.process == process) & (analysis.gap_steps != NONE))
        idle = nanoseconds(analysis.gaps.begin_ns[gaps], analysis.gaps.end_ns[gaps])
        rows = np.flatnonzero(trace.calls.thread == thread)
        inside = nanoseconds(trace.calls.start_ns[rows], trace.calls.end_ns[rows])
        assert critical_ns[rows].sum() == len(idle & inside)


def nanoseconds(start_ns: IntArray, end_ns: IntArray) -> set[int]:
    """Every nanosecond of some intervals."""
    return {ns for start, end in zip(start_ns.tolist(), end_ns.tolist(), strict=True) for ns in range(start, end)}

"""What must hold for the comparison of any two captures."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.exports import Export
from tests.property.traces import exports
from workbench.analysis.analysis import Analysis
from workbench.analysis.step_shares import step_shares
from workbench.analysis.steps import rows_of_phase, sum_by
from workbench.attribution.attribution import attribute
from workbench.attribution.rule_files import load_rules
from workbench.attribution.rules import PHASES
from workbench.compare.grouping import group_phase
from workbench.compare.matching import Relation
from workbench.compare.measure_capture import measure_capture
from workbench.compare.measurement import CaptureMeasurement
from workbench.compare.phase_comparison import PhaseComparison, compare_phase
from workbench.trace.export import read_export

RULES = load_rules()
for_any_captures = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def analyse(export: Export) -> Analysis:
    with tempfile.TemporaryDirectory() as folder:
        return Analysis(attribute(read_export(export.write(Path(folder) / "e.sqlite"), "e.sqlite"), RULES))


def measure(export: Export) -> CaptureMeasurement:
    return measure_capture(analyse(export), "e.sqlite")


def compared(before: CaptureMeasurement, after: CaptureMeasurement) -> list[PhaseComparison]:
    sides = [
        (name, [phase for phase in (before.phase(name),) if phase], [phase for phase in (after.phase(name),) if phase])
        for name in PHASES
    ]
    return [compare_phase(name, one, other) for name, one, other in sides if one or other]


@for_any_captures
@given(exports())
def test_operations_share_the_busy_time_of_steps_out(export: Export) -> None:
    analysis = analyse(export)
    steps = analysis.attribution.placement.steps
    for process in np.unique(steps.process).tolist():
        for phase in np.unique(steps.phase).tolist():
            rows = np.flatnonzero(rows_of_phase(steps, process, phase))
            if len(rows):
                shares = step_shares(analysis, rows)
                assert (shares.busy_ns > 0).all()
                of_steps = sum_by(shares.step, shares.busy_ns, len(rows))
                assert np.array_equal(of_steps, analysis.step_costs.busy_ns[rows])


@for_any_captures
@given(exports())
def test_a_measured_phase_adds_up(export: Export) -> None:
    analysis = analyse(export)
    measured = measure_capture(analysis, "e.sqlite")
    assert sum(cell.total_ns for phase in measured.phases for cell in phase.cells) == analysis.totals.kernel_ns
    assert sum(cell.count for phase in measured.phases for cell in phase.cells) == analysis.totals.kernel_count
    for phase in measured.phases:
        busy_ns = sum(cell.busy_ns for cell in phase.cells) + sum(phase.other_busy_ns.values())
        assert busy_ns + int(phase.idle_ns.sum()) == int(phase.wall_ns.sum())
    assert sum(total.total_ns for total in (measured.memops or {}).values()) == analysis.totals.memop_ns


@for_any_captures
@given(exports(), exports())
def test_each_kernel_of_either_side_is_in_one_row(before: Export, after: Export) -> None:
    one, other = measure(before), measure(after)
    pairs = [pair for phase in compared(one, other) for row in phase.rows for pair in row.kernels]
    for capture, side in ((one, "before"), (other, "after")):
        totals = [total for pair in pairs if (total := getattr(pair, side))]
        cells = [cell for phase in capture.phases for cell in phase.cells]
        assert sum(total.count for total in totals) == sum(cell.count for cell in cells)
        assert sum(total.total_ns for total in totals) == sum(cell.total_ns for cell in cells)
    for pair in pairs:
        assert (pair.relation is Relation.UNPAIRED) == (pair.before is None or pair.after is None)


@for_any_captures
@given(exports(), exports())
def test_a_reconciled_step_closes(before: Export, after: Export) -> None:
    for phase in compared(measure(before), measure(after)):
        if phase.step:
            assert phase.step.residual == pytest.approx(0, abs=1e-3)
            for part in phase.step.contributions:
                if part.split:
                    assert part.split.kernel_time + part.split.overlap == pytest.approx(part.time.difference, abs=1e-3)


@for_any_captures
@given(exports())
def test_a_capture_does_not_differ_from_itself(export: Export) -> None:
    measured = measure(export)
    for phase in compared(measured, measured):
        for row in phase.rows:
            assert row.before_ns_per_step == row.after_ns_per_step
            assert all(pair.relation is Relation.SAME and pair.before == pair.after for pair in row.kernels)
        if phase.step:
            assert phase.step.wall.difference == 0
            assert all(part.time.difference == 0 for part in phase.step.contributions)


@for_any_captures
@given(exports(), exports())
def test_matching_is_the_same_from_either_side(before: Export, after: Export) -> None:
    one, other = measure(before), measure(after)
    turned: Callable[[Relation], Relation] = lambda relation: {  # noqa: E731
        Relation.FUSED: Relation.SPLIT,
        Relation.SPLIT: Relation.FUSED,
    }.get(relation, relation)
    for name in PHASES:
        sides = [[phase for phase in (capture.phase(name),) if phase] for capture in (one, other)]
        forth, back = group_phase(*sides), group_phase(*reversed(sides))
        same = {
            (group.layer_type, frozenset(group.match.before), frozenset(group.match.after)) for group in forth.groups
        }
        assert same == {
            (group.layer_type, frozenset(group.match.after), frozenset(group.match.before)) for group in back.groups
        }
        assert sorted(group.match.relation for group in forth.groups) == sorted(
            turned(group.match.relation) for group in back.groups
        )

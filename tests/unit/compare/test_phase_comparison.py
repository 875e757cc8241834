import pytest

from tests.unit.compare.phases import cell, phase
from workbench.compare.matching import Relation
from workbench.compare.measurement import Cell
from workbench.compare.phase_comparison import PhaseComparison, compare_phase
from workbench.compare.reconciliation import Contribution, ReconciledStep
from workbench.trace.model import NONE


def step_of(comparison: PhaseComparison) -> ReconciledStep:
    assert comparison.step is not None
    return comparison.step


def part(comparison: PhaseComparison, label: str) -> Contribution:
    return next(part for part in step_of(comparison).contributions if part.label == label)


def compared(before: list[Cell], after: list[Cell]) -> PhaseComparison:
    return compare_phase("decode", [phase(before)], [phase(after)])


def test_kernels_that_take_longer_are_time_a_call() -> None:
    change = part(compared([cell("gemv", 20, 2000)], [cell("gemv", 20, 3000)]), "attention")
    assert change.time.difference == 100
    assert change.split is not None
    assert (change.split.launches, change.split.time_a_call, change.split.swapped) == (0, 100, 0)


def test_kernels_that_are_called_more_often_are_launches() -> None:
    change = part(compared([cell("gemv", 10, 1000)], [cell("gemv", 30, 3000)]), "attention")
    assert change.split is not None
    assert (change.split.launches, change.split.time_a_call, change.split.swapped) == (200, 0, 0)


def test_more_calls_that_take_longer_are_split_at_the_mean_of_both() -> None:
    # One call of 100 ns becomes three of 200 ns.
    change = part(compared([cell("gemv", 10, 1000)], [cell("gemv", 30, 6000)]), "attention")
    assert change.split is not None
    assert (change.split.launches, change.split.time_a_call, change.split.swapped) == (2 * 150, 100 * 2, 0)


def test_other_kernels_for_the_same_work_are_swapped() -> None:
    change = part(compared([cell("old", 10, 1000)], [cell("new", 10, 700)]), "attention")
    assert change.split is not None
    assert (change.split.launches, change.split.time_a_call, change.split.swapped) == (0, 0, -30)


def test_the_step_is_the_sum_of_its_parts() -> None:
    before = [phase([cell("gemv", 10, 1000), cell("odd", 10, 100, layer=NONE)], idle_ns=500, copies_ns=50)]
    after = [phase([cell("gemv", 10, 800)], idle_ns=900)]
    step = step_of(compare_phase("decode", before, after))
    assert step.wall.difference == (800 + 900 - 1000 - 100 - 500 - 50) / 10
    assert {part.label: part.time.difference for part in step.contributions} == {
        "attention": -20,
        "not attributed": -10,
        "copies and memsets": -5,
        "launch_starved": 40,
    }
    assert step.residual == 0


def test_what_a_step_does_not_explain_is_the_residual() -> None:
    odd = phase([cell("gemv", 10, 1000)])
    odd.wall_ns[:] += 7
    step = step_of(compare_phase("decode", [phase([cell("gemv", 10, 1000)])], [odd]))
    assert step.residual == 7


def test_one_capture_a_side_gives_no_verdict_but_its_steps_noise() -> None:
    comparison = compared([cell("gemv", 10, 1000)], [cell("gemv", 10, 1100)])
    (row,) = comparison.rows
    assert row.time is not None
    assert row.time.difference == 10
    assert (row.time.interval, row.time.p_value, row.time.smallest, row.time.is_significant) == (None,) * 4
    assert row.time.noise == 0
    assert step_of(comparison).wall.interval is None


def test_captures_weigh_alike_however_many_steps_they_have() -> None:
    before = [phase([cell("gemv", 10, 1000)]), phase([cell("gemv", 100, 20_000)], steps=100)]
    after = [phase([cell("gemv", 10, 1500)])]
    comparison = compare_phase("decode", before, after)
    (row,) = comparison.rows
    assert row.time is not None
    assert (row.time.before, row.time.after) == (150, 150)
    assert (comparison.before_steps, comparison.after_steps) == (110, 10)
    assert step_of(comparison).before_median == 150


def test_a_role_of_one_side_has_no_difference() -> None:
    comparison = compared(
        [cell("gemv", 10, 1000, role="q"), cell("norm", 10, 300, role="norm")], [cell("gemv", 10, 1000, role="q")]
    )
    (alone,) = (row for row in comparison.rows if row.role == "norm")
    assert not alone.is_paired
    assert alone.time is alone.busy is None
    assert (alone.before_ns_per_step, alone.after_ns_per_step) == (30, None)
    assert [pair.relation for pair in alone.kernels] == [Relation.UNPAIRED]


def test_roles_that_a_kernel_ties_together_are_one_row() -> None:
    before = [
        cell("norm", 10, 100, role="norm"),
        cell("gemv_q", 10, 500, role="q_proj"),
        cell("gemv_k", 10, 200, role="k_proj"),
        cell("flash", 10, 900, role="attn"),
    ]
    after = [
        cell("norm", 10, 100, role="norm"),
        cell("gemv_qk", 10, 600, role="qk_proj"),
        cell("flash", 10, 900, role="attn"),
    ]
    comparison = compared(before, after)
    (fused,) = (row for row in comparison.rows if row.role == "q_proj + k_proj -> qk_proj")
    assert fused.time is not None
    assert (fused.time.before, fused.time.after) == (70, 60)
    assert {row.role for row in comparison.rows} == {"norm", "attn", fused.role}


def test_layers_that_only_one_side_numbers_are_one() -> None:
    numbered = [cell("gemv", 10, 100, layer=layer) for layer in range(3)]
    named = [Cell(numbered[0].place.__class__("attention", NONE, ""), numbered[0].kernel, 30, 330, 330)]
    (row,) = compared(numbered, named).rows
    (pair,) = row.kernels
    assert pair.relation is Relation.SAME
    assert pair.before is not None
    assert pair.before.count == 30


def test_a_phase_without_steps_has_kernels_alone() -> None:
    loads = [phase([cell("fill", 3, 300)], steps=0)]
    comparison = compare_phase("load", loads, loads)
    assert comparison.step is None
    (row,) = comparison.rows
    assert row.time is None
    assert row.before_ns_per_step is None
    assert row.kernels[0].before is not None


def test_a_phase_of_one_side_is_unpaired() -> None:
    comparison = compare_phase("decode", [], [phase([cell("gemv", 10, 100)])])
    assert comparison.step is None
    (row,) = comparison.rows
    assert (row.before_ns_per_step, row.after_ns_per_step) == (None, 10)
    assert row.kernels[0].relation is Relation.UNPAIRED


def test_parts_are_ordered_by_what_they_change_busy_time_first() -> None:
    before = [phase([cell("gemv", 10, 1000), cell("odd", 10, 100, layer=NONE)], idle_ns=9000)]
    after = [phase([cell("gemv", 10, 1010), cell("odd", 10, 900, layer=NONE)], idle_ns=1000)]
    labels = [part.label for part in step_of(compare_phase("decode", before, after)).contributions]
    assert labels == ["not attributed", "attention", "launch_starved"]


@pytest.mark.parametrize("shift_ns", [0, 500])
def test_verdicts_come_from_the_spread_between_captures(shift_ns: int) -> None:
    before = [phase([cell("gemv", 10, 1000 + noise)]) for noise in (-10, 0, 10)]
    after = [phase([cell("gemv", 10, 1000 + shift_ns + noise)]) for noise in (-10, 0, 10)]
    step = step_of(compare_phase("decode", before, after)).judged(0.05)
    assert step.wall.is_significant is bool(shift_ns)
    assert step.wall.interval is not None
    low, high = step.wall.interval
    assert low < shift_ns / 10 < high

from collections.abc import Callable

import numpy as np
import pytest

from tests.exports import Export
from tests.unit.findings.programs import CALL_NS, Program
from workbench.analysis.analysis import Analysis
from workbench.findings.gain import (
    busy_without_shares_ns,
    freed_ns,
    gain,
    gain_of_removing,
    gain_of_shortening,
    mean_gain,
)
from workbench.findings.selection import kernels_named
from workbench.findings.view import PhaseView, phase_views

Seen = Callable[[Program], PhaseView]


@pytest.fixture
def seen(analysed: Callable[[Export], Analysis]) -> Seen:
    """The only phase of a program that has steps."""

    def view(program: Program) -> PhaseView:
        (found,) = phase_views(analysed(program.export))
        return found

    return view


def beside_each_other() -> Program:
    """Four steps of 100 µs in which `b` runs for 30 µs, 10 of them beside `a`, and `c` wholly within `a`."""
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("a", 80_000)
            program.kernel("c", 20_000, wait_ns=-60_000, stream=8)
            program.kernel("b", 30_000, wait_ns=-10_000, stream=8)
    return program


@pytest.mark.parametrize(("name", "freed"), [("a", 50_000), ("b", 20_000), ("c", 0)])
def test_only_time_in_which_nothing_else_runs_goes_with_a_kernel(seen: Seen, name: str, freed: int) -> None:
    view = seen(beside_each_other())
    assert freed_ns(view, kernels_named(view, name)).tolist() == [freed] * 4


def test_kernels_that_run_beside_each_other_free_more_together(seen: Seen) -> None:
    view = seen(beside_each_other())
    assert freed_ns(view, np.concatenate([kernels_named(view, "a"), kernels_named(view, "c")])).tolist() == [70_000] * 4


def loop(wait_ns: int, *, late: bool) -> Program:
    """Four steps of two kernels of 10 µs, the second after a wait."""
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 10_000, wait_ns=100, late=late)
            program.kernel("add", 10_000, wait_ns=wait_ns, late=late)
    return program


def test_what_goes_takes_its_wait_along_and_leaves_a_part_of_its_work(seen: Seen) -> None:
    view = seen(loop(1_000, late=False))
    found = gain_of_removing(view, kernels_named(view, "add"), busy=(0.7, 1.0))
    assert (found.low_ns, found.high_ns, found.step_ns, found.steps) == (1_000 + 7_000, 11_000, 21_100, 4)
    assert "10 µs busy, and 1 µs in which the GPU waited" in found.basis
    assert "70% to 100% of the busy time (an estimate)" in found.basis


def test_some_of_the_operations_may_have_to_stay(seen: Seen) -> None:
    view = seen(loop(1_000, late=False))
    found = gain_of_removing(view, kernels_named(view, "add"), busy=(0.7, 1.0), removed=(0.25, 0.5))
    assert (found.low_ns, found.high_ns) == (2_000, 5_500)
    assert "25% to 50%" in found.basis


def test_where_launches_set_the_pace_only_the_call_that_launches_it_is_sure_to_go(seen: Seen) -> None:
    """The time of a vanished kernel is then filled by waiting for the next one's launch."""
    view = seen(loop(20_000, late=True))
    assert view.is_launch_bound
    found = gain_of_removing(view, kernels_named(view, "add"))
    assert (found.low_ns, found.high_ns) == (CALL_NS, 30_000)


def test_an_operation_that_stays_starts_no_earlier_than_its_launch_allows(seen: Seen) -> None:
    """The host is late, then launches a memset and 1 µs later a product: without the memset it is as late."""
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemm", 60_000)
            program.kernel("clear", 2_000, wait_ns=40_000, late=True)
            program.host_ns += 1_000
            program.kernel("gemm", 60_000)
    view = seen(program)
    found = gain_of_removing(view, kernels_named(view, "clear"))
    # The product had waited on the GPU for less than the memset took; the call of the memset's launch goes, too.
    assert CALL_NS < found.low_ns <= 2_000
    assert found.high_ns == 42_000


def test_of_kernels_in_a_graph_waits_and_time_are_sure_to_go(seen: Seen) -> None:
    program = Program()
    for _ in range(4):
        with program.step(), program.graph_launch():
            program.kernel("gemv", 10_000, node=1)
            program.kernel("add", 2_000, wait_ns=1_000, node=2)
            program.kernel("gemv", 10_000, wait_ns=1_000, node=3)
    view = seen(program)
    found = gain_of_removing(view, kernels_named(view, "add"))
    assert (found.low_ns, found.high_ns) == (3_000, 3_000)


def test_shorter_kernels_are_never_sure_to_gain(seen: Seen) -> None:
    for late, end in ((False, "a guess"), (True, "a guess; nothing as long as the phase is launch-bound")):
        view = seen(loop(20_000, late=late))
        found = gain_of_shortening(view, kernels_named(view, "add"), 0.5, "a guess")
        assert (found.low_ns, found.high_ns) == (0, 5_000)
        assert found.basis.endswith(end)


def in_turn() -> Program:
    """Four steps of 40 µs: `b` begins 5 µs before `a` has ended, and `c` 5 µs before `b` has."""
    program = Program()
    for _ in range(4):
        with program.step(), program.graph_launch():
            program.kernel("a", 20_000, node=1)
            program.kernel("b", 15_000, wait_ns=-5_000, node=2)
            program.kernel("c", 15_000, wait_ns=-5_000, node=3)
    return program


def test_kernels_of_one_stream_that_overlap_wait_for_each_other_at_best(seen: Seen) -> None:
    """Of its 15 µs `b` runs 10 beyond `a`, and 5 of them beside neither."""
    view = seen(in_turn())
    rows = kernels_named(view, "b")
    assert freed_ns(view, rows).tolist() == [10_000] * 4
    found = gain_of_removing(view, rows)
    assert (found.low_ns, found.high_ns) == (5_000, 10_000)
    assert "taken to wait for each other at the high end only" in found.basis
    assert "wait for each other" not in gain_of_removing(seen(loop(0, late=False)), rows[:0]).basis


def test_a_kernel_that_waits_loses_a_share_of_what_is_its_own(seen: Seen) -> None:
    view = seen(in_turn())
    assert busy_without_shares_ns(view, kernels_named(view, "b"), 0.5).tolist() == [5_000] * 4


def test_a_shorter_kernel_gains_what_the_union_of_all_loses(seen: Seen) -> None:
    """Of `a`'s 80 µs all but the last 10 go; `c` and `b` still run from 20 to 40 and from 70 to 100 µs."""
    view = seen(beside_each_other())
    rows = kernels_named(view, "a")
    assert busy_without_shares_ns(view, rows, 7 / 8).tolist() == [40_000] * 4
    assert busy_without_shares_ns(view, rows, np.array([0, 7 / 8, 0, 0])).tolist() == [0, 40_000, 0, 0]


def test_outliers_promise_nothing(seen: Seen) -> None:
    view = seen(loop(1_000, late=False))
    found = gain(view, np.array([0, 0, 0, 10_000]), np.array([1, 3, 5, 20_000]), "a guess")
    assert (found.low_ns, found.high_ns) == (0, 4)


def test_no_gain_is_below_nothing_or_beyond_the_step(seen: Seen) -> None:
    view = seen(loop(1_000, late=False))
    found = gain(view, np.full(4, -500), np.full(4, 10**9), "a guess")
    assert (found.low_ns, found.high_ns) == (0, 21_100)


def test_costs_of_few_steps_are_spread_over_all(seen: Seen) -> None:
    view = seen(loop(1_000, late=False))
    found = mean_gain(view, 4_002, 9_999, "a guess")
    # Three steps of 21.1 µs and a last one that no wait follows.
    assert (found.low_ns, found.high_ns, found.step_ns) == (1_000, 2_499, (4 * 21_100 - 100) // 4)
    assert found.of_mean_step
    assert mean_gain(view, 0, 10**9, "a guess").high_ns == found.step_ns


def test_what_to_count_on_is_nearer_the_low_end(seen: Seen) -> None:
    found = gain(seen(loop(1_000, late=False)), np.full(4, 1_000), np.full(4, 5_000), "a guess")
    assert found.expected_total_ns == 4 * 2_000


def test_a_wait_far_longer_than_the_others_is_not_the_kernels_fault(seen: Seen) -> None:
    program = Program()
    for number in range(4):
        with program.step():
            for _ in range(8):
                program.kernel("gemv", 10_000, wait_ns=1_000)
            program.kernel("add", 10_000, wait_ns=20_001 if number else 20_000)
    view = seen(program)
    found = gain_of_removing(view, kernels_named(view, "add"))
    assert (found.low_ns, found.high_ns) == (10_000, 10_000)

from collections.abc import Callable

import numpy as np
import pytest

from tests.exports import Export
from tests.unit.findings.programs import D2D, Program
from workbench.analysis.analysis import Analysis
from workbench.findings.chains import IN_TIME_NS, LONGEST_GAP_NS, kept_apart, overlap_ahead, own_ns, successions
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


def pair(wait_ns: int, launched_before_end_ns: int, duration_ns: int = 20_000) -> Program:
    """Two steps of two kernels, the second after a wait, and launched so long before the first one ends."""
    program = Program()
    for _ in range(2):
        with program.step():
            program.kernel("a", duration_ns)
            program.host_ns = program.gpu_ns - launched_before_end_ns - 10
            program.kernel("b", 20_000, wait_ns=wait_ns)
    return program


@pytest.mark.parametrize(
    ("wait_ns", "launched_before_end_ns", "found"),
    [
        (0, IN_TIME_NS, [True, True]),
        (100, IN_TIME_NS, [True, True]),
        (-1, IN_TIME_NS, [False, False]),
        (100, IN_TIME_NS - 1, []),
        (LONGEST_GAP_NS, 10_000, [True, True]),
        (LONGEST_GAP_NS + 1, 10_000, []),
    ],
)
def test_kernels_that_were_launched_in_time_overlap_or_do_not(
    seen: Seen, wait_ns: int, launched_before_end_ns: int, found: list[bool]
) -> None:
    assert successions(seen(pair(wait_ns, launched_before_end_ns))).is_serial.tolist() == found


def test_a_graphs_kernels_were_launched_with_it(seen: Seen) -> None:
    program = Program()
    with program.step(), program.graph_launch():
        for node in range(3):
            program.kernel("gemv", 4_000, wait_ns=100, node=node)
    assert successions(seen(program)).is_serial.tolist() == [True, True]


def test_what_follows_a_copy_or_another_stream_is_no_succession(seen: Seen) -> None:
    program = Program()
    with program.step():
        program.kernel("a", 20_000)
        program.copy(D2D, 8, 20_000)
        program.kernel("b", 20_000)
        program.kernel("c", 20_000, stream=8)
    assert not len(successions(seen(program)).rows)


def test_a_kernels_own_time_begins_when_all_ahead_of_it_have_ended(seen: Seen) -> None:
    """`b` ends within `a`, `c` 5 µs after it; on another stream `d` waits for nothing."""
    program = Program()
    with program.step():
        program.kernel("a", 20_000)
        program.kernel("b", 5_000, wait_ns=-10_000)
        program.kernel("c", 8_000, wait_ns=-3_000)
        program.kernel("d", 8_000, wait_ns=-8_000, stream=8)
        program.kernel("e", 2_000, wait_ns=1_000)
    view = seen(program)
    assert own_ns(view, view.operations).tolist() == [20_000, 0, 5_000, 8_000, 2_000]
    overlaps = [overlap_ahead(view, kernels_named(view, name)) for name in "abcde"]
    assert overlaps == [True, True, True, False, False]


@pytest.mark.parametrize(("wait_ns", "apart"), [(-1_000, 2), (0, 0)])
def test_copies_part_kernels_that_would_overlap(seen: Seen, wait_ns: int, apart: int) -> None:
    program = Program()
    for _ in range(2):
        with program.step():
            program.kernel("up", 20_000)
            program.kernel("down", 20_000, wait_ns=wait_ns)
            program.copy(D2D, 8, 1_000)
            program.copy(D2D, 8, 1_000)
            program.kernel("norm", 20_000)
    view = seen(program)
    found = kept_apart(view, view.copies)
    assert len(found) == apart
    assert np.isin(found, kernels_named(view, "norm")).all()

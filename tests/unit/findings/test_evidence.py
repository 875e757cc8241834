"""Tables of evidence: which rows they show, and that their SQL yields the same."""

import numpy as np

from tests.claims import assert_reproduced
from tests.unit.findings.conftest import Opened
from tests.unit.findings.programs import D2H, H2D, PAGEABLE, Program
from workbench.analysis.calls import CallKind
from workbench.findings.evidence import (
    call_evidence,
    copy_evidence,
    follower_evidence,
    kernel_evidence,
    memset_evidence,
    step_evidence,
)
from workbench.findings.selection import neighbours
from workbench.findings.view import phase_views


def test_the_eight_heaviest_kernels_are_shown_and_equal_ones_by_name(opened: Opened) -> None:
    program = Program()
    with program.step():
        for number in range(10):
            program.kernel(f"kernel {number}", 1_000 if number % 2 else 2_000)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    evidence = kernel_evidence(view, view.kernels, "All")
    assert [row[0] for row in evidence.rows] == [f"kernel {number}" for number in (0, 2, 4, 6, 8, 1, 3, 5)]
    assert evidence.rows[0][1:] == (1, 2_000, 2_000.0, 2 / 15)
    assert_reproduced(evidence, database)
    evidence = kernel_evidence(view, view.kernels, "All", most_rows=2)
    assert len(evidence.rows) == 2
    assert_reproduced(evidence, database)


def test_kernels_that_no_short_condition_tells_are_shown_for_one_step(opened: Opened) -> None:
    """Every second one of equal kernels can only be told by when it was launched."""
    program = Program()
    for _ in range(4):
        with program.step():
            for _ in range(600):
                program.kernel("add", 1_000)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    evidence = kernel_evidence(view, view.kernels[::2], "Every second")
    assert evidence.title == "Every second, in step 2"
    assert evidence.columns[-1] == "share_of_kernel_time"
    assert evidence.rows == (("add", 300, 300_000, 1_000.0, 0.5),)
    assert_reproduced(evidence, database)


def test_kernels_with_the_gap_after_the_one_ahead(opened: Opened) -> None:
    program = Program()
    for number in range(4):
        with program.step():
            program.kernel("norm", 4_000)
            program.kernel("beside", 9_000, stream=8)
            program.kernel("gemv", 10_000, wait_ns=100 * number)
            program.kernel("add", 1_000, wait_ns=-500)
            program.kernel("gemv", 10_000, wait_ns=300)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    evidence = follower_evidence(view, *neighbours(view), "Kernels after the one ahead")
    assert evidence.rows == (
        ("gemv", 8, 10_000.0, (300 + 9_150) / 2),
        ("add", 4, 1_000.0, -500.0),
    )
    assert_reproduced(evidence, database)


def test_followers_that_no_short_condition_tells_are_shown_for_one_step(opened: Opened) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            for _ in range(600):
                program.kernel("add", 1_000, wait_ns=10)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    rows, previous = neighbours(view)
    evidence = follower_evidence(view, rows[::2], previous[::2], "Every second")
    assert evidence.title == "Every second, in step 2"
    assert evidence.rows == (("add", 300, 1_000.0, 10.0),)
    assert_reproduced(evidence, database)


def test_calls_by_name_the_longest_total_first(opened: Opened) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.call("cudaMalloc_v3020", 50)
            program.kernel("add", 1_000)
            program.call("cudaFree_v3020", 20)
            program.call("cudaFree_v3020", 40)
    program.call("cudaFree_v3020", 9_000)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    evidence = call_evidence(view, "Memory", CallKind.ALLOCATE, CallKind.FREE)
    assert evidence.rows == (("cudaFree_v3020", 8, 2.0, 240), ("cudaMalloc_v3020", 4, 1.0, 200))
    assert_reproduced(evidence, database)


def test_a_call_and_the_one_that_it_makes_are_one(opened: Opened) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            begin_ns = program.host_ns
            program.kernel("add", 1_000)
            program.export.call("cuLaunchKernel", begin_ns + 1, program.host_ns - 1, pid=7, tid=7)
            program.kernel("mul", 1_000, launch="cuLaunchKernel")
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    evidence = call_evidence(view, "Launches", CallKind.LAUNCH, CallKind.GRAPH_LAUNCH)
    assert [row[:3] for row in evidence.rows] == [("cuLaunchKernel", 4, 1.0), ("cudaLaunchKernel_v7000", 4, 1.0)]
    assert_reproduced(evidence, database)


def test_copies_by_kind_size_and_memory_the_most_frequent_first(opened: Opened) -> None:
    program = Program()
    program.copy(H2D, 8, 100)
    for _ in range(2):
        with program.step():
            program.kernel("add", 1_000)
            program.copy(H2D, 8, 100)
            program.copy(H2D, 8, 100, source=PAGEABLE)
            program.copy(H2D, 8, 100, source=PAGEABLE)
            for size in range(100, 110):
                program.copy(D2H, size, 200)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    evidence = copy_evidence(view, view.copies, "All")
    assert len(evidence.rows) == 8
    assert evidence.rows[:2] == (("memcpy_h2d", 8, 1, 4, 400), ("memcpy_d2h", 100, 0, 2, 400))
    assert_reproduced(evidence, database)


def test_memsets_by_size(opened: Opened) -> None:
    program = Program()
    program.memset(64, 1_000)
    with program.step():
        program.kernel("add", 1_000)
        for size in (64, 8, 64, 16):
            program.memset(size, 100)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    evidence = memset_evidence(view, "Memsets")
    assert evidence.rows == ((64, 2, 200), (8, 1, 100), (16, 1, 100))
    assert_reproduced(evidence, database)


def test_steps_are_busy_while_anything_of_the_process_runs(opened: Opened) -> None:
    """Also what no step launched, and what overlaps; work of another process is none of theirs."""
    program = Program()
    for _ in range(3):
        with program.step():
            program.kernel("gemv", 10_000)
            program.kernel("copy", 5_000, wait_ns=-2_000, stream=8)
            program.kernel("sample", 1_000, wait_ns=700, late=True)
        program.memset(64, 300, wait_ns=500, late=True)
    other = Program(program.export, pid=8)
    other.kernel("elsewhere", 1_000_000)
    analysis, database = opened(program.export)
    (view,) = phase_views(analysis)
    evidence = step_evidence(view, np.array([2, 0]), "Steps")
    # The memset after each step runs, and is waited for, in that step's time; the last step ends before it.
    assert evidence.rows == ((0, 15_500, 14_300, 1_200, 1_200), (2, 14_700, 14_000, 700, 700))
    assert_reproduced(evidence, database)

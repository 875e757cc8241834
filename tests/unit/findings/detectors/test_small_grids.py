import pytest

from tests.claims import interval
from tests.exports import Export
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import small_grids


def loop(grid: tuple[int, int, int], duration_ns: int = 40_000, sm_count: int = 132) -> Program:
    """Four steps of a kernel on this grid, and one of 60 µs that fills the GPU."""
    program = Program(Export(sm_count=sm_count))
    for _ in range(4):
        with program.step():
            program.kernel("attention", duration_ns, grid=grid)
            program.kernel("gemv", 60_000, grid=(4096, 1, 1))
    return program


def test_a_quarter_of_the_multiprocessors_for_40_microseconds(look: Look) -> None:
    (finding,) = look(small_grids, loop((11, 3, 1)).export).findings
    assert finding.claim == "attention runs 40 µs on 33 blocks, though the GPU has 132 multiprocessors."
    assert finding.evidence[0].rows == ((33, 4, 160_000),)
    # On four times as many it could take a quarter of its time.
    assert interval(finding) == (0, 30_000, 100_000)
    assert str(finding.target) == 'kernel("attention").ns_per_step <= 28000'


@pytest.mark.parametrize(
    ("grid", "duration_ns", "found"),
    [((99, 1, 1), 10_000, 1), ((100, 1, 1), 10_000, 0), ((1, 1, 100), 10_000, 0), ((99, 1, 1), 9_999, 0)],
)
def test_how_small_and_how_long(look: Look, grid: tuple[int, int, int], duration_ns: int, found: int) -> None:
    assert len(look(small_grids, loop(grid, duration_ns).export).findings) == found


def test_the_target_is_about_the_slow_calls_where_a_kernel_runs_on_large_grids_too(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("attention", 40_000, grid=(33, 1, 1))
            for _ in range(10):
                program.kernel("attention", 2_000, grid=(33, 1, 1))
                program.kernel("attention", 3_000, grid=(4096, 1, 1))
    (finding,) = look(small_grids, program.export).findings
    # 90 µs a step now, less three tenths of 40.
    assert str(finding.target) == 'kernel("attention").ns_per_step <= 78000'


def test_a_small_grid_beside_another_kernel_leaves_no_time_to_gain(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 60_000, grid=(4096, 1, 1))
            program.kernel("attention", 40_000, wait_ns=-50_000, grid=(33, 1, 1), stream=8)
    assert not look(small_grids, program.export).findings


def test_a_kernel_that_waits_for_the_one_ahead_is_not_slow_itself(look: Look) -> None:
    """It begins 30 µs before the product has ended, and runs 10 µs beyond it, or hardly less."""
    for own_ns, found in ((10_000, 1), (9_999, 0)):
        program = Program()
        for _ in range(4):
            with program.step():
                program.kernel("gemv", 60_000, grid=(4096, 1, 1))
                program.kernel("norm", 30_000 + own_ns, wait_ns=-30_000, grid=(1, 1, 1))
        assert len(look(small_grids, program.export).findings) == found


def test_a_kernel_of_one_step_promises_the_others_nothing(look: Look) -> None:
    program = loop((132, 1, 1))
    with program.step():
        program.kernel("compile", 500_000, grid=(1, 1, 1))
    assert not look(small_grids, program.export).findings


def test_an_unknown_gpu_is_said_to_be_unknown(look: Look) -> None:
    assert "multiprocessors" in look(small_grids, loop((1, 1, 1), sm_count=0).export).lacking


def test_a_grid_of_no_blocks_is_no_grid(look: Look) -> None:
    assert not look(small_grids, loop((0, 1, 1)).export).findings
    assert not look(small_grids, loop((-3, 1, 1)).export).findings

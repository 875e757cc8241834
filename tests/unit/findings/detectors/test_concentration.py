import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import concentration


def loop(*durations_ns: int) -> Program:
    """Four steps of one kernel after the other, called `kernel 0`, `kernel 1` and so on."""
    program = Program()
    for _ in range(4):
        with program.step():
            for number, duration_ns in enumerate(durations_ns):
                program.kernel(f"kernel {number}", duration_ns)
    return program


def test_two_of_seven_kernels_hold_most_of_the_time(look: Look) -> None:
    program = loop(25_000, 60_000, 3_000, 3_000, 3_000, 3_000, 3_000)
    (finding,) = look(concentration, program.export).findings
    assert finding.claim == "2 of 7 kernels hold 85% of decode's kernel time."
    assert finding.evidence[0].rows == (
        ("kernel 1", 4, 240_000, 60_000.0, 0.6),
        ("kernel 0", 4, 100_000, 25_000.0, 0.25),
    )
    assert interval(finding) == (0, 8_500, 100_000)
    assert str(finding.target) == 'kernel("kernel 1").ns_per_step <= 54000'


@pytest.mark.parametrize("durations_ns", [[10_000] * 7, [50_000, 50_000], [100_000]])
def test_time_that_is_spread_over_all_kernels_is_not_concentrated(look: Look, durations_ns: list[int]) -> None:
    assert not look(concentration, loop(*durations_ns).export).findings


def test_a_kernel_that_most_steps_do_not_run_is_no_target(look: Look) -> None:
    """It holds most of the phase, yet work on it would gain the usual step nothing."""
    program = Program()
    for number in range(5):
        with program.step():
            if number == 0:
                program.kernel("compile", 10_000_000)
            program.kernel("gemv", 10_000)
    assert not look(concentration, program.export).findings
    program = Program()
    for number in range(5):
        with program.step():
            if number == 0:
                program.kernel("compile", 100_000)
            program.kernel("gemv", 15_000)
            program.kernel("norm", 1_000)
    (finding,) = look(concentration, program.export).findings
    assert finding.target.names == ("gemv",)

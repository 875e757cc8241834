import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import launch_bound


def loop(duration_ns: int, wait_ns: int, *, late: bool = True) -> Program:
    """Four steps of two kernels."""
    program = Program()
    for _ in range(4):
        with program.step():
            for _ in range(2):
                program.kernel("gemv", duration_ns, wait_ns=wait_ns, late=late)
    return program


def test_a_step_that_waits_for_launches_for_four_tenths_of_its_time(look: Look) -> None:
    (finding,) = look(launch_bound, loop(6_000, 4_000).export).findings
    assert finding.claim == "Decode is launch-bound: the GPU waits to be given work for 40% of the median step."
    step, launches = finding.evidence
    assert step.rows == ((0, 20_000, 12_000, 8_000, 8_000),)
    assert launches.rows == (("cudaLaunchKernel_v7000", 8, 2.0, 80),)
    # In a graph both kernels would still wait 1.3 µs.
    assert interval(finding) == (5_400, 8_000, 20_000)
    assert str(finding.target) == "step.launch_starved_ns <= 2000"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(loop(7_000, 3_000), id="exactly three tenths"),
        pytest.param(loop(6_000, 4_000, late=False), id="launched long before"),
    ],
)
def test_other_waits_and_short_ones_do_not_bind(look: Look, program: Program) -> None:
    assert not look(launch_bound, program.export).findings


def test_waiting_for_the_device_is_not_waiting_for_launches(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 6_000, wait_ns=4_000, late=True)
            program.synchronize(3_900)
    assert not look(launch_bound, program.export).findings


def test_one_long_wait_in_a_single_step_is_left_out_and_the_target_is_unmet_all_the_same(look: Look) -> None:
    """A tenth of this step would be more than it ever waits for launches."""
    program = Program()
    with program.step("prefill"):
        program.kernel("gemm", 6_000)
        for _ in range(8):
            program.kernel("gemm", 6_000, wait_ns=4_000, late=True)
        program.synchronize(1_000_000)
        program.kernel("gemm", 6_000, wait_ns=1_004_000, late=True)
    (finding,) = look(launch_bound, program.export).findings
    # 32 of 92 µs without the long wait.
    assert finding.claim == (
        "Prefill is launch-bound: the GPU waits to be given work for 3% of the median step, 35% of what single long "
        "waits leave of it."
    )
    assert interval(finding) == (32_000 - 10 * 1_300, 32_000, 1_096_000)
    assert str(finding.target) == "step.launch_starved_ns <= 18000 in prefill"


def test_a_step_of_copies_alone_has_no_launches_to_show(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.copy(2, 64, 6_000, wait_ns=4_000, late=True)
    program.kernel("elsewhere", 1_000)
    (finding,) = look(launch_bound, program.export).findings
    assert [evidence.title for evidence in finding.evidence] == ["The median step"]

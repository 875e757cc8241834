import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import long_waits


def step(program: Program, wait_ns: int = 1_000, *, late: bool = True, call: str = "", work_ns: int = 10_000) -> None:
    """Six kernels with waits of 1 µs, the last of which may wait longer, with the host in a call meanwhile."""
    with program.step():
        for _ in range(5):
            program.kernel("gemv", work_ns, wait_ns=1_000, late=late)
        if call:
            program.synchronize()
            program.call(call, wait_ns - 10_000)
        program.kernel("sample", 10_000, wait_ns=wait_ns, late=late)


def test_a_wait_in_every_step_while_the_host_is_busy_elsewhere(look: Look) -> None:
    program = Program()
    for _ in range(4):
        step(program, 300_000)
    (finding,) = look(long_waits, program.export).findings
    # 1200 of four times 365 µs, less 1 µs that would follow the last step.
    assert finding.claim == "Decode stalls in most steps: 4 long waits, 82% of the phase; 100% of that before sample."
    waits, host = finding.evidence
    assert waits.rows == (("sample", 4, 1_200_000, 300_000),)
    assert host.rows == (("cudaLaunchKernel_v7000", 4, 40),)
    assert finding.hypothesis.startswith("Meanwhile the host is outside CUDA calls for 100% of the time")
    assert interval(finding) == (0, 300_000, 365_000)
    assert str(finding.target) == "step.stalls <= 0"


def test_a_wait_in_a_single_step_names_the_call_that_held_the_host(look: Look) -> None:
    program = Program()
    for number in range(4):
        step(program, **({"wait_ns": 300_000, "call": "cudaMalloc_v3020"} if number == 2 else {}))
    (finding,) = look(long_waits, program.export).findings
    # 300 of 562 µs.
    assert finding.claim == "Decode stalls now and then: 1 long wait, 53% of the phase; 100% of that before sample."
    assert finding.hypothesis == "Meanwhile the host is in cudaMalloc for 97% of the time."
    assert interval(finding) == (0, 75_000, 562_000 // 4)


def test_the_kernel_behind_most_of_the_waiting_is_named_with_its_share(look: Look) -> None:
    program = Program()
    for number in range(4):
        step(program, 300_000 if number < 3 else 600_000)
        if number == 3:
            with program.step():
                program.memset(64, 1_000, wait_ns=500_000, late=True)
    (finding,) = look(long_waits, program.export).findings
    assert finding.evidence[0].rows == (("sample", 4, 1_500_000, 600_000), ("memset", 1, 500_000, 500_000))
    assert "75% of that before sample" in finding.claim


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"wait_ns": 199_999}, id="shorter than 0.2 ms"),
        pytest.param({"wait_ns": 300_000, "late": False}, id="launched long before"),
        pytest.param({"wait_ns": 300_000, "call": "cudaStreamSynchronize_v3020"}, id="blocked"),
    ],
)
def test_waits_that_do_not_stall(look: Look, options: dict[str, object]) -> None:
    program = Program()
    for _ in range(4):
        step(program, **options)  # type: ignore[arg-type]
    assert not look(long_waits, program.export).findings


def test_a_wait_must_stand_out_among_the_others(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            for _ in range(5):
                program.kernel("gemv", 10_000, wait_ns=20_000, late=True)
            program.kernel("sample", 10_000, wait_ns=399_999, late=True)
    assert not look(long_waits, program.export).findings


def test_waits_of_less_than_a_twentieth_of_the_phase_are_not_worth_a_search(look: Look) -> None:
    for work_ns, found in ((1_100_000, True), (1_200_000, False)):
        program = Program()
        for _ in range(4):
            step(program, 300_000, work_ns=work_ns)
        assert bool(look(long_waits, program.export).findings) is found


def test_a_host_that_called_nothing_is_no_table(look: Look) -> None:
    program = Program()
    for _ in range(4):
        step(program, 300_000)
    for call in program.export.rows["CUPTI_ACTIVITY_KIND_RUNTIME"]:
        call["start"] = call["end"]
    (finding,) = look(long_waits, program.export).findings
    assert [table.title for table in finding.evidence] == ["The waits"]
    assert finding.hypothesis.startswith("Meanwhile the host is outside CUDA calls for 100% of the time")

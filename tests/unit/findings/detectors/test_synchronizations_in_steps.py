from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import D2H, DEVICE, PINNED, Program
from workbench.findings.detectors import synchronizations_in_steps


def loop(each_step: int) -> Program:
    """Four steps of kernels, each followed by a wait for the device that outlasts it by 1 µs."""
    program = Program()
    for _ in range(4):
        with program.step():
            for _ in range(each_step):
                program.kernel("gemv", 10_000, wait_ns=1_500, late=True)
                program.synchronize(1_000)
    return program


def test_the_second_wait_of_a_step_is_one_too_many(look: Look) -> None:
    (finding,) = look(synchronizations_in_steps, loop(2).export).findings
    assert finding.claim == "Decode waits for the device 2 times a step."
    assert finding.evidence[0].rows[0][:3] == ("cudaStreamSynchronize_v3020", 8, 2.0)
    # Of 2 µs in which the GPU is idle and the host still blocked, one is due.
    assert interval(finding) == (0, 1_000, 23_000)
    assert str(finding.target) == "synchronize.calls_per_step <= 1"
    assert finding.call_time
    assert finding.call_time.critical_ns == 7 * 1_000  # nothing follows the last wait: it ends after its step
    assert finding.call_time.total_ns == finding.evidence[0].rows[0][3]


def test_a_step_may_wait_once(look: Look) -> None:
    assert not look(synchronizations_in_steps, loop(1).export).findings


def test_a_blocking_copy_is_a_wait_for_the_device(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 10_000, wait_ns=500, late=True)
            program.copy(D2H, 8, 1_000, blocking=True, source=DEVICE, destination=PINNED)
            program.synchronize()
    (finding,) = look(synchronizations_in_steps, program.export).findings
    assert finding.claim == "Decode waits for the device 2 times a step."
    assert {row[0] for row in finding.evidence[0].rows} == {"cudaStreamSynchronize_v3020", "cudaMemcpy_v3020"}


def test_waits_between_steps_belong_to_none(look: Look) -> None:
    """Neither in the range around all steps, nor after it."""
    program = Program()
    with program.range("decode"):
        for _ in range(4):
            with program.step():
                program.kernel("gemv", 10_000)
            program.call("cudaDeviceSynchronize_v3020")
            program.call("cudaDeviceSynchronize_v3020")
    for _ in range(20):
        program.synchronize()
    assert not look(synchronizations_in_steps, program.export).findings

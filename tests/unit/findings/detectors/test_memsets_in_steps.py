from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import CALL_NS, Program
from workbench.findings.detectors import memsets_in_steps
from workbench.findings.finding import CallTime


def loop(with_memset: int) -> Program:
    """Four steps, some of which set memory; a warm-up always does."""
    program = Program()
    with program.range("warmup"):
        program.memset(4096, 5_000)
    for number in range(4):
        with program.step():
            program.kernel("gemv", 10_000)
            if number < with_memset:
                program.memset(64, 1_000, wait_ns=500)
    return program


def test_a_memset_in_every_step_costs_its_time_and_the_wait_before_it(look: Look) -> None:
    (finding,) = look(memsets_in_steps, loop(4).export).findings
    assert finding.claim == "Decode sets memory 1 times a step."
    assert finding.evidence[0].rows == ((64, 4, 4_000),)
    assert interval(finding) == (1_500, 1_500, 11_500)
    assert str(finding.target) == "memset.calls_per_step <= 0"
    assert finding.call_time == CallTime(steps=4, total_ns=4 * CALL_NS, critical_ns=0, hidden_ns=0)


def test_memsets_of_a_graph_are_not_called_one_by_one(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step(), program.graph_launch():
            program.kernel("gemv", 10_000, node=1)
            program.memset(64, 1_000)
    (finding,) = look(memsets_in_steps, program.export).findings
    assert finding.call_time is None


def test_fewer_memsets_than_steps_are_let_pass(look: Look) -> None:
    detection = look(memsets_in_steps, loop(3).export)
    assert not detection.findings
    assert not detection.lacking


def test_a_capture_without_memsets_cannot_tell_whether_they_were_traced(look: Look) -> None:
    program = Program()
    with program.step():
        program.kernel("gemv", 10_000)
    assert "no memsets" in look(memsets_in_steps, program.export).lacking

import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import allocations_in_steps
from workbench.findings.finding import CallTime


def test_an_allocation_gains_at_most_the_idle_time_during_the_call(look: Look) -> None:
    program = Program()
    for number in range(4):
        with program.step():
            program.synchronize()
            if number in (1, 2):
                program.call("cudaMalloc_v3020", 1_500)
            program.kernel("gemv", 10_000, wait_ns=2_000, late=True)
    (finding,) = look(allocations_in_steps, program.export).findings
    assert finding.claim == "Decode allocates or frees memory: 2 calls in 2 of 4 steps."
    assert finding.evidence[0].rows == (("cudaMalloc_v3020", 2, 0.5, 3_000),)
    # Three steps of 12 µs and one of 10; 3 µs of idle time during the calls, over four steps.
    assert interval(finding) == (0, 750, 11_500)
    assert str(finding.target) == "allocate.calls_per_step <= 0"
    assert finding.call_time == CallTime(steps=4, total_ns=3_000, critical_ns=3_000, hidden_ns=0)


def test_an_allocation_that_outlasts_a_kernel_is_hidden_by_it_in_part(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 10_000)
            program.host_ns = program.gpu_ns - 4_000
            program.call("cudaMalloc_v3020", 5_000)
            program.kernel("gemv", 10_000, wait_ns=1_500, late=True)
            program.synchronize()
    (finding,) = look(allocations_in_steps, program.export).findings
    assert finding.call_time == CallTime(steps=4, total_ns=20_000, critical_ns=4_000, hidden_ns=16_000)


def test_a_release_that_waits_until_the_gpu_has_nothing_to_do_delays_the_next_launch(look: Look) -> None:
    """It returns 1 µs after the last kernel; the next one is launched 4 µs later."""
    program = Program()
    for number in range(4):
        with program.step():
            program.kernel("gemv", 10_000, wait_ns=5_000 if number else 0, late=number > 0)
            program.synchronize(1_000, "cudaFree_v3020")
    (finding,) = look(allocations_in_steps, program.export).findings
    # Three waits of 5 µs, over four steps.
    assert interval(finding) == (0, 15_000 // 4, 55_000 // 4)


def test_an_allocation_while_the_gpu_works_gains_nothing(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.call("cudaMalloc_v3020", 1_500)
            program.kernel("gemv", 10_000)
    (finding,) = look(allocations_in_steps, program.export).findings
    assert interval(finding) == (0, 0, 10_000)


def test_memory_that_is_only_freed_in_steps_is_asked_not_to_be_freed_there(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 10_000)
            program.call("cudaFree_v3020")
    (finding,) = look(allocations_in_steps, program.export).findings
    assert str(finding.target) == "free.calls_per_step <= 0"


@pytest.mark.parametrize("place", ["warmup", "load", "decode", "elsewhere"])
def test_allocations_outside_steps_are_nobodys_business(look: Look, place: str) -> None:
    """A range `decode` around all steps is no step itself."""
    program = Program()
    with program.range(place):
        program.call("cudaMalloc_v3020", 1_500)
        for _ in range(4):
            program.call("cudaFree_v3020")
            with program.step("decode" if place not in ("warmup", "load") else "elsewhere"):
                program.kernel("gemv", 10_000)
    for _ in range(2):
        with program.step():
            program.kernel("gemv", 10_000)
    assert not look(allocations_in_steps, program.export).findings

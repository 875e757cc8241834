import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import module_loading
from workbench.findings.finding import CallTime


def test_loading_gains_half_to_all_of_the_idle_time_it_causes(look: Look) -> None:
    program = Program()
    for number in range(4):
        with program.step():
            program.kernel("gemv", 10_000)
            if number == 1:
                program.synchronize()
                program.call("cuLibraryLoadData", 3_000_000)
                program.call("cuModuleLoadData", 1_000_000)
                program.kernel("gemv", 10_000, wait_ns=4_000_500, late=True)
    (finding,) = look(module_loading, program.export).findings
    assert finding.claim == "Decode loads modules: 2 calls, during which the GPU is idle for 4.0 ms."
    assert finding.evidence[0].rows == (
        ("cuLibraryLoadData", 1, 0.25, 3_000_000),
        ("cuModuleLoadData", 1, 0.25, 1_000_000),
    )
    # 4 ms over four steps; in all 50 µs of work and 4000.5 µs of waiting.
    assert interval(finding) == (500_000, 1_000_000, 4_050_500 // 4)
    assert finding.call_time == CallTime(steps=4, total_ns=4_000_000, critical_ns=4_000_000, hidden_ns=0)
    assert str(finding.target) == "module_load.calls_per_step <= 0"


def test_loading_while_the_gpu_works_gains_nothing(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.call("cuModuleLoadData", 3_000)
            program.kernel("gemv", 10_000)
    (finding,) = look(module_loading, program.export).findings
    assert interval(finding) == (0, 0, 10_000)
    # All calls return before the GPU begins to work: outside any step.
    assert finding.call_time == CallTime(steps=4, total_ns=12_000, critical_ns=0, hidden_ns=0)


@pytest.mark.parametrize("place", ["warmup", "load", "elsewhere"])
def test_loading_belongs_before_the_steps(look: Look, place: str) -> None:
    program = Program()
    with program.range(place):
        program.call("cuModuleLoadData", 3_000)
        program.kernel("gemv", 10_000)
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 10_000)
    assert not look(module_loading, program.export).findings

import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import tiny_kernels


def loop(tiny: int, large: int = 1, tiny_ns: int = 2_000) -> Program:
    """Four steps of tiny kernels, each after a wait of 0.1 µs, and of kernels of 100 µs."""
    program = Program()
    for _ in range(4):
        with program.step():
            for _ in range(tiny):
                program.kernel("add", tiny_ns, wait_ns=100)
            for _ in range(large):
                program.kernel("gemv", 100_000)
    return program


def test_fifty_tiny_kernels_are_a_swarm(look: Look) -> None:
    (finding,) = look(tiny_kernels, loop(50).export).findings
    assert finding.claim == "Decode is a swarm of tiny kernels: 50 of 51 kernels a step run for less than 5 µs."
    assert finding.evidence[0].rows == (("add", 200, 400_000, 2_000.0, 0.5),)
    # From a quarter of 5 µs of waits to half of those and of 100 µs of work.
    assert interval(finding) == (1_250, 52_500, 205_000)
    assert str(finding.target) == "step.tiny_kernels <= 25"


@pytest.mark.parametrize(("tiny", "large", "tiny_ns", "found"), [(50, 50, 4_999, 1), (50, 51, 2_000, 0)])
def test_they_are_at_least_half_of_the_step(look: Look, tiny: int, large: int, tiny_ns: int, found: int) -> None:
    assert len(look(tiny_kernels, loop(tiny, large, tiny_ns).export).findings) == found


@pytest.mark.parametrize(("tiny", "tiny_ns"), [(49, 2_000), (50, 5_000)])
def test_fewer_or_longer_ones_are_none(look: Look, tiny: int, tiny_ns: int) -> None:
    assert not look(tiny_kernels, loop(tiny, tiny_ns=tiny_ns).export).findings

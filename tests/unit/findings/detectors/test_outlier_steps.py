import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import outlier_steps


def loop(*walls_us: int, first: int = 0) -> Program:
    """Steps of one kernel, one after the other."""
    program = Program()
    for number, wall_us in enumerate(walls_us, first):
        with program.step(number=number):
            program.kernel("gemv", 1_000 * wall_us)
    return program


def test_one_step_of_five_takes_twice_as_long(look: Look) -> None:
    (finding,) = look(outlier_steps, loop(100, 100, 200, 100, 100).export).findings
    assert finding.claim == "Decode has 1 outlier in 5 steps: up to 2.0 times the median step."
    # The slow step and, of the four equal ones, the median.
    assert finding.evidence[0].rows == ((2, 200_000, 200_000, 0, 0), (3, 100_000, 100_000, 0, 0))
    assert finding.hypothesis.startswith("Slow: step 2. Most of the excess is the GPU's own work:")
    assert interval(finding) == (0, 20_000, 120_000)
    assert str(finding.target) == "step.outliers <= 0"


def test_the_first_steps_are_called_so_whatever_their_numbers(look: Look) -> None:
    (finding,) = look(outlier_steps, loop(200, 300, 100, 100, 100, 100, 100, first=17).export).findings
    assert finding.claim == "Decode has 2 outliers in 7 steps: up to 3.0 times the median step."
    assert finding.hypothesis.startswith("Slow: first steps.")


def test_what_slow_steps_wait_for_is_named(look: Look) -> None:
    program = Program()
    for number in range(6):
        with program.step():
            program.kernel("gemv", 50_000)
            program.kernel("gemv", 50_000, wait_ns=80_000 if number == 4 else 100, late=True)
    (finding,) = look(outlier_steps, program.export).findings
    assert "Most of the excess is idle time (waiting for launches)" in finding.hypothesis


@pytest.mark.parametrize(
    "walls_us",
    [
        pytest.param((100, 100, 125, 100, 100), id="a quarter more"),
        pytest.param((80, 90, 100, 110, 120, 160), id="within the steps' own spread"),
        pytest.param((100, 100, 300), id="too few steps to know"),
    ],
)
def test_steps_that_do_not_stand_out(look: Look, walls_us: tuple[int, ...]) -> None:
    assert not look(outlier_steps, loop(*walls_us).export).findings

from tests.unit.compare.loops import MEMSET_NS, STEP_NS, Analysed, loop
from tests.unit.findings.programs import Program
from workbench.compare.earlier_report import PhaseSteps
from workbench.compare.observation import counterpart, observe
from workbench.findings.target import parse_target


def steps(phase: str, pid: int, median_ns: int = 1) -> PhaseSteps:
    return PhaseSteps(phase, pid, 1, median_ns, median_ns, ())


def test_targets_and_steps_are_measured(analysed: Analysed) -> None:
    targets = [parse_target("memset.calls_per_step <= 0"), parse_target("memset.calls_per_step <= 0 in prefill")]
    found = observe(analysed(loop(memsets=3)), "after", targets)
    assert [one.value for one in found.measured] == [3, None]
    assert found.measured[1].problem == "the capture has no steps of phase prefill"
    (phase,) = found.phases
    assert (phase.phase, phase.pid, phase.steps, phase.median_ns) == ("decode", 7, 8, STEP_NS + 3 * MEMSET_NS)
    assert sum(part.time_ns for part in phase.parts) == phase.median_ns


def test_a_slow_step_moves_the_mean_alone(analysed: Analysed) -> None:
    program = Program()
    for number in range(8):
        with program.step(), program.range("model.layers.0.mlp"):
            program.kernel("gemv", 100_000 if number else 900_000)
    (phase,) = observe(analysed(program.export), "after", ()).phases
    assert (phase.median_ns, phase.mean_ns) == (100_000, 200_000)


def test_processes_are_held_against_each_other_in_their_order() -> None:
    report = [steps("decode", 7, 10), steps("prefill", 7), steps("decode", 8, 20)]
    capture = [steps("decode", 100, 11), steps("decode", 101, 21)]
    first, second = (counterpart(report, "decode", pid, capture) for pid in (7, 8))
    assert first
    assert second
    assert (first.pid, second.pid) == (100, 101)


def test_another_number_of_processes_leaves_no_counterpart() -> None:
    report = [steps("decode", 7), steps("decode", 8)]
    assert counterpart(report, "decode", 7, [steps("decode", 1)]) is None
    assert counterpart(report, "prefill", 7, [steps("prefill", 1)]) is None
    assert counterpart(report, "decode", 9, report) is None

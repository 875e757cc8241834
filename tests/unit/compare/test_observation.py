from tests.unit.compare.loops import MEMSET_NS, STEP_NS, Analysed, loop
from tests.unit.findings.programs import Program
from workbench.compare.observation import observe
from workbench.findings.target import parse_target


def test_targets_and_steps_are_measured(analysed: Analysed) -> None:
    targets = [parse_target("memset.calls_per_step <= 0"), parse_target("memset.calls_per_step <= 0 in prefill")]
    found = observe(analysed(loop(memsets=3)), "after", "ab" * 32, targets)
    assert (found.name, found.sha256) == ("after", "ab" * 32)
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
    (phase,) = observe(analysed(program.export), "after", "ab" * 32, ()).phases
    assert (phase.median_ns, phase.mean_ns) == (100_000, 200_000)

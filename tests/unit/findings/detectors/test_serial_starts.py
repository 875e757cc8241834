from collections.abc import Callable

import pytest

from tests.claims import interval
from tests.exports import Export
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import serial_starts
from workbench.findings.finding import Detection, Effort, Finding

NAMES = ("gemv", "attention")


def loop(wait_ns: int = 100, *, duration_ns: int = 10_000, names: tuple[str, ...] = NAMES, **export: object) -> Program:
    """Four steps of a graph of ten kernels, each so long after the one ahead of it."""
    program = Program(Export(**export))  # type: ignore[arg-type]
    for _ in range(4):
        with program.step(), program.graph_launch():
            for node in range(10):
                program.kernel(names[node % len(names)], duration_ns, wait_ns=wait_ns if node else 0, node=node)
    return program


def only(detection: Detection) -> Finding:
    (finding,) = detection.findings
    return finding


def test_a_graph_whose_kernels_never_overlap(look: Look) -> None:
    finding = only(look(serial_starts, loop().export))
    assert finding.claim == (
        "9 of 9 kernels a decode step begin only after the one ahead of them, though launched early enough to overlap "
        "it."
    )
    assert finding.evidence[0].rows == (
        ("attention", 20, 10_000.0, 100.0),
        ("gemv", 16, 10_000.0, 100.0),
    )
    # Nine gaps of 0.1 µs; at best also 2.4 µs of each kernel.
    assert interval(finding) == (900, 900 + 9 * 2_400, 100_900)
    assert finding.effort is Effort.MEDIUM
    assert str(finding.target) == "step.serial_share <= 0.5"


def test_a_short_kernel_hides_half_of_itself_at_most(look: Look) -> None:
    assert interval(only(look(serial_starts, loop(duration_ns=4_000).export)))[:2] == (900, 900 + 9 * 2_000)


def test_many_kernels_are_more_work_than_few(look: Look) -> None:
    finding = only(look(serial_starts, loop(names=tuple("abcdefghij")).export))
    assert finding.effort is Effort.LARGE


def overlapping() -> Program:
    return loop(-1_000)


def older_gpu() -> Program:
    return loop(capability=(8, 9))


def on_many_streams() -> Program:
    program = Program()
    for _ in range(4):
        with program.step():
            for stream in range(10):
                program.kernel("gemv", 10_000, wait_ns=100, stream=stream)
    for _ in range(4):
        with program.step("prefill"):
            for _ in range(10):
                program.kernel("gemv", 10_000, wait_ns=-100)
    return program


def overlapping_mostly() -> Program:
    """Seven of nine followers overlap the one ahead."""
    program = Program()
    for _ in range(4):
        with program.step(), program.graph_launch():
            for node in range(10):
                program.kernel("gemv", 10_000, wait_ns=100 if node in (3, 6) else -1_000 if node else 0, node=node)
    return program


def waiting_for_another_stream() -> Program:
    """What is far apart waits for something else; twenty kernels beside them overlap."""
    program = loop(6_000)
    for _ in range(4):
        with program.step("prefill"):
            for _ in range(10):
                program.kernel("gemm", 10_000, wait_ns=-1_000)
    return program


@pytest.mark.parametrize(
    "program", [overlapping, overlapping_mostly, older_gpu, on_many_streams, waiting_for_another_stream]
)
def test_no_serial_starts(look: Look, program: Callable[[], Program]) -> None:
    detection = look(serial_starts, program().export)
    assert not detection.findings
    assert not detection.lacking


def eager(in_time: int) -> Program:
    """Four steps that wait for launches; so many of their kernels are launched long before the one ahead has ended."""
    program = Program()
    for _ in range(4):
        with program.step():
            for number in range(10):
                program.host_ns = program.gpu_ns
                program.kernel("gemv", 10_000, wait_ns=8_000, late=True)
                if number < in_time:
                    program.kernel("add", 10_000, wait_ns=1_100)
    return program


def test_launch_by_launch_those_in_time_tell_but_gain_nothing_for_sure(look: Look) -> None:
    finding = only(look(serial_starts, eager(5).export))
    assert finding.claim.startswith("5 of 5 kernels a decode step")
    assert "counts once the GPU no longer waits for launches" in finding.hypothesis
    low_ns, high_ns, _ = interval(finding)
    assert (low_ns, high_ns) == (0, 5 * (1_100 + 2_400))
    assert finding.gain
    assert finding.gain.basis.endswith("nothing as long as the phase is launch-bound")


@pytest.mark.parametrize("in_time", [0, 3])
def test_where_nearly_all_launches_come_late_nothing_can_be_told(look: Look, in_time: int) -> None:
    detection = look(serial_starts, eager(in_time).export)
    assert not detection.findings
    assert "hardly a kernel was launched before" in detection.lacking


def test_a_gpu_that_nobody_knows_is_not_judged(look: Look) -> None:
    assert "which GPU" in look(serial_starts, loop(capability=(0, 0)).export).lacking

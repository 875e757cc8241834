import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import D2D, D2H, DEVICE, H2D, PAGEABLE, Program
from workbench.findings.detectors import small_copies

KIB = 1024


def loop(copies: int, size: int, kind: int = H2D, **memory: int) -> Program:
    """Four steps of a kernel and copies of 1 µs, each after a wait of 0.5 µs; a warm-up makes a thousand copies."""
    program = Program()
    with program.range("warmup"):
        for _ in range(1000):
            program.copy(D2D, 512, 1_000)
    for _ in range(4):
        with program.step():
            program.kernel("gemv", 10_000)
            for _ in range(copies):
                program.copy(kind, size, 1_000, wait_ns=500, **memory)
    return program


def test_of_three_copies_a_step_one_is_too_many(look: Look) -> None:
    (finding,) = look(small_copies, loop(3, KIB).export).findings
    assert finding.claim == "Decode makes 3 small copies a step (at most 64 KiB each)."
    assert finding.evidence[0].rows == (("memcpy_h2d", KIB, 0, 12, 12_000),)
    # A third of three times 1.5 µs: two copies are a step's due.
    assert interval(finding) == (1_500, 1_500, 14_500)
    assert str(finding.target) == "memcpy_small.calls_per_step <= 2"


def test_what_is_gathered_leaves_a_copy_of_each_run(look: Look) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            for _ in range(3):
                program.kernel("gemv", 10_000)
                for _ in range(4):
                    program.copy(D2D, KIB, 1_000)
    (finding,) = look(small_copies, program.export).findings
    # Nine of twelve go if each run is gathered into one, ten if two are left.
    assert interval(finding) == (9_000, 10_000, 42_000)


def test_without_copies_between_them_kernels_could_overlap(look: Look) -> None:
    """Of three kernels a step two overlap the one ahead of them; the third one follows copies."""
    program = Program()
    for _ in range(4):
        with program.step(), program.graph_launch():
            program.kernel("qkv", 10_000, node=1)
            program.kernel("norm", 10_000, wait_ns=-1_000, node=2)
            program.kernel("up", 10_000, wait_ns=-1_000, node=3)
            for node in range(4, 8):
                program.copy(D2D, KIB, 1_000, node=node)
            program.kernel("attention", 10_000, node=8)
    (finding,) = look(small_copies, program.export).findings
    assert interval(finding) == (2_000, 2_000 + 1_200, 42_000)
    assert "kernels that they part could overlap" in (finding.gain.basis if finding.gain else "")


@pytest.mark.parametrize(("copies", "size", "found"), [(3, 64 * KIB, 1), (3, 64 * KIB + 1, 0), (2, KIB, 0)])
def test_how_many_and_how_small(look: Look, copies: int, size: int, found: int) -> None:
    assert len(look(small_copies, loop(copies, size).export).findings) == found


def test_pageable_memory_at_either_end(look: Look) -> None:
    program = loop(1, 1024 * KIB, D2H, source=DEVICE, destination=PAGEABLE)
    with program.step():
        program.copy(H2D, 512 * KIB, 1_000, source=PAGEABLE)
    (finding,) = look(small_copies, program.export).findings
    assert finding.claim == "Decode copies from or to pageable memory 1 times a step."
    assert finding.evidence[0].rows == (
        ("memcpy_d2h", 1024 * KIB, 1, 4, 4_000),
        ("memcpy_h2d", 512 * KIB, 1, 1, 1_000),
    )
    # Pinning shortens a copy by nobody knows how much; at best there is none any more.
    assert interval(finding) == (0, 1_500, 11_500)
    assert str(finding.target) == "memcpy_pageable.calls_per_step <= 0"


def test_a_capture_without_copies_cannot_tell_whether_they_were_traced(look: Look) -> None:
    program = Program()
    with program.step():
        program.kernel("gemv", 10_000)
    assert "no memory copies" in look(small_copies, program.export).lacking

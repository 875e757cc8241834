from dataclasses import replace

import pytest

from tests.unit.gate.measured_models import MEMORY, measured
from workbench.gate.measured import Memory
from workbench.gate.memory import judge
from workbench.gate.verdict import Status

MIB = 1 << 20
USES = ("weights_bytes", "cache_bytes", "workspaces_bytes", "peak_bytes")


def test_the_same_memory_passes() -> None:
    found = judge(measured(), measured())
    assert found.status is Status.PASSED
    assert [(line.name, line.status, line.unit) for line in found.lines] == [
        (use, Status.PASSED, "bytes") for use in USES
    ]
    assert found.sentence == "No use of memory grew."


@pytest.mark.parametrize("use", USES)
def test_each_use_fails_by_itself(use: str) -> None:
    grown = measured(memory=replace(MEMORY, **{use: int(getattr(MEMORY, use) * 1.02)}))
    found = judge(measured(), grown)
    assert found.status is Status.FAILED
    assert [line.name for line in found.lines if line.status is Status.FAILED] == [use]
    assert found.sentence.startswith(use.removesuffix("_bytes"))


@pytest.mark.parametrize(("growth", "status"), [(MIB, Status.PASSED), (MIB + 1, Status.FAILED)])
def test_a_mebibyte_is_always_allowed(growth: int, status: Status) -> None:
    small = Memory(10 * MIB, MIB, 0, 12 * MIB)
    then, now = measured(memory=small), measured(memory=replace(small, workspaces_bytes=growth))
    assert judge(then, now).status is status


@pytest.mark.parametrize(("share", "status"), [(0.0099, Status.PASSED), (0.0101, Status.FAILED)])
def test_so_is_the_tolerance(share: float, status: Status) -> None:
    grown = measured(memory=replace(MEMORY, peak_bytes=round(MEMORY.peak_bytes * (1 + share))))
    assert judge(measured(), grown).status is status
    assert judge(measured(), grown, tolerance=0.05).status is Status.PASSED


def test_less_is_a_gain() -> None:
    found = judge(measured(), measured(memory=replace(MEMORY, workspaces_bytes=100_000_000)))
    assert found.status is Status.PASSED
    assert found.sentence == "No use of memory grew; workspaces takes 95 MiB less."
    assert found.lines[2].change == pytest.approx(-0.5)


def test_what_is_not_told_does_not_pass() -> None:
    untold = measured(memory=None)
    assert judge(untold, measured()).status is Status.NOT_RUN
    assert judge(untold, untold).status is Status.NOT_RUN
    assert judge(measured(), untold).status is Status.UNDECIDED

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest

from tests.claims import assert_holds, interval
from tests.exports import Export
from tests.unit.findings.conftest import Look, Opened
from tests.unit.findings.programs import Program
from workbench.analysis.analysis import Analysis
from workbench.analysis.footprint import Footprint, RoleNeed
from workbench.findings.detectors import below_roofline, concentration
from workbench.findings.find import find
from workbench.findings.finding import Detection, Finding

FoundIn = Callable[..., tuple[Finding, ...]]
# A byte a nanosecond.
SPEED = 1e9


def need(role: str, size: int, operations: int = 0) -> RoleNeed:
    return RoleNeed("decode", "mlp", role, size, operations)


def loop(**durations_ns: int) -> Program:
    """Four steps of one kernel a role."""
    program = Program()
    for _ in range(4):
        with program.step():
            for role, duration_ns in durations_ns.items():
                with program.range(f"model.layers.0.mlp.{role}"):
                    program.kernel(f"gemv_{role}", duration_ns)
    return program


@pytest.fixture
def found(opened: Opened) -> FoundIn:
    """What a detector finds in a program that says what its roles need."""

    def look(program: Program, *needs: RoleNeed, detector: object = below_roofline) -> tuple[Finding, ...]:
        analysis, database = opened(program.export)
        analysis = Analysis(analysis.attribution, Footprint(needs, SPEED))
        detection: Detection = detector.detect(analysis)  # type: ignore[attr-defined]
        for finding in detection.findings:
            assert_holds(finding, analysis, database)
        return detection.findings

    return look


def test_roles_with_headroom_are_told_the_most_first(found: FoundIn) -> None:
    program = loop(up_proj=10_000, down_proj=20_000, gate_proj=5_000)
    needs = (need("up_proj", 8_000), need("down_proj", 5_000), need("gate_proj", 5_000))
    down, up = found(program, *needs)
    assert down.claim == "mlp down_proj runs at 25% of its roofline: 15 µs a step above its floor."
    assert interval(down) == (0, 15_000, 35_000)
    assert str(down.target) == 'role("mlp", "down_proj").busy_ns <= 12500'
    assert up.claim.startswith("mlp up_proj runs at 80%")
    assert interval(up) == (0, 2_000, 35_000)


def test_no_more_than_three_roles_of_a_phase_are_told(found: FoundIn) -> None:
    names = ("up_proj", "down_proj", "gate_proj", "act_fn", "gate_up_proj")
    assert len(found(loop(**dict.fromkeys(names, 9_000)), *(need(name, 1_000) for name in names))) == 3


def test_a_floor_that_leaves_the_operations_out_promises_nothing(found: FoundIn) -> None:
    assert not found(loop(down_proj=20_000), need("down_proj", 100, 100_000))


def test_without_a_manifest_it_is_said_what_is_lacking(look: Look) -> None:
    assert "no manifest says" in look(below_roofline, loop(down_proj=9_000).export).lacking


def test_headroom_is_what_the_heaviest_kernels_can_lose(found: FoundIn) -> None:
    program = loop(up_proj=10_000, down_proj=70_000, act_fn=500, gate_proj=500)
    needs = (need("up_proj", 9_000), need("down_proj", 35_000))
    (without,) = found(program, detector=concentration)
    assert interval(without) == (0, 7_000, 81_000)
    (finding,) = found(program, *needs, detector=concentration)
    assert interval(finding) == (0, 35_000, 81_000)
    assert "down to the floors of their roles" in (finding.gain.basis if finding.gain else "")


def test_nothing_gets_faster_than_its_floor(found: FoundIn) -> None:
    program = loop(up_proj=10_000, down_proj=70_000, act_fn=500, gate_proj=500)
    (finding,) = found(program, need("down_proj", 67_900), detector=concentration)
    assert interval(finding) == (0, 2_100, 81_000)
    assert str(finding.target).endswith("ns_per_step <= 67900")
    assert not found(program, need("down_proj", 80_000), detector=concentration)


def test_headroom_ranks_the_findings(opened: Opened) -> None:
    program = loop(up_proj=30_000, down_proj=20_000)
    analysis, database = opened(program.export)
    with closing(database):
        needs = (need("up_proj", 29_000), need("down_proj", 5_000))
        findings = find(Analysis(analysis.attribution, Footprint(needs, SPEED))).findings
    told = [finding.target.names[1] for finding in findings if finding.detector == "below_roofline"]
    assert told == ["down_proj", "up_proj"]


def test_on_a_cpu_nothing_is_asked_of_a_gpu(opened: Opened) -> None:
    program = loop(up_proj=1_000, down_proj=1_000)
    program.export.recorder = "engine-cpu"
    analysis, _ = opened(program.export)
    findings = find(analysis)
    assert set(findings.lacking.values()) == {"the times are a CPU's"}
    assert "concentration" not in findings.lacking
    assert findings.lacking["outlier_steps"] == "the times are a CPU's"


def test_the_export_says_who_recorded_it(opened: Opened) -> None:
    export = Export(recorder="engine-cpu")
    export.launch("k", 0, 10, 20)
    analysis, database = opened(export)
    assert isinstance(database, sqlite3.Connection)
    assert analysis.trace.info.is_of_cpu
    export = Export(recorder="another")
    export.launch("k", 0, 10, 20)
    assert not opened(export)[0].trace.info.is_of_cpu

from collections.abc import Callable

import pytest

from tests.exports import Export
from tests.unit.findings.programs import D2H, Program
from workbench.analysis.analysis import Analysis
from workbench.findings.detectors import name_of
from workbench.findings.find import DETECTORS, find

Analysed = Callable[[Export], Analysis]
NAMES = {name_of(detector) for detector in DETECTORS}


def untidy() -> Program:
    """A graph that is not recorded, and four steps that many detectors have something to say about."""
    program = Program()
    program.hidden_graph(1_000)
    for _ in range(4):
        with program.step():
            for layer in range(10):
                for role in ("q_proj", "k_proj"):
                    with program.range(f"model.layers.{layer}.self_attn.{role}"):
                        program.kernel("gemv", 4_000, wait_ns=3_000, late=True)
            program.kernel("sample", 6_000)
            program.memset(8, 1_000)
            program.copy(D2H, 8, 1_000)
            program.call("cudaMalloc_v3020")
    return program


def test_every_detector_finds_or_lacks_something_or_is_silent(analysed: Analysed) -> None:
    findings = find(analysed(untidy().export))
    spoke = [{finding.detector for finding in findings.findings}, set(findings.lacking), set(findings.silent)]
    assert set.union(*spoke) == NAMES
    assert sum(map(len, spoke)) == len(NAMES)
    assert "launch_bound" in spoke[0]
    assert "unfused_roles" in spoke[2]


def test_what_hides_the_rest_comes_first_then_the_best_return_on_effort_then_what_is_minor(analysed: Analysed) -> None:
    findings = find(analysed(untidy().export)).findings
    assert findings[0].detector == "hidden_graphs"
    ranks = [
        (finding.is_minor, -finding.gain.expected_total_ns / finding.effort.days)
        for finding in findings[1:]
        if finding.gain is not None
    ]
    assert len(ranks) == len(findings) - 1 >= 5
    assert {minor for minor, _ in ranks} == {False, True}
    assert ranks == sorted(ranks)


def test_half_a_day_for_a_small_effort_weighs_less_than_eight_for_a_large_one(analysed: Analysed) -> None:
    by_detector = {finding.detector: finding for finding in find(analysed(untidy().export)).findings}
    assert [by_detector[name].effort.days for name in ("small_projections", "launch_bound")] == [0.5, 2.0]


def test_without_api_calls_all_but_one_say_what_they_lack(analysed: Analysed) -> None:
    """Steps can still be inferred from the kernels; nobody guesses what launched them."""
    program = Program()
    for _ in range(6):
        for name in ("qkv", "attention", "out", "up", "down"):
            program.kernel(name, 1_000)
        program.memset(8, 10)
        program.copy(D2H, 8, 10)
    del program.export.rows["CUPTI_ACTIVITY_KIND_RUNTIME"]
    analysis = analysed(program.export)
    assert [phase.steps for phase in analysis.phases] == [6]
    findings = find(analysis)
    assert not findings.findings
    assert set(findings.lacking) == NAMES - {"hidden_graphs"}
    assert "no CUDA API calls" in findings.lacking["tiny_kernels"]


@pytest.mark.parametrize("table", ["NVTX_EVENTS", "CUPTI_ACTIVITY_KIND_MEMCPY", "CUPTI_ACTIVITY_KIND_MEMSET"])
def test_any_other_table_may_be_missing(analysed: Analysed, table: str) -> None:
    program = untidy()
    del program.export.rows[table]
    findings = find(analysed(program.export))
    lacking = {
        "NVTX_EVENTS": {"small_projections", "mixed_kernels", "unfused_roles"},
        "CUPTI_ACTIVITY_KIND_MEMCPY": {"small_copies"},
        "CUPTI_ACTIVITY_KIND_MEMSET": {"memsets_in_steps"},
    }[table]
    assert set(findings.lacking) == lacking | {"below_roofline", "serial_starts"}


def test_without_steps_all_but_one_ask_for_ranges(analysed: Analysed) -> None:
    program = Program()
    program.kernel("gemv", 1_000)
    program.hidden_graph(1_000)
    findings = find(analysed(program.export))
    assert [finding.detector for finding in findings.findings] == ["hidden_graphs"]
    assert set(findings.lacking) == NAMES - {"hidden_graphs"}
    assert "NVTX ranges" in findings.lacking["launch_bound"]


def test_processes_are_looked_at_apart(analysed: Analysed) -> None:
    """What one of two processes does is said of it, and measured in it: the mean of both would be no excuse."""
    export = Export()
    for pid, copies in ((7, 3), (8, 0)):
        program = Program(export, pid=pid)
        for _ in range(4):
            with program.step():
                program.kernel("gemv", 10_000)
                for _ in range(copies):
                    program.copy(D2H, 8, 1_000)
    (finding,) = find(analysed(export)).findings
    assert (finding.detector, finding.pid) == ("small_copies", 7)

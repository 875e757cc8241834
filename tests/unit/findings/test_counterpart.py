from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.exports import Export
from tests.unit.findings.programs import Program
from workbench.analysis.analysis import Analysis
from workbench.errors import UserError
from workbench.findings.counterpart import Counterpart, counterparts
from workbench.findings.document import compile_document, with_counterpart
from workbench.findings.find import Findings, find
from workbench.findings.finding import Finding

Analysed = Callable[[Export], Analysis]


def decode(program: Program, *, graphs: bool) -> Program:
    """Four steps of a product, a cast that always follows, and an allocation; launches are late without graphs."""
    for _ in range(4):
        with program.step():
            if graphs:
                with program.graph_launch():
                    program.kernel("gemm", 30_000, node=1, wait_ns=1_000)
                    program.kernel("cast", 4_000, node=2, wait_ns=1_000)
            else:
                program.kernel("gemm", 30_000, wait_ns=9_000, late=True)
                program.kernel("cast", 4_000, wait_ns=9_000, late=True)
            program.synchronize()
            program.call("cudaMalloc_v3020", 500)
    return program


@pytest.fixture
def modes(analysed: Analysed) -> tuple[Analysis, Analysis]:
    """The same program with graphs off, and on."""
    off, on = (analysed(decode(Program(), graphs=graphs).export) for graphs in (False, True))
    return off, on


def by_detector(found: tuple[Counterpart | None, ...], findings: Findings) -> dict[str, Counterpart | None]:
    return {finding.detector: one for finding, one in zip(findings.findings, found, strict=True)}


def test_the_same_finding_has_the_gain_of_its_own_mode(modes: tuple[Analysis, Analysis]) -> None:
    off, on = modes
    findings, there = find(off), find(on)
    found = by_detector(counterparts(on, there, findings.findings), findings)
    own, other = (next(one for one in each.findings if one.detector == "fusable_pairs") for each in (findings, there))
    assert found["fusable_pairs"] == Counterpart(arises=True, gain=other.gain)
    assert own.gain != other.gain


def test_what_is_not_found_there_and_met_there_does_not_arise(modes: tuple[Analysis, Analysis]) -> None:
    off, on = modes
    findings = find(off)
    found = by_detector(counterparts(on, find(on), findings.findings), findings)
    assert found["launch_bound"] == Counterpart(arises=False, gain=None)


def one_finding(analysis: Analysis, detector: str) -> tuple[Finding, Findings]:
    """A detector's finding, and all findings without it."""
    findings = find(analysis)
    (finding,) = [finding for finding in findings.findings if finding.detector == detector]
    others = tuple(other for other in findings.findings if other is not finding)
    return finding, replace(findings, findings=others)


def test_what_is_not_found_there_but_unmet_there_arises_without_a_gain(modes: tuple[Analysis, Analysis]) -> None:
    _, on = modes
    finding, there = one_finding(on, "allocations_in_steps")
    assert counterparts(on, there, [finding]) == (Counterpart(arises=True, gain=None),)


def test_where_a_detector_could_not_look_nothing_is_known(modes: tuple[Analysis, Analysis]) -> None:
    off, on = modes
    finding, _ = one_finding(off, "fusable_pairs")
    blind = replace(find(on), findings=(), lacking={"fusable_pairs": "no data"})
    assert counterparts(on, blind, [finding]) == (None,)


def test_where_kernels_are_hidden_nothing_is_known(analysed: Analysed, modes: tuple[Analysis, Analysis]) -> None:
    program = Program()
    for _ in range(4):
        with program.step():
            program.hidden_graph(1_000)
    hidden = analysed(program.export)
    finding, _ = one_finding(modes[0], "fusable_pairs")
    assert counterparts(hidden, find(hidden), [finding]) == (None,)


def test_what_cannot_be_measured_there_is_unknown(analysed: Analysed, modes: tuple[Analysis, Analysis]) -> None:
    program = Program()
    for _ in range(4):
        with program.step("prefill"):
            program.kernel("gemm", 1_000)
    other = analysed(program.export)
    finding, _ = one_finding(modes[0], "fusable_pairs")
    assert counterparts(other, find(other), [finding]) == (None,)


def test_processes_are_held_against_each_other_in_the_order_of_their_ids(analysed: Analysed) -> None:
    exports = []
    for pids in ((7, 8), (21, 22)):
        export = Export()
        for pid, casts in zip(pids, (1, 3), strict=True):
            program = Program(export, pid=pid)
            for _ in range(4):
                with program.step():
                    program.kernel("gemm", 30_000)
                    for _ in range(casts):
                        program.memset(8, 1_000)
        exports.append(analysed(export))
    one, other = exports
    findings = find(one).findings
    found = counterparts(other, find(other), findings)
    assert len(findings) == 2
    for finding, counterpart in zip(findings, found, strict=True):
        assert counterpart
        assert counterpart.gain == finding.gain
    assert findings[0].gain != findings[1].gain


def norms(first_ns: int, second_ns: int) -> Program:
    """Two roles of the same small kernels; which one takes longer differs."""
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("gemm", 50_000)
            for role, duration_ns in (("q_norm", first_ns), ("k_norm", second_ns)):
                with program.range(f"model.layers.0.self_attn.{role}"):
                    for name in ("pow", "mean", "rsqrt", "mul"):
                        program.kernel(name, duration_ns)
    return program


def test_a_group_of_roles_is_the_same_whichever_stands_for_it(analysed: Analysed) -> None:
    one, other = (analysed(norms(*times).export) for times in ((2_000, 1_000), (1_000, 3_000)))
    finding, _ = one_finding(one, "unfused_roles")
    there, _ = one_finding(other, "unfused_roles")
    assert finding.target.names != there.target.names
    assert counterparts(other, find(other), [finding]) == (Counterpart(arises=True, gain=there.gain),)


def test_a_report_takes_a_capture_of_the_other_mode_only(analysed: Analysed, modes: tuple[Analysis, Analysis]) -> None:
    off, on = (compile_document(analysis) for analysis in modes)
    beside = with_counterpart(off, on, modes[1]).counterpart
    assert beside
    assert (beside.file_name, beside.graphs) == (on.info.file_name, True)
    assert len(beside.of_findings) == len(off.findings.findings)
    for one, analysis, words in ((off, modes[0], "ran without CUDA graphs"), (on, modes[1], "ran with CUDA graphs")):
        with pytest.raises(UserError, match=f"is no counterpart of .*: both {words}; name a capture"):
            with_counterpart(one, one, analysis)
    export = Export()
    export.launch("gemm", 0, 10, 20)
    bare = analysed(export)
    for pair in ((off, compile_document(bare)), (compile_document(bare), off)):
        with pytest.raises(UserError, match="has no steps"):
            with_counterpart(*pair, bare)

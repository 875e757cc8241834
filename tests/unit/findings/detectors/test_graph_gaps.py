from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import graph_gaps


def loop(duration_ns: int, *, graph: bool = True) -> Program:
    """Four steps of four kernels with 1 µs between them, and one more before them, launched by itself."""
    program = Program()
    for _ in range(4):
        with program.step():
            program.kernel("sample", duration_ns)
            if not graph:
                for _ in range(4):
                    program.kernel("gemv", duration_ns, wait_ns=1_000)
                continue
            with program.graph_launch():
                for node in range(4):
                    program.kernel("gemv", duration_ns, wait_ns=1_000, node=node)
    return program


def test_waits_between_nodes_are_told_from_the_wait_for_the_graph(look: Look) -> None:
    (finding,) = look(graph_gaps, loop(8_000).export).findings
    assert finding.claim == "7% of the median decode step is waits between the 4 nodes of its graph."
    assert finding.evidence[0].rows == ((1, 44_000, 40_000, 4_000, 0),)
    # Of three waits of 1 µs within the graph a quarter to nine tenths.
    assert interval(finding) == (750, 2_700, 44_000)
    assert str(finding.target) == "step.in_graph_ns <= 1500"


def test_a_twentieth_of_the_step_is_the_least(look: Look) -> None:
    # 3 of 60 µs, and 3 of 60.005.
    assert look(graph_gaps, loop(11_200).export).findings
    assert not look(graph_gaps, loop(11_201).export).findings


def test_waits_between_launches_are_no_graphs(look: Look) -> None:
    assert not look(graph_gaps, loop(8_000, graph=False).export).findings

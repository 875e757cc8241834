from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import hidden_graphs


def test_graphs_recorded_as_single_rows_hide_their_kernels(look: Look) -> None:
    program = Program()
    program.kernel("fill", 1_000)
    for _ in range(3):
        with program.step():
            program.hidden_graph(5_000)
    (finding,) = look(hidden_graphs, program.export).findings
    assert finding.claim == "3 graph launches hide their kernels, so nothing can be said of them."
    assert (finding.phase, finding.gain) == ("decode", None)
    assert finding.evidence[0].rows == ((3, 15_000),)
    assert str(finding.target) == "hidden_graphs.calls <= 0"


def test_they_need_no_steps_to_be_seen(look: Look) -> None:
    program = Program()
    program.hidden_graph(5_000)
    (finding,) = look(hidden_graphs, program.export).findings
    assert finding.phase == "other"


def test_graphs_recorded_node_by_node_hide_nothing(look: Look) -> None:
    program = Program()
    with program.step(), program.graph_launch():
        program.kernel("gemv", 5_000, node=1)
    assert not look(hidden_graphs, program.export).findings

import pytest

from tests.claims import interval
from tests.unit.findings.conftest import Look
from tests.unit.findings.programs import Program
from workbench.findings.detectors import decode_without_graphs


def loop(kernels: int, phase: str = "decode") -> Program:
    """Four steps of kernels of 2 µs, each launched 5 µs after the one before it has ended."""
    program = Program()
    for _ in range(4):
        with program.step(phase):
            for _ in range(kernels):
                program.kernel("gemv", 2_000, wait_ns=5_000, late=True)
    return program


def test_eight_launches_a_step_could_be_one_graph(look: Look) -> None:
    (finding,) = look(decode_without_graphs, loop(8).export).findings
    assert finding.claim == "Decode runs without CUDA graphs: 8 launches in the median step."
    assert finding.evidence[0].rows == (("cudaLaunchKernel_v7000", 32, 8.0, 320),)
    # Every step waits 8 times 5 µs, of which 8 times 1.3 µs stay between the nodes of a graph.
    assert interval(finding) == (29_600, 40_000, 56_000)
    assert str(finding.target) == "step.graph_launches >= 1"


@pytest.mark.parametrize(("kernels", "phase"), [(7, "decode"), (8, "prefill")])
def test_few_launches_and_prefill_need_no_graph(look: Look, kernels: int, phase: str) -> None:
    assert not look(decode_without_graphs, loop(kernels, phase).export).findings


def test_a_graph_is_seen_by_its_nodes_and_by_its_single_row(look: Look) -> None:
    nodes, rows = Program(), Program()
    for _ in range(4):
        with nodes.step(), nodes.graph_launch():
            for node in range(8):
                nodes.kernel("gemv", 2_000, node=node)
        with rows.step():
            for _ in range(8):
                rows.hidden_graph(2_000)
    assert not look(decode_without_graphs, nodes.export).findings
    assert not look(decode_without_graphs, rows.export).findings

from collections.abc import Callable

from tests.exports import Export
from tests.unit.findings.programs import Program
from workbench.analysis.analysis import Analysis
from workbench.analysis.graph_use import uses_graphs


def run(phase: str, *, graphs: bool, program: Program | None = None) -> Program:
    """A step of a product, in a graph or not."""
    program = program or Program()
    with program.step(phase):
        if graphs:
            with program.graph_launch():
                program.kernel("gemm", 1_000, node=1)
        else:
            program.kernel("gemm", 1_000)
    return program


def test_graphs_are_told_by_what_decode_ran_in(analysed: Callable[[Export], Analysis]) -> None:
    def told(export: Export) -> bool | None:
        return uses_graphs(analysed(export).attribution)

    assert told(run("decode", graphs=True).export) is True
    assert told(run("decode", graphs=False).export) is False
    prefill = run("prefill", graphs=True)
    assert told(prefill.export) is True
    assert told(run("decode", graphs=False, program=prefill).export) is False
    nothing = Export()
    nothing.launch("gemm", 0, 10, 20)
    assert told(nothing) is None

"""Whether a program ran its steps in CUDA graphs."""

from workbench.attribution.attribution import Attribution
from workbench.attribution.rules import PHASES, STEPPED_PHASES
from workbench.trace.model import OperationKind


def uses_graphs(attribution: Attribution) -> bool | None:
    """Whether decode ran in CUDA graphs (prefill, where there is no decode); None where there is neither."""
    kinds = attribution.trace.operations.kind
    is_whole_graph = kinds == OperationKind.GRAPH
    is_computation = is_whole_graph | (kinds == OperationKind.KERNEL)
    for phase in reversed(STEPPED_PHASES):
        rows = is_computation & (attribution.placement.phase == PHASES.index(phase))
        if rows.any():
            return bool((attribution.sites.is_graph_node | is_whole_graph)[rows].any())
    return None

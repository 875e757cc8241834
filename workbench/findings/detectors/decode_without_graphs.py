"""Decode steps that are launched kernel by kernel."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import call_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_graphs
from workbench.findings.target import Target
from workbench.findings.view import PhaseView

# A step of fewer launches has little to gain from a graph.
FEWEST_LAUNCHES = 8


def detect(analysis: Analysis) -> Detection:
    """Looks for decode steps without a graph launch."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    launches = view.analysis.step_costs.launches[view.steps]
    if view.phase != "decode" or view.has_graph_kernels() or np.median(launches) < FEWEST_LAUNCHES:
        return
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"Decode runs without CUDA graphs: {np.median(launches):.0f} launches in the median step.",
        evidence=(call_evidence(view, "Launches", CallKind.LAUNCH, CallKind.GRAPH_LAUNCH),),
        hypothesis="The program was started with graphs off, or something in the step cannot be captured "
        "(an allocation, a synchronisation, a copy from pageable memory, a shape that changes).",
        remedy="Capture one decode step and replay it, with position and token on the device.",
        gain=gain_of_graphs(view),
        effort=Effort.MEDIUM,
        risk="A graph needs fixed shapes and addresses; a fallback to single launches is silent unless it is checked.",
        target=Target("step", "graph_launches", ">=", 1, view.phase),
    )

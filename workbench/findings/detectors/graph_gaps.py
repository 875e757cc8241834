"""Time that the GPU waits between the nodes of a graph."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.idle import IdleKind
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import step_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain
from workbench.findings.target import Target
from workbench.findings.view import PhaseView

LEAST_SHARE = 0.05
# Programmatic dependent launch hides part of a gap, fewer nodes all of theirs.
SAVED_AT_LEAST, SAVED_AT_MOST = 0.25, 0.9


def detect(analysis: Analysis) -> Detection:
    """Looks for steps that wait between graph nodes for at least 5 % of their time."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    waits_ns = view.idle_ns(IdleKind.GRAPH)
    share = float(np.median(waits_ns / np.maximum(1, view.wall_ns)))
    if share < LEAST_SHARE:
        return
    nodes = view.operations[view.analysis.attribution.sites.is_graph_node[view.operations]]
    a_step = np.median(np.bincount(view.step_of(nodes), minlength=view.step_count))
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{share:.0%} of the median {view.phase} step is waits between the {a_step:.0f} nodes of its graph.",
        evidence=(step_evidence(view, np.array([view.middle_step]), "The median step"),),
        hypothesis="Every node waits until its predecessor has drained; many short nodes leave many such gaps.",
        remedy="Fuse nodes, and let those that remain start early (programmatic dependent launch).",
        gain=gain(
            view,
            waits_ns * SAVED_AT_LEAST,
            waits_ns * SAVED_AT_MOST,
            "a quarter to nine tenths (an estimate) of the idle time inside graph launches",
        ),
        effort=Effort.MEDIUM,
        risk="A kernel that starts early must not read what its predecessor has not written yet.",
        target=Target("step", "in_graph_ns", "<=", round(float(np.median(waits_ns)) / 2), view.phase),
    )

"""A phase whose steps last as long as the host takes to launch them."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind
from workbench.analysis.idle import IdleKind
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import call_evidence, step_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_graphs
from workbench.findings.target import Target
from workbench.findings.view import FEWEST_STEADY_STEPS, PhaseView

_LAUNCHES = (CallKind.LAUNCH, CallKind.GRAPH_LAUNCH)


def detect(analysis: Analysis) -> Detection:
    """Looks for phases in which the GPU waits for launches for more than 30 % of the median step."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    if not view.is_launch_bound:
        return
    launches = view.analysis.step_costs.launches[view.steps]
    # Single long waits are left out of the share, but not of what a target measures.
    most_ns = min(0.1 * view.median_wall_ns, 0.5 * float(np.median(view.idle_ns(IdleKind.LAUNCH))))
    share = float(np.median(view.regular_idle_ns(IdleKind.LAUNCH) / np.maximum(1, view.wall_ns)))
    cold = (
        f", {view.launch_bound_share:.0%} of what single long waits leave of it"
        if view.step_count < FEWEST_STEADY_STEPS
        else ""
    )
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{view.phase.capitalize()} is launch-bound: the GPU waits to be given work for {share:.0%} of the "
        f"median step{cold}.",
        evidence=(
            step_evidence(view, np.array([view.middle_step]), "The median step"),
            *([call_evidence(view, "Launches", *_LAUNCHES)] if len(view.calls_of(*_LAUNCHES)) else []),
        ),
        hypothesis=f"The host takes longer to launch the {np.median(launches):.0f} launches of a step than the GPU "
        "takes to run them; profiling adds to the host's time, so the share without it is likely smaller.",
        remedy="Replay the step as a CUDA graph, or launch fewer and larger kernels.",
        gain=gain_of_graphs(view),
        effort=Effort.MEDIUM,
        risk="A graph needs fixed shapes and addresses; what the host decides within a step must move to the device.",
        target=Target("step", "launch_starved_ns", "<=", int(most_ns), view.phase),
    )

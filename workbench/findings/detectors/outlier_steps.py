"""Steps that take far longer than the others."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.idle import IdleKind
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import step_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import mean_gain
from workbench.findings.names import counted
from workbench.findings.selection import outliers
from workbench.findings.target import Target
from workbench.findings.view import PhaseView

FEWEST_STEPS = 4
MOST_SHOWN = 5


def detect(analysis: Analysis) -> Detection:
    """Looks for steps beyond 1.25 times the median that their spread does not explain."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    if view.step_count < FEWEST_STEPS:
        return
    found = np.flatnonzero(outliers(view))
    if not len(found):
        return
    slowest = found[np.argsort(-view.wall_ns[found], kind="stable")][:MOST_SHOWN]
    excess_ns = int((view.wall_ns[found] - view.median_wall_ns).sum())
    numbers = view.analysis.attribution.placement.steps.number[view.steps[found]]
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{view.phase.capitalize()} has {counted(len(found), 'outlier')} in {view.step_count} steps: up to "
        f"{view.wall_ns[slowest[0]] / max(1, view.median_wall_ns):.1f} times the median step.",
        evidence=(step_evidence(view, np.append(slowest, view.middle_step), "Slow steps, and the median one"),),
        hypothesis=_hypothesis(view, found, numbers.tolist()),
        remedy="Warm up before measuring if only the first steps are slow; else find what the host does in them.",
        gain=mean_gain(view, 0, excess_ns, "what these steps take beyond the median step"),
        effort=Effort.SMALL,
        risk="None, but a mean over such steps is no measure of the usual one.",
        target=Target("step", "outliers", "<=", 0, view.phase),
    )


def _hypothesis(view: PhaseView, found: np.ndarray[tuple[int], np.dtype[np.int64]], numbers: list[int]) -> str:
    costs = view.analysis.step_costs
    idle_ns = costs.idle_ns[view.steps]
    excess = idle_ns[found].mean(axis=0) - np.median(idle_ns, axis=0)
    kind = IdleKind(int(excess.argmax()))
    busy = float(costs.busy_ns[view.steps][found].mean() - np.median(costs.busy_ns[view.steps]))
    where = "the GPU's own work" if busy > excess.max() else f"idle time ({kind.words})"
    ending = "s" if len(numbers) > 1 else ""
    which = f"first step{ending}" if found[-1] < len(found) else f"step{ending} {', '.join(map(str, numbers[:8]))}"
    return f"Slow: {which}. Most of the excess is {where}: lazy loading, growing buffers, or other work on the host."

"""Memory allocated or freed inside steps."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import call_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import idle_by_calls_ns, mean_gain
from workbench.findings.names import counted
from workbench.findings.target import Target
from workbench.findings.view import PhaseView


def detect(analysis: Analysis) -> Detection:
    """Looks for cudaMalloc, cudaFree and their like inside steps."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    rows = view.calls_of(CallKind.ALLOCATE, CallKind.FREE)
    if not len(rows):
        return
    # Memory that is only freed in steps was allocated outside them.
    subject = "allocate" if len(view.calls_of(CallKind.ALLOCATE)) else "free"
    touched = len(np.unique(view.analysis.attribution.placement.call_step[rows]))
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{view.phase.capitalize()} allocates or frees memory: {counted(len(rows), 'call')} in {touched} of "
        f"{counted(view.step_count, 'step')}.",
        evidence=(call_evidence(view, "Allocations", CallKind.ALLOCATE, CallKind.FREE),),
        hypothesis="A buffer is sized anew instead of being kept, or a caching allocator is still growing because "
        "nothing warmed it up; cudaFree, unlike cudaFreeAsync, also waits for the device.",
        remedy="Size workspaces once, before the first step; run a warm-up of the largest shape.",
        gain=mean_gain(
            view,
            0,
            idle_by_calls_ns(view, rows),
            "at most the GPU's idle time during these calls, and after those in which it ran out of work until it got "
            "new work; profiling makes launches, and so such waits, longer",
        ),
        effort=Effort.SMALL,
        risk="Kept workspaces raise the memory that is held between steps.",
        target=Target(subject, "calls_per_step", "<=", 0, view.phase),
        call_time=view.call_time(rows),
    )

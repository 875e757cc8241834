"""Memory set inside steps."""

from collections.abc import Iterator

from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import memset_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_removing
from workbench.findings.names import rounded
from workbench.findings.target import Target
from workbench.findings.view import PhaseView


def detect(analysis: Analysis) -> Detection:
    """Looks for steps with at least one memset each."""
    if not len(analysis.trace.memsets):
        return Detection(lacking="the capture holds no memsets: either there were none, or they were not traced")
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    a_step = len(view.memsets) / view.step_count
    if a_step < 1:
        return
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{view.phase.capitalize()} sets memory {rounded(a_step)} times a step.",
        evidence=(memset_evidence(view, "Memsets"),),
        hypothesis="Counters, semaphores or accumulators are cleared before each use, often for a split-K product "
        "or a reduction over blocks.",
        remedy="Let the kernel that reads the buffer last, or the one that fills it first, clear it.",
        gain=gain_of_removing(view, view.memsets),
        effort=Effort.SMALL,
        risk="A run that is cut off leaves the buffer uncleared.",
        target=Target("memset", "calls_per_step", "<=", 0, view.phase),
        call_time=view.call_time(view.calls_of(CallKind.MEMSET)),
    )

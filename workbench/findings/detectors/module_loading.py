"""Kernels loaded from their modules, or compiled, inside a phase."""

from collections.abc import Iterator

from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import call_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import mean_gain
from workbench.findings.names import counted
from workbench.findings.target import Target
from workbench.findings.view import PhaseView


def detect(analysis: Analysis) -> Detection:
    """Looks for module and library loads inside steps."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    rows = view.calls_of(CallKind.MODULE_LOAD)
    if not len(rows):
        return
    idle_ns = view.idle_during_ns(rows)
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{view.phase.capitalize()} loads modules: {counted(len(rows), 'call')}, during which the GPU is idle "
        f"for {idle_ns / 1e6:.1f} ms.",
        evidence=(call_evidence(view, "Module loading", CallKind.MODULE_LOAD),),
        hypothesis="CUDA loads a kernel when it is first launched; this phase is the first to use these kernels.",
        remedy="Warm up with the shapes of this phase before measuring or serving, or set CUDA_MODULE_LOADING=EAGER.",
        gain=mean_gain(view, idle_ns // 2, idle_ns, "half to all of the GPU's idle time during these calls"),
        effort=Effort.SMALL,
        risk="Eager loading makes the program's start slower and needs more memory.",
        target=Target("module_load", "calls_per_step", "<=", 0, view.phase),
        call_time=view.call_time(rows),
    )

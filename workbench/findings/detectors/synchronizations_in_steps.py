"""Steps in which the host waits for the device more often than once."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.calls import CallKind
from workbench.analysis.idle import IdleKind
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import call_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain
from workbench.findings.names import rounded
from workbench.findings.target import Target
from workbench.findings.view import PhaseView

# A step that hands its token to the host must wait once.
DUE_A_STEP = 1


def detect(analysis: Analysis) -> Detection:
    """Looks for steps with more than one synchronising call."""
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    rows = view.calls_of(CallKind.SYNCHRONIZE, CallKind.BLOCKING_COPY)
    a_step = len(rows) / view.step_count
    if a_step <= DUE_A_STEP:
        return
    blocked_ns, no_work_ns = view.idle_ns(IdleKind.SYNCHRONIZING), view.idle_ns(IdleKind.NO_WORK)
    yield Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{view.phase.capitalize()} waits for the device {rounded(a_step)} times a step.",
        evidence=(call_evidence(view, "Synchronising calls", CallKind.SYNCHRONIZE, CallKind.BLOCKING_COPY),),
        hypothesis="The host looks at a value on the device (a token, a stop flag, a shape), or waits after each of "
        "several copies; until it has launched again, the GPU has nothing to do.",
        remedy="Keep the value on the device, wait once for all copies, or launch the next step before reading.",
        gain=gain(
            view,
            np.zeros(view.step_count),
            (blocked_ns + no_work_ns) * (1 - DUE_A_STEP / a_step),
            "the idle time in and after such calls, as many of them as are too many",
        ),
        effort=Effort.MEDIUM,
        risk="Stop conditions are then noticed a step late.",
        target=Target("synchronize", "calls_per_step", "<=", DUE_A_STEP, view.phase),
        call_time=view.call_time(rows),
    )

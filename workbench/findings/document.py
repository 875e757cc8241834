"""Everything a findings report says, before it is rendered."""

from dataclasses import dataclass

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.coverage import Coverage, Totals
from workbench.analysis.phases import PhaseSummary
from workbench.analysis.step_profile import StepProfile, median_step_profile
from workbench.attribution.rules import STEPPED_PHASES
from workbench.findings.find import Findings, find
from workbench.findings.measure import measure
from workbench.trace.model import CaptureInfo, Device


@dataclass(frozen=True)
class FindingsDocument:
    """A findings report.

    Attributes:
        info, devices: the capture.
        totals, coverage, phases: what it holds, and how much of it is understood.
        pids: the process ids of `PhaseSummary.process`, by position.
        profiles: the median step of each phase that has steps, decode first.
        findings: what was found.
        measured: what each finding's target measures in this capture, in the findings' order.
        limitations: what the numbers do not say, one sentence each.
    """

    info: CaptureInfo
    devices: tuple[Device, ...]
    totals: Totals
    coverage: Coverage
    phases: tuple[PhaseSummary, ...]
    pids: tuple[int, ...]
    profiles: tuple[StepProfile, ...]
    findings: Findings
    measured: tuple[float | None, ...]
    limitations: tuple[str, ...]


def compile_document(analysis: Analysis) -> FindingsDocument:
    """Runs the detectors on a capture and puts together what its report says."""
    findings = find(analysis)
    stepped = [phase for phase in analysis.phases if phase.phase in STEPPED_PHASES and phase.steps]
    stepped.sort(key=lambda phase: (phase.process, -STEPPED_PHASES.index(phase.phase)))
    return FindingsDocument(
        info=analysis.trace.info,
        devices=analysis.trace.devices,
        totals=analysis.totals,
        coverage=analysis.coverage,
        phases=analysis.phases,
        pids=tuple(analysis.trace.pid(process) for process in range(len(analysis.trace.processes))),
        profiles=tuple(median_step_profile(analysis, phase.process, phase.phase) for phase in stepped),
        findings=findings,
        measured=tuple(measure(analysis, finding.target).value for finding in findings.findings),
        limitations=_limitations(analysis),
    )


def _limitations(analysis: Analysis) -> tuple[str, ...]:
    sentences = [
        "Recording slows the host down (API calls, ranges) and graph launches with node tracing: wall times and "
        "waits are upper bounds, and gains that come from waits may be smaller without the profiler.",
        "Predicted gains overlap where findings are about the same operations or waits: they do not add up.",
        "Gains marked as estimates rest on an assumption about the remedy, not on a measurement.",
    ]
    inferred = [phase for phase in analysis.phases if phase.steps_source not in (None, "ranges")]
    if inferred:
        names = sorted({phase.phase for phase in inferred})
        sentences.append(
            f"No range tells the steps of {' and '.join(names)}: they are inferred, and may be cut elsewhere than the "
            "program would cut them."
        )
    if analysis.coverage.by["kernel_name"]:
        sentences.append(
            "Layers of this program are told by kernel names and their order, not by ranges: a name says what a "
            "kernel does more surely than for which layer."
        )
    devices = len(np.unique(analysis.trace.operations.device))
    if devices > 1:
        sentences.append(
            f"A process's busy time is the union over the {devices} GPUs of the capture: one that waits while another "
            "works does not show."
        )
    sentences += [f"{_sentence_case(lack.what)}: {lack.cost}." for lack in analysis.trace.info.lacks]
    return tuple(sentences)


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]

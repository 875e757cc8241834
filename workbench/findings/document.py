"""Everything a findings report says, before it is rendered."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.analysis.coverage import Coverage, Totals
from workbench.analysis.graph_use import uses_graphs
from workbench.analysis.phases import PhaseSummary
from workbench.analysis.roofline import PhaseRoofline
from workbench.analysis.step_profile import StepProfile, median_step_profile
from workbench.attribution.rules import PHASES, STEPPED_PHASES
from workbench.errors import UserError
from workbench.findings.calibration import Outcome, Realised, realised
from workbench.findings.counterpart import CounterpartCapture, counterparts
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
        rooflines: how far the roles of each phase are from their floors, decode first; where that is known.
        findings: what was found.
        measured: what each finding's target measures in this capture, in the findings' order.
        limitations: what the numbers do not say, one sentence each.
        graphs: whether decode (prefill, where there is none) ran in CUDA graphs; None where there are no steps.
        critical_api_ns: for each of `phases`, what of its API time passed while the GPU was idle in a step.
        realised: what earlier predictions came to, by detector; on the same GPU, where that is known.
        counterpart: what the same program with graphs the other way says of the findings, where that is known.
    """

    info: CaptureInfo
    devices: tuple[Device, ...]
    totals: Totals
    coverage: Coverage
    phases: tuple[PhaseSummary, ...]
    pids: tuple[int, ...]
    profiles: tuple[StepProfile, ...]
    rooflines: tuple[PhaseRoofline, ...]
    findings: Findings
    measured: tuple[float | None, ...]
    limitations: tuple[str, ...]
    graphs: bool | None
    critical_api_ns: tuple[int, ...]
    realised: Mapping[str, Realised]
    counterpart: CounterpartCapture | None = None


_WITH_A_PROFILER = (
    "Recording slows the host down (API calls, ranges) and graph launches with node tracing: wall times and waits are "
    "upper bounds, and gains that come from waits may be smaller without the profiler."
)
_ON_A_CPU = (
    "No GPU was used. Each operation of the NumPy reference stands as a kernel of the same time; what is called "
    "waiting for launches is the Python between two of them."
)


def compile_document(analysis: Analysis, calibration: Sequence[Outcome] = ()) -> FindingsDocument:
    """Runs the detectors on a capture and puts together what its report says.

    Args:
        analysis: of the capture.
        calibration: what became of earlier predictions.
    """
    findings = find(analysis)
    detectors = {finding.detector for finding in findings.findings}
    gpu = _gpu(analysis)
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
        rooflines=tuple(reversed(analysis.rooflines)),
        findings=findings,
        measured=tuple(measure(analysis, finding.target).value for finding in findings.findings),
        limitations=_limitations(analysis),
        graphs=uses_graphs(analysis.attribution),
        critical_api_ns=_critical_api_ns(analysis),
        realised={name: found for name in sorted(detectors) if (found := realised(calibration, name, gpu))},
    )


def with_counterpart(document: FindingsDocument, other: FindingsDocument, analysis: Analysis) -> FindingsDocument:
    """The report with what another capture, of the same program with graphs the other way, says of its findings.

    Args:
        document: the report.
        other: that of the other capture.
        analysis: of the other capture.

    Raises:
        UserError: the other capture has no steps, or its graphs are not the other way.
    """
    for one in (document, other):
        if one.graphs is None:
            raise UserError(
                f"{one.info.file_name} has no steps, so nothing tells whether it ran in CUDA graphs; "
                "a counterpart needs two captures with steps"
            )
    if document.graphs is other.graphs:
        ran, wanted = ("with", "without") if other.graphs else ("without", "with")
        raise UserError(
            f"{other.info.file_name} is no counterpart of {document.info.file_name}: both ran {ran} CUDA graphs; "
            f"name a capture of the same program {wanted} them"
        )
    found = counterparts(analysis, other.findings, document.findings.findings)
    return replace(document, counterpart=CounterpartCapture(other.info.file_name, bool(other.graphs), found))


def _gpu(analysis: Analysis) -> str | None:
    """The capture's GPU; None where there are several, or its name is unknown."""
    names = [" ".join(device.name.split()) for device in analysis.trace.devices]
    return names[0] or None if len(names) == 1 else None


def _critical_api_ns(analysis: Analysis) -> tuple[int, ...]:
    placement, calls = analysis.attribution.placement, analysis.trace.calls
    process = analysis.trace.thread_process[calls.thread]
    return tuple(
        int(
            analysis.critical_call_ns[
                (placement.call_phase == PHASES.index(one.phase)) & (process == one.process)
            ].sum()
        )
        for one in analysis.phases
    )


def _limitations(analysis: Analysis) -> tuple[str, ...]:
    sentences = [
        _ON_A_CPU if analysis.trace.info.is_of_cpu else _WITH_A_PROFILER,
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
    sentences += _roofline_limitations(analysis)
    sentences += [f"{_sentence_case(lack.what)}: {lack.cost}." for lack in analysis.trace.info.lacks]
    return tuple(sentences)


def _roofline_limitations(analysis: Analysis) -> Iterator[str]:
    if analysis.footprint.problem:
        yield analysis.footprint.problem
    rooflines = analysis.rooflines
    if rooflines:
        yield (
            "A floor takes every byte of a role once, at the speed of a large copy in the same run: short kernels "
            "never reach theirs. What could be fused away has none."
        )
    loose = [roofline.phase for roofline in rooflines if roofline.is_loose]
    if loose:
        yield (
            f"No rate of operations was measured: floors of {' and '.join(loose)} count bytes alone, though some of "
            "its roles compute longer than they move. Their headroom is an upper bound, and no finding rests on it."
        )
    cached = sorted({role.role for roofline in rooflines for role in roofline.roles if (role.share or 0) > 1})
    if cached:
        yield (
            f"Faster than their floor: {', '.join(cached)}. They move bytes while an operation before them still runs, "
            "whose time that is, or caches hold what they read. The headroom of others is bounded by that of all."
        )


def _sentence_case(text: str) -> str:
    return text[:1].upper() + text[1:]

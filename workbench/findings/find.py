"""Runs all detectors and ranks what they find."""

from dataclasses import dataclass, replace
from types import ModuleType

from workbench.analysis.analysis import Analysis
from workbench.findings.detectors import (
    allocations_in_steps,
    below_roofline,
    concentration,
    decode_without_graphs,
    fusable_pairs,
    graph_gaps,
    hidden_graphs,
    launch_bound,
    legacy_tensor_cores,
    long_waits,
    memsets_in_steps,
    mixed_kernels,
    module_loading,
    name_of,
    outlier_steps,
    serial_starts,
    small_copies,
    small_grids,
    small_projections,
    synchronizations_in_steps,
    tiny_kernels,
    unfused_roles,
)
from workbench.findings.finding import Detection, Finding

DETECTORS: tuple[ModuleType, ...] = (
    hidden_graphs,
    decode_without_graphs,
    launch_bound,
    graph_gaps,
    serial_starts,
    tiny_kernels,
    unfused_roles,
    fusable_pairs,
    small_projections,
    small_copies,
    memsets_in_steps,
    allocations_in_steps,
    synchronizations_in_steps,
    module_loading,
    long_waits,
    outlier_steps,
    small_grids,
    mixed_kernels,
    legacy_tensor_cores,
    below_roofline,
    concentration,
)
# Those whose findings hold of a CPU, too. A slow step is none of those: there it tells of other programs.
ON_A_CPU = (concentration,)


@dataclass(frozen=True)
class Findings:
    """All findings, best return first, and what detectors lacked, by their names."""

    findings: tuple[Finding, ...]
    lacking: dict[str, str]
    silent: tuple[str, ...]


def find(analysis: Analysis) -> Findings:
    """Runs every detector on a capture."""
    detections = {name_of(detector): _detect(detector, analysis) for detector in DETECTORS}
    findings = [
        replace(finding, detector=name) for name, detection in detections.items() for finding in detection.findings
    ]
    return Findings(
        findings=tuple(sorted(findings, key=_rank)),
        lacking={name: detection.lacking for name, detection in detections.items() if detection.lacking},
        silent=tuple(
            name for name, detection in detections.items() if not detection.findings and not detection.lacking
        ),
    )


def _detect(detector: ModuleType, analysis: Analysis) -> Detection:
    if analysis.trace.info.is_of_cpu and detector not in ON_A_CPU:
        return Detection(lacking="the times are a CPU's")
    detection: Detection = detector.detect(analysis)
    return detection


def _rank(finding: Finding) -> tuple[bool, float]:
    """Predicted gain over the whole capture against effort; what hides the rest comes first, what is minor last."""
    if finding.gain is None:
        return False, float("-inf")
    return finding.is_minor, -finding.gain.expected_total_ns / finding.effort.days

"""The same program's findings with CUDA graphs the other way: what a remedy brings with graphs may be lost without.

A launch that a graph makes cheap costs a step nothing more, so a remedy worth a tenth of a step with graphs off may be
worth nothing with them on. Which holds is measured: detectors look at a capture of either mode.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from workbench.analysis.analysis import Analysis
from workbench.findings.find import Findings
from workbench.findings.finding import Finding, Gain
from workbench.findings.identity import identity
from workbench.findings.measure import measure

_OF_ONE_ROLE_OF_SEVERAL = "kernels_per_layer"


@dataclass(frozen=True)
class Counterpart:
    """What a capture with graphs the other way says of a finding.

    Attributes:
        arises: whether it has the same finding, or does not meet its target at least.
        gain: the gain that is predicted there; None where it does not arise, or no finding there is the same.
    """

    arises: bool
    gain: Gain | None


@dataclass(frozen=True)
class CounterpartCapture:
    """A capture of the same program with graphs the other way.

    Attributes:
        file_name: the capture.
        graphs: whether graphs are on in it.
        of_findings: what it says of each finding, in their order; None where it cannot tell.
    """

    file_name: str
    graphs: bool
    of_findings: tuple[Counterpart | None, ...]


def counterparts(analysis: Analysis, there: Findings, findings: Sequence[Finding]) -> tuple[Counterpart | None, ...]:
    """For each finding, what another capture says of it; None where that capture cannot tell.

    The same finding is one of the same detector, in the same phase, whose target measures the same, or the same of
    another role of the same kernels: which role of several stands for all may change with their times. Where several
    processes have it, the first is held against the first, in the order of their ids. Where there is none, the finding
    does not arise if its target is met there.

    Args:
        analysis: of the other capture.
        there: what was found in it.
        findings: what was found in this one.
    """
    by_pid = sorted(there.findings, key=lambda finding: finding.pid)
    by_target, by_kernels = (_grouped(key, by_pid) for key in (identity, _kernels_key))
    found: list[Counterpart | None] = [None] * len(findings)
    for number in sorted(range(len(findings)), key=lambda number: findings[number].pid):
        finding = findings[number]
        alike = by_target.get(identity(finding)) or by_kernels.get(_kernels_key(finding))
        if alike:
            # A process more than there has the last one's.
            same = alike.pop(0) if len(alike) > 1 else alike[0]
            found[number] = Counterpart(arises=True, gain=same.gain)
        elif finding.detector not in there.lacking:
            found[number] = _without_finding(analysis, finding)
    return tuple(found)


def _grouped(key: Callable[[Finding], Hashable], findings: Sequence[Finding]) -> dict[Hashable, list[Finding]]:
    groups: dict[Hashable, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(key(finding), []).append(finding)
    return groups


def _kernels_key(finding: Finding) -> Hashable:
    """As `identity`, but for a target that names one role of several of the same kernels: the kernels instead."""
    if finding.target.measure != _OF_ONE_ROLE_OF_SEVERAL:
        return identity(finding)
    kernels = frozenset(row[0] for row in finding.evidence[0].rows)
    return finding.detector, finding.phase, finding.target.measure, kernels


def _without_finding(analysis: Analysis, finding: Finding) -> Counterpart | None:
    """What a capture says of a finding that it does not have; None where it does not show what that is about."""
    target = finding.target
    hides = any(one.phase == finding.phase and one.hidden_graph_ns for one in analysis.phases)
    measured = measure(analysis, target).value
    if hides or measured is None:
        return None
    return Counterpart(arises=not target.is_met_by(measured), gain=None)

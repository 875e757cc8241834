"""What became of the findings of an earlier report: each is held to its word by a later set of captures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.attribution.rules import STEPPED_PHASES
from workbench.compare.comparability import FieldDifference
from workbench.compare.comparison import RATE, Comparison
from workbench.compare.credit import Basis, Credit, Kept, StepChange, TargetResult, TargetState, credit
from workbench.compare.earlier_report import EarlierFinding, EarlierReport
from workbench.compare.estimate import Estimate, estimates
from workbench.compare.fingerprint import Fingerprint
from workbench.compare.found_again import found_again
from workbench.compare.moved_parts import PartChange, part_changes, spoken_of
from workbench.compare.observation import Observation
from workbench.compare.phase_steps import PhaseSteps, counterpart
from workbench.compare.reasons import Reason, reasons
from workbench.compare.reconciliation import ReconciledStep
from workbench.compare.results import ResultsComparison
from workbench.findings.find import find
from workbench.findings.finding import Finding
from workbench.findings.measure import measure
from workbench.manifest import Speed


@dataclass(frozen=True)
class Conditions:
    """Under which the earlier capture and AFTER were made.

    Attributes:
        vary: what was declared to differ.
        differences: what does differ, and is no reason to refuse.
        caveats: what equal fingerprints do not promise, a sentence each.
        results: whether both computed the same.
        before, after: what they were made of.
        before_speed, after_speed: the program's speed without the profiler, where it is known.
    """

    vary: tuple[str, ...]
    differences: tuple[FieldDifference, ...]
    caveats: tuple[str, ...]
    results: ResultsComparison
    before: Fingerprint
    after: Fingerprint
    before_speed: Speed | None = None
    after_speed: Speed | None = None


@dataclass(frozen=True)
class PhaseChange:
    """A phase of one process, before and after.

    Attributes:
        phase, pid: which, as the earlier report has it.
        before_steps: how many steps each capture has that the step before is the mean of.
        after_steps: the same of AFTER.
        changes: of the median step, of the mean one, and of what the mean one takes beyond the median one.
        parts: the parts of the steps whose parts are known, the largest change first: of the median one, and of the
            mean one where captures of BEFORE are known.
        parts_of: which of those are told: the mean one's where all that is credited is, else the median one's.
    """

    phase: str
    pid: int
    before_steps: tuple[int, ...]
    after_steps: tuple[int, ...]
    changes: Mapping[Basis, StepChange]
    parts: Mapping[Basis, tuple[PartChange, ...]]
    parts_of: Basis

    @property
    def rank(self) -> int:
        """Its place among the phases of a process: decode comes first."""
        return -STEPPED_PHASES.index(self.phase)

    @property
    def step(self) -> StepChange:
        """The change of the step that is told first: the median one's."""
        return self.changes[Basis.MEDIAN]

    @property
    def told_parts(self) -> tuple[PartChange, ...]:
        """The parts that are told."""
        return self.parts[self.parts_of]


@dataclass(frozen=True)
class VerifiedFinding:
    """A finding of the earlier report, verified.

    Attributes:
        finding: the finding.
        result: what its target measures now.
        change: the change of its phase's step, by the statistic of its gain; None where it cannot be told, or no gain
            was predicted.
        credit: what of that is credited to it; None where it is not met.
        reasons: why the change is not what was promised; none where the known parts are of another step.
        again: its place among AFTER's findings, from 0, where it is found again.
    """

    finding: EarlierFinding
    result: TargetResult
    change: StepChange | None
    credit: Credit | None
    reasons: tuple[Reason, ...]
    again: int | None

    @property
    def kept(self) -> Kept | None:
        """What became of the prediction; None where the finding is not met, or promised nothing that can be told."""
        return self.credit.kept if self.credit else None

    @property
    def is_met(self) -> bool:
        """Whether its target is met in every capture."""
        return self.result.state is TargetState.MET

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do: its target is not known to be met, or it is found again."""
        return not self.is_met or self.again is not None


@dataclass(frozen=True)
class FoundNow:
    """A finding of AFTER's first capture; `measured` is what its target measures there."""

    finding: Finding
    measured: float | None


@dataclass(frozen=True)
class Sources:
    """What a verification rests on, by content: SHA-256 of files, in hexadecimal.

    Attributes:
        report: of the capture in which the findings were found, else of the report.
        captures: of the captures by which they were verified, in order.
    """

    report: str
    captures: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Verification:
    """What became of a findings report.

    Attributes:
        report: the earlier report.
        after: the name of AFTER.
        captures: the names of its captures.
        sources: what it rests on.
        conditions: under which both were made.
        findings: the report's findings, in its order.
        phases: its phases that both have.
        found: what is found in the first capture of AFTER.
        new: which of those the earlier report does not have, by place.
        comparison: of BEFORE and AFTER, where captures of BEFORE were given.
    """

    report: EarlierReport
    after: str
    captures: tuple[str, ...]
    sources: Sources
    conditions: Conditions
    findings: tuple[VerifiedFinding, ...]
    phases: tuple[PhaseChange, ...]
    found: tuple[FoundNow, ...]
    new: tuple[int, ...]
    comparison: Comparison | None

    def phase_of(self, finding: EarlierFinding) -> PhaseChange | None:
        """The phase that a finding is about, if it can be compared."""
        return next((one for one in self.phases if _is_about(finding, one)), None)


def find_now(analysis: Analysis) -> tuple[FoundNow, ...]:
    """What is found in a capture of AFTER, in the order of its own report."""
    return tuple(FoundNow(one, measure(analysis, one.target).value) for one in find(analysis).findings)


@dataclass(frozen=True)
class Observed:
    """What was observed on captures.

    Attributes:
        after: the captures of AFTER; each has measured the targets of the report's findings.
        found: what is found in the first of them.
        before: captures of what the report is about, if there are any.
        comparison: of both, if there are any.
    """

    after: Sequence[Observation]
    found: Sequence[FoundNow]
    before: Sequence[Observation] = ()
    comparison: Comparison | None = None


def verify(report: EarlierReport, after: str, observed: Observed, conditions: Conditions) -> Verification:
    """Verifies the findings of a report; whether that makes sense was decided before.

    Args:
        report: the earlier report.
        after: the name of AFTER.
        observed: what was observed.
        conditions: under which both were made.
    """
    results = [_result(finding, place, observed.after) for place, finding in enumerate(report.findings)]
    met = [finding for finding, result in zip(report.findings, results, strict=True) if result.state is TargetState.MET]
    phases = tuple(sorted(_phase_changes(report, observed, met), key=lambda one: (one.pid, one.rank)))
    credited = {number: one for phase in phases for number, one in _credits(phase, met).items()}
    again = found_again(report.findings, [one.finding for one in observed.found])
    return Verification(
        report=report,
        after=after,
        captures=tuple(observation.name for observation in observed.after),
        sources=Sources(
            report.capture.sha256,
            tuple(sorted(observation.sha256 for observation in (*observed.before, *observed.after))),
        ),
        conditions=conditions,
        findings=tuple(
            _verified(finding, result, phases, credited, again.get(finding.number))
            for finding, result in zip(report.findings, results, strict=True)
        ),
        phases=phases,
        found=tuple(observed.found),
        new=tuple(place for place in range(len(observed.found)) if place not in again.values()),
        comparison=observed.comparison,
    )


def _result(finding: EarlierFinding, place: int, observations: Sequence[Observation]) -> TargetResult:
    measured = [observation.measured[place] for observation in observations]
    problem = next((one.problem for one in measured if one.value is None), "")
    return TargetResult(finding.target, tuple(one.value for one in measured), problem)


def _verified(
    finding: EarlierFinding,
    result: TargetResult,
    phases: Sequence[PhaseChange],
    credited: Mapping[str, Credit],
    again: int | None,
) -> VerifiedFinding:
    phase = next((one for one in phases if _is_about(finding, one)), None)
    basis = Basis.MEAN if finding.gain and finding.gain.of_mean_step else Basis.MEDIAN
    change = phase.changes[basis] if phase and finding.gain else None
    own = credited.get(finding.number)
    why = reasons(own, phase.parts[own.basis]) if own and phase and own.basis in phase.parts else ()
    return VerifiedFinding(finding, result, change, own, why, again)


def _credits(phase: PhaseChange, met: Sequence[EarlierFinding]) -> dict[str, Credit]:
    own = {one.number: one.gain for one in met if one.gain and _is_about(one, phase)}
    return credit(own, phase.changes, phase.parts)


def _is_about(finding: EarlierFinding, phase: PhaseChange) -> bool:
    return (finding.phase, finding.pid) == (phase.phase, phase.pid)


def _phase_changes(report: EarlierReport, observed: Observed, met: Sequence[EarlierFinding]) -> Iterator[PhaseChange]:
    for steps in report.phases:
        after = _of_captures(report, steps, observed.after)
        if after is None:
            continue
        before = _of_captures(report, steps, observed.before) or [steps]
        own = {one.number: one for one in met if (one.phase, one.pid) == (steps.phase, steps.pid)}
        targets = {number: one.target for number, one in own.items()}
        parts = {Basis.MEDIAN: part_changes([one.parts for one in before], [one.parts for one in after], targets)}
        mean = _reconciled(report, observed.comparison, steps.phase)
        if mean:
            parts[Basis.MEAN] = spoken_of(mean.contributions, targets)
        gains = [one.gain for one in own.values() if one.gain]
        yield PhaseChange(
            phase=steps.phase,
            pid=steps.pid,
            before_steps=tuple(one.steps for one in before),
            after_steps=tuple(one.steps for one in after),
            changes=_step_changes(before, after),
            parts=parts,
            parts_of=Basis.MEAN if mean and gains and all(gain.of_mean_step for gain in gains) else Basis.MEDIAN,
        )


def _of_captures(report: EarlierReport, steps: PhaseSteps, captures: Sequence[Observation]) -> list[PhaseSteps] | None:
    """A phase of a process in each of some captures; None where one of them does not have it."""
    found = [counterpart(report.phases, steps.phase, steps.pid, capture.phases) for capture in captures]
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) else None


def _step_changes(before: Sequence[PhaseSteps], after: Sequence[PhaseSteps]) -> dict[Basis, StepChange]:
    """Compares median and mean steps, one of each a capture."""
    sides = (np.array([[one.median_ns, one.mean_ns] for one in side], np.float64) for side in (before, after))
    one, other = (np.column_stack([side, side[:, 1] - side[:, 0]]) for side in sides)
    return {
        basis: StepChange(_judged(estimate), tuple((estimate.before - column).tolist()))
        for basis, estimate, column in zip(Basis, estimates(one, other), other.T, strict=True)
    }


def _judged(estimate: Estimate) -> Estimate:
    return estimate.judged(estimate.p_value is not None and estimate.p_value <= RATE)


def _reconciled(report: EarlierReport, comparison: Comparison | None, phase: str) -> ReconciledStep | None:
    """The mean step taken apart; a comparison does so over all processes, which says nothing of one of several."""
    if sum(one.phase == phase for one in report.phases) > 1:
        return None
    phases = comparison.phases if comparison else ()
    return next((one.step for one in phases if one.phase == phase), None)

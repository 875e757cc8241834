"""What became of the findings of an earlier report: each is held to its word by a later set of captures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.analysis import Analysis
from workbench.attribution.rules import STEPPED_PHASES
from workbench.compare.comparability import FieldDifference
from workbench.compare.comparison import RATE, Comparison
from workbench.compare.credit import Basis, Credit, Kept, StepChange, TargetResult, TargetState, credit
from workbench.compare.earlier_report import EarlierFinding, EarlierReport, PhaseSteps
from workbench.compare.estimate import Estimate, estimates
from workbench.compare.fingerprint import Fingerprint
from workbench.compare.found_again import found_again
from workbench.compare.measurement import PhaseMeasurement
from workbench.compare.moved_parts import PartChange, Reason, part_changes, reasons, spoken_of
from workbench.compare.observation import Observation, counterpart
from workbench.compare.reconciliation import ReconciledStep
from workbench.compare.results import ResultsComparison
from workbench.findings.calibration import Outcome
from workbench.findings.find import find
from workbench.findings.finding import Finding
from workbench.findings.measure import measure
from workbench.findings.target import Target
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
        before: its steps in the earlier report.
        before_captures: how many captures the step before is the mean of.
        after_steps: how many steps each capture of AFTER has.
        changes: of the median step, of the mean one, and of what the mean one takes beyond the median one.
        parts: the parts of the step, the largest change first.
        parts_of: which step's: the mean one's where captures of BEFORE are known, else the median one's.
    """

    before: PhaseSteps
    before_captures: int
    after_steps: tuple[int, ...]
    changes: Mapping[Basis, StepChange]
    parts: tuple[PartChange, ...]
    parts_of: Basis

    @property
    def phase(self) -> str:
        """The phase's name."""
        return self.before.phase

    @property
    def rank(self) -> int:
        """Its place among the phases of a process: decode comes first."""
        return -STEPPED_PHASES.index(self.before.phase)

    @property
    def step(self) -> StepChange:
        """The change of the step that is told first: the median one's."""
        return self.changes[Basis.MEDIAN]


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


@dataclass(frozen=True, eq=False)
class Verification:
    """What became of a findings report.

    Attributes:
        report: the earlier report.
        after: the name of AFTER.
        captures: the names of its captures.
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


def verify(
    report: EarlierReport,
    after: str,
    observations: Sequence[Observation],
    found: Sequence[FoundNow],
    conditions: Conditions,
    comparison: Comparison | None = None,
) -> Verification:
    """Verifies the findings of a report; whether that makes sense was decided before.

    Args:
        report: the earlier report.
        after: the name of AFTER.
        observations: its captures; each has measured the targets of the report's findings.
        found: what is found in the first of them.
        conditions: under which both were made.
        comparison: of BEFORE and AFTER, where captures of BEFORE are known.
    """
    results = [_result(finding, place, observations) for place, finding in enumerate(report.findings)]
    met = [finding for finding, result in zip(report.findings, results, strict=True) if result.state is TargetState.MET]
    phases = tuple(
        sorted(_phase_changes(report, observations, met, comparison), key=lambda one: (one.before.pid, one.rank))
    )
    credited = {number: one for phase in phases for number, one in _credits(phase, met).items()}
    again = found_again(report.findings, [one.finding for one in found])
    return Verification(
        report=report,
        after=after,
        captures=tuple(observation.name for observation in observations),
        conditions=conditions,
        findings=tuple(
            _verified(finding, result, phases, credited, again.get(finding.number))
            for finding, result in zip(report.findings, results, strict=True)
        ),
        phases=phases,
        found=tuple(found),
        new=tuple(place for place in range(len(found)) if place not in again.values()),
        comparison=comparison,
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
    why = reasons(own, phase.parts) if own and phase and own.basis in (Basis.MEDIAN, phase.parts_of) else ()
    return VerifiedFinding(finding, result, change, own, why, again)


def _credits(phase: PhaseChange, met: Sequence[EarlierFinding]) -> dict[str, Credit]:
    own = {one.number: one.gain for one in met if one.gain and _is_about(one, phase)}
    return credit(own, phase.changes)


def _is_about(finding: EarlierFinding, phase: PhaseChange) -> bool:
    return (finding.phase, finding.pid) == (phase.before.phase, phase.before.pid)


def _phase_changes(
    report: EarlierReport,
    observations: Sequence[Observation],
    met: Sequence[EarlierFinding],
    comparison: Comparison | None,
) -> Iterator[PhaseChange]:
    for before in report.phases:
        found = [counterpart(report.phases, before.phase, before.pid, one.phases) for one in observations]
        after = [one for one in found if one is not None]
        if len(after) < len(found):
            continue
        known = _captures_of_before(comparison, before.phase)
        values = known if known is not None else np.array([[before.median_ns, before.mean_ns]], np.float64)
        targets = {one.number: one.target for one in met if (one.phase, one.pid) == (before.phase, before.pid)}
        step = _reconciled(comparison, before.phase) if known is not None else None
        yield PhaseChange(
            before=before,
            before_captures=len(values),
            after_steps=tuple(one.steps for one in after),
            changes=_step_changes(values, after),
            parts=_parts_of_mean(step, targets)
            if step
            else part_changes([before.parts], [one.parts for one in after], targets),
            parts_of=Basis.MEAN if step else Basis.MEDIAN,
        )


def _captures_of_before(comparison: Comparison | None, phase: str) -> NDArray[np.float64] | None:
    """The median and the mean step of each capture of BEFORE; None where several processes run the phase."""
    measured = comparison.before.phases(phase) if comparison else ()
    if not measured or not all(one.processes == 1 and one.steps for one in measured):
        return None
    return np.array([_median_and_mean(one) for one in measured], np.float64)


def _median_and_mean(phase: PhaseMeasurement) -> tuple[int, int]:
    wall_ns = np.sort(phase.wall_ns)
    return int(wall_ns[(len(wall_ns) - 1) // 2]), int(wall_ns.sum()) // len(wall_ns)


def _step_changes(before: NDArray[np.float64], after: Sequence[PhaseSteps]) -> dict[Basis, StepChange]:
    """Compares median and mean steps.

    Args:
        before: the median and the mean step of each capture before, shape (captures, 2).
        after: the phase in each capture of AFTER.
    """
    sides = (before, np.array([[one.median_ns, one.mean_ns] for one in after], np.float64))
    one, other = (np.column_stack([side, side[:, 1] - side[:, 0]]) for side in sides)
    return {
        basis: StepChange(_judged(estimate), tuple((estimate.before - column).tolist()))
        for basis, estimate, column in zip(Basis, estimates(one, other), other.T, strict=True)
    }


def _judged(estimate: Estimate) -> Estimate:
    return estimate.judged(estimate.p_value is not None and estimate.p_value <= RATE)


def _reconciled(comparison: Comparison | None, phase: str) -> ReconciledStep | None:
    phases = comparison.phases if comparison else ()
    return next((one.step for one in phases if one.phase == phase), None)


def _parts_of_mean(step: ReconciledStep, met: Mapping[str, Target]) -> tuple[PartChange, ...]:
    changes = [PartChange(part.label, part.is_idle, part.time) for part in step.contributions]
    return spoken_of(sorted(changes, key=lambda change: -abs(change.time.difference)), met)


def outcomes(verification: Verification) -> tuple[Outcome, ...]:
    """What is to be kept of each prediction: of findings that promised a gain, and whose target could be measured.

    A CPU's times are no outcome of a prediction about a GPU. A change that is lost in noise wider than the promise
    says nothing of the promise: the finding is met, and what it realised is not known.
    """
    report, conditions = verification.report, verification.conditions
    if report.capture.recorder != "nsys":
        return ()
    return tuple(
        Outcome(
            detector=_kept_name(one.finding.detector),
            phase=one.finding.phase,
            claim=one.finding.claim,
            target=str(one.finding.target),
            before=_kept_name(report.capture.file),
            after=_kept_name(verification.after),
            finding=one.finding.number,
            model=conditions.before.model,
            gpu=conditions.before.gpu,
            graphs=report.capture.graphs,
            predicted_low_ns=one.finding.gain.low_ns,
            predicted_high_ns=one.finding.gain.high_ns,
            step_before_ns=round(one.change.before_ns),
            step_after_ns=round(one.change.after_ns),
            is_met=one.is_met,
            met_together=_met_together(verification, one.finding),
            realised_ns=round(one.credit.realised_ns) if one.credit and one.credit.is_told else None,
        )
        for one in verification.findings
        if one.finding.gain and one.change and one.result.state is not TargetState.UNKNOWN
    )


def _kept_name(name: str) -> str:
    """A name as a file can hold it, so that it is known again; of a capture, its folder's and its own."""
    return "/".join(name.encode(errors="replace").decode().split("/")[-2:])


def _met_together(verification: Verification, finding: EarlierFinding) -> int:
    """How many findings of its phase that promised a gain are met."""
    return sum(
        1
        for one in verification.findings
        if one.credit and (one.finding.phase, one.finding.pid) == (finding.phase, finding.pid)
    )

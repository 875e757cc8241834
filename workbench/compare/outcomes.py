"""What is to be kept of a verification, so that later reports can quote it."""

from workbench.compare.credit import TargetState
from workbench.compare.earlier_report import EarlierFinding
from workbench.compare.verification import Verification, VerifiedFinding
from workbench.findings.calibration import Outcome

# So many digits of a hash tell captures apart.
_DIGITS = 16


def outcomes(verification: Verification) -> tuple[Outcome, ...]:
    """What is to be kept of each prediction: of findings that promised a gain, and whose target could be measured.

    A CPU's times are no outcome of a prediction about a GPU. A change that is lost in noise wider than the promise
    says nothing of the promise: the finding is met, and what it realised is not known.
    """
    if verification.report.capture.recorder != "nsys":
        return ()
    return tuple(outcome for one in verification.findings if (outcome := _outcome(verification, one)) is not None)


def _outcome(verification: Verification, one: VerifiedFinding) -> Outcome | None:
    finding, report, sources = one.finding, verification.report, verification.sources
    if finding.gain is None or one.change is None or one.result.state is TargetState.UNKNOWN:
        return None
    return Outcome(
        detector=_kept_text(finding.detector),
        phase=finding.phase,
        process=finding.pid,
        claim=_kept_text(finding.claim),
        target=_kept_text(str(finding.target)),
        before=_kept_name(report.capture.file),
        after=_kept_name(verification.after),
        finding=finding.number,
        found_in=sources.report[:_DIGITS],
        captures=tuple(sha256[:_DIGITS] for sha256 in sources.captures),
        model=verification.conditions.before.model,
        gpu=verification.conditions.before.gpu,
        graphs=report.capture.graphs,
        predicted_low_ns=finding.gain.low_ns,
        predicted_high_ns=finding.gain.high_ns,
        step_before_ns=round(one.change.before_ns),
        step_after_ns=round(one.change.after_ns),
        is_met=one.is_met,
        together=one.credit.together if one.credit else (),
        met_together=_met_together(verification, finding) if one.credit else 0,
        realised_ns=round(one.credit.realised_ns) if one.credit and one.credit.is_told else None,
    )


def _kept_text(text: str) -> str:
    """A text as a file can hold it, so that it is known again."""
    return text.encode(errors="replace").decode()


def _kept_name(name: str) -> str:
    """Of a capture, its folder's name and its own."""
    return "/".join(_kept_text(name).split("/")[-2:])


def _met_together(verification: Verification, finding: EarlierFinding) -> int:
    """How many promises of its phase are met at once, its own among them."""
    return len(
        {
            one.credit.together
            for one in verification.findings
            if one.credit and (one.finding.phase, one.finding.pid) == (finding.phase, finding.pid)
        }
    )

"""What the renderings of a verification have in common: how it is worded."""

from collections import Counter
from collections.abc import Iterator, Sequence

from workbench.compare import results
from workbench.compare.credit import Basis, Credit, Kept, StepChange, TargetResult, TargetState
from workbench.compare.earlier_report import EarlierFinding
from workbench.compare.moved_parts import PartChange
from workbench.compare.reasons import Reason, ReasonKind
from workbench.compare.verification import FoundNow, PhaseChange, Verification, VerifiedFinding
from workbench.findings.finding import Gain
from workbench.recorders import notice_of
from workbench.report import quantities
from workbench.report.diff import listed, part_label
from workbench.report.findings import measure_words
from workbench.report.texts import cut, one_line

SCHEMA = "wb.verify/1"
# A line by which a file is known to be ours, and may be written again.
MARK = "written by wb verify"
JSON_MARK = f'"schema": "{SCHEMA}"'
NOTHING = "-"
_LONGEST_NAME = 80
_OUTCOMES: dict[Kept | None, str] = {
    Kept.CAME_TRUE: "came true",
    Kept.EXCEEDED: "brought more than promised",
    Kept.FELL_SHORT: "fell short",
    Kept.WITHIN_NOISE: "brought no more than noise",
    None: "promised nothing that can be told",
}
_OFF = {
    Basis.MEDIAN: "",
    Basis.MEAN: " off the mean step",
    Basis.EXCESS: " off what the mean step takes beyond the median one",
}
# So many broken promises stand in the first sentence.
_MOST_MISSES = 2


def notice(verification: Verification) -> str:
    """What stands on the first line of whatever is said; empty where there is nothing."""
    return verification.report.notice or notice_of(verification.conditions.after.recorder or "")


def title(verification: Verification) -> str:
    """Both sides, and what is under test."""
    names = (verification.report.capture.file, verification.after)
    sides = " -> ".join(cut(one_line(name), _LONGEST_NAME) for name in names)
    vary = verification.conditions.vary
    return f"{sides} ({', '.join(vary)} under test)" if vary else sides


def verdict(verification: Verification) -> str:
    """What became of the report, in a sentence: how many findings came true, what the step takes, what fell short."""
    clauses = [*_steps(verification), *_misses(verification)]
    return f"{_counts(verification)}{': ' if clauses else ''}{'; '.join(clauses)}."


def _counts(verification: Verification) -> str:
    findings = verification.findings
    if not findings:
        return "The earlier report has no findings to verify"
    met = [one for one in findings if one.is_met]
    is_one = len(findings) == 1
    some = "The one finding" if is_one else f"{len(met) or 'None'} of {len(findings)} findings"
    if not met:
        return f"{some} is {'not ' if is_one else ''}met"
    kept = Counter(one.kept for one in met)
    if kept[Kept.CAME_TRUE] == len(met):
        return f"{some} came true"
    some = f"{some} {'is' if len(met) == 1 else 'are'} met"
    if len(kept) == 1:
        return f"{some}, and {_OUTCOMES[met[0].kept]}"
    truths = [f"{count} {words}" for outcome, words in _OUTCOMES.items() if (count := kept[outcome])]
    return f"{some}, of which {listed(truths)}"


def _steps(verification: Verification) -> Iterator[str]:
    """The step of each phase of which a finding is met; of none, that of the phase which is told first."""
    met = {(one.finding.phase, one.finding.pid) for one in verification.findings if one.is_met}
    phases = verification.phases
    for phase in [one for one in phases if (one.phase, one.pid) in met] or phases[:1]:
        label = phase_label(verification, phase)
        credited = [
            one.credit
            for one in verification.findings
            if one.credit and (one.finding.phase, one.finding.pid) == (phase.phase, phase.pid)
        ]
        if credited and all(credit.basis is Basis.MEAN for credit in credited):
            # What falls on few steps is judged by the mean one, which may differ where the median does not.
            yield f"a mean step of {label} takes {step_words(credited[0].change)}"
        else:
            yield f"{label} takes {step_words(phase.step)}"


def step_words(change: StepChange) -> str:
    """A step before and after: `1.40 ms instead of 1.68 ms a step`."""
    before, after = quantities.time(change.before_ns), quantities.time(change.after_ns)
    if before == after:
        return f"{after} a step, as before"
    noise = ", a difference within noise" if change.is_within_noise else ""
    return f"{after} instead of {before} a step{noise}"


def _misses(verification: Verification) -> Iterator[str]:
    """What was promised and brought, where the one is not the other; what was promised together is told once."""
    told: dict[tuple[str, ...], Credit] = {}
    for one in verification.findings:
        if one.credit and one.kept in (Kept.FELL_SHORT, Kept.EXCEEDED):
            told.setdefault(one.credit.together, one.credit)
    clauses = [_miss(numbers, credit) for numbers, credit in told.items()]
    yield from clauses[:_MOST_MISSES]
    if len(clauses) > _MOST_MISSES:
        yield f"{len(clauses) - _MOST_MISSES} more did not bring what they promised"


def _miss(numbers: Sequence[str], credit: Credit) -> str:
    together = " together" if len(numbers) > 1 else ""
    promised = promise_words(credit.low_ns, credit.high_ns)
    return f"{_numbers(numbers)} promised {promised}{together} and {_brought(credit)}"


def _numbers(numbers: Sequence[str]) -> str:
    return listed(list(numbers)) if len(numbers) <= 4 else f"{numbers[0]} and {len(numbers) - 1} others"


def promise_words(low_ns: int, high_ns: int) -> str:
    """A promised gain: `60 to 90 µs`."""
    if not high_ns:
        return "nothing"
    low, high = quantities.times([low_ns, high_ns])
    unit = high.split()[1]
    return high if low == high else f"{low.removesuffix(f' {unit}')} to {high}"


def brought_words(gain_ns: float) -> str:
    """A realised gain, after what it belongs to: `brought 12 µs`, `made the step 3 µs longer`."""
    if gain_ns < 0:
        return f"made the step {quantities.time(-gain_ns)} longer"
    return f"brought {quantities.time(gain_ns)}" if gain_ns else "brought nothing"


def phase_label(verification: Verification, phase: PhaseChange) -> str:
    """The phase, with its process in the earlier report where there are several."""
    return _label(verification, phase.phase, phase.pid)


def step_label(verification: Verification, phase: PhaseChange) -> str:
    """The step whose parts are told: `a median step of decode`."""
    return f"a {phase.parts_of.value} step of {phase_label(verification, phase)}"


def has_other_results(verification: Verification) -> bool:
    """Whether AFTER is known to have computed something else."""
    return verification.conditions.results.verdict in (results.Verdict.OTHER_TOKENS, results.Verdict.OTHER_LOGITS)


def finding_label(verification: Verification, finding: EarlierFinding) -> str:
    """The phase that a finding is about, with its process where there are several."""
    return _label(verification, finding.phase, finding.pid)


def _label(verification: Verification, phase: str, pid: int) -> str:
    several = len({one.pid for one in verification.report.phases}) > 1
    return f"{phase} (pid {pid})" if several else phase


def state_words(result: TargetResult) -> str:
    """Whether a target is met: `met`, `not met`, `met in 2 of 3 captures`, `cannot be measured`."""
    if result.is_split:
        return f"met in {result.met_in} of {len(result.values)} captures"
    return result.state.value


def values_words(result: TargetResult) -> str:
    """What a target measures now: the median over captures, and all values where captures do not agree."""
    if result.value is None:
        return NOTHING
    text = measure_words(result.target, result.value)
    if not result.is_split:
        return text
    values = [NOTHING if value is None else measure_words(result.target, value) for value in result.values]
    return f"{text} ({', '.join(values)})"


def target_sentence(one: VerifiedFinding) -> str:
    """A target and what became of it, without the target's text."""
    result, finding = one.result, one.finding
    before = "" if finding.measured is None else f", {measure_words(finding.target, finding.measured)} before"
    if result.state is TargetState.UNKNOWN:
        return f"cannot be measured: {one_line(result.problem)}{before}"
    more = ", which counts as not met" if result.is_split else ""
    return f"{state_words(result)}{more}: {values_words(result)} now{before}"


def gain_words(gain: Gain | None) -> str:
    """A predicted gain for a table."""
    return promise_words(gain.low_ns, gain.high_ns) if gain else NOTHING


def realised_cell(one: VerifiedFinding) -> str:
    """What is credited to a finding, for a table; marked where other promises have a part of the same change."""
    if one.credit is None:
        return NOTHING
    shared = " (shared)" if one.credit.is_shared else ""
    return f"{quantities.time(one.credit.realised_ns)}{shared}"


def is_joint(credit: Credit) -> bool:
    """Whether several findings make the promise."""
    return len(credit.together) > 1


def kept_words(one: VerifiedFinding) -> str:
    """What became of a prediction, for a table."""
    if one.kept:
        return one.kept.value
    if one.is_met:
        return "promised nothing" if one.finding.gain is None else "cannot be told"
    return NOTHING


def outcome_sentences(verification: Verification, one: VerifiedFinding) -> list[str]:
    """What a finding that is met promised and brought, and why the two differ."""
    credit, gain = one.credit, one.finding.gain
    if credit is None or gain is None:
        return [_untold(verification, one)] if one.is_met else []
    sentences = [f"Promised {promise_words(gain.low_ns, gain.high_ns)}, {_realised(credit)}: {_verdict_words(credit)}."]
    return [*sentences, *(reason_sentence(reason, several=is_joint(credit)) for reason in one.reasons)]


def _realised(credit: Credit) -> str:
    is_all = not is_joint(credit) and not credit.is_shared
    text = _brought(credit) if is_all else f"credited with {quantities.time(credit.realised_ns)}"
    certainty = []
    if credit.spread_ns:
        certainty.append(f"{_between(credit.spread_ns)} over the captures")
    if credit.interval_ns:
        certainty.append(f"95 % interval {quantities.differences(*credit.interval_ns)}")
    return f"{text} ({'; '.join(certainty)})" if certainty else text


def _brought(credit: Credit) -> str:
    return f"{brought_words(credit.promise_ns)}{_OFF[credit.basis]}"


def _between(times_ns: tuple[float, float]) -> str:
    return quantities.interval(*map(quantities.time, times_ns))


def _verdict_words(credit: Credit) -> str:
    if not is_joint(credit):
        return credit.kept.value
    return f"see {_numbers(credit.together)} together ({credit.kept.value})"


def joint_sentences(verification: Verification) -> list[str]:
    """Of findings that are met together: which make one promise, what it brought, and how several share a change."""
    told: dict[tuple[str, int, Basis], dict[tuple[str, ...], Credit]] = {}
    for one in verification.findings:
        if one.credit:
            of_step = told.setdefault((one.finding.phase, one.finding.pid, one.credit.basis), {})
            of_step.setdefault(one.credit.together, one.credit)
    joint = [_joint(credit) for of_step in told.values() for credit in of_step.values() if is_joint(credit)]
    shared = [
        _shared(_label(verification, phase, pid), list(of_step.values()))
        for (phase, pid, _), of_step in told.items()
        if len(of_step) > 1
    ]
    return [*joint, *([_JOINTLY] if joint else []), *shared]


_JOINTLY = (
    "A promise that is claimed several times counts once, from the largest of the low ends to the largest of the high "
    "ends. Each of its findings is held against all that is credited to it, or, where it speaks of some of its parts "
    "only, against what those changed."
)


def _joint(credit: Credit) -> str:
    return (
        f"{listed(credit.together)} speak of the same work, so theirs is one promise: "
        f"{promise_words(credit.low_ns, credit.high_ns)}. It {_brought(credit)}, which {_kept_verb(credit.kept)}."
    )


def _shared(phase: str, told: Sequence[Credit]) -> str:
    shares = [f"{_numbers(credit.together)} {quantities.share(credit.promise_share)}" for credit in told]
    return (
        f"Several promises share the change of {phase}, by how much the work became shorter that each speaks of, or, "
        f"where that is not known, by what was counted on: {', '.join(shares)}."
    )


def _kept_verb(kept: Kept) -> str:
    return {
        Kept.CAME_TRUE: "came true",
        Kept.FELL_SHORT: "fell short",
        Kept.EXCEEDED: "exceeded it",
        Kept.WITHIN_NOISE: "is within noise",
    }[kept]


def _untold(verification: Verification, one: VerifiedFinding) -> str:
    if one.finding.gain is None:
        return "It promised no gain of its own."
    return f"What it brought cannot be told: {missing_phase(verification, one.finding)}."


def missing_phase(verification: Verification, finding: EarlierFinding) -> str:
    """Why the phase of a finding cannot be held against AFTER's, a clause."""
    phase = finding.phase
    if any(one.phase == phase for one in verification.report.phases):
        return f"{verification.after} has no steps of {phase}, or has them in another number of processes"
    return f"the earlier report tells no steps of {phase}"


def moved_words(part: PartChange) -> str:
    """A part and its change: `attention (-12.3 µs)`."""
    return f"{part_label(part)} ({quantities.difference(part.time.difference)})"


def reason_sentence(reason: Reason, *, several: bool) -> str:
    """Why a promise was not kept, as far as the parts of the step tell.

    Args:
        reason: the reason.
        several: several findings made the promise together.
    """
    parts = listed([moved_words(part) for part in reason.parts]) if reason.parts else ""
    own = "What they speak of" if several else "What it speaks of"
    match reason.kind:
        case ReasonKind.NOT_SHORTER:
            return f"{own} did not become shorter: {parts or 'it is no part of either step'}."
        case ReasonKind.LITTLE:
            return f"{own} became shorter by less than was promised: {parts}."
        case ReasonKind.OFFSET:
            return f"Against it, other time grew: {parts}."
        case ReasonKind.LAUNCH_BOUND:
            return (
                f"The GPU waits for launches for {quantities.share(reason.share or 0)} of the step: as long as the "
                "host sets the pace, what kernels save is waited for instead."
            )
        case ReasonKind.OTHERS_FELL:
            return f"Other parts became shorter, too: {parts}."


def new_label(place: int) -> str:
    """What AFTER's own report calls a finding."""
    return f"F{place + 1}"


def found_now_words(found: FoundNow) -> str:
    """What the target of a finding of AFTER measures there."""
    target = found.finding.target
    return "" if found.measured is None else f"now {measure_words(target, found.measured)}"

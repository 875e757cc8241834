"""The tables that all renderings of a verification share, as texts that people read."""

from collections.abc import Sequence

from workbench.compare.credit import Basis, Kept, StepChange
from workbench.compare.estimate import Change
from workbench.compare.moved_parts import PartChange
from workbench.compare.verification import PhaseChange, Verification, VerifiedFinding
from workbench.manifest import Speed
from workbench.report import quantities
from workbench.report.diff import LEAST_NS, change_words, part_label
from workbench.report.diff_tables import DiffTable
from workbench.report.findings import gain_short, measure_words
from workbench.report.texts import cut_words, one_line
from workbench.report.verify import (
    NOTHING,
    finding_label,
    gain_words,
    kept_words,
    new_label,
    phase_label,
    realised_cell,
    state_words,
    values_words,
)
from workbench.slowdown import Verdict, compare

LONGEST_CLAIM = 64
# A part that moved by less of the step than this is not worth a line.
_LEAST_SHARE = 0.001
_GOOD = {Kept.CAME_TRUE: Change.BETTER, Kept.EXCEEDED: Change.BETTER, Kept.FELL_SHORT: Change.WORSE}
NO_FINDING = "no finding"


def finding_table(verification: Verification) -> DiffTable:
    """Each finding: whether its target is met, and what it promised and brought."""
    headings = ("", "phase", "finding", "target", "prediction", "before", "now", "promised", "brought")
    return DiffTable(
        headings,
        tuple(_finding_row(verification, one) for one in verification.findings),
        5,
        tuple(_finding_change(one) for one in verification.findings),
    )


def _finding_row(verification: Verification, one: VerifiedFinding) -> tuple[str, ...]:
    finding = one.finding
    before = NOTHING if finding.measured is None else measure_words(finding.target, finding.measured)
    return (
        finding.number,
        finding_label(verification, finding),
        cut_words(one_line(finding.claim), LONGEST_CLAIM),
        state_words(one.result),
        kept_words(one),
        before,
        values_words(one.result),
        gain_words(finding.gain),
        realised_cell(one),
    )


def _finding_change(one: VerifiedFinding) -> Change | None:
    """What the row says, for its colour."""
    if not one.is_met:
        return Change.NONE_SHOWN
    return _GOOD.get(one.kept) if one.kept else Change.BETTER


def phase_table(verification: Verification) -> DiffTable:
    """The step of each phase before and after: the median one and the mean one."""
    headings = ("phase", "step", "verdict", "captures", "steps", "before", "after", "difference", "change", "interval")
    rows = [
        (_phase_row(verification, phase, name, change), change.estimate.change)
        for phase in verification.phases
        for name, change in _statistics(phase)
    ]
    return DiffTable(headings, tuple(cells for cells, _ in rows), 3, tuple(change for _, change in rows))


def _statistics(phase: PhaseChange) -> list[tuple[str, StepChange]]:
    if phase.before_steps == (1,) and set(phase.after_steps) == {1}:
        return [("the one", phase.step)]
    return [("median", phase.step), ("mean", phase.changes[Basis.MEAN])]


def _phase_row(verification: Verification, phase: PhaseChange, name: str, change: StepChange) -> tuple[str, ...]:
    share = change.estimate.share
    return (
        phase_label(verification, phase),
        name,
        change_words(change.estimate),
        f"{len(phase.before_steps)} -> {len(phase.after_steps)}",
        f"{_steps_words(phase.before_steps)} -> {_steps_words(phase.after_steps)}",
        quantities.time(change.before_ns),
        quantities.time(change.after_ns),
        quantities.difference(change.estimate.difference),
        NOTHING if share is None else quantities.change(share),
        quantities.differences(*change.estimate.interval) if change.estimate.interval else NOTHING,
    )


def _steps_words(steps: Sequence[int]) -> str:
    """How many steps captures have, each number once."""
    return ", ".join(map(str, dict.fromkeys(steps)))


def part_table(phase: PhaseChange) -> DiffTable:
    """The parts of a step that moved, the largest change first, and which findings that are met speak of them."""
    headings = ("part", "spoken of by", "verdict", "before", "after", "difference", "interval")
    moved = moved_parts(phase)
    return DiffTable(headings, tuple(_part_row(part) for part in moved), 3, tuple(part.change for part in moved))


def moved_parts(phase: PhaseChange) -> list[PartChange]:
    """The parts whose change is worth a line."""
    least_ns = max(LEAST_NS, _LEAST_SHARE * phase.step.before_ns)
    return [part for part in phase.told_parts if abs(part.time.difference) >= least_ns]


def unspoken_parts(phase: PhaseChange) -> list[PartChange]:
    """Those of them that no finding that is met speaks of."""
    return [part for part in moved_parts(phase) if not part.spoken_of_by]


def _part_row(part: PartChange) -> tuple[str, ...]:
    time = part.time
    return (
        part_label(part),
        ", ".join(part.spoken_of_by) or NO_FINDING,
        change_words(time, part.change, is_idle=part.is_idle),
        quantities.time(time.before),
        quantities.time(time.after),
        quantities.difference(time.difference),
        quantities.differences(*time.interval) if time.interval else NOTHING,
    )


def speed_table(verification: Verification) -> DiffTable:
    """How fast the program is without the profiler on either side; no rows where neither tells."""
    before, after = verification.conditions.before_speed, verification.conditions.after_speed
    tokens = verification.conditions.after.prompt_tokens, verification.conditions.after.batch
    rows = []
    if before or after:
        rows.append(_speed_row("a prefill", _prefill(before), _prefill(after), _count(*tokens)))
        rows.append(_speed_row("a decode step", _decode(before), _decode(after), _count(tokens[1])))
    headings = ("without the profiler", "verdict", "before", "after", "change", "tok/s before", "tok/s after")
    return DiffTable(headings, tuple(rows), 2, (None,) * len(rows))


_Runs = tuple[Sequence[int], int]


def _prefill(speed: Speed | None) -> _Runs | None:
    return (speed.prefill_ns, 1) if speed else None


def _decode(speed: Speed | None) -> _Runs | None:
    return (speed.decode_ns, speed.decode_steps) if speed else None


def _count(*factors: str | None) -> int | None:
    """How many tokens a step is of, where all that tells it is known."""
    product = 1
    for factor in factors:
        if factor is None or not factor.isdecimal():
            return None
        product *= int(factor)
    return product


def _speed_row(what: str, before: _Runs | None, after: _Runs | None, tokens: int | None) -> tuple[str, ...]:
    one, other = (_median_ns(runs) for runs in (before, after))
    return (
        what,
        _speed_verdict(before, after),
        NOTHING if one is None else quantities.time(one),
        NOTHING if other is None else quantities.time(other),
        quantities.change((other - one) / one) if one and other else NOTHING,
        _rate(tokens, one),
        _rate(tokens, other),
    )


def _median_ns(runs: _Runs | None) -> float | None:
    return compare(runs[0], runs[0]).before_ns / runs[1] if runs else None


def _rate(tokens: int | None, step_ns: float | None) -> str:
    return quantities.rate(tokens, round(step_ns)) if tokens and step_ns else NOTHING


def _speed_verdict(before: _Runs | None, after: _Runs | None) -> str:
    if before is None or after is None:
        return "not measured on both sides"
    if before[1] != after[1]:
        return "of other numbers of steps"
    return {
        Verdict.TOO_FEW: "too few runs to tell",
        Verdict.WITHIN_SPREAD: "within the spread of runs",
        Verdict.DIFFERENT: "beyond the spread of runs",
    }[compare(before[0], after[0]).verdict]


def new_table(verification: Verification) -> DiffTable:
    """The findings that the earlier report does not have, with the numbers of AFTER's own report."""
    headings = ("", "phase", "finding", "target", "gain (of a step)")
    rows = tuple(
        (
            new_label(place),
            verification.found[place].finding.phase,
            cut_words(one_line(verification.found[place].finding.claim), LONGEST_CLAIM),
            cut_words(one_line(str(verification.found[place].finding.target)), LONGEST_CLAIM),
            gain_short(verification.found[place].finding.gain),
        )
        for place in verification.new
    )
    return DiffTable(headings, rows, 4, (None,) * len(rows))

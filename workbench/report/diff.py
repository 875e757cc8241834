"""What the renderings of a comparison have in common: how it is worded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from workbench.compare.comparability import DEFAULT_FACTORS
from workbench.compare.comparison import CaptureSet, Comparison
from workbench.compare.estimate import Change, Estimate
from workbench.compare.measurement import Total
from workbench.compare.reconciliation import Contribution, ReconciledStep
from workbench.compare.results import Verdict
from workbench.manifest import Speed
from workbench.recorders import notice_of
from workbench.report import quantities
from workbench.report.terms import IDLE_NAMES
from workbench.report.texts import cut, one_line

# A line by which a file is known to be ours, and may be written again.
MARK = "written by wb diff"
ONLY_BEFORE, ONLY_AFTER, NOT_COMPARED, EQUAL = "only before", "only after", "not compared", "equal"
CHANGES = {
    Change.BETTER: "faster",
    Change.WORSE: "slower",
    Change.NONE_SHOWN: "no difference shown",
    Change.UNDECIDED: "no verdict",
    Change.OVERLAPS_MORE: "overlaps more",
    Change.OVERLAPS_LESS: "overlaps less",
}
IDLE_CHANGES = {Change.BETTER: "shorter", Change.WORSE: "longer"}
# A residual, or a difference, that is smaller is one of rounding.
LEAST_NS = 0.5
_LONGEST_NAME, _LONGEST_PART = 80, 64
# From here on "as fast" reads better than a percentage.
_TIMES_AS_FAST = 2.0
# Parts are named until they make so much of a step's change, but not more than so many.
_MOST_OF_IT, _MOST_NAMED = 2 / 3, 3
# What goes the other way is told where it makes so much of the change.
_WORTH_TELLING = 1 / 4
# Less of a difference without the profiler than this share of what it is with it does not confirm it.
_LEAST_CONFIRMED = 1 / 2


@dataclass(frozen=True)
class DiffOrigin:
    """What was asked, as it was named on the command line; empty where that is unknown."""

    before: str = ""
    after: str = ""
    rules: tuple[str, ...] = ()


UNKNOWN_ORIGIN = DiffOrigin()


def notice(comparison: Comparison) -> str:
    """What stands on the first line of whatever is said of the sides; empty where there is nothing."""
    told = (notice_of(side.fingerprint.recorder or "") for side in (comparison.before, comparison.after))
    return next(filter(None, told), "")


def title(comparison: Comparison) -> str:
    """Both sides, and what is under test."""
    names = " -> ".join(cut(one_line(side.name), _LONGEST_NAME) for side in (comparison.before, comparison.after))
    return f"{names} ({', '.join(comparison.vary)} under test)" if comparison.vary else names


def command(comparison: Comparison, origin: DiffOrigin) -> list[str]:
    """The command that asks for this comparison."""
    words = ["wb", "diff", origin.before or comparison.before.name, origin.after or comparison.after.name]
    if comparison.vary != DEFAULT_FACTORS:
        words += ["--vary", ",".join(comparison.vary)]
    if comparison.focus != "decode":
        words += ["--phase", comparison.focus]
    return [*words, *(word for name in origin.rules for word in ("--rules", name))]


def side_text(comparison: Comparison, side: CaptureSet) -> str:
    """How much a side is made of: `3 captures, 24 steps of decode`."""
    captures = quantities.counted(len(side.captures), "capture")
    if not side.has_times:
        return f"{captures} as tables of sums"
    steps = sum(phase.steps for phase in side.phases(comparison.focus))
    return f"{captures}, {quantities.counted(steps, 'step')} of {comparison.focus}"


def step_of(comparison: Comparison) -> ReconciledStep | None:
    """The step asked about; None where not both sides have it."""
    return comparison.phase.step if comparison.phase else None


def has_one_capture_a_side(comparison: Comparison) -> bool:
    """Whether there is nothing to measure noise by."""
    return len(comparison.before.captures) == len(comparison.after.captures) == 1


def verdict(comparison: Comparison) -> str:
    """The answer in a sentence."""
    other = ", though the two sides computed different tokens." if is_alarming(comparison) else "."
    return f"{_verdict(comparison).removesuffix('.')}{other}"


def is_alarming(comparison: Comparison) -> bool:
    """Whether the sides did not do the same work."""
    return comparison.results.verdict is Verdict.OTHER_TOKENS


def _verdict(comparison: Comparison) -> str:
    if not comparison.phases:
        return _verdict_of_tables(comparison)
    if comparison.is_without_difference:
        more = "" if has_equal_totals(comparison) else "; only API calls, copies or memsets do"
        where = " on the GPU" if more else ""
        return f"Nothing differs{where}: steps, kernels and idle times are the same to the nanosecond{more}."
    step = step_of(comparison)
    return _verdict_of_step(comparison, step) if step else f"No step of {comparison.focus} can be compared."


def verdict_change(comparison: Comparison) -> Change | None:
    """What the verdict says of the step; None where it says nothing."""
    step = step_of(comparison)
    return step.wall.change if step else None


def _verdict_of_step(comparison: Comparison, step: ReconciledStep) -> str:
    wall, phase = step.wall, comparison.focus
    match wall.change:
        case Change.BETTER | Change.WORSE:
            words = f"{_mean_step(wall)}{_mostly(step)}{_unprofiled(comparison, wall)}"
            return f"{phase.capitalize()} became {pace(wall)}: {words}."
        case Change.NONE_SHOWN:
            return f"No difference in {phase} is shown: {_mean_step(wall)}{_would_have_shown(wall)}."
        case _:
            looks = f"looks {pace(wall)}" if wall.difference else "looks as fast as before"
            why = "one capture a side allows" if has_one_capture_a_side(comparison) else "these captures allow"
            return f"{phase.capitalize()} {looks}, but {why} no verdict: {_mean_step(wall)}{_mostly(step)}."


def _unprofiled(comparison: Comparison, wall: Estimate) -> str:
    """That most of a difference is the profiler's, where the program was measured without it."""
    steps_ns = [unprofiled_step_ns(side.unprofiled, comparison.focus) for side in (comparison.before, comparison.after)]
    if not (wall.share and steps_ns[0] and steps_ns[1]):
        return ""
    share = steps_ns[1] / steps_ns[0] - 1
    return "" if share / wall.share >= _LEAST_CONFIRMED else f", but without the profiler {quantities.change(share)}"


def unprofiled_step_ns(speed: Speed | None, phase: str) -> float | None:
    """The median of a phase's step without the profiler; None where nobody measured it."""
    if speed is None:
        return None
    return median(speed.prefill_ns) if phase == "prefill" else median(speed.decode_ns) / speed.decode_steps


def change_words(time: Estimate, change: Change | None = None, *, is_idle: bool = False) -> str:
    """What can be said of a difference, in a word or two, if not `change`; idle time is not fast or slow."""
    if time.difference == 0:
        return EQUAL
    change = time.change if change is None else change
    return (IDLE_CHANGES if is_idle else {}).get(change, CHANGES[change])


def pace(time: Estimate) -> str:
    """How much faster or slower: `12.3 % faster`, `2.4 times as slow`."""
    word = "fast" if time.difference < 0 else "slow"
    if not (time.before > 0 and time.after > 0):
        return f"{word}er"
    factor = max(time.before / time.after, time.after / time.before)
    if factor >= _TIMES_AS_FAST:
        return f"{factor:.1f} times as {word}"
    return f"{quantities.share(abs(time.difference) / time.before)} {word}er"


def _mean_step(wall: Estimate) -> str:
    before, after = quantities.time(wall.before), quantities.time(wall.after)
    takes = f"{after} instead of {before}" if before != after else f"{after} on both sides"
    interval = f", 95 % interval {quantities.differences(*wall.interval)}" if wall.interval else ""
    return f"a mean step takes {takes} ({quantities.difference(wall.difference)}{interval})"


def _would_have_shown(wall: Estimate) -> str:
    if wall.smallest is None or not wall.before:
        return ""
    smallest = f"{quantities.share(wall.smallest / wall.before)} ({quantities.time(wall.smallest)})"
    return f"; a difference of {smallest} would have shown 4 times in 5"


def part_label(part: Contribution) -> str:
    """What a part of the step is called."""
    return IDLE_NAMES.get(part.label, part.label) if part.is_idle else cut(one_line(part.label), _LONGEST_PART)


def largest_parts(
    parts: Sequence[Contribution], most: int | None, least_ns: float = 0.0
) -> tuple[list[Contribution], list[Contribution]]:
    """Parts that are shown by themselves, and those that are summed up: all in their order, and never one alone.

    Args:
        parts: the parts of a step.
        most: how many are shown at most, those that changed most; all where it is None.
        least_ns: by how much one that is shown changed at least.
    """
    largest = sorted(parts, key=lambda part: -abs(part.time.difference))[:most]
    large = {id(part) for part in largest if abs(part.time.difference) >= least_ns}
    if len(parts) - len(large) <= 1:
        return list(parts), []
    return [part for part in parts if id(part) in large], [part for part in parts if id(part) not in large]


def _mostly(step: ReconciledStep) -> str:
    """The parts that make most of a step's change, and what goes the other way."""
    change = step.wall.difference
    parts = sorted(step.contributions, key=lambda part: -abs(part.time.difference))
    along = [part for part in parts if part.time.difference * change > 0]
    if not along:
        return ""
    wanted = _MOST_OF_IT * sum(abs(part.time.difference) for part in along)
    named: list[Contribution] = []
    while len(named) < _MOST_NAMED and sum(abs(part.time.difference) for part in named) < wanted:
        named.append(along[len(named)])
    if sum(abs(part.time.difference) for part in named) >= wanted:
        text = f", mostly {listed([_part_change(part) for part in named])}"
    else:
        text = f", spread over {quantities.counted(len(along), 'part')}, first {_part_change(along[0])}"
    against = next((part for part in parts if part.time.difference * change < 0), None)
    if against and abs(against.time.difference) >= _WORTH_TELLING * abs(change):
        text += f", against {_part_change(against)}"
    return text


def _part_change(part: Contribution) -> str:
    return f"{part_label(part)} ({quantities.difference(part.time.difference)})"


def listed(texts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *first, last = texts
    return f"{', '.join(first)} and {last}" if first else last


def _verdict_of_tables(comparison: Comparison) -> str:
    pairs = [pair for row in comparison.rows for pair in row.kernels]
    untold = "sums of whole runs tell no phases, steps, layers, idle time, order or noise, so there is no verdict"
    if not pairs:
        return f"Kernels cannot be compared, for the tables of one side do not hold them; {untold}."
    if comparison.is_without_difference and has_equal_totals(comparison):
        told = "" if None not in (comparison.calls, comparison.memops) else " in what both sides tell"
        return f"Nothing differs{told}: totals and counts are the same{_rounding(comparison)}."
    before_ns, before_calls = _mean_totals(comparison.before, [pair.before for pair in pairs])
    after_ns, after_calls = _mean_totals(comparison.after, [pair.after for pair in pairs])
    share = f" ({quantities.change((after_ns - before_ns) / before_ns)})" if before_ns else ""
    return (
        f"Kernels took {quantities.time(after_ns)} instead of {quantities.time(before_ns)}{share}, in "
        f"{quantities.count(after_calls)} calls instead of {quantities.count(before_calls)}; {untold}."
    )


def _mean_totals(side: CaptureSet, totals: Iterable[Total | None]) -> tuple[float, float]:
    """Time and calls, a capture."""
    known = [total for total in totals if total]
    captures = len(side.captures)
    return sum(total.total_ns for total in known) / captures, sum(total.count for total in known) / captures


def _rounding(comparison: Comparison) -> str:
    rounded_ns = max(one.rounded_to_ns for side in (comparison.before, comparison.after) for one in side.captures)
    if rounded_ns == 1:
        return " to the nanosecond"
    return f", as far as times rounded to {quantities.time(rounded_ns)} tell"


def has_equal_totals(comparison: Comparison) -> bool:
    """Whether API calls, copies and memsets are the same, as far as both sides tell them."""
    return all(one.before == one.after for one in (*(comparison.calls or ()), *(comparison.memops or ())))

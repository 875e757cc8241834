"""What must be known beside a comparison's verdict to believe it, in sentences."""

from collections.abc import Iterator, Sequence

from workbench.analysis.step_profile import HIDDEN, UNATTRIBUTED
from workbench.compare.comparability import Kind, caveats, label
from workbench.compare.comparison import Comparison
from workbench.compare.fingerprint import workload_text
from workbench.compare.phase_comparison import PhaseComparison
from workbench.compare.reconciliation import ReconciledStep
from workbench.manifest import Speed
from workbench.report import quantities
from workbench.report.diff import LEAST_NS, has_one_capture_a_side, listed, part_label, step_of
from workbench.report.texts import one_line
from workbench.slowdown import Verdict, compare

# Without these on either side, nobody knows whether like is compared with like.
_TELLING_FIELDS = ("program", "model", "weights", "gpu", "driver")

_FAR_FROM_MEAN = 0.1
# Kernel time over busy time: what one side has more of it than the other.
_OTHER_OVERLAP = 0.05


def lead(comparison: Comparison) -> list[str]:
    """What follows the verdict: whether the results are the same, what of the change is busy time and what idle."""
    step = step_of(comparison)
    results = one_line(comparison.results.sentence)
    if step is None or comparison.is_without_difference:
        return [results]
    busy, idle = (
        sum(part.time.difference for part in step.contributions if part.is_idle == is_idle) for is_idle in (False, True)
    )
    kinds = [
        f"{part_label(part)} {quantities.difference(part.time.difference)}"
        for part in step.contributions
        if part.is_idle and abs(part.time.difference) >= LEAST_NS
    ]
    sentence = f"Busy time changed by {quantities.difference(busy)}, idle time by {quantities.difference(idle)}"
    sentence += f" ({', '.join(kinds)})" if kinds else ""
    if abs(step.residual) >= LEAST_NS:
        sentence += f"; {quantities.difference(step.residual)} stays unexplained"
    return [results, f"{sentence}.", *_outlying_steps(step)]


def _outlying_steps(step: ReconciledStep) -> list[str]:
    """Says what the mean hides where single steps take far longer than most."""
    sides = ((step.wall.before, step.before_median), (step.wall.after, step.after_median))
    if all(abs(mean - median) <= _FAR_FROM_MEAN * median for mean, median in sides):
        return []
    before, after = quantities.time(step.before_median), quantities.time(step.after_median)
    return [f"Single steps weigh on the mean: the median step takes {after} after, and {before} before."]


def context(comparison: Comparison) -> list[str]:
    """What was made to differ, what else differs or is not known, and how fast the program is without a profiler."""
    return [*_made_of(comparison), *speeds(comparison)]


def _made_of(comparison: Comparison) -> Iterator[str]:
    before, after = comparison.before.fingerprint, comparison.after.fingerprint
    of_kind = {kind: [one_line(found.text) for found in comparison.differences if found.kind is kind] for kind in Kind}
    if of_kind[Kind.VARIED]:
        yield f"Under test: {'; '.join(of_kind[Kind.VARIED])}."
    yield from _untouched_factors(comparison)
    if of_kind[Kind.NOTED]:
        yield f"Differs as well: {'; '.join(of_kind[Kind.NOTED])}."
    if of_kind[Kind.UNKNOWN]:
        yield f"Not known to be equal: {'; '.join(of_kind[Kind.UNKNOWN])}."
    untold = [label(name) for name in _TELLING_FIELDS if getattr(before, name) is None and getattr(after, name) is None]
    untold += ["workload"] if workload_text(before) is None and workload_text(after) is None else []
    if untold:
        yield f"Neither side tells its {listed(untold)}: that they are equal is taken on trust."
    yield from map(one_line, caveats(before, after))


def _untouched_factors(comparison: Comparison) -> Iterator[str]:
    """Factors under test that do not differ, as far as is known."""
    named = {found.field for found in comparison.differences}
    for factor in comparison.vary:
        values = [getattr(side.fingerprint, factor) for side in (comparison.before, comparison.after)]
        if factor in named:
            continue
        if None in values:
            yield f"Under test: {label(factor)}, which is not told by both sides."
        else:
            yield f"Under test: {label(factor)}, but it is the same on both sides ({one_line(values[0])})."


def speeds(comparison: Comparison) -> list[str]:
    """How long the step asked about takes without the profiler, where either side tells."""
    before, after = (_runs(side.unprofiled, comparison.focus) for side in (comparison.before, comparison.after))
    what = "a prefill" if comparison.focus == "prefill" else f"a {comparison.focus} step"
    if before is None and after is None:
        return []
    if before is None or after is None:
        (known, steps), side, other = (before, "before", "after") if before else (after or ((), 1), "after", "before")
        return [f"Without the profiler {what} took {_median(known, steps)} {side}; {other} nobody measured it."]
    (runs_before, steps_before), (runs_after, steps_after) = before, after
    sentence = (
        f"Without the profiler {what} took {_median(runs_before, steps_before)} before and "
        f"{_median(runs_after, steps_after)} after"
    )
    return [f"{sentence}{_remark(runs_before, runs_after) if steps_before == steps_after else ''}."]


def median_run(speed: Speed | None, phase: str) -> str:
    """The median of runs without the profiler, a step."""
    runs = _runs(speed, phase)
    return _median(*runs) if runs else "unknown"


_Runs = tuple[Sequence[int], int]


def _runs(speed: Speed | None, phase: str) -> _Runs | None:
    """The times of runs, and how many steps each is of."""
    if speed is None or phase not in ("prefill", "decode"):
        return None
    return (speed.prefill_ns, 1) if phase == "prefill" else (speed.decode_ns, speed.decode_steps)


def _median(runs_ns: Sequence[int], steps: int) -> str:
    basis = "one run" if len(runs_ns) == 1 else f"median of {len(runs_ns)} runs"
    return f"{quantities.time(compare(runs_ns, runs_ns).before_ns / steps)} ({basis})"


def _remark(before_ns: Sequence[int], after_ns: Sequence[int]) -> str:
    found = compare(before_ns, after_ns)
    change = f": {quantities.change(found.after_ns / found.before_ns - 1)}" if found.before_ns else ""
    match found.verdict:
        case Verdict.TOO_FEW:
            return f"{change}, of too few runs to tell that from noise"
        case Verdict.WITHIN_SPREAD:
            return f"{change}, which is within the spread of runs"
        case Verdict.DIFFERENT:
            return f"{change}, more than the spread of one process's runs; processes may differ by more"


def overlap_sentence(comparison: Comparison) -> str:
    """Says where kernel time misleads: kernels that overlap more on one side than on the other."""
    step = step_of(comparison)
    if step is None:
        return ""
    rows = [row for row in comparison.rows if row.phase == comparison.focus]
    parts = [part.time for part in step.contributions if not part.is_idle]
    kernel_ns = [sum(row.before_ns_per_step or 0 for row in rows), sum(row.after_ns_per_step or 0 for row in rows)]
    busy_ns = [sum(time.before for time in parts), sum(time.after for time in parts)]
    overlap = [time_ns / busy if busy else 1.0 for time_ns, busy in zip(kernel_ns, busy_ns, strict=True)]
    if abs(overlap[1] - overlap[0]) < _OTHER_OVERLAP:
        return ""
    sides = [
        f"{quantities.time(time_ns)} of kernel time in {quantities.time(busy)} of busy time"
        for time_ns, busy in zip(kernel_ns, busy_ns, strict=True)
    ]
    return (
        f"Kernels overlap more on one side ({sides[0]} a step before, {sides[1]} after): a kernel that starts while "
        "the one before it still runs takes longer by itself without costing as much. So rows are judged by busy time; "
        "kernel time, here and in sums, may even move the other way."
    )


def phase_sentences(comparison: Comparison) -> list[str]:
    """Phases whose rows cannot be compared, and why."""
    return [_uncompared(phase) for phase in comparison.phases if phase.step is None]


def _uncompared(phase: PhaseComparison) -> str:
    pairs = [pair for row in phase.rows for pair in row.kernels]
    before, after = (
        quantities.time(sum(total.total_ns for total in totals if total) / max(1, captures))
        for totals, captures in (
            ([pair.before for pair in pairs], phase.before_captures),
            ([pair.after for pair in pairs], phase.after_captures),
        )
    )
    name = f"Phase {phase.phase}"
    if not (phase.before_captures and phase.after_captures):
        time, side = (before, "before") if phase.before_captures else (after, "after")
        return f"{name} is there only {side}: {time} of kernel time a capture."
    kernels = f"{before} of kernel time a capture before, {after} after"
    if phase.before_steps or phase.after_steps:
        steps = f"{quantities.counted(phase.before_steps, 'step')} before, {phase.after_steps} after"
        return f"{name} has steps without counterparts ({steps}), and is not compared: {kernels}."
    return f"{name} has no steps, and is not compared: {kernels}."


def limitations(comparison: Comparison) -> list[str]:
    """What the comparison cannot say."""
    return list(_limitations_of_captures(comparison) if comparison.phases else _limitations_of_tables(comparison))


def _limitations_of_tables(comparison: Comparison) -> Iterator[str]:
    yield (
        "Tables of sums hold totals and counts of whole runs. They tell no phases, steps or layers, no idle time, no "
        "order of kernels, and nothing of noise: load and warm-up are in all sums, kernels are matched by name alone, "
        "and a renamed kernel shows as one that is gone and one that is new."
    )
    yield from _untold_tables(comparison)
    if len(comparison.before.captures) != len(comparison.after.captures):
        yield "The sides are of different numbers of captures; totals are shown as means over a side's captures."


def _untold_tables(comparison: Comparison) -> Iterator[str]:
    """Which tables a side lacks, which are rounded, and what else lay beside them."""
    for what, name in (("kernels", "kernels"), ("API calls", "calls"), ("copies and memsets", "memops")):
        for side, captures in (("BEFORE", comparison.before), ("AFTER", comparison.after)):
            lacks = [one for one in captures.captures if not one.has_times and getattr(one, name) is None]
            if lacks:
                yield f"The tables of {side} do not hold {what}, so these are not compared."
    both = [*comparison.before.captures, *comparison.after.captures]
    if rounded := max(one.rounded_to_ns for one in both) - 1:
        yield f"Some times are rounded to {quantities.time(rounded + 1)}."
    if passed_over := sorted({one_line(name) for one in both for name in one.passed_over}):
        yield f"Tables of other reports were passed over: {', '.join(passed_over)}."


def _limitations_of_captures(comparison: Comparison) -> Iterator[str]:
    if has_one_capture_a_side(comparison):
        yield (
            "With one capture a side there is no verdict: captures of the same thing differ among themselves by more "
            "than their steps do, and how much takes several captures to see (`wb profile --reps 3`)."
        )
    else:
        yield (
            "Intervals rest on the spread between the captures at hand. What differs between machines, or from "
            "day to day, is not in them."
        )
    yield (
        "All times are as they were under the profiler, which makes launches and short kernels dearer; the speed "
        "without it decides."
    )
    yield from _limitations_of_steps(comparison)


def _limitations_of_steps(comparison: Comparison) -> Iterator[str]:
    sides = (comparison.before, comparison.after)
    if any(phase.processes > 1 for side in sides for phase in side.phases(comparison.focus)):
        yield f"Several processes ran {comparison.focus}; their steps are pooled as if they were of one."
    counts = [{phase.steps for phase in side.phases(comparison.focus)} for side in sides]
    if len(counts[0] | counts[1]) > 1:
        yield (
            "The captures hold different numbers of steps. Where steps grow longer with the context, their means "
            "are of different stretches."
        )
    step = step_of(comparison)
    shown = {part.label: part.time for part in step.contributions if not part.is_idle} if step else {}
    if UNATTRIBUTED in shown:
        time = shown[UNATTRIBUTED]
        yield (
            f"Of a step {quantities.time(time.before)} before and {quantities.time(time.after)} after are not "
            "attributed to a layer (`wb attribute` says why)."
        )
    if HIDDEN in shown:
        yield (
            "Some graphs were recorded as single rows, which hide their kernels; capture with "
            "`--cuda-graph-trace=node` to compare those."
        )
    yield (
        "Single kernels are shown by kernel time, rows and parts of the step by busy time: where kernels overlap, "
        "kernel times add up to more than the step."
    )

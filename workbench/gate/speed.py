"""Whether a model is still as fast as its baseline.

A process is a sample, by the median of its repetitions; processes differ by more than repetitions within one do. Times
are compared by their logarithms: noise between processes is a share of the time, whatever the time, and a difference of
logarithms is a relative change with an interval of its own, the same whichever side comes first. So the values shown
are geometric means over processes, and the change follows from them.

A number *fails* when it is slower by more than the noise and by more than the tolerance: when its 95 % interval lies
above zero, when it still stands out among all numbers (Benjamini and Hochberg, one-sided, at 5 %), and when the change
itself, not the interval's end, exceeds the tolerance. It *passes* when the interval ends below the loss that matters:
three tolerances, and at least 3 %. In between nobody can tell, and the answer says what would.

What follows, and is simulated (`benchmarks/gate_errors.py`):

- Where nothing is slower, a gate of any number of numbers fails at most 5 times in 100, however large the noise. Gains
  have no part in this: their p-values for being slower are large.
- Where one number or all are slower by the loss that matters or more, it passes at most 2.5 times in 100: all numbers
  must pass for that, and the one that is slower does as seldom as its interval misses the truth on that side. Noise
  makes the answer undecided, never green.
- A true loss as large as the tolerance fails every other time, if noise lets it; a lower one, less often.

Decode without graphs that is timed beside the same decode in graphs serves the gate of graphs. It fails where it is
clearly slower, but leaves nothing undecided.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from workbench.compare.statistics import POWER, Differences, compare_means, significant
from workbench.compare.student import mean_deviation, quantile
from workbench.gate.measured import MeasuredModel, Number
from workbench.gate.verdict import GateResult, Line, Status
from workbench.gate.wording import listed

GATE = "speed"
TOLERANCE = 0.01
# How often a gate may fail where nothing is slower.
RATE = 0.05

_CONFIDENCE = 0.95
_LEAST_THAT_MATTERS = 0.03
_TOLERANCES_THAT_MATTER = 3
_FEWEST_PROCESSES = 3
_MOST_PROCESSES = 64


@dataclass(frozen=True)
class NumberChange:
    """A bench that was run on both sides.

    Attributes:
        baseline, now: the number as it was measured.
        baseline_ns, now_ns: geometric means over processes.
        change: of the time: above zero is slower.
        interval: where the true change lies, 95 times in 100; None with a single process a side.
        smallest: the smallest true change that such processes would show 4 times in 5; None likewise.
        noise: the standard deviation between processes, as a share; None likewise.
        is_slower, is_faster: whether it is, false alarms among all numbers bounded.
    """

    baseline: Number
    now: Number
    baseline_ns: float
    now_ns: float
    change: float
    interval: tuple[float, float] | None
    smallest: float | None
    noise: float | None
    is_slower: bool
    is_faster: bool


@dataclass(frozen=True, eq=False)
class Ruling:
    """What is ruled of changes; arrays of booleans of one shape. What is in neither cannot be judged."""

    is_failed: NDArray[np.bool_]
    is_passed: NDArray[np.bool_]


def loss_that_matters(tolerance: float) -> float:
    """The loss that a gate must see in order to pass, as a share of the time."""
    return max(_TOLERANCES_THAT_MATTER * tolerance, _LEAST_THAT_MATTERS)


def real(found: Differences) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of some quantities rose, and which fell, false alarms among them bounded by `RATE` for either.

    Args:
        found: of one family of quantities, shape (rows,).
    """
    half = found.p_value / 2
    return (
        significant(np.where(found.difference > 0, half, 1 - half), RATE) & (found.low > 0),
        significant(np.where(found.difference < 0, half, 1 - half), RATE) & (found.high < 0),
    )


def rule(
    difference: NDArray[np.float64], high: NDArray[np.float64], is_slower: NDArray[np.bool_], tolerance: float
) -> Ruling:
    """What becomes of changes.

    Args:
        difference: of the logarithms of times, now less then.
        high: where its interval ends; NaN where there is none.
        is_slower: whether it is real, as `real` says.
        tolerance: the loss that is allowed, as a share.
    """
    is_failed = is_slower & (difference > np.log1p(tolerance))
    return Ruling(is_failed, ~is_failed & (high < np.log1p(loss_that_matters(tolerance))))


def changes(pairs: Sequence[tuple[Number, Number]]) -> tuple[NumberChange, ...]:
    """What became of numbers, judged together; times must be above zero.

    Args:
        pairs: numbers of the same bench, then and now.
    """
    if not pairs:
        return ()
    found = _differences(pairs)
    is_slower, is_faster = real(found)
    return tuple(
        NumberChange(
            baseline=baseline,
            now=now,
            baseline_ns=float(np.exp(found.before[row])),
            now_ns=float(np.exp(found.after[row])),
            change=float(np.expm1(found.difference[row])),
            interval=_interval(found.low[row], found.high[row]),
            smallest=_share(found.smallest[row]),
            noise=_share(found.noise[row]),
            is_slower=bool(is_slower[row]),
            is_faster=bool(is_faster[row]),
        )
        for row, (baseline, now) in enumerate(pairs)
    )


def processes_needed(noise: float, baseline_processes: int, loss: float, numbers: int = 1) -> tuple[int, int] | None:
    """How many processes would do to see a loss in all of some numbers 4 times in 5: of the baseline, and now.

    More processes now, if those and the baseline's suffice; else as many of both.

    Args:
        noise: the standard deviation between processes, as a share.
        baseline_processes: how many the baseline has.
        loss: as a share.
        numbers: how many are judged together.

    Returns:
        None where dozens would not do.
    """
    counts = np.arange(_FEWEST_PROCESSES, _MOST_PROCESSES + 1, dtype=np.float64)
    then = np.stack([np.full_like(counts, baseline_processes), counts])
    parts = 1 / then + 1 / counts
    # Welch's, on which a comparison rests where both sides have a spread of their own.
    welch = parts**2 / (1 / (then**2 * np.maximum(then - 1, 1)) + 1 / (counts**2 * (counts - 1)))
    degrees = np.where(then > 1, welch, counts - 1)
    ends = np.array([(1 + _CONFIDENCE) / 2, 1 - (1 - POWER) / numbers])
    reach = quantile(ends[:, None, None], degrees).sum(axis=0)
    enough = reach * np.log1p(noise) * np.sqrt(parts) <= np.log1p(loss)
    for of_baseline, is_enough in zip(then, enough, strict=True):
        if is_enough.any():
            first = int(is_enough.argmax())
            return int(of_baseline[first]), int(counts[first])
    return None


def judge(baseline: MeasuredModel, now: MeasuredModel, tolerance: float = TOLERANCE) -> GateResult:
    """Holds each bench against the baseline's.

    Args:
        baseline: what was kept; an imported one has a single process, and noise is then the new run's.
        now: what was measured now.
        tolerance: how much more time a bench may take, as a share.
    """
    pairs, others = [], []
    for number in baseline.numbers:
        again = now.number(number.name)
        if again is not None and are_of_one_bench(number, again):
            pairs.append((number, again))
        else:
            others.append(_unpaired(number, again))
    found = changes(pairs)
    lines = [*_lines(found, tolerance), *others]
    lines += [
        Line(number.name, Status.NOT_RUN, None, number.median_ns, "ns", sentence="The baseline does not have it.")
        for number in now.numbers
        if baseline.number(number.name) is None
    ]
    beside = {number.name for number in baseline.numbers if _is_beside(number, baseline)}
    statuses = {line.status for line in lines if line.name not in beside or line.status is Status.FAILED}
    if Status.FAILED in statuses:
        status = Status.FAILED
    else:
        status = Status.UNDECIDED if Status.UNDECIDED in statuses or Status.PASSED not in statuses else Status.PASSED
    decisive = [one for one in found if one.baseline.name not in beside]
    return GateResult(GATE, status, _verdict(status, lines, decisive, tolerance), tuple(lines))


def _is_beside(number: Number, model: MeasuredModel) -> bool:
    """Whether it was timed only to know what graphs gain: decode without graphs, beside the same decode in them.

    It paces with the host, whose noise is far above the GPU's. A clear loss fails; but noise leaves nothing open.
    """
    return number.graphs is False and any(
        other.graphs and (other.phase, other.tokens, other.depth) == (number.phase, number.tokens, number.depth)
        for other in model.numbers
    )


def are_of_one_bench(one: Number, other: Number) -> bool:
    """Whether two numbers of one name timed the same.

    Whether it ran in graphs is no part of that: a user who asked for `decode.128` gets it slower where they are lost.
    """
    return (one.phase, one.tokens, one.depth) == (other.phase, other.tokens, other.depth)


def share_text(share: float) -> str:
    """A share in per cent, with two digits."""
    return f"{float(f'{abs(share):.2g}') * 100:.6g} %"


def _differences(pairs: Sequence[tuple[Number, Number]]) -> Differences:
    """Of the logarithms, shape (pairs,); sides may have other numbers of processes from bench to bench."""
    rows_by_shape: dict[tuple[int, ...], list[int]] = {}
    for row, pair in enumerate(pairs):
        rows_by_shape.setdefault(tuple(len(number.samples_ns) for number in pair), []).append(row)
    columns = {field.name: np.empty(len(pairs)) for field in fields(Differences)}
    for rows in rows_by_shape.values():
        sides = (np.log([pairs[row][side].medians_ns for row in rows]).T for side in (0, 1))
        found = compare_means(*sides)
        for name, column in columns.items():
            column[rows] = getattr(found, name)
    return Differences(**columns)


def _unpaired(number: Number, again: Number | None) -> Line:
    sentence = "It was not run now." if again is None else "The baseline timed other tokens under this name."
    now_ns = None if again is None else again.median_ns
    return Line(number.name, Status.UNDECIDED, number.median_ns, now_ns, "ns", sentence=sentence)


def _lines(found: Sequence[NumberChange], tolerance: float) -> list[Line]:
    ruling = rule(
        np.log1p(np.array([one.change for one in found])),
        np.array([np.nan if one.interval is None else np.log1p(one.interval[1]) for one in found]),
        np.array([one.is_slower for one in found], bool),
        tolerance,
    )
    lines = []
    for one, is_failed, is_passed in zip(found, ruling.is_failed, ruling.is_passed, strict=True):
        status = Status.FAILED if is_failed else Status.PASSED if is_passed else Status.UNDECIDED
        lines.append(
            Line(
                one.now.name, status, one.baseline_ns, one.now_ns, "ns", one.change, one.interval, one.smallest,
                _sentence(one, status, tolerance, len(found)),
            )
        )  # fmt: skip
    return lines


def _sentence(one: NumberChange, status: Status, tolerance: float, numbers: int) -> str:
    if status is Status.UNDECIDED:
        return _more_processes(one, loss_that_matters(tolerance), numbers)
    if status is Status.FAILED and one.interval is not None:
        lost = ", and no longer in graphs" if one.baseline.graphs and one.now.graphs is False else ""
        return f"Slower by {share_text(one.change)}, by {share_text(one.interval[0])} at least{lost}."
    if one.is_slower:
        return f"Slower by {share_text(one.change)}, which the tolerance allows."
    return f"Faster by {share_text(one.change)}." if one.is_faster else ""


def _more_processes(one: NumberChange, loss: float, numbers: int) -> str:
    if one.interval is None or one.noise is None or one.smallest is None:
        return f"A single process on either side tells nothing of the noise; run at least {_FEWEST_PROCESSES}."
    seen = (
        f"It may be slower by up to {share_text(one.interval[1])}; this run could have seen a change of "
        f"{share_text(one.smallest)}, and {share_text(loss)} matters"
    )
    then, since = len(one.baseline.samples_ns), len(one.now.samples_ns)
    needed = processes_needed(one.noise / float(mean_deviation(np.float64(then + since - 2))), then, loss, numbers)
    if needed is None:
        return f"{seen}: more than {_MOST_PROCESSES} processes would be needed, so make the machine quieter."
    if needed[0] > then:
        return f"{seen}: {needed[0]} processes on either side would do, so record the baseline anew."
    # Where so many were run, it is a true change near the limit, not the noise, that leaves the question open.
    return f"{seen}: {needed[1] if needed[1] > since else 2 * since} processes would do."


def _verdict(status: Status, lines: Sequence[Line], found: Sequence[NumberChange], tolerance: float) -> str:
    """The gate in a sentence."""
    if status is Status.FAILED:
        slow = [line for line in lines if line.status is Status.FAILED]
        worst = max(slow, key=lambda line: line.change or 0)
        return (
            f"{_of(len(slow), len(lines))} slower by more than noise and {share_text(tolerance)}: {worst.name} by "
            f"{share_text(worst.change or 0)}{', the most' if len(slow) > 1 else ''}."
        )
    if status is Status.PASSED:
        beside = [line.name for line in lines if line.status is Status.UNDECIDED]
        held = (
            f"No {'deciding ' if beside else ''}number is slower by {share_text(loss_that_matters(tolerance))} or more"
        )
        coarsest = max((one.smallest for one in found if one.smallest is not None), default=None)
        seen = "" if coarsest is None else f"; this run could have seen a change of {share_text(coarsest)}"
        are = "are not settled and serve" if len(beside) > 1 else "is not settled and serves"
        left = f"; {listed(beside)} {are} the graphs gate alone" if beside else ""
        return f"{held}{seen}{_gains(found)}{left}."
    if not found:
        return "The baseline and this run have no number in common."
    open_ones = [line for line in lines if line.status is Status.UNDECIDED]
    # A number that was not run stands before any that is unclear.
    worst = max(open_ones, key=lambda line: (line.change is None, line.smallest or 0))
    return f"{_of(len(open_ones), len(lines))} not settled. {worst.name}: {worst.sentence}"


def _gains(found: Iterable[NumberChange]) -> str:
    gains = [one for one in found if one.is_faster]
    if not gains:
        return ""
    best = min(gains, key=lambda one: one.change)
    return f"; {len(gains)} faster, {best.now.name} by {share_text(best.change)}"


def _of(some: int, whole: int) -> str:
    return f"{some} of {whole} numbers {'is' if some == 1 else 'are'}"


def _interval(low: float, high: float) -> tuple[float, float] | None:
    return None if np.isnan(low) or np.isnan(high) else (float(np.expm1(low)), float(np.expm1(high)))


def _share(difference: float) -> float | None:
    return None if np.isnan(difference) else float(np.expm1(difference))

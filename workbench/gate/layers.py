"""Which layer types explain a slow-down of decode, from captures of each side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.step_profile import COPIES
from workbench.compare.comparison import RATE
from workbench.compare.estimate import Change, Estimate, estimates, p_values
from workbench.compare.statistics import significant
from workbench.gate import speed
from workbench.gate.facts import in_graphs
from workbench.gate.measured import MeasuredModel, StepFacts
from workbench.gate.verdict import GateResult, Line, Status
from workbench.gate.wording import duration, from_to, listed, part_name

GATE = "layers"
STEP = "step"
# Parts that explain less of a slow-down than this, or come behind so many others, are not told in the sentence.
_TELLING = 0.1
_MOST_PARTS = 3


@dataclass(frozen=True)
class PartChange:
    """A part of a captured step on both sides, in ns a step."""

    name: str
    is_idle: bool
    time: Estimate


@dataclass(frozen=True)
class StepChange:
    """A captured step on both sides, and the parts that its change is made of, the largest change first."""

    wall: Estimate
    parts: tuple[PartChange, ...]


def judge(baseline: MeasuredModel, now: MeasuredModel, tolerance: float = speed.TOLERANCE) -> GateResult:
    """Takes the captured step of either side apart.

    The verdict on speed is that of the benchmarks of decode, which no profiler slows down: this gate fails where they
    do and a captured step takes longer, too, and then says why. Steps in graphs are held against steps in graphs; where
    a side has none, as after a fallback, all of its captures stand in.

    Args:
        baseline: what was kept.
        now: what was measured now.
        tolerance: how much more time a benchmark may take, as a share.
    """
    if not baseline.captures:
        return GateResult(GATE, Status.NOT_RUN, "The baseline has no captures that a step could be held against.")
    if not now.captures:
        return GateResult(GATE, Status.UNDECIDED, "This run has no capture of decode, and the baseline has.")
    change = compare_steps(_captures(baseline), _captures(now))
    is_slower = _is_decode_slower(baseline, now, tolerance)
    status = _status(change.wall, is_slower=is_slower)
    return GateResult(GATE, status, _sentence(change, tolerance, is_slower=is_slower), _lines(change, status))


def compare_steps(before: Sequence[StepFacts], after: Sequence[StepFacts]) -> StepChange:
    """Compares captured steps part by part, a capture a sample; with one capture a side there are no verdicts.

    Args:
        before: captures of one side, one at least.
        after: those of the other.
    """
    labels = list(dict.fromkeys((part.label, part.is_idle) for facts in (*before, *after) for part in facts.parts))
    wall, *parts = estimates(_times(before, labels), _times(after, labels))
    verdicts = significant(p_values(parts), RATE).tolist()
    changes = [
        PartChange(part_name(label, is_idle=is_idle), is_idle, time.judged(verdict))
        for (label, is_idle), time, verdict in zip(labels, parts, verdicts, strict=True)
    ]
    changes.sort(key=lambda change: -abs(change.time.difference))
    return StepChange(wall.judged(wall.p_value is not None and wall.p_value <= RATE), tuple(changes))


def _captures(model: MeasuredModel) -> tuple[StepFacts, ...]:
    return in_graphs(model) or model.captures


def _times(captures: Sequence[StepFacts], labels: Sequence[tuple[str, bool]]) -> NDArray[np.float64]:
    """The whole step and its parts, shape (captures, 1 + parts)."""
    times = np.zeros((len(captures), 1 + len(labels)))
    column = {label: number for number, label in enumerate(labels, 1)}
    for row, facts in enumerate(captures):
        times[row, 0] = facts.wall_ns
        for part in facts.parts:
            times[row, column[part.label, part.is_idle]] += part.time_ns
    return times


def _is_decode_slower(baseline: MeasuredModel, now: MeasuredModel, tolerance: float) -> bool | None:
    """Whether the speed gate fails decode as users run it; None where it cannot tell."""
    as_run = {number.name for number in now.numbers if number.phase == "decode" and number.graphs is not False}
    as_run = as_run or {number.name for number in now.numbers if number.phase == "decode"}
    statuses = {line.status for line in speed.judge(baseline, now, tolerance).lines if line.name in as_run}
    statuses -= {Status.NOT_RUN}
    if Status.FAILED in statuses:
        return True
    return False if statuses == {Status.PASSED} else None


def _status(wall: Estimate, *, is_slower: bool | None) -> Status:
    is_longer = wall.difference > 0 and wall.change is not Change.NONE_SHOWN
    if is_slower:
        return Status.FAILED if is_longer else Status.UNDECIDED
    # Where benchmarks settle nothing, neither does one capture a side.
    is_open = wall.interval is None or wall.change is Change.WORSE
    return Status.UNDECIDED if is_slower is None and is_open else Status.PASSED


def _sentence(change: StepChange, tolerance: float, *, is_slower: bool | None) -> str:
    wall = change.wall
    is_shown = wall.change is not Change.NONE_SHOWN
    if is_slower and not is_shown and wall.difference > tolerance * wall.before:
        return f"{_told(change, 'the slow-down')}; captures are too few, or differ too much, to tell for sure."
    held = f"A captured decode step takes {duration(wall.after)}, and {duration(wall.before)} in the baseline"
    if wall.difference > 0 and is_shown:
        held = _told(change, "the slow-down" if is_slower else "what a captured step takes more")
        if is_slower:
            return f"{held}." + ("" if wall.interval else " One capture a side gives no verdict on these parts.")
        if is_slower is False:
            return f"{held}. That fails nothing: benchmarks do not show decode slower."
    elif is_slower:
        return f"{held}: what makes decode slower does not show in it."
    if is_slower is None and wall.interval is None:
        return f"{held}. One capture a side gives no verdict, and benchmarks give none on decode."
    if is_slower is None and wall.change is Change.WORSE:
        return f"{held}. Benchmarks do not settle whether decode is slower."
    return f"{held}."


def _told(change: StepChange, whole: str) -> str:
    """The parts that explain what a step takes more, which is called `whole`; the largest, or all of it together."""
    slow = change.wall.difference
    telling = [part for part in change.parts if part.time.difference >= _TELLING * slow][:_MOST_PARTS]
    if not telling:
        return f"A captured decode step takes {duration(slow)} more ({from_to(change.wall.before, change.wall.after)})"
    texts = [
        f"{part.name} {'take' if part.name == COPIES else 'takes'} {duration(part.time.difference)} a step more "
        f"({from_to(part.time.before, part.time.after)}), {part.time.difference / slow * 100:.0f} %"
        for part in telling
    ]
    return f"{listed(texts)} of {whole}"


def _lines(change: StepChange, status: Status) -> tuple[Line, ...]:
    """The step, then its parts; of a gate that fails those fail that take longer for sure, and explain something."""
    least = _TELLING * change.wall.difference if status is Status.FAILED else math.inf
    step = _line(STEP, change.wall, least)
    return (step, *(_line(part.name, part.time, least) for part in change.parts))


def _line(name: str, time: Estimate, least: float) -> Line:
    verdict = Status.PASSED
    if time.change is Change.UNDECIDED:
        verdict = Status.UNDECIDED
    elif time.difference >= least:
        verdict = Status.FAILED if time.change is Change.WORSE else Status.UNDECIDED
    ends = time.interval if time.before else None
    return Line(
        name=name,
        status=verdict,
        baseline=time.before,
        now=time.after,
        unit="ns",
        change=time.share,
        interval=ends and (ends[0] / time.before, ends[1] / time.before),
        smallest=time.smallest / time.before if time.smallest is not None and time.before else None,
    )

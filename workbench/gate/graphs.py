"""Whether CUDA graphs do for decode what they can: hide the time in which the GPU waits for launches.

What a step takes on the GPU hardly depends on the host, or on a profiler, which makes the host up to twice as slow. So
the attribution tells what graphs cannot hide, as an interval. Of a captured step without graphs that is all but the
waiting for launches, with gaps between nodes in its place; less, as far as kernels that are launched early overlap
those before them. A captured step in a graph narrows it down: at least its busy time and the gaps between its nodes, at
most all of it. What the host takes is told by the benchmark without graphs, which no profiler slowed down and which ran
by turns with the one in graphs. The predicted ratio is a step of that, over what graphs cannot hide of it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from workbench.analysis.calls import CallKind, call_kind
from workbench.analysis.idle import IdleKind
from workbench.compare.student import quantile
from workbench.findings.gain import HIDDEN_NS, NODE_GAP_NS
from workbench.gate.facts import (
    PAGEABLE,
    busy_ns,
    calls_a_step,
    idle_ns,
    in_graphs,
    not_in_graphs,
    without_captures,
)
from workbench.gate.measured import MeasuredModel, Number, StepFacts
from workbench.gate.verdict import GateResult, Line, Status
from workbench.gate.wording import calls_text, duration, listed

GATE = "graphs"
# What a benchmark's step may take more or less than a captured one for other reasons than graphs: another context,
# other clocks. On an H200 benchmarks took 2 to 5 % less, for their contexts are shorter, and runs of the same workload
# without the profiler up to 2 % more.
ALLOWED = 0.1
NO_GRAPHS = "no-graphs"
_CONFIDENCE = 0.95
# Kernels that are launched early save this part of their busy time at most.
_MOST_OVERLAP = 0.5
# Where graphs brought less than the first although a run without them took more than the second, times a step in a
# graph, the benchmark without graphs cannot have launched each kernel; hosts differ by less from run to run.
_NO_GAIN, _SURE_GAIN = 1.1, 1.5
_STAYING = (IdleKind.SYNCHRONIZING, IdleKind.GRAPH, IdleKind.NO_WORK, IdleKind.UNKNOWN)


@dataclass(frozen=True)
class Prediction:
    """What graphs should bring, as far as captures can tell.

    Attributes:
        low, high: how many times as fast decode should be with graphs as without.
        low_ns, high_ns: a step in a graph.
        starved_ns: the part of a step without graphs in which the GPU waits for launches: as it was captured, less
            what the profiler made such a run slower, where that is known.
    """

    low: float
    high: float
    low_ns: float
    high_ns: float
    starved_ns: float


@dataclass(frozen=True)
class Measured:
    """Decode with and without graphs, as benchmarks measured it.

    Attributes:
        with_ns, without_ns: a step.
        ratio: the second over the first.
        interval: of the ratio, 95 times in 100; None of a single process.
        least_with_ns: the lower end of such an interval of `with_ns`; itself, of a single process.
    """

    with_ns: float
    without_ns: float
    ratio: float
    interval: tuple[float, float] | None
    least_with_ns: float


def judge(baseline: MeasuredModel, now: MeasuredModel) -> GateResult:
    """Asks whether decode ran in graphs, whether it can, and whether graphs bring what the attribution predicts.

    Fails where captured steps did not run in graphs though the baseline's request asks for them, where a bench did not
    that did in the baseline, where a step makes a call that no capture survives, and where decode with graphs is slower
    than predicted: where the ratio lies below the interval by more than processes differ. A ratio above it passes: the
    host may be as slow as it likes.

    Args:
        baseline: what was kept; says whether graphs are wanted.
        now: what was measured now; its captures are several with graphs on, and one with graphs off.
    """
    lost = None if now.request.backend != "cuda" else _lost(baseline, now)
    unjudged = without_captures(GATE, baseline, now)
    if unjudged:
        return unjudged if lost is None else GateResult(GATE, lost.status, lost.sentence, lost.lines)
    if NO_GRAPHS in baseline.request.variants:
        return GateResult(GATE, Status.NOT_RUN, "The baseline goes without graphs on purpose.")
    calls = _breaking_calls(baseline, now)
    told = [answer for answer in (lost, calls) if answer]
    answers = (_launches(baseline, now), *told, _ratio(baseline, now))
    statuses = {answer.status for answer in answers}
    status = next((one for one in (Status.FAILED, Status.UNDECIDED) if one in statuses), Status.PASSED)
    # What passes with a question left out says so.
    telling = {status, Status.NOT_RUN} if status is Status.PASSED else {status}
    sentences = " ".join(answer.sentence for answer in answers if answer.status in telling)
    return GateResult(GATE, status, sentences, tuple(line for answer in answers for line in answer.lines))


def predict(off: Sequence[StepFacts], on: Sequence[StepFacts], without_ns: float) -> Prediction:
    """What graphs should bring.

    Args:
        off: captures of steps that were launched kernel by kernel, one at least.
        on: captures of steps in graphs; without any, the interval is wide.
        without_ns: a step without graphs and without the profiler.
    """
    busy = fmean(map(busy_ns, off))
    kernels = fmean(max(facts.kernels, facts.launches) for facts in off)
    queued = fmean(idle_ns(facts, IdleKind.QUEUED) for facts in off)
    low_ns = max(busy - HIDDEN_NS * kernels, busy * (1 - _MOST_OVERLAP))
    high_ns = busy + fmean(idle_ns(facts, *_STAYING) for facts in off) + max(queued, NODE_GAP_NS * kernels)
    if on:
        graph_ns = fmean(busy_ns(facts) + idle_ns(facts, IdleKind.GRAPH) for facts in on)
        wall_ns = fmean(facts.wall_ns for facts in on)
        low_ns, high_ns = np.clip([graph_ns, wall_ns], low_ns, high_ns).tolist()
    low_ns, high_ns = low_ns / (1 + ALLOWED), high_ns * (1 + ALLOWED)
    return Prediction(without_ns / high_ns, without_ns / low_ns, low_ns, high_ns, fmean(map(_starved_ns, off)))


def measure(model: MeasuredModel) -> Measured | None:
    """Decode with and without graphs; None where benchmarks do not tell both.

    Only decode behind an empty cache counts: behind a long one a step takes longer than those that were captured.
    """
    pair = next(_pairs(model), None)
    if pair is None:
        return None
    with_graphs, without = pair
    with_ns, without_ns = (number.median_ns / number.tokens for number in pair)
    each = with_graphs.medians_ns, without.medians_ns
    ratios = [slow / fast for fast, slow in zip(*each, strict=True)] if len(each[0]) == len(each[1]) else []
    of_with = _interval(each[0])
    return Measured(
        with_ns=with_ns,
        without_ns=without_ns,
        ratio=without_ns / with_ns,
        interval=_interval(ratios),
        least_with_ns=of_with[0] / with_graphs.tokens if of_with else with_ns,
    )


def breaks_capture(name: str) -> bool:
    """Whether a stream cannot be captured with this call in it; memory that is allocated in stream order can."""
    plain = name.removesuffix(PAGEABLE)
    kind = call_kind(plain)
    if kind in (CallKind.ALLOCATE, CallKind.FREE):
        return not plain.endswith("Async")
    return kind not in (CallKind.OTHER, CallKind.LAUNCH, CallKind.GRAPH_LAUNCH)


@dataclass(frozen=True)
class _Answer:
    """What became of one question."""

    status: Status
    sentence: str
    lines: tuple[Line, ...]


def _launches(baseline: MeasuredModel, now: MeasuredModel) -> _Answer:
    """Whether captured steps ran in graphs; one is to be without."""
    on, off = in_graphs(now), not_in_graphs(now)
    before = in_graphs(baseline) or baseline.captures
    launches = fmean(facts.launches for facts in on or off)
    # One capture is to be without graphs.
    stray = len(off) - 1
    status, sentence = Status.FAILED, ""
    if not on:
        asked = f", as the variant {NO_GRAPHS} asks" if NO_GRAPHS in now.request.variants else ""
        sentence = (
            f"Decode fell back to single launches{asked}: no captured step ran in a graph, and each took "
            f"{launches:.0f} launches."
        )
    elif stray > 0:
        sentence = f"Decode fell back to single launches in {stray} of {len(on) + stray} captures with graphs on."
    else:
        status, sentence = Status.PASSED, "Captured steps ran in graphs."
    line = Line("launches a step", status, fmean(one.launches for one in before) if before else None, launches, "calls")
    return _Answer(status, sentence, (line,))


def _lost(baseline: MeasuredModel, now: MeasuredModel) -> _Answer | None:
    """The benches of decode that ran in graphs in the baseline and did not now; None where there are none."""
    before = {number.name: number for number in baseline.numbers if number.graphs}
    lost = [number for number in now.numbers if number.graphs is False and number.name in before]
    if not lost:
        return None
    lines = (
        Line(f"{number.name} in graphs", Status.FAILED, 1.0, 0.0, "", sentence="It fell back to single launches.")
        for number in lost
    )
    names = listed([number.name for number in lost])
    sentence = f"Decode fell back to single launches in the benchmark: {names} ran in graphs in the baseline."
    return _Answer(Status.FAILED, sentence, tuple(lines))


def _breaking_calls(baseline: MeasuredModel, now: MeasuredModel) -> _Answer | None:
    """The calls in steps that no capture survives; None where there are none."""
    found = {name: number for name, number in calls_a_step(now.captures).items() if breaks_capture(name)}
    if not found:
        return None
    before, unknown = calls_a_step(baseline.captures), 0.0 if baseline.captures else None
    lines = (Line(name, Status.FAILED, before.get(name, unknown), number, "calls") for name, number in found.items())
    sentence = f"Decode steps call {calls_text(found)}, which no graph's capture survives."
    return _Answer(Status.FAILED, sentence, tuple(lines))


def _ratio(baseline: MeasuredModel, now: MeasuredModel) -> _Answer:
    """Whether graphs bring what the attribution predicts."""
    before, measured, off = measure(baseline), measure(now), not_in_graphs(now)
    status, sentence, short = Status.UNDECIDED, "", ""
    if measured is None:
        status = Status.UNDECIDED if before else Status.NOT_RUN
        sentence = "No benchmark of decode without graphs beside one with them tells what graphs bring."
    elif not off:
        sentence = "No capture without graphs tells how long the GPU waits for launches."
    else:
        prediction = predict(off, in_graphs(now), measured.without_ns)
        status, sentence = _judged(measured, prediction, off)
        short = f"{prediction.low:.2f} to {prediction.high:.2f} is predicted."
    line = Line(
        "gain of graphs",
        status,
        before.ratio if before else None,
        measured.ratio if measured else None,
        "ratio",
        measured.ratio / before.ratio - 1 if measured and before else None,
        sentence=short,
    )
    return _Answer(status, sentence, (line,))


def _judged(measured: Measured, prediction: Prediction, off: Sequence[StepFacts]) -> tuple[Status, str]:
    """What becomes of a ratio, and why."""
    interval = f" ({measured.interval[0]:.2f} to {measured.interval[1]:.2f})" if measured.interval else ""
    told = (
        f"Decode is {measured.ratio:.2f} times as fast in graphs as without{interval}, and its attribution predicts "
        f"{prediction.low:.2f} to {prediction.high:.2f}"
    )
    alone_ns = fmean([facts.unprofiled_ns for facts in off if facts.unprofiled_ns] or [measured.without_ns])
    if measured.with_ns > prediction.high_ns:
        step = (
            f"a step took {duration(measured.with_ns)}, and one in a graph takes {duration(prediction.high_ns)} at most"
        )
        if measured.least_with_ns > prediction.high_ns:
            return Status.FAILED, f"{told}: {step}; it may have fallen back to single launches."
        return Status.UNDECIDED, f"{told}, but processes differ too much to tell; {step}."
    if measured.ratio < _NO_GAIN and alone_ns > _SURE_GAIN * prediction.high_ns:
        return Status.UNDECIDED, (
            f"Without graphs a step took {duration(measured.without_ns)} in the benchmark, as long as with them, and "
            f"{duration(alone_ns)} in a run beside it: one of the two is not what it says; measure again."
        )
    waits = f"without them the GPU waits for launches for about {duration(prediction.starved_ns)} of a step"
    return Status.PASSED, f"{told}; {waits}."


def _starved_ns(facts: StepFacts) -> float:
    """How long the GPU waits for launches in a step; what the profiler adds, it adds to the host."""
    added_ns = 0.0
    if facts.profiled_ns is not None and facts.unprofiled_ns is not None:
        added_ns = max(0.0, facts.profiled_ns - facts.unprofiled_ns)
    return max(0.0, idle_ns(facts, IdleKind.LAUNCH) - added_ns)


def _pairs(model: MeasuredModel) -> Iterator[tuple[Number, Number]]:
    """Benches of decode with graphs, each with that of the same without."""
    decodes = [number for number in model.numbers if number.phase == "decode" and not number.depth]
    for one in decodes:
        for other in decodes:
            if one.graphs and other.graphs is False and one.tokens == other.tokens:
                yield one, other


def _interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Where the geometric mean that they are samples of lies, 95 times in 100 (Student's t of the logarithms)."""
    if len(values) < 2:
        return None
    logs = np.log(np.array(values, np.float64))
    reach = float(quantile((1 + _CONFIDENCE) / 2, len(logs) - 1)) * logs.std(ddof=1) / np.sqrt(len(logs))
    return float(np.exp(logs.mean() - reach)), float(np.exp(logs.mean() + reach))

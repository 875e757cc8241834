"""Infers phases and steps where no range tells them: from graph launches, else from the kernel sequence.

The sequence is one of units: a graph launch is one unit, known by the kernels it replays, and so is a kernel
launched by itself. The stretch of units that repeats most is a decode step; what comes before it, is unlike it
and longer, is a prefill; the rest is neither.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.attribution import passes
from workbench.attribution.period import find_period, stretches
from workbench.attribution.phases import DECODE, PREFILL
from workbench.attribution.units import Units, copies_to_host, find_units
from workbench.trace.columns import IntArray
from workbench.trace.model import Trace

BY_GRAPH_LAUNCH = "graph_launches"
BY_KERNEL_PERIOD = "inferred"
MOST_STEPS = 0.8
# What follows the last step may share at most this part of a step's beginning.
COMMON_BEGINNING = 0.02


@dataclass(frozen=True)
class InferredStep:
    """One step.

    Attributes:
        phase: `PREFILL` or `DECODE`.
        operations: the rows of its operations.
        source: `BY_GRAPH_LAUNCH` or `BY_KERNEL_PERIOD`.
    """

    phase: int
    operations: NDArray[np.int64]
    source: str


def infer_steps(trace: Trace, rows: IntArray, launch: IntArray) -> list[InferredStep]:
    """The steps among some operations of one process, in order of time; none where nothing repeats.

    Args:
        trace: the capture.
        rows: the operations to divide.
        launch: the call that launched each operation of the trace, or `NONE`.
    """
    units = find_units(trace, rows, launch)
    period = find_period(np.stack([units.content, units.shape]), units.weight, units.is_graph)
    if period is None:
        return []
    decode = stretches(period, _lead(units, period.anchors[period.run], period.length), units.content)
    if not decode:
        return []
    source = BY_GRAPH_LAUNCH if any(units.is_graph[first:end].any() for first, end in decode) else BY_KERNEL_PERIOD
    prefill = passes.find_prefills(units, decode)
    steps = sorted([(span, DECODE) for span in decode] + [(span, PREFILL) for span in prefill])
    operations = _operations(trace, units, rows, [span for span, _ in steps])
    return [InferredStep(phase, of_step, source) for (_, phase), of_step in zip(steps, operations, strict=True)]


def _lead(units: Units, anchors: IntArray, length: int) -> int:
    """How many units before its anchor a step begins.

    A step begins after the copy that takes its predecessor's token to the host, if there is one in most steps.
    Otherwise the last step ends where the sequence stops repeating; as what follows may begin as a step does,
    the longest wait shortly before is taken for the end.
    """
    at = anchors[:-1, None] + np.arange(length)[None, :]
    waits = np.median(units.idle_before_ns[at], axis=0)
    after_copy = np.mean(units.follows_copy_to_host[at], axis=0) >= MOST_STEPS
    if after_copy.any():
        begin = int(np.argmax(np.where(after_copy, waits + 1, 0)))
        return (length - begin) % length
    last, previous = int(anchors[-1]), int(anchors[-2])
    following = units.content[last : last + length]
    repeats = following == units.content[previous : previous + len(following)]
    if repeats.all():
        return (length - len(repeats)) % length
    end = int(np.argmin(repeats))
    earliest = max(0, end - int(COMMON_BEGINNING * length))
    return (length - earliest - int(np.argmax(waits[earliest : end + 1]))) % length


def _operations(
    trace: Trace, units: Units, rows: IntArray, spans: Sequence[tuple[int, int]]
) -> list[NDArray[np.int64]]:
    """The operations of each span of units, copies and memsets included, given in order of time.

    What lies inside a span is its own. Between two steps, copies to the host end the earlier one and everything
    after the last of them begins the later one; at the ends of a run of steps only as many operations are taken
    as usually lie there within it.
    """
    order = rows[np.argsort(trace.operations.start_ns[rows], kind="stable")]
    position = np.empty(len(trace.operations), np.int64)
    position[order] = np.arange(len(order))
    first = np.array([position[units.first_operation[span[0]]] for span in spans])
    last = np.array([max(position[units.last_operation[i]] for i in range(*span)) for span in spans])
    is_neighbour = np.array([later[0] == earlier[1] for earlier, later in itertools.pairwise(spans)], bool)
    to_host = copies_to_host(trace)[order]
    cuts = [_cut(to_host, int(last[i]) + 1, int(first[i + 1])) for i in range(len(spans) - 1)]
    inner = [i for i, neighbour in enumerate(is_neighbour) if neighbour]
    usual_after = int(np.median([cuts[i] - last[i] - 1 for i in inner])) if inner else 0
    usual_before = int(np.median([first[i + 1] - cuts[i] for i in inner])) if inner else 0
    begins, ends = first.copy(), last + 1
    for i in range(len(spans)):
        follows = i > 0 and is_neighbour[i - 1]
        precedes = i + 1 < len(spans) and is_neighbour[i]
        free_before = int(first[i] - (ends[i - 1] if i else 0))
        begins[i] = cuts[i - 1] if follows else first[i] - min(usual_before, free_before)
        limit = first[i + 1] if i + 1 < len(spans) else len(order)
        ends[i] = cuts[i] if precedes else min(last[i] + 1 + usual_after, limit)
    return [order[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]


def _cut(to_host: NDArray[np.bool_], begin: int, end: int) -> int:
    """Where one step ends and the next begins, among the operations between their kernels."""
    found = np.flatnonzero(to_host[begin:end])
    return begin + int(found[-1]) + 1 if len(found) else begin

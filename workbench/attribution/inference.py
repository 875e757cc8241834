"""Infers phases and steps where no range tells them: from graph launches, else from the kernel sequence.

The sequence is one of units: a graph launch is one unit, known by the kernels it replays, and so is a kernel
launched by itself. The stretch of units that repeats most is a decode step; what comes before it, is unlike it
and longer, is a prefill; the rest is neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.attribution import passes
from workbench.attribution.period import find_period, stretches
from workbench.attribution.phases import DECODE, PREFILL
from workbench.attribution.units import Units, copies_to_host, find_units
from workbench.trace.columns import IntArray
from workbench.trace.grouping import places_of
from workbench.trace.model import NONE, Trace

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
    _, own = places_of(*np.array(decode).T)
    source = BY_GRAPH_LAUNCH if units.is_graph[own].any() else BY_KERNEL_PERIOD
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
    unit, unit_end = np.array(spans).T
    first = position[units.first_operation[unit]]
    # Of the pieces that the spans' bounds cut the units into, every other one is a span.
    bounds = np.stack([unit, unit_end], axis=1).ravel()
    last = np.maximum.reduceat(np.append(position[units.last_operation], NONE), bounds)[::2]
    is_neighbour = unit[1:] == unit_end[:-1]
    cuts = _cuts(np.flatnonzero(copies_to_host(trace)[order]), last[:-1] + 1, first[1:])
    usual_after = int(np.median((cuts - last[:-1] - 1)[is_neighbour])) if is_neighbour.any() else 0
    usual_before = int(np.median((first[1:] - cuts)[is_neighbour])) if is_neighbour.any() else 0
    ends = np.minimum(last + 1 + usual_after, np.append(first[1:], len(order)))
    ends[:-1][is_neighbour] = cuts[is_neighbour]
    begins = first - np.minimum(usual_before, first - np.concatenate([[0], ends[:-1]]))
    begins[1:][is_neighbour] = cuts[is_neighbour]
    return [order[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]


def _cuts(to_host: IntArray, begin: IntArray, end: IntArray) -> NDArray[np.int64]:
    """Where one step ends and the next begins, among the operations between their kernels.

    Args:
        to_host: places of copies to the host, ascending.
        begin: the first place after the kernels of each step but the last, shape (steps - 1,).
        end: the place of the next step's first kernel, shape (steps - 1,).
    """
    copies = np.searchsorted(to_host, end) - 1
    after_copy = np.append(to_host, NONE)[copies] + 1
    return np.maximum(begin, np.where(begin < end, after_copy, begin))

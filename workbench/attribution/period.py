"""Finds the period of a sequence: where the same stretch of tokens comes again and again.

A decode loop launches the same kernels step after step, but not quite: attention may switch kernels as the cache
grows, and each layer repeats within the step as well. So no exact repetition is looked for. A token that comes
once a step divides the sequence into stretches of nearly equal length and alike content; one that comes once a
layer does so too, but its stretches are broken at every step's end. The token whose unbroken run of stretches covers
most of the sequence is the step's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.trace.columns import BoolArray, IntArray

FEWEST_REPEATS = 3
# Stretches are alike when their lengths differ by at most this share, rounded down: short ones must be equal.
LENGTH_TOLERANCE = 0.02
# ... and when at most this share of their tokens differ: attention may switch kernels between two steps.
CONTENT_TOLERANCE = 0.10
# Of this many neighbouring stretches, evenly spread over a run, so large a share must be alike.
COMPARED_NEIGHBOURS, ALIKE_NEIGHBOURS = 16, 0.8
# Of tokens whose runs cover nearly the same, the more frequent one is the period's.
EQUAL_COVERAGE = 0.98


@dataclass(frozen=True, eq=False)
class Period:
    """A repeated stretch.

    Attributes:
        anchors: positions of the token that comes once in every stretch, over the whole sequence.
        run: the anchors of the longest run of alike stretches, as a slice of `anchors`.
        length: the stretches' median length.
    """

    anchors: NDArray[np.int64]
    run: slice
    length: int


def find_period(tokens: IntArray, weight: IntArray, whole: BoolArray) -> Period | None:
    """The period of a sequence, or None where nothing repeats often enough.

    Args:
        tokens: the sequence, as one or more columns of candidate tokens, shape (columns, length): coarser ones
            and finer ones for the same places.
        weight: how much of the sequence each place stands for, shape (length,).
        whole: whether a place can be a stretch all by itself, shape (length,).
    """
    best: tuple[float, int, Period] | None = None
    covered = np.concatenate([[0], np.cumsum(weight)])
    for column in tokens:
        order = np.argsort(column, kind="stable")
        bounds = np.flatnonzero(np.diff(column[order])) + 1
        for anchors in np.split(order, bounds):
            if len(anchors) < FEWEST_REPEATS:
                continue
            run, length = _longest_run(anchors, covered)
            if run is None or (length == 1 and not whole[anchors[0]]):
                continue
            repeats = run.stop - run.start
            between = float(covered[anchors[run.stop - 1]] - covered[anchors[run.start]])
            coverage = between * repeats / (repeats - 1)
            if (best is None or _is_better(coverage, repeats, best)) and _repeats(tokens[0], anchors[run]):
                best = (coverage, repeats, Period(anchors, run, length))
    return best[2] if best else None


def _is_better(coverage: float, repeats: int, best: tuple[float, int, Period]) -> bool:
    if coverage * EQUAL_COVERAGE > best[0]:
        return True
    return coverage > best[0] * EQUAL_COVERAGE and repeats > best[1]


def _repeats(tokens: IntArray, anchors: IntArray) -> bool:
    """Whether neighbouring stretches between anchors are alike, and not only equally long."""
    pairs = len(anchors) - 2
    chosen = np.unique(np.linspace(0, pairs - 1, COMPARED_NEIGHBOURS).astype(np.int64))
    alike = 0
    for i in chosen.tolist():
        first, second, end = anchors[i : i + 3].tolist()
        alike += is_alike(histogram(tokens[first:second]), histogram(tokens[second:end]))
    return alike >= ALIKE_NEIGHBOURS * len(chosen)


def _longest_run(anchors: IntArray, covered: IntArray) -> tuple[slice | None, int]:
    """The run of alike gaps between anchors that covers most, and the gaps' median length."""
    gaps = np.diff(anchors)
    alike = np.abs(np.diff(gaps)) <= np.floor(gaps[:-1] * LENGTH_TOLERANCE)
    # A run of k alike pairs of gaps is k + 1 gaps, between k + 2 anchors.
    starts = np.flatnonzero(np.concatenate([[True], ~alike]))
    stops = np.concatenate([starts[1:], [len(gaps)]])
    enough = np.flatnonzero(stops - starts >= FEWEST_REPEATS - 1)
    if not len(enough):
        return None, 0
    coverage = covered[anchors[stops[enough]]] - covered[anchors[starts[enough]]]
    chosen = enough[int(np.argmax(coverage))]
    first, last = int(starts[chosen]), int(stops[chosen])
    return slice(first, last + 1), int(np.median(gaps[first:last]))


def stretches(period: Period, lead: int, tokens: IntArray) -> list[tuple[int, int]]:
    """All stretches like those of the period's run, as (first, end) positions, in order.

    Args:
        period: the period.
        lead: how many places before its anchor a stretch begins.
        tokens: the sequence, shape (length,).
    """
    first, end = _stretch(period, (period.run.start + period.run.stop) // 2, lead)
    typical = histogram(tokens[max(first, 0) : end])
    found = []
    for number in range(len(period.anchors)):
        first, end = _stretch(period, number, lead)
        if first >= 0 and end <= len(tokens) and is_alike(histogram(tokens[first:end]), typical):
            found.append((first, end))
    return found


def _stretch(period: Period, number: int, lead: int) -> tuple[int, int]:
    """The stretch of one anchor: to the next anchor's where that is about a period away, else a period long."""
    first = int(period.anchors[number]) - lead
    if number + 1 < len(period.anchors):
        length = int(period.anchors[number + 1] - period.anchors[number])
        if abs(length - period.length) <= period.length * LENGTH_TOLERANCE:
            return first, first + length
    return first, first + period.length


def histogram(tokens: IntArray) -> dict[int, int]:
    """How often each token occurs."""
    values, counts = np.unique(tokens, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def is_alike(one: dict[int, int], other: dict[int, int]) -> bool:
    """Whether two histograms of tokens differ by at most `CONTENT_TOLERANCE` of the larger one's size."""
    difference = sum(abs(one.get(token, 0) - other.get(token, 0)) for token in one.keys() | other.keys())
    return difference <= 2 * CONTENT_TOLERANCE * max(sum(one.values()), sum(other.values()))

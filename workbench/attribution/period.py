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
from workbench.trace.grouping import places_of

FEWEST_REPEATS = 3
# Stretches are alike when their lengths differ by at most this share, rounded down: short ones must be equal.
LENGTH_TOLERANCE = 0.02
# ... and when at most this share of their tokens differ: attention may switch kernels between two steps.
CONTENT_TOLERANCE = 0.10
# Of this many neighbouring stretches, evenly spread over a run, so large a share must be alike.
COMPARED_NEIGHBOURS, ALIKE_NEIGHBOURS = 16, 0.8
# Of tokens whose runs cover nearly the same, the more frequent one is the period's.
EQUAL_COVERAGE = 0.98
# Tokens are counted in so many stretches at once that the table of counts stays within the processor's caches.
_COUNTS_AT_ONCE = 1 << 18


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
        by_token = np.argsort(column, kind="stable")
        for run in _longest_runs(by_token, column[by_token], covered):
            repeats = run.stop - run.start
            anchors = by_token[run]
            coverage = float(covered[anchors[-1]] - covered[anchors[0]]) * repeats / (repeats - 1)
            if best is not None and not _is_better(coverage, repeats, best):
                continue
            length = int(np.median(np.diff(anchors)))
            if (length > 1 or whole[anchors[0]]) and _repeats(tokens[0], anchors):
                best = (coverage, repeats, _period(by_token, column, run, length))
    return best[2] if best else None


def _period(by_token: IntArray, column: IntArray, run: slice, length: int) -> Period:
    token = column[by_token[run.start]]
    first, end = np.searchsorted(column, [token, token + 1], sorter=by_token).tolist()
    return Period(by_token[first:end], slice(run.start - first, run.stop - first), length)


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
        alike += is_alike(tokens[first:second], tokens[second:end])
    return alike >= ALIKE_NEIGHBOURS * len(chosen)


def _longest_runs(places: IntArray, tokens: IntArray, covered: IntArray) -> list[slice]:
    """For each token that has one, the run of alike gaps between its places that covers most.

    Args:
        places: all places of a sequence, sorted by their tokens, then by themselves.
        tokens: the tokens at these places.
        covered: how much of the sequence lies before each place.

    Returns:
        Slices of `places`, in order of the tokens.
    """
    gaps = np.diff(places)
    is_gap = tokens[1:] == tokens[:-1]
    alike = np.abs(np.diff(gaps)) <= np.floor(gaps[:-1] * LENGTH_TOLERANCE)
    continues = np.concatenate([[False], alike & is_gap[1:] & is_gap[:-1]])[: len(gaps)]
    first = np.flatnonzero(is_gap & ~continues)
    ends = np.flatnonzero(is_gap & ~np.append(continues[1:], False)) + 1
    # A run of k gaps lies between k + 1 places.
    enough = ends - first >= FEWEST_REPEATS - 1
    first, last = first[enough], ends[enough]
    coverage = covered[places[last]] - covered[places[first]]
    order = np.lexsort((-coverage, tokens[first]))
    token = tokens[first[order]]
    chosen = order[np.concatenate([[True], token[1:] != token[:-1]])[: len(order)]]
    return [slice(begin, end + 1) for begin, end in zip(first[chosen].tolist(), last[chosen].tolist(), strict=True)]


def stretches(period: Period, lead: int, tokens: IntArray) -> list[tuple[int, int]]:
    """All stretches like those of the period's run, as (first, end) positions, in order.

    A stretch lasts to the next anchor's where that is about a period away, else it is a period long.

    Args:
        period: the period.
        lead: how many places before its anchor a stretch begins.
        tokens: the sequence, shape (length,).
    """
    first = period.anchors - lead
    gaps = np.append(np.diff(period.anchors), 0)
    is_period = np.abs(gaps - period.length) <= period.length * LENGTH_TOLERANCE
    end = first + np.where(is_period, gaps, period.length)
    middle = (period.run.start + period.run.stop) // 2
    typical = tokens[max(first[middle], 0) : end[middle]]
    inside = (first >= 0) & (end <= len(tokens))
    first, end = first[inside], end[inside]
    alike = are_alike(tokens, first, end, typical)
    return list(zip(first[alike].tolist(), end[alike].tolist(), strict=True))


def is_alike(one: IntArray, other: IntArray) -> bool:
    """Whether two sequences hold nearly the same tokens, as `are_alike` has it."""
    return bool(are_alike(one, np.array([0]), np.array([len(one)]), other)[0])


def are_alike(tokens: IntArray, first: IntArray, end: IntArray, typical: IntArray) -> BoolArray:
    """Which stretches hold nearly the same tokens as a typical one, in whatever order.

    At most `CONTENT_TOLERANCE` of the longer one's tokens may be others; one that lacks counts half.

    Args:
        tokens: the sequence, shape (length,).
        first: the first place of each stretch, shape (stretches,).
        end: the place after its last one, shape (stretches,).
        typical: the typical stretch's tokens.

    Returns:
        Shape (stretches,).
    """
    values, usual = np.unique(typical, return_counts=True)
    length = end - first
    shared = np.zeros(len(first), np.int64)
    at_once = max(1, _COUNTS_AT_ONCE // max(len(values), int(length.max(initial=1))))
    for begin in range(0, len(first) if len(values) else 0, at_once):
        part = slice(begin, begin + at_once)
        stretch, places = places_of(first[part], end[part])
        found = tokens[places]
        kind = np.minimum(np.searchsorted(values, found), len(values) - 1)
        known = values[kind] == found
        cells = stretch[known] * len(values) + kind[known]
        counts = np.bincount(cells, minlength=len(first[part]) * len(values)).reshape(-1, len(values))
        shared[part] = np.minimum(counts, usual).sum(axis=1)
    longer = np.maximum(length, len(typical))
    alike: BoolArray = length + len(typical) - 2 * shared <= 2 * CONTENT_TOLERANCE * longer
    return alike

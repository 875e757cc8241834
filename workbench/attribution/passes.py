"""Finds prefills: passes through the model that come before decode steps, are unlike them, and longer."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.period import are_alike
from workbench.attribution.units import Units

# A pass shares kernels with a decode step; it ends where so many kernels in a row are none of the step's.
STRANGER_SHARE, FEWEST_STRANGERS = 0.05, 8
# A kernel that comes this many times as often as the step's others is not there for a pass's sake.
MOST_FREQUENT = 4
# A pass has at least this share of a decode step's kernels.
SHORTEST_PASS = 0.5


def find_prefills(units: Units, decode: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The prefills before runs of decode steps, as spans of units.

    Graph launches are looked at first: where one of them is a prefill, launches of single kernels before it were
    its warm-up.

    Args:
        units: what was launched.
        decode: the decode steps, as spans of units, in order.
    """
    gaps = [(0, decode[0][0]), *((earlier[1], later[0]) for earlier, later in pairwise(decode))]
    gaps = [gap for gap in gaps if gap[0] < gap[1]]
    step = _Step(units, decode)
    in_gap = np.concatenate([np.arange(*gap) for gap in gaps]) if gaps else np.empty(0, np.int64)
    graphs = [(place, place + 1) for place in in_gap[units.is_graph[in_gap]].tolist()]
    return step.prefills_among(graphs) or step.prefills_among(
        [span for gap in gaps for span in _model_passes(units, step, gap)]
    )


class _Step:
    """The typical decode step, to compare passes with."""

    def __init__(self, units: Units, decode: Sequence[tuple[int, int]]) -> None:
        self._units = units
        first, end = decode[len(decode) // 2]
        kernels = slice(int(units.first_kernel[first]), int(units.first_kernel[end]))
        self.names = units.kernels[kernels]
        self.shapes = units.kernel_shapes[kernels]
        self._busy_before_ns = np.concatenate([[0], np.cumsum(units.busy_ns)])
        self._busy_ns = int(np.median(self._busy_in_ns(decode)))

    def _busy_in_ns(self, spans: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
        first_ns, end_ns = self._busy_before_ns[np.array(spans).T]
        busy_ns: NDArray[np.int64] = end_ns - first_ns
        return busy_ns

    def prefills_among(self, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """Those spans of units that are passes unlike a decode step, and longer in kernels or in time.

        One that is alike is a decode step that lies apart, such as a warm-up.
        """
        if not spans:
            return []
        first, end = self._units.first_kernel[np.array(spans).T]
        longer = (end - first > len(self.names)) | (self._busy_in_ns(spans) > self._busy_ns)
        big_enough = end - first >= SHORTEST_PASS * len(self.names)
        alike = are_alike(self._units.kernels, first, end, self.names)
        return [spans[i] for i in np.flatnonzero(longer & big_enough & ~alike).tolist()]


def _model_passes(units: Units, step: _Step, gap: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Spans of single kernels in a gap that run through the model, each pass by itself."""
    single = np.flatnonzero(~units.is_graph[slice(*gap)]) + gap[0]
    kernels = units.first_kernel[single]
    known = np.flatnonzero(np.isin(units.kernels[kernels], _shared_names(step.names, units.kernels[kernels])))
    most_strangers = max(FEWEST_STRANGERS, int(STRANGER_SHARE * len(step.names)))
    breaks = np.flatnonzero(np.diff(known) > most_strangers) + 1
    for members in np.split(known, breaks):
        if len(members):
            shapes = units.kernel_shapes[kernels[members[0] : members[-1] + 1]]
            bounds = _pass_bounds(step.shapes, shapes) + members[0]
            for first, end in pairwise(bounds.tolist()):
                yield int(single[first]), int(single[end - 1]) + 1


def _shared_names(step: NDArray[np.int64], names: NDArray[np.int64]) -> NDArray[np.int64]:
    """The step's kernels that come about as often, by the step's measure, as its others do.

    One that comes far more often does other work there, such as filling weights.
    """
    shared, own = np.intersect1d(step, names), np.sort(names)
    per_step = _counts(np.sort(step), shared)
    ratios = _counts(own, shared) / per_step
    return shared[ratios <= MOST_FREQUENT * np.median(ratios)] if len(shared) else shared


def _counts(ordered: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.searchsorted(ordered, values, "right") - np.searchsorted(ordered, values)


def _pass_bounds(step: NDArray[np.int64], shapes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Divides kernels into passes, at a kernel that a decode step runs only once.

    Of several the rarest is taken, and then the one nearest to an end of the step, where counting kernels to that
    end is safest: a pass need not have as many kernels as a step.
    """
    values, counts = np.unique(step, return_counts=True)
    candidates = []
    for place in np.flatnonzero(np.isin(step, values[counts == 1])).tolist():
        found = np.flatnonzero(shapes == step[place])
        if len(found):
            to_end = len(step) - place
            candidates.append((len(found), min(place, to_end), found - place if place < to_end else found + to_end))
    if not candidates:
        return np.array([0, len(shapes)])
    bounds = min(candidates, key=lambda candidate: candidate[:2])[2]
    return np.concatenate([[0], bounds[(bounds > 0) & (bounds < len(shapes))], [len(shapes)]])

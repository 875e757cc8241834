"""Finds prefills: passes through the model that come before decode steps, are unlike them, and longer."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.period import histogram, is_alike
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
    graphs = [(i, i + 1) for gap in gaps for i in range(*gap) if units.is_graph[i] and step.is_prefill(i, i + 1)]
    if graphs:
        return graphs
    return [span for gap in gaps for span in _model_passes(units, step, gap) if step.is_prefill(*span)]


class _Step:
    """The typical decode step, to compare passes with."""

    def __init__(self, units: Units, decode: Sequence[tuple[int, int]]) -> None:
        self._units = units
        kernels = _kernels(units, *decode[len(decode) // 2])
        self.names = units.kernels[kernels]
        self.shapes = units.kernel_shapes[kernels]
        self._histogram = histogram(self.names)
        self.busy_ns = int(np.median([units.busy_ns[first:end].sum() for first, end in decode]))

    def is_prefill(self, first: int, end: int) -> bool:
        """Whether a span of units is a pass unlike a decode step, and longer in kernels or in time.

        One that is alike is a decode step that lies apart, such as a warm-up.
        """
        names = self._units.kernels[_kernels(self._units, first, end)]
        longer = len(names) > len(self.names) or self._units.busy_ns[first:end].sum() > self.busy_ns
        big_enough = len(names) >= SHORTEST_PASS * len(self.names)
        return bool(longer and big_enough and not is_alike(histogram(names), self._histogram))


def _kernels(units: Units, first: int, end: int) -> slice:
    return slice(int(units.first_kernel[first]), int(units.first_kernel[end]))


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


def _shared_names(step: NDArray[np.int64], names: NDArray[np.int64]) -> list[int]:
    """The step's kernels that come about as often, by the step's measure, as its others do.

    One that comes far more often does other work there, such as filling weights.
    """
    per_step, counts = histogram(step), histogram(names)
    ratios = {name: counts[name] / per_step[name] for name in counts.keys() & per_step.keys()}
    most = MOST_FREQUENT * float(np.median(list(ratios.values()))) if ratios else 0.0
    return [name for name, ratio in ratios.items() if ratio <= most]


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

"""Predicted gains: what a remedy should take off a step, as an interval.

Everything rests on unions of intervals: the step's busy time with and without the operations in question, and the
waits that end with them. How much of that is sure depends on the host: an operation cannot start before it was
launched, so without those before it, it starts earlier by no more than it had been waiting on the GPU, and by what
the host saves. Where launches set the pace, little is sure.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.idle import IdleKind
from workbench.analysis.intervals import Timeline, exclusive_ns
from workbench.findings.finding import Gain
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE

# Between two nodes of a CUDA graph the GPU still waits about this long: measured on one H200 (1.0 to 1.3 µs).
NODE_GAP_NS = 1_300
_WAITS = (IdleKind.LAUNCH, IdleKind.GRAPH, IdleKind.QUEUED)
_ALL = (1.0, 1.0)


def gain_of_removing(
    view: PhaseView, rows: IntArray, *, busy: tuple[float, float] = _ALL, removed: tuple[float, float] = _ALL
) -> Gain:
    """The gain of not launching these operations any more.

    Args:
        view: the phase.
        rows: the operations.
        busy: which part of their busy time goes with them, at least and at most: what takes over their work may
            need the rest.
        removed: which part of the operations can go, at least and at most.
    """
    waits_ns, busy_ns = view.waits_before_ns(rows, *_WAITS), freed_ns(view, rows)
    low = _certain_ns(view, rows, busy[0]) * removed[0]
    high = (waits_ns + busy_ns * busy[1]) * removed[1]
    basis = (
        f"step with and without these operations (union of intervals): {_microseconds(busy_ns)} busy, and "
        f"{_microseconds(waits_ns)} in which the GPU waited for them to begin; at the low end only what the next "
        "operation had been waiting for, or the host saves"
    )
    if busy != _ALL:
        basis += f"; {busy[0]:.0%} to {busy[1]:.0%} of the busy time (an estimate), as their work is done elsewhere"
    if removed != _ALL:
        basis += f"; {removed[0]:.0%} to {removed[1]:.0%} of that (an estimate), as some of them stay"
    return gain(view, low, high, basis)


def gain_of_shortening(view: PhaseView, rows: IntArray, share: float | NDArray[np.float64], reason: str) -> Gain:
    """The gain of making these operations shorter, down to their floors at most; nothing is sure of it.

    Args:
        view: the phase.
        rows: the operations.
        share: which part of its time each could lose at most, shape () or (rows,).
        reason: why so much, in words.
    """
    above_floor = view.above_floor(rows)
    shortened_ns = busy_without_shares_ns(view, rows, np.fmin(share, above_floor))
    basis = (
        f"step with these operations as they are and shortened (union of intervals): {_microseconds(shortened_ns)} "
        f"less busy, {reason}"
    )
    if bool((above_floor < share).any()):
        basis += ", and none below the floor of its role"
    if view.is_launch_bound:
        basis += "; nothing as long as the phase is launch-bound"
    return gain(view, np.zeros(view.step_count), shortened_ns, basis)


def gain_of_graphs(view: PhaseView) -> Gain:
    """The gain of replaying a phase's steps as CUDA graphs."""
    starved_ns = view.regular_idle_ns(IdleKind.LAUNCH)
    kernels = view.analysis.step_costs.kernels[view.steps]
    return gain(
        view,
        starved_ns - kernels * NODE_GAP_NS,
        starved_ns,
        f"the waits for launches; at the low end every kernel still waits {NODE_GAP_NS / 1000} µs for its predecessor "
        "in the graph (an estimate, measured on an H200)",
    )


def freed_ns(view: PhaseView, rows: IntArray) -> NDArray[np.int64]:
    """For each step, the busy time that would go if these operations did not run."""
    removed = np.zeros(len(view.trace.operations), np.bool_)
    removed[rows] = True
    return view.analysis.step_costs.busy_ns[view.steps] - view.busy_without_ns(removed)


def busy_without_shares_ns(view: PhaseView, rows: IntArray, share: float | NDArray[np.float64]) -> NDArray[np.int64]:
    """For each step, the busy time that would go if these operations lost a share of their time each."""
    end_ns = view.trace.operations.end_ns.copy()
    end_ns[rows] -= np.floor(view.duration_ns(rows) * share).astype(np.int64)
    return view.analysis.step_costs.busy_ns[view.steps] - view.busy_until_ns(end_ns)


def gain(view: PhaseView, low_ns: NDArray[Any], high_ns: NDArray[Any], basis: str) -> Gain:
    """A gain from what each step would gain; the median step's, so that outliers promise nothing.

    Args:
        view: the phase.
        low_ns: what each step gains at least, shape (steps,).
        high_ns: what each step gains at most, shape (steps,).
        basis: where they come from.
    """
    low, high = (min(max(0, _median(values)), view.median_wall_ns) for values in (low_ns, high_ns))
    return Gain(min(low, high), high, view.median_wall_ns, view.step_count, basis)


def mean_gain(view: PhaseView, low_ns: int, high_ns: int, basis: str) -> Gain:
    """A gain from what all steps together would gain, for costs that fall on few steps.

    Args:
        view: the phase.
        low_ns: the least, over all steps of the phase.
        high_ns: the most, over all steps of the phase.
        basis: where they come from.
    """
    count = view.step_count
    step_ns = int(view.wall_ns.sum()) // count
    return Gain(
        min(low_ns // count, step_ns), min(high_ns // count, step_ns), step_ns, count, basis, of_mean_step=count > 1
    )


def _certain_ns(view: PhaseView, rows: IntArray, busy_share: float) -> NDArray[Any]:
    """What each step surely gains without these operations, shape (steps,).

    What goes before an operation that stays lets it start earlier, but not before it was launched: its launch comes
    earlier only by the time of the calls that launch what goes.
    """
    operations, sites, calls = view.trace.operations, view.analysis.attribution.sites, view.trace.calls
    if not len(rows):
        return np.zeros(view.step_count)
    all_rows = view.process_operations
    stays = all_rows[~np.isin(all_rows, rows)]
    next_one = np.searchsorted(operations.start_ns[stays], operations.start_ns[rows])
    goes_ns = view.waits_of_ns(rows, *_WAITS) + _freed_by_each_ns(view, rows, stays) * busy_share
    launch = sites.launch[rows]
    own_call = (launch != NONE) & ~sites.is_graph_node[rows]
    saved_ns = np.where(own_call, calls.end_ns[launch] - calls.start_ns[launch], 0)
    group, first = group_rows(view.step_of(rows), next_one)
    limit_ns = _waited_on_gpu_ns(view, stays, next_one[first]) + np.bincount(group, saved_ns, len(first))
    certain_ns = np.minimum(np.bincount(group, goes_ns, len(first)), limit_ns)
    return np.bincount(view.step_of(rows)[first], certain_ns, view.step_count)


def _freed_by_each_ns(view: PhaseView, rows: IntArray, stays: IntArray) -> NDArray[np.int64]:
    """The time in which only these operations run, shared out among them, shape (rows,)."""
    start_ns, end_ns = view.trace.operations.start_ns, view.trace.operations.end_ns
    own_ns = exclusive_ns(start_ns[rows], end_ns[rows])
    others = Timeline.union(start_ns[stays], end_ns[stays])
    return own_ns - others.covered_between(end_ns[rows] - own_ns, end_ns[rows])


def _waited_on_gpu_ns(view: PhaseView, stays: IntArray, positions: IntArray) -> NDArray[np.float64]:
    """How long operations had been launched when they began; beyond the last one nothing limits what goes."""
    launch = view.analysis.attribution.sites.launch
    waited_ns = np.full(len(positions), np.inf)
    inside = positions < len(stays)
    rows = stays[positions[inside]]
    known = launch[rows] != NONE
    since_ns = np.zeros(len(rows))
    since_ns[known] = view.trace.operations.start_ns[rows[known]] - view.trace.calls.end_ns[launch[rows[known]]]
    waited_ns[inside] = np.maximum(0, since_ns)
    return waited_ns


def _median(values: NDArray[Any]) -> int:
    return int(np.median(values))


def _microseconds(values_ns: NDArray[Any]) -> str:
    return f"{_median(values_ns) / 1000:.4g} µs"

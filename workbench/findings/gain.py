"""Predicted gains: what a remedy should take off a step, as an interval.

Everything rests on unions of intervals: the step's busy time with and without the operations in question, and the
waits that end with them. How much of that is sure depends on the host: an operation cannot start before it was
launched, so without those before it, it starts earlier by no more than it had been waiting on the GPU, and by what
the host saves. Where launches set the pace, little is sure.

Where operations of one stream overlap, the later one waits for the earlier one within its duration, nobody knows how
long. Without the earlier one the step may lose all that it took beyond those ahead of it, or only the time in which it
ran alone.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.idle import IdleKind
from workbench.analysis.intervals import Timeline, exclusive_ns
from workbench.findings.chains import overlap_ahead, own_ns, own_start_ns
from workbench.findings.finding import Gain
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE

# Between two nodes of a CUDA graph the GPU still waits about this long: measured on one H200 (1.0 to 1.3 µs).
NODE_GAP_NS = 1_300
# What a kernel costs its stream beside its work: matrix-vector products in a graph took 1.1 to 2.8 µs beyond their
# floors on one H200, the less where they overlapped.
LAUNCH_NS = 1_000
# What a kernel can hide of that at most, if it begins before the one ahead of it has drained: those products gained
# 1.4 to 2.4 µs a launch.
HIDDEN_NS = 2_400
_WAITS = (IdleKind.LAUNCH, IdleKind.GRAPH, IdleKind.QUEUED)
_ALL = (1.0, 1.0)


def gain_of_removing(
    view: PhaseView,
    rows: IntArray,
    *,
    busy: tuple[float, float] = _ALL,
    removed: tuple[float, float] = _ALL,
    parted: IntArray | None = None,
) -> Gain:
    """The gain of not launching these operations any more.

    Args:
        view: the phase.
        rows: the operations.
        busy: which part of their busy time goes with them, at least and at most: what takes over their work may
            need the rest.
        removed: which part of the operations can go, at least and at most.
        parted: kernels that could overlap those ahead of them, if these operations did not part the two.
    """
    waits_ns, busy_ns = view.waits_before_ns(rows, *_WAITS), freed_ns(view, rows)
    low = _certain_ns(view, rows, _freed_by_each_ns(view, rows) * busy[0]) * removed[0]
    high = (waits_ns + busy_ns * busy[1]) * removed[1]
    basis = (
        f"step with and without these operations (union of intervals): {_microseconds(busy_ns)} busy, and "
        f"{_microseconds(waits_ns)} in which the GPU waited for them to begin; at the low end only what the next "
        "operation had been waiting for, or the host saves"
    )
    if overlap_ahead(view, rows):
        basis += "; operations of one stream that overlap are taken to wait for each other at the high end only"
    if busy != _ALL:
        basis += f"; {busy[0]:.0%} to {busy[1]:.0%} of the busy time (an estimate), as their work is done elsewhere"
    if removed != _ALL:
        basis += f"; {removed[0]:.0%} to {removed[1]:.0%} of that (an estimate), as some of them stay"
    if parted is not None and len(parted):
        overlap_ns = busy_without_shares_ns(view, parted, _hidden_share(view, parted))
        high = high + overlap_ns * removed[1]
        basis += (
            f"; at the high end also {_microseconds(overlap_ns)} by which kernels that they part could overlap, "
            f"{HIDDEN_NS / 1000} µs each at most (measured on an H200)"
        )
    return gain(view, low, high, basis)


def gain_of_merging(view: PhaseView, rows: IntArray, low_ns: NDArray[Any], high_ns: NDArray[Any], reason: str) -> Gain:
    """The gain of doing the work of these operations within others, which saves a part of their time.

    Args:
        view: the phase.
        rows: the operations.
        low_ns: what each saves of its busy time at least, shape (rows,).
        high_ns: what each saves of it at most, shape (rows,).
        reason: why so much, in words.
    """
    waits_ns = view.waits_before_ns(rows, *_WAITS)
    saved_ns = np.bincount(view.step_of(rows), high_ns, view.step_count)
    basis = (
        f"{_microseconds(waits_ns)} in which the GPU waited for these operations to begin, and "
        f"{_microseconds(saved_ns)} at most of their busy time: {reason}; at the low end no more than what the next "
        "operation had been waiting for, or the host saves"
    )
    return gain(view, _certain_ns(view, rows, low_ns), waits_ns + saved_ns, basis)


def gain_of_starting_early(view: PhaseView, rows: IntArray) -> Gain:
    """The gain of letting these kernels begin before the one ahead of each has drained.

    Args:
        view: the phase.
        rows: kernels that overlap nothing ahead of them.
    """
    waits_ns = view.waits_before_ns(rows, IdleKind.GRAPH, IdleKind.QUEUED)
    hidden_ns = busy_without_shares_ns(view, rows, _hidden_share(view, rows))
    basis = (
        f"{_microseconds(waits_ns)} in which the GPU was idle before them though they had been launched; at the high "
        f"end also {_microseconds(hidden_ns)} in which they fill the GPU: {HIDDEN_NS / 1000} µs each (measured on an "
        "H200), half of a kernel at most, and none below the floor of its role"
    )
    if view.is_launch_bound:
        return gain(view, waits_ns * 0, waits_ns + hidden_ns, f"{basis}; nothing as long as the phase is launch-bound")
    return gain(view, waits_ns, waits_ns + hidden_ns, basis)


def _hidden_share(view: PhaseView, rows: IntArray) -> NDArray[np.float64]:
    """Which part of each kernel could overlap the one ahead of it at most, shape (rows,)."""
    share = np.minimum(0.5, HIDDEN_NS / np.maximum(1, own_ns(view, rows)))
    hidden: NDArray[np.float64] = np.fmin(share, view.above_floor(rows))
    return hidden


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


def idle_by_calls_ns(view: PhaseView, calls: IntArray) -> int:
    """How long the GPU was idle, over all steps, on account of some of the phase's API calls at most.

    That is the idle time during them; and all of a wait that began during one, for then the host may have waited in it
    until the GPU had nothing left to do, and launched only afterwards.
    """
    gaps, table = view.analysis.gaps, view.trace.calls
    own = np.flatnonzero(np.isin(view.analysis.gap_steps, view.steps))
    inside = Timeline.union(table.start_ns[calls], table.end_ns[calls])
    begin_ns, end_ns = gaps.begin_ns[own], gaps.end_ns[own]
    began_inside = inside.covered_between(begin_ns - 1, begin_ns) > 0
    idle_ns = np.where(began_inside, end_ns - begin_ns, inside.covered_between(begin_ns, end_ns))
    return int(idle_ns.sum())


def freed_ns(view: PhaseView, rows: IntArray) -> NDArray[np.int64]:
    """For each step, the busy time that would go if these operations did not run.

    An operation that began before the one ahead of it on its stream had ended is taken to have waited for it.
    """
    stays = view.process_operations[~np.isin(view.process_operations, rows)]
    return _saved_ns(view, own_start_ns(view)[stays], view.trace.operations.end_ns[stays])


def busy_without_shares_ns(view: PhaseView, rows: IntArray, share: float | NDArray[np.float64]) -> NDArray[np.int64]:
    """For each step, the busy time that would go if these operations lost a share of their time each.

    Of an operation that began before the one ahead of it on its stream had ended, only the time after that is its own.
    """
    begin_ns, end_ns = own_start_ns(view), view.trace.operations.end_ns.copy()
    end_ns[rows] -= np.floor(np.maximum(0, end_ns - begin_ns)[rows] * share).astype(np.int64)
    return _saved_ns(view, begin_ns[view.process_operations], end_ns[view.process_operations])


def _saved_ns(view: PhaseView, begin_ns: IntArray, end_ns: IntArray) -> NDArray[np.int64]:
    """For each step, how much shorter the union of these intervals is than its busy time."""
    steps = view.analysis.attribution.placement.steps
    busy_ns = Timeline.union(begin_ns, end_ns).covered_between(steps.begin_ns[view.steps], steps.end_ns[view.steps])
    return view.analysis.step_costs.busy_ns[view.steps] - busy_ns


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


def _certain_ns(view: PhaseView, rows: IntArray, busy_ns: NDArray[Any]) -> NDArray[Any]:
    """What each step surely gains without these operations, shape (steps,).

    What goes before an operation that stays lets it start earlier, but not before it was launched: its launch comes
    earlier only by the time of the calls that launch what goes.

    Args:
        view: the phase.
        rows: the operations.
        busy_ns: what of its busy time surely goes with each, shape (rows,).
    """
    operations, sites, calls = view.trace.operations, view.analysis.attribution.sites, view.trace.calls
    if not len(rows):
        return np.zeros(view.step_count)
    all_rows = view.process_operations
    stays = all_rows[~np.isin(all_rows, rows)]
    next_one = np.searchsorted(operations.start_ns[stays], operations.start_ns[rows])
    goes_ns = view.waits_of_ns(rows, *_WAITS) + busy_ns
    launch = sites.launch[rows]
    own_call = (launch != NONE) & ~sites.is_graph_node[rows]
    saved_ns = np.where(own_call, calls.end_ns[launch] - calls.start_ns[launch], 0)
    group, first = group_rows(view.step_of(rows), next_one)
    limit_ns = _waited_on_gpu_ns(view, stays, next_one[first]) + np.bincount(group, saved_ns, len(first))
    certain_ns = np.minimum(np.bincount(group, goes_ns, len(first)), limit_ns)
    return np.bincount(view.step_of(rows)[first], certain_ns, view.step_count)


def _freed_by_each_ns(view: PhaseView, rows: IntArray) -> NDArray[np.int64]:
    """The time in which only these operations run, shared out among them, shape (rows,)."""
    start_ns, end_ns = view.trace.operations.start_ns, view.trace.operations.end_ns
    stays = view.process_operations[~np.isin(view.process_operations, rows)]
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

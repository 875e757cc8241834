"""Predicted gains: what a remedy should take off a step, as an interval.

Everything rests on unions of intervals: the step's busy time with and without the operations in question, and the
waits that end with them. In a launch-bound phase the host sets the pace, so shorter kernels alone gain nothing,
and fewer launches gain what the GPU waited for them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.idle import IdleKind
from workbench.findings.finding import Gain
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray

_WAITS = (IdleKind.LAUNCH, IdleKind.GRAPH, IdleKind.QUEUED)


def freed_ns(view: PhaseView, rows: IntArray) -> NDArray[np.int64]:
    """For each step, the busy time that would go if these operations did not run."""
    removed = np.zeros(len(view.trace.operations), np.bool_)
    removed[rows] = True
    return view.analysis.step_costs.busy_ns[view.steps] - view.busy_without_ns(removed)


def gain_of_removing(
    view: PhaseView, rows: IntArray, *, kept_share: float = 0.0, removed: tuple[float, float] = (1.0, 1.0)
) -> Gain:
    """The gain of not launching these operations any more.

    Args:
        view: the phase.
        rows: the operations.
        kept_share: the largest part of their busy time that whatever takes over their work may still need.
        removed: which part of the operations can go, at least and at most.
    """
    waits_ns = view.waits_before_ns(rows, *_WAITS)
    busy_ns = freed_ns(view, rows)
    at_least = np.where(view.is_launch_bound, 0, busy_ns * (1 - kept_share))
    low = waits_ns * (0.5 if view.is_launch_bound else 1) + at_least
    basis = (
        f"step with and without these operations (union of intervals): {_median(busy_ns)} ns busy, and "
        f"{_median(waits_ns)} ns in which the GPU waited for them to begin"
    )
    if removed != (1.0, 1.0):
        basis += f"; {removed[0]:.0%} to {removed[1]:.0%} of that (an estimate), as some of them stay"
    return gain(view, low * removed[0], (waits_ns + busy_ns) * removed[1], basis)


def gain_of_shortening(view: PhaseView, rows: IntArray, *, low_share: float, high_share: float) -> Gain:
    """The gain of making these operations shorter by a share of their time; nothing where launches set the pace."""
    busy_ns = freed_ns(view, rows)
    low_share = 0.0 if view.is_launch_bound else low_share
    basis = (
        f"between {low_share:.0%} and {high_share:.0%} (an estimate) of the {_median(busy_ns)} ns that they add to "
        "the step's busy time (union of intervals)"
    )
    if view.is_launch_bound:
        basis += "; nothing as long as the phase is launch-bound"
    return gain(view, busy_ns * low_share, busy_ns * high_share, basis)


def gain(view: PhaseView, low_ns: NDArray[Any], high_ns: NDArray[Any], basis: str) -> Gain:
    """A gain from what each step would gain; the median step's, so that outliers promise nothing.

    Args:
        view: the phase.
        low_ns: what each step gains at least, shape (steps,).
        high_ns: what each step gains at most, shape (steps,).
        basis: where they come from.
    """
    low, high = (max(0, _median(values)) for values in (low_ns, high_ns))
    return Gain(
        min(low, view.median_wall_ns), min(high, view.median_wall_ns), view.median_wall_ns, view.step_count, basis
    )


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
    return Gain(min(low_ns // count, step_ns), min(high_ns // count, step_ns), step_ns, count, basis)


def _median(values: NDArray[Any]) -> int:
    return int(np.median(values))

"""What each operation adds to the busy time of each step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.analysis import Analysis
from workbench.trace.columns import IntArray
from workbench.trace.grouping import places_of


@dataclass(frozen=True, eq=False)
class StepShares:
    """Time that an operation adds to a step, an entry for each pair of the two that share any; arrays of one length.

    Attributes:
        operation: a row of the trace's operations.
        step: a position among the steps asked for.
        busy_ns: the time; over all entries of a step it adds up to the step's busy time.
    """

    operation: NDArray[np.int64]
    step: NDArray[np.int64]
    busy_ns: NDArray[np.int64]


def step_shares(analysis: Analysis, steps: IntArray) -> StepShares:
    """Shares the busy time of some steps out among the operations of their process.

    Where several ran, the time belongs to the one that started first. An operation that outlasts its step adds to the
    next one, too.

    Args:
        analysis: the capture.
        steps: rows of its steps, all of one process.
    """
    operations, table = analysis.trace.operations, analysis.attribution.placement.steps
    own = np.flatnonzero((operations.process == table.process[steps[0]]) & (analysis.added_ns > 0))
    own = own[np.argsort(operations.end_ns[own], kind="stable")]
    # What an operation has to itself lies at its end.
    end_ns = operations.end_ns[own]
    begin_ns = end_ns - analysis.added_ns[own]
    window_begin_ns, window_end_ns = table.begin_ns[steps], table.end_ns[steps]
    first = np.searchsorted(end_ns, window_begin_ns, "right")
    last = np.searchsorted(begin_ns, window_end_ns, "left")
    step, place = places_of(first, last)
    busy_ns = np.minimum(end_ns[place], window_end_ns[step]) - np.maximum(begin_ns[place], window_begin_ns[step])
    return StepShares(own[place], step, busy_ns)

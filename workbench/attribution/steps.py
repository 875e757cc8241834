"""Steps of prefill and decode: which operations and calls belong to each, when it begins and ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.inference import InferredStep, infer_steps
from workbench.attribution.phases import DECODE, LOAD, OTHER, PREFILL, WARMUP, RangePhases
from workbench.attribution.sites import Sites
from workbench.trace.columns import BoolArray, Columns, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, Trace

BY_RANGE = "ranges"


@dataclass(frozen=True, eq=False)
class Steps(Columns):
    """All steps, by process, then in order of their first operation.

    A step lasts from its first operation to the first of the next step of its phase; where another phase lies
    between, or none follows, to its own last operation's end.
    """

    process: NDArray[np.int32]
    phase: NDArray[np.int8]
    number: NDArray[np.int64]
    begin_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Placement:
    """Where in the program's course operations and calls lie.

    Attributes:
        phase: of each operation, a position in `PHASES`, shape (operations,).
        step: of each operation, a row of `steps`, or `NONE`.
        call_phase, call_step: the same of each API call, shape (calls,).
        steps: the steps.
        sources: how the steps of a (process, phase) are known.
    """

    phase: NDArray[np.int8]
    step: NDArray[np.int32]
    call_phase: NDArray[np.int8]
    call_step: NDArray[np.int32]
    steps: Steps
    sources: dict[tuple[int, int], str]


def place(trace: Trace, sites: Sites, by_range: RangePhases) -> Placement:
    """Places every operation and call: by ranges, and in processes whose ranges tell no step, by inference."""
    placing = _Placing(trace, sites, by_range)
    for process in range(len(trace.processes)):
        placing.infer(process)
    return placing.finish()


class _Placing:
    """Phases and step keys while they are found; a key is (process, phase, is numbered, number)."""

    def __init__(self, trace: Trace, sites: Sites, by_range: RangePhases) -> None:
        self.trace, self.sites = trace, sites
        context_ran = sites.context_ran()
        context_call = sites.contexts.of_moment[: len(trace.calls)]
        self.phase = _gather(by_range.phase, context_ran, OTHER)
        self.call_phase = _gather(by_range.phase, context_call, OTHER)
        self.is_numbered = _gather(by_range.is_numbered, context_ran, False)
        self.call_is_numbered = _gather(by_range.is_numbered, context_call, False)
        self.number = _gather(by_range.step, context_ran, NONE)
        self.call_number = _gather(by_range.step, context_call, NONE)
        self.call_process = trace.thread_process[trace.calls.thread]
        self.sources: dict[tuple[int, int], str] = {}

    def infer(self, process: int) -> None:
        """Fills in what ranges leave open in one process.

        All its operations outside any phase, if no range is a prefill or decode step; otherwise those of a phase
        that has a single range without a number, which then is no step but a run of them.
        """
        own = np.flatnonzero(self.trace.operations.process == process)
        phases = set(np.unique(self.phase[own]).tolist())
        if not phases & {PREFILL, DECODE}:
            self._adopt(process, infer_steps(self.trace, own[self.phase[own] == OTHER], self.sites.launch))
            return
        for phase in phases & {PREFILL, DECODE}:
            self.sources[process, phase] = BY_RANGE
        decode = own[self.phase[own] == DECODE]
        is_one_range = len(decode) and not self.is_numbered[decode].any() and len(np.unique(self.number[decode])) == 1
        if is_one_range:
            steps = [step for step in infer_steps(self.trace, decode, self.sites.launch) if step.phase == DECODE]
            self._adopt(process, steps)

    def _adopt(self, process: int, steps: Sequence[InferredStep]) -> None:
        operations, calls = self.trace.operations, self.trace.calls
        launch = self.sites.launch
        for phase in {step.phase for step in steps}:
            of_phase = [step for step in steps if step.phase == phase]
            self.sources[process, phase] = of_phase[0].source
            for number, step in enumerate(of_phase):
                rows = step.operations
                self.phase[rows], self.is_numbered[rows], self.number[rows] = phase, True, number
                launches = launch[rows][launch[rows] != NONE]
                if not len(launches):
                    continue
                # The calls of the launching thread, from the step's first launch until the GPU is done with it.
                thread = calls.thread[launches[0]]
                first, last = np.searchsorted(
                    calls.start_ns, [calls.start_ns[launches].min(), operations.end_ns[rows].max()]
                ).tolist()
                within = np.arange(first, last)[calls.thread[first:last] == thread]
                self.call_phase[within], self.call_is_numbered[within] = phase, True
                self.call_number[within] = number

    def finish(self) -> Placement:
        """Numbers the steps and measures them."""
        operations = self.trace.operations
        in_step = np.isin(self.phase, (PREFILL, DECODE))
        call_in_step = np.isin(self.call_phase, (PREFILL, DECODE))
        key, first = group_rows(
            np.concatenate([operations.process[in_step], self.call_process[call_in_step]]),
            np.concatenate([self.phase[in_step], self.call_phase[call_in_step]]),
            np.concatenate([self.is_numbered[in_step], self.call_is_numbered[call_in_step]]),
            np.concatenate([self.number[in_step], self.call_number[call_in_step]]),
        )
        of_operation, of_call = np.split(key, [int(in_step.sum())])
        begin_ns = np.full(len(first), np.iinfo(np.int64).max)
        end_ns = np.full(len(first), np.iinfo(np.int64).min)
        np.minimum.at(begin_ns, of_operation, operations.start_ns[in_step])
        np.maximum.at(end_ns, of_operation, operations.end_ns[in_step])
        # A step that put nothing on the GPU is none.
        is_step = np.isin(np.arange(len(first)), of_operation)
        rows = np.flatnonzero(is_step)
        examples = np.flatnonzero(in_step)[_first_of(of_operation, rows)]
        process, phase = operations.process[examples], self.phase[examples]
        order = np.lexsort((begin_ns[rows], process))
        row_of_key = np.full(len(first), NONE, np.int32)
        row_of_key[rows[order]] = np.arange(len(rows))
        steps = Steps(
            process=process[order],
            phase=phase[order],
            number=_numbers(
                process[order], phase[order], self.is_numbered[examples][order], self.number[examples][order]
            ),
            begin_ns=begin_ns[rows][order],
            end_ns=end_ns[rows][order],
        )
        return Placement(
            phase=self.phase,
            step=_spread(row_of_key, of_operation, in_step),
            call_phase=self.call_phase,
            call_step=_spread(row_of_key, of_call, call_in_step),
            steps=self._measured(steps),
            sources=self.sources,
        )

    def _measured(self, steps: Steps) -> Steps:
        """Lets each step last until the next of its phase begins, unless another phase comes between."""
        operations = self.trace.operations
        end_ns = steps.end_ns.copy()
        apart = np.flatnonzero(np.isin(self.phase, (LOAD, WARMUP)))
        for process in np.unique(steps.process).tolist():
            rows = np.flatnonzero(steps.process == process)
            breaks_ns = np.sort(operations.start_ns[apart[operations.process[apart] == process]])
            breaks = np.searchsorted(breaks_ns, steps.begin_ns[rows])
            follows = (steps.phase[rows][1:] == steps.phase[rows][:-1]) & (breaks[1:] == breaks[:-1])
            end_ns[rows[:-1][follows]] = steps.begin_ns[rows[1:][follows]]
        return Steps(steps.process, steps.phase, steps.number, steps.begin_ns, end_ns)


def _gather(values: NDArray[Any], index: IntArray, default: int) -> NDArray[Any]:
    """The value at each index, `default` at `NONE`."""
    if not len(values):
        return np.full(len(index), default, values.dtype)
    return np.where(index == NONE, np.array(default, values.dtype), values[index])


def _spread(row_of_key: NDArray[np.int32], key: IntArray, mask: BoolArray) -> NDArray[np.int32]:
    rows = np.full(len(mask), NONE, np.int32)
    rows[mask] = row_of_key[key]
    return rows


def _first_of(values: IntArray, wanted: IntArray) -> NDArray[np.int64]:
    """Where each wanted value first stands among `values`."""
    order = np.argsort(values, kind="stable")
    return order[np.searchsorted(values[order], wanted)]


def _numbers(process: IntArray, phase: IntArray, is_numbered: BoolArray, number: IntArray) -> NDArray[np.int64]:
    """The steps' numbers; ranges without one are counted, from 0 or on from the highest number."""
    numbers = number.copy()
    for group in np.unique(np.stack([process, phase]), axis=1).T:
        rows = np.flatnonzero((process == group[0]) & (phase == group[1]))
        unnumbered = rows[~is_numbered[rows]]
        highest = int(number[rows[is_numbered[rows]]].max(initial=NONE))
        numbers[unnumbered] = highest + 1 + np.arange(len(unnumbered))
    return numbers

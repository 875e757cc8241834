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
from workbench.trace.grouping import group_rows, places_of
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

        All its operations outside any phase, if no range is a prefill or decode step; otherwise those of a decode
        that has a single range without a number, which then is no step but a run of them. What inference leaves
        over there is `other`, as it is without that range.
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
            if steps:
                self.phase[decode] = OTHER
                self.call_phase[(self.call_phase == DECODE) & (self.call_process == process)] = OTHER
                self._adopt(process, steps)

    def _adopt(self, process: int, steps: Sequence[InferredStep]) -> None:
        for phase in (PREFILL, DECODE):
            of_phase = [step for step in steps if step.phase == phase]
            if not of_phase:
                continue
            self.sources[process, phase] = of_phase[0].source
            rows = np.concatenate([step.operations for step in of_phase])
            number = np.repeat(np.arange(len(of_phase)), [len(step.operations) for step in of_phase])
            self.phase[rows], self.is_numbered[rows], self.number[rows] = phase, True, number
            within, call_number = self._calls_of(rows, number)
            self.call_phase[within], self.call_is_numbered[within] = phase, True
            self.call_number[within] = call_number

    def _calls_of(self, rows: IntArray, number: IntArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The calls of each step's launching thread, from its first launch until the GPU is done with it.

        Args:
            rows: the operations of some steps, one step after the other.
            number: the step of each of them.

        Returns:
            Rows of calls, and their steps; a call that comes twice belongs to the later one.
        """
        calls, launch = self.trace.calls, self.sites.launch[rows]
        step, first = np.unique(number[launch != NONE], return_index=True)
        if not len(step):
            return first, step
        launch = launch[launch != NONE]
        thread = calls.thread[launch[first]]
        # A step may lack operations, or launches: what is known of each is found by its number, not counted off.
        present, first_row = np.unique(number, return_index=True)
        done_ns = np.maximum.reduceat(self.trace.operations.end_ns[rows], first_row)[np.searchsorted(present, step)]
        begin = np.searchsorted(calls.start_ns, np.minimum.reduceat(calls.start_ns[launch], first))
        end = np.searchsorted(calls.start_ns, done_ns)
        if (thread == thread[0]).all() and (np.diff(begin) >= 0).all() and (np.diff(end) >= 0).all():
            # The host may run far ahead: each call that a later step claims is left to it at once.
            end[:-1] = np.minimum(end[:-1], begin[1:])
        owner, within = places_of(begin, end)
        own = calls.thread[within] == thread[owner]
        return within[own], step[owner[own]]

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

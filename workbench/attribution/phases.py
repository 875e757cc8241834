"""Phases and steps told by ranges."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.matching import RangeMatches
from workbench.attribution.open_ranges import Contexts
from workbench.attribution.rules import PHASES, PhaseRule
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.model import NONE, Trace

LOAD, WARMUP, PREFILL, DECODE, OTHER = range(len(PHASES))


@dataclass(frozen=True, eq=False)
class RangePhases:
    """The phase and step that each context stands for.

    Attributes:
        phase: a position in `PHASES`, shape (contexts,).
        is_numbered: whether the step has a number; otherwise each phase range is a step of its own.
        step: the step's number, or the row of the phase range, shape (contexts,); `NONE` outside any phase range.
        is_phase_range: which ranges of the trace are phases, shape (ranges,).
    """

    phase: NDArray[np.int8]
    is_numbered: BoolArray
    step: NDArray[np.int64]
    is_phase_range: BoolArray


def phases_by_range(trace: Trace, rules: Sequence[PhaseRule], contexts: Contexts) -> RangePhases:
    """Finds the phase and step of each context.

    `load` and `warmup` win over a prefill or decode inside them; otherwise the innermost phase range decides. The
    step's number is that of the innermost range of the same phase that has one.
    """
    matches = RangeMatches.build(trace, [rule.range for rule in rules])
    stack_of_context, stacks = matches.stacks(contexts)
    result = RangePhases(
        phase=np.full(len(contexts.ranges), OTHER, np.int8),
        is_numbered=np.zeros(len(contexts.ranges), np.bool_),
        step=np.full(len(contexts.ranges), NONE, np.int64),
        is_phase_range=matches.any_pattern(),
    )
    for number, stack in enumerate(stacks):
        found = [(level, matched[0]) for level, matched in enumerate(stack) if matched]
        if not found:
            continue
        phases = [PHASES.index(rules[rule].phase) for _, rule in found]
        phase = next((phase for phase in phases if phase in (LOAD, WARMUP)), phases[0])
        of_phase = [place for place, candidate in zip(found, phases, strict=True) if candidate == phase]
        in_stack = np.flatnonzero(stack_of_context == number)
        result.phase[in_stack] = phase
        result.step[in_stack] = contexts.ranges[in_stack, of_phase[0][0]]
        for level, rule in reversed(of_phase):
            numbers = _step_numbers(matches, rule, contexts.ranges[in_stack, level])
            numbered = numbers != NONE
            result.step[in_stack[numbered]] = numbers[numbered]
            result.is_numbered[in_stack[numbered]] = True
    return result


def _step_numbers(matches: RangeMatches, rule: int, rows: IntArray) -> NDArray[np.int64]:
    payload = matches.numbers(rows, rule, "payload")
    if "step" not in matches.patterns[rule].name.groupindex:
        return payload
    named = matches.numbers(rows, rule, "step")
    return np.where(named != NONE, named, payload)

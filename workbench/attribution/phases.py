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
    rule_of = matches.first_pattern()
    phase_of = np.array([*(PHASES.index(rule.phase) for rule in rules), NONE], np.int8)[rule_of]
    number_of = np.full(len(rule_of), NONE)
    for rule in np.unique(rule_of[rule_of != NONE]).tolist():
        rows = np.flatnonzero(rule_of == rule)
        number_of[rows] = _step_numbers(matches, rule, rows)
    deciding = contexts.innermost(np.isin(phase_of, (LOAD, WARMUP)))
    deciding = np.where(deciding == NONE, contexts.innermost(phase_of != NONE), deciding)
    phase = np.append(phase_of, np.int8(OTHER))[deciding]
    step, is_numbered = deciding.copy(), np.zeros(len(contexts), np.bool_)
    for numbered_phase in np.unique(phase_of[number_of != NONE]).tolist():
        numbered = contexts.innermost((phase_of == numbered_phase) & (number_of != NONE))
        own = (phase == numbered_phase) & (deciding != NONE) & (numbered != NONE)
        step[own], is_numbered[own] = number_of[numbered[own]], True
    return RangePhases(phase, is_numbered, step, rule_of != NONE)


def _step_numbers(matches: RangeMatches, rule: int, rows: IntArray) -> NDArray[np.int64]:
    payload = matches.numbers(rows, rule, "payload")
    if "step" not in matches.patterns[rule].name.groupindex:
        return payload
    named = matches.numbers(rows, rule, "step")
    return np.where(named != NONE, named, payload)

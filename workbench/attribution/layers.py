"""Applies layer rules to the ranges in which operations were described."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.leaves import Leaf, LeafTable
from workbench.attribution.matching import RangeMatches
from workbench.attribution.open_ranges import Contexts
from workbench.attribution.rules import LayerRule, Value
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, Trace


def layers_by_range(
    trace: Trace, rules: Sequence[LayerRule], contexts: Contexts, context: IntArray, kernel: IntArray
) -> LeafTable:
    """Finds the leaf of each operation from the ranges open when it was described.

    The innermost range that some rule takes decides; among the rules that take it, the first.

    Args:
        trace: the capture.
        rules: the rules, those that win first.
        contexts: the ranges open at various moments.
        context: the context that described each operation, or `NONE`, shape (operations,).
        kernel: each operation's long kernel name (a position in `trace.strings`, or `NONE`).
    """
    patterns = list(dict.fromkeys(pattern for rule in rules for pattern in rule.ranges))
    numbered = [_NumberedRule(rule, [patterns.index(pattern) for pattern in rule.ranges]) for rule in rules]
    matches = RangeMatches.build(trace, patterns)
    stack_of_context, stacks = matches.stacks(contexts)
    kernel_class, classes = _kernel_classes(trace, numbered, kernel)
    # An operation's case is its context and kernel class, a case's question its stack and kernel class: there
    # are far fewer cases than operations, and far fewer questions than cases.
    described = np.flatnonzero(context != NONE)
    case, example = group_rows(context[described], kernel_class[described])
    case_context, case_class = context[described[example]], kernel_class[described[example]]
    question, asked_by = group_rows(stack_of_context[case_context], case_class)
    collected = _Leaves(matches)
    leaf_of_case = np.full(len(example), NONE, np.int32)
    for number, first in enumerate(asked_by.tolist()):
        stack = stacks[stack_of_context[case_context[first]]]
        rule, levels = _decide(numbered, stack, classes[case_class[first]])
        if rule:
            cases = np.flatnonzero(question == number)
            ranges = [contexts.ranges[case_context[cases], level] for level in levels]
            leaf_of_case[cases] = collected.add(rule, ranges)
    of_row = np.full(len(context), NONE, np.int32)
    of_row[described] = leaf_of_case[case]
    return LeafTable(collected.leaves(), of_row)


@dataclass(frozen=True, eq=False)
class _NumberedRule:
    """A rule, and the numbers of its patterns."""

    rule: LayerRule
    patterns: Sequence[int]


def _kernel_classes(
    trace: Trace, rules: Sequence[_NumberedRule], kernel: IntArray
) -> tuple[NDArray[np.int64], list[frozenset[_NumberedRule]]]:
    """The class of each kernel: which of the rules that ask for a kernel's name its name satisfies."""
    group, first = group_rows(kernel)
    satisfied = [
        frozenset(rule for rule in rules if rule.rule.kernel and rule.rule.kernel.search(name))
        for name in trace.texts(kernel[first])
    ]
    classes = list(dict.fromkeys(satisfied))
    return np.array([classes.index(of_name) for of_name in satisfied], np.int64)[group], classes


def _decide(
    rules: Sequence[_NumberedRule], stack: Sequence[Sequence[int]], satisfied: frozenset[_NumberedRule]
) -> tuple[_NumberedRule | None, list[int]]:
    """The rule that takes a stack, and the level at which each of its patterns matched."""
    for level, matched in enumerate(stack):
        for rule in rules:
            if rule.patterns[-1] in matched and (not rule.rule.kernel or rule in satisfied):
                levels = _match_outwards(rule.patterns, stack, level)
                if levels:
                    return rule, levels
    return None, []


def _match_outwards(wanted: Sequence[int], stack: Sequence[Sequence[int]], innermost: int) -> list[int]:
    """Levels at which the patterns match, outermost first, the last one at `innermost`; empty if they do not."""
    levels = [innermost]
    for pattern in reversed(wanted[:-1]):
        level = next((i for i in range(levels[0] + 1, len(stack)) if pattern in stack[i]), None)
        if level is None:
            return []
        levels.insert(0, level)
    return levels


class _Leaves:
    """Collects the distinct leaves that rules make of ranges."""

    def __init__(self, matches: RangeMatches) -> None:
        self._matches = matches
        self._number: dict[Leaf, int] = {}

    def leaves(self) -> tuple[Leaf, ...]:
        return tuple(self._number)

    def add(self, numbered: _NumberedRule, ranges: Sequence[IntArray]) -> NDArray[np.int32]:
        """The number of the leaf of each case; `ranges[i]` are the ranges that matched the rule's pattern i."""
        rule = numbered.rule
        columns = [self._matches.kind[rows] for rows in ranges]
        if rule.layer and rule.layer.field == "payload":
            columns.append(self._matches.trace.ranges.payload[ranges[-1]])
        group, first = group_rows(*columns)
        examples = [rows[first] for rows in ranges]
        rows = zip(
            self._texts(numbered, rule.layer_type, examples),
            self._numbers(numbered, rule.layer, examples),
            self._texts(numbered, rule.role, examples),
            strict=True,
        )
        leaves = [
            Leaf(layer_type or "unnamed", layer, role or "", "range", rule.source) for layer_type, layer, role in rows
        ]
        numbers = [self._number.setdefault(leaf, len(self._number)) for leaf in leaves]
        return np.array(numbers, np.int32)[group]

    def _texts(self, rule: _NumberedRule, value: Value | None, ranges: Sequence[IntArray]) -> Sequence[str | None]:
        if value is None or not value.field:
            return [value.constant if value else None] * len(ranges[0])
        at = self._matches.pattern_of(value, rule.patterns)
        return self._matches.texts(ranges[at], rule.patterns[at], value.field)

    def _numbers(self, rule: _NumberedRule, value: Value | None, ranges: Sequence[IntArray]) -> Sequence[int]:
        if value is None or not value.field:
            constant = int(value.constant) if value and value.constant.isdecimal() else NONE
            return [constant] * len(ranges[0])
        at = self._matches.pattern_of(value, rule.patterns)
        numbers: list[int] = self._matches.numbers(ranges[at], rule.patterns[at], value.field).tolist()
        return numbers

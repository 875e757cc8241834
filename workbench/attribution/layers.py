"""Applies layer rules to the ranges in which operations were described."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.leaves import Leaf, LeafTable
from workbench.attribution.matching import RangeMatches, number_of
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
    kernel_class, classes = _kernel_classes(trace, numbered, kernel)
    # An operation's case is its context and kernel class: there are far fewer cases than operations.
    described = np.flatnonzero(context != NONE)
    case, example = group_rows(context[described], kernel_class[described])
    case_context, case_class = context[described[example]], kernel_class[described[example]]
    taken, decided = _decide(numbered, matches, contexts, classes, case_context, case_class)
    collected = _Leaves(matches)
    leaf_of_case = np.full(len(example), NONE, np.int32)
    for number, ranges in taken.items():
        cases = np.flatnonzero(decided == number)
        if len(cases):
            leaf_of_case[cases] = collected.add(numbered[number], [rows[case_context[cases]] for rows in ranges])
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
    rules: Sequence[_NumberedRule],
    matches: RangeMatches,
    contexts: Contexts,
    classes: Sequence[frozenset[_NumberedRule]],
    case_context: IntArray,
    case_class: IntArray,
) -> tuple[dict[int, list[NDArray[np.int64]]], NDArray[np.int64]]:
    """Decides which rule takes each case.

    Returns:
        By rule, for those that match anywhere, the range that each of its patterns matches in each context (`NONE`
        where not all do), outermost first; and the rule that takes each case, or `NONE`, shape (cases,).
    """
    taken: dict[int, list[NDArray[np.int64]]] = {}
    decided = np.full(len(case_context), NONE)
    deepest = np.full(len(case_context), NONE)
    for number, rule in enumerate(rules):
        if not all(matches.matches[:, pattern].any() for pattern in rule.patterns):
            continue
        taken[number] = ranges = _match_outwards(rule.patterns, matches, contexts)
        asked = np.array([not rule.rule.kernel or rule in satisfied for satisfied in classes])[case_class]
        depth = np.where(ranges[0] == NONE, NONE, contexts.depth[ranges[-1]])[case_context]
        wins = asked & (depth > deepest)
        decided[wins], deepest[wins] = number, depth[wins]
    return taken, decided


def _match_outwards(patterns: Sequence[int], matches: RangeMatches, contexts: Contexts) -> list[NDArray[np.int64]]:
    """The innermost range of each context that the last pattern matches, and outwards one for each other pattern.

    Where the patterns further out find no range outside the innermost match, they find none outside another one.
    """
    found = [contexts.innermost(matches.ranges_of(patterns[-1]))]
    for pattern in reversed(patterns[:-1]):
        found.insert(0, contexts.innermost(matches.ranges_of(pattern), found[0]))
    return found


class _Leaves:
    """Collects the distinct leaves that rules make of ranges."""

    def __init__(self, matches: RangeMatches) -> None:
        self._matches = matches
        self._number: dict[Leaf, int] = {}

    def leaves(self) -> tuple[Leaf, ...]:
        """The leaves collected so far, in the order of their numbers."""
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
            constant = number_of(value.constant) if value else NONE
            return [constant] * len(ranges[0])
        at = self._matches.pattern_of(value, rule.patterns)
        numbers: list[int] = self._matches.numbers(ranges[at], rule.patterns[at], value.field).tolist()
        return numbers

"""Matches range patterns against stacks of ranges.

A long capture has millions of stacks but few kinds of them: step numbers differ, what the rules see does not. So
every distinct (domain, category, name) is matched once, ranges that match the same patterns share a signature,
and rules are decided once for every distinct stack of signatures.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.open_ranges import Contexts
from workbench.attribution.rules import RangePattern, Value
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NO_PAYLOAD, NONE, Trace


@dataclass(frozen=True, eq=False)
class RangeMatches:
    """Which patterns match which ranges.

    Attributes:
        trace: the capture.
        patterns: the patterns.
        kind: the (domain, category, name) of each range, numbered, shape (ranges,).
        example: a range of each kind, shape (kinds,).
        matches: whether a kind matches a pattern, shape (kinds, patterns).
    """

    trace: Trace
    patterns: Sequence[RangePattern]
    kind: NDArray[np.int64]
    example: NDArray[np.int64]
    matches: BoolArray

    @classmethod
    def build(cls, trace: Trace, patterns: Sequence[RangePattern]) -> "RangeMatches":
        """Matches all ranges of the trace."""
        ranges = trace.ranges
        kind, example = group_rows(ranges.domain, ranges.category, ranges.name)
        names = trace.texts(ranges.name[example])
        domains = trace.texts(ranges.domain[example])
        categories = trace.texts(ranges.category[example])
        matches = np.zeros((len(example), len(patterns)), np.bool_)
        candidate = _any_of([pattern.name for pattern in patterns])
        for i, name in enumerate(names):
            if candidate.search(name):
                matches[i] = [_matches(pattern, domains[i], categories[i], name) for pattern in patterns]
        return cls(trace, patterns, kind, example, matches)

    def any_pattern(self) -> BoolArray:
        """Which ranges match some pattern, shape (ranges,)."""
        matched: BoolArray = np.any(self.matches, axis=1)
        return matched[self.kind]

    @cached_property
    def signatures(self) -> tuple[NDArray[np.int64], list[tuple[int, ...]]]:
        """The signature of each kind, and the patterns of each signature; signature 0 matches nothing."""
        nothing = np.zeros((1, len(self.patterns)), np.bool_)
        packed = np.packbits(np.vstack([nothing, self.matches]), axis=1)
        group, first = group_rows(*packed.T) if packed.size else (np.zeros(len(packed), np.int64), [0])
        rows = [self.matches[row - 1] if row else nothing[0] for row in first]
        return group[1:], [tuple(np.flatnonzero(row).tolist()) for row in rows]

    def stacks(self, contexts: Contexts) -> tuple[NDArray[np.int64], list[tuple[tuple[int, ...], ...]]]:
        """The distinct stacks of signatures.

        Returns:
            The stack of each context, and for each stack the patterns matched at each level, innermost first.
        """
        if not contexts.ranges.shape[1]:
            return np.zeros(len(contexts.ranges), np.int64), [()]
        of_kind, patterns = self.signatures
        signature = np.where(contexts.ranges == NONE, 0, of_kind[self.kind[contexts.ranges]])
        stack, first = group_rows(*signature.T)
        return stack, [tuple(patterns[level] for level in signature[row].tolist()) for row in first.tolist()]

    def texts(self, rows: IntArray, pattern: int, field: str) -> list[str | None]:
        """A group of a pattern, or `name` or `category`, of ranges that match it; None where it took no part."""
        group, first = group_rows(self.kind[rows])
        values = [self._text(row, pattern, field) for row in rows[first].tolist()]
        return [values[number] for number in group.tolist()]

    def _text(self, row: int, pattern: int, field: str) -> str | None:
        ranges, expression = self.trace.ranges, self.patterns[pattern].name
        if field not in expression.groupindex:
            column = ranges.category if field == "category" else ranges.name
            return self.trace.strings[column[row]] if column[row] != NONE else None
        match = expression.search(self.trace.strings[ranges.name[row]])
        return match[field] if match else None

    def numbers(self, rows: IntArray, pattern: int, field: str) -> NDArray[np.int64]:
        """A numeric field, or the payload, of ranges that match a pattern; `NONE` where there is no number."""
        if field == "payload":
            payload = self.trace.ranges.payload[rows]
            return np.where(payload == NO_PAYLOAD, NONE, payload)
        group, first = group_rows(self.kind[rows])
        texts = [self._text(row, pattern, field) for row in rows[first].tolist()]
        return np.array([int(text) if text and text.isdecimal() else NONE for text in texts], np.int64)[group]

    def pattern_of(self, value: Value, patterns: Sequence[int]) -> int:
        """Which of a rule's patterns a value is taken from: the one with that group, else the innermost."""
        return next(
            (i for i, pattern in enumerate(patterns) if value.field in self.patterns[pattern].name.groupindex),
            len(patterns) - 1,
        )


def _any_of(expressions: Sequence[re.Pattern[str]]) -> re.Pattern[str]:
    """One expression that finds whatever any of them finds, to pass over names that no rule knows."""
    patterns = [expression.pattern for expression in expressions]
    # Back-references and inline flags do not survive joining; then every name is a candidate.
    if any(re.search(r"\\[1-9]|\(\?(P=|[a-zA-Z]+[):])", pattern) for pattern in patterns):
        return re.compile("")
    alternatives = [re.sub(r"\(\?P<\w+>", "(?:", pattern) for pattern in patterns]
    return re.compile("|".join(f"(?:{alternative})" for alternative in alternatives) or "(?!)")


def _matches(pattern: RangePattern, domain: str, category: str, name: str) -> bool:
    return (
        pattern.name.search(name) is not None
        and (pattern.domain is None or pattern.domain.fullmatch(domain) is not None)
        and (pattern.category is None or pattern.category.fullmatch(category) is not None)
    )

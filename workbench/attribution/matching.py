"""Matches range patterns against ranges.

A long capture has millions of ranges but few kinds of them: every distinct (domain, category, name) is matched once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.rules import RangePattern, Value
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, Trace

MOST_DIGITS = 18


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
        matches = [
            [_matches(pattern, *texts) for pattern in patterns]
            for texts in zip(domains, categories, names, strict=True)
        ]
        return cls(trace, patterns, kind, example, np.array(matches, np.bool_).reshape(len(example), len(patterns)))

    def any_pattern(self) -> BoolArray:
        """Which ranges match some pattern, shape (ranges,)."""
        matched: BoolArray = np.any(self.matches, axis=1)
        return matched[self.kind]

    def ranges_of(self, pattern: int) -> BoolArray:
        """Which ranges match a pattern, shape (ranges,)."""
        matched: BoolArray = self.matches[:, pattern][self.kind]
        return matched

    def first_pattern(self) -> NDArray[np.int64]:
        """The first pattern that each range matches, or `NONE`, shape (ranges,)."""
        if not self.patterns:
            return np.full(len(self.kind), NONE)
        first = np.where(self.matches.any(axis=1), self.matches.argmax(axis=1), NONE)
        return first[self.kind]

    def texts(self, rows: IntArray, pattern: int, field: str) -> list[str | None]:
        """A group of a pattern, or `name` or `category`, of ranges that match it; None where it took no part."""
        group, first = group_rows(self.kind[rows])
        values = [self._text(row, pattern, field) for row in rows[first].tolist()]
        return [values[number] for number in group.tolist()]

    def _text(self, row: int, pattern: int, field: str) -> str | None:
        ranges, expression = self.trace.ranges, self.patterns[pattern].name
        if field not in expression.groupindex:
            column = ranges.category if field == "category" else ranges.name
            return self.trace.text(column[row]) if column[row] != NONE else None
        match = expression.search(self.trace.text(ranges.name[row]))
        return match[field] if match else None

    def numbers(self, rows: IntArray, pattern: int, field: str) -> NDArray[np.int64]:
        """A numeric field, or the payload, of ranges that match a pattern; `NONE` where there is no number."""
        if field == "payload":
            payload = self.trace.ranges.payload[rows]
            return np.where((payload >= 0) & (payload < 10**MOST_DIGITS), payload, NONE)
        group, first = group_rows(self.kind[rows])
        texts = [self._text(row, pattern, field) for row in rows[first].tolist()]
        return np.array([number_of(text) for text in texts], np.int64)[group]

    def pattern_of(self, value: Value, patterns: Sequence[int]) -> int:
        """Which of a rule's patterns a value is taken from: the one with that group, else the innermost."""
        return next(
            (i for i, pattern in enumerate(patterns) if value.field in self.patterns[pattern].name.groupindex),
            len(patterns) - 1,
        )


def number_of(text: str | None) -> int:
    """The number that a text is; `NONE` where it is none, or has more digits than any step or layer does."""
    return int(text) if text and len(text) <= MOST_DIGITS and text.isdecimal() else NONE


def _matches(pattern: RangePattern, domain: str, category: str, name: str) -> bool:
    return (
        pattern.name.search(name) is not None
        and (pattern.domain is None or pattern.domain.fullmatch(domain) is not None)
        and (pattern.category is None or pattern.category.fullmatch(category) is not None)
    )

"""Why a kernel was attributed as it was: the ranges it was described in, and the rule that took it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.steps import sum_by
from workbench.attribution.attribution import Attribution
from workbench.attribution.leaves import Reason
from workbench.attribution.rules import LayerRules
from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, Trace

MOST_SITES = 12
# A program that leaves ranges open may be inside thousands of them: so many are looked at, the innermost ones.
MOST_RANGES = 16


@dataclass(frozen=True)
class OpenRange:
    """A range that was open, by its names, and whether it is a phase or a step of one."""

    name: str
    domain: str
    category: str
    is_phase: bool = False


@dataclass(frozen=True)
class Site:
    """Kernels that were described in ranges alike but for the numbers in their names, and taken by one rule.

    Attributes:
        count, total_ns: how many kernels, and their time.
        kernel: the short name of one of them, as a regular expression.
        ranges: an example of the ranges, outermost first.
        has_more_ranges: whether so many were open that the outer ones are left out.
        is_example: whether other kernels lie in other ranges, alike but for their numbers.
        rule, asks: the rule that took them, and what it asks for; empty where none did.
        layer_type, role, layer: what it made of them, as texts.
        reason: why nothing took them, or empty.
    """

    count: int
    total_ns: int
    kernel: str
    ranges: tuple[OpenRange, ...]
    has_more_ranges: bool
    is_example: bool
    rule: str
    asks: str
    layer_type: str
    role: str
    layer: str
    reason: str

    @property
    def layer_range(self) -> OpenRange | None:
        """The innermost range that is no phase, which alone can tell a layer; None where there is none."""
        return next((part for part in reversed(self.ranges) if not part.is_phase), None)

    @property
    def pattern(self) -> str:
        """That range's name as a regular expression, its first number a layer index; empty where there is none."""
        return _pattern(self.layer_range.name) if self.layer_range else ""


@dataclass(frozen=True)
class Explanation:
    """The sites of the kernels whose name contains `wanted`: those with most time, and all that no rule took."""

    wanted: str
    kernels: tuple[str, ...]
    count: int
    total_ns: int
    sites: tuple[Site, ...]
    more_sites: int


def explain(attribution: Attribution, wanted: str) -> Explanation:
    """Explains the attribution of every kernel whose short or long name contains `wanted`."""
    trace = attribution.trace
    names = trace.operations.name[: len(trace.kernels)]
    rows = np.flatnonzero(_contain(trace, names, wanted) | _contain(trace, trace.kernels.demangled, wanted))
    duration_ns = trace.operations.end_ns[rows] - trace.operations.start_ns[rows]
    sites = _Sites(attribution, rows, duration_ns)
    by_time = sites.by_falling_time()
    shown = [number for place, number in enumerate(by_time) if place < MOST_SITES or not sites.is_taken(number)]
    return Explanation(
        wanted=wanted,
        kernels=tuple(sorted(set(trace.texts(np.unique(names[rows]))))),
        count=len(rows),
        total_ns=int(duration_ns.sum()),
        sites=tuple(sites.site(number) for number in shown),
        more_sites=len(by_time) - len(shown),
    )


def _contain(trace: Trace, positions: IntArray, wanted: str) -> BoolArray:
    """Which of these strings contain `wanted`."""
    group, first = group_rows(positions)
    contain = [
        wanted in trace.strings[position] if position != NONE else False for position in positions[first].tolist()
    ]
    found: BoolArray = np.array(contain, np.bool_)[group]
    return found


class _Sites:
    """Kernels grouped into sites."""

    def __init__(self, attribution: Attribution, rows: IntArray, duration_ns: IntArray) -> None:
        self._attribution = attribution
        self._stacks, stack = _stacks(attribution, rows)
        leaf, reason = attribution.leaf[rows], attribution.reason[rows]
        taken_as = _numbered([(part.rule, part.layer_type, part.role) for part in attribution.leaves])
        innermost = self._stacks[stack, 0]
        # Kernels outside any range have nothing but their names to tell them apart.
        name = np.where(innermost == NONE, attribution.trace.operations.name[rows], NONE)
        alike = _alike(attribution.trace, self._stacks)[stack]
        of_row, first = group_rows(alike, np.append(taken_as, NONE)[leaf], reason, name)
        layer = np.array([*(part.layer for part in attribution.leaves), NONE], np.int64)[leaf]
        self._row, self._stack = rows[first], stack[first]
        self._count = np.bincount(of_row, minlength=len(first))
        self._total_ns = sum_by(of_row, duration_ns, len(first))
        self._layers = _bounds(of_row[layer != NONE], layer[layer != NONE], len(first))
        self._innermost = _bounds(of_row, innermost, len(first))

    def by_falling_time(self) -> list[int]:
        """The numbers of the sites; of equal times the one whose first kernel ran earlier comes first."""
        numbers: list[int] = np.lexsort((self._row, -self._total_ns)).tolist()
        return numbers

    def is_taken(self, number: int) -> bool:
        """Whether a rule took the kernels of a site."""
        return bool(self._attribution.leaf[self._row[number]] != NONE)

    def site(self, number: int) -> Site:
        """One site."""
        attribution = self._attribution
        row = int(self._row[number])
        leaf = attribution.leaves[attribution.leaf[row]] if self.is_taken(number) else None
        open_rows = self._stacks[self._stack[number]]
        open_rows = open_rows[open_rows != NONE]
        return Site(
            count=int(self._count[number]),
            total_ns=int(self._total_ns[number]),
            kernel=re.escape(*attribution.trace.texts(attribution.trace.operations.name[row : row + 1])),
            ranges=_ranges(attribution, open_rows[:MOST_RANGES][::-1]),
            has_more_ranges=len(open_rows) > MOST_RANGES,
            is_example=bool(self._innermost[0][number] < self._innermost[1][number]),
            rule=leaf.rule if leaf else "",
            asks=_asks(attribution.rules, leaf.rule) if leaf else "",
            layer_type=leaf.layer_type if leaf else "",
            role=leaf.role if leaf else "",
            layer=_span(int(self._layers[0][number]), int(self._layers[1][number])),
            reason="" if leaf else Reason(attribution.reason[row]).label,
        )


def _stacks(attribution: Attribution, rows: IntArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct stacks in which some operations were described, innermost range first, and which each has."""
    context = attribution.sites.context_described()[rows]
    of_row, first = group_rows(context)
    distinct = context[first]
    found = attribution.sites.contexts.stacks(distinct[distinct != NONE], MOST_RANGES + 1)
    stacks = np.full((len(distinct), found.shape[1]), NONE)
    stacks[distinct != NONE] = found
    return stacks, of_row


def _alike(trace: Trace, stacks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Numbers the stacks; those that differ in the numbers in their ranges' names alone have the same one."""
    ranges = trace.ranges
    kind, first = group_rows(ranges.domain, ranges.category, ranges.name)
    names = [re.sub(r"\d+", "#", name) for name in trace.texts(ranges.name[first])]
    places = zip(ranges.domain[first].tolist(), ranges.category[first].tolist(), names, strict=True)
    of_range = np.append(_numbered(list(places))[kind], NONE)
    return group_rows(*of_range[stacks].T)[0]


def _numbered(values: Sequence[tuple[object, ...]]) -> NDArray[np.int64]:
    """A number for each value, equal for equal ones."""
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.array([numbers[value] for value in values], np.int64)


def _bounds(group: IntArray, values: IntArray, groups: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The least and the greatest value of each group; `NONE` and `NONE` for a group without values."""
    least, greatest = np.full(groups, np.iinfo(np.int64).max), np.full(groups, NONE)
    np.minimum.at(least, group, values)
    np.maximum.at(greatest, group, values)
    return np.minimum(least, greatest), greatest


def _ranges(attribution: Attribution, rows: IntArray) -> tuple[OpenRange, ...]:
    ranges = attribution.trace.ranges
    columns = map(attribution.trace.texts, (ranges.name[rows], ranges.domain[rows], ranges.category[rows]))
    return tuple(OpenRange(*cells) for cells in zip(*columns, attribution.is_phase_range[rows].tolist(), strict=True))


def _asks(rules: LayerRules, source: str) -> str:
    """What the rule at `source` asks for."""
    for layer_rule in rules.layers:
        if layer_rule.source == source:
            ranges = " > ".join(pattern.name.pattern for pattern in layer_rule.ranges)
            return f"range {ranges}" + (f" and kernel {layer_rule.kernel.pattern}" if layer_rule.kernel else "")
    for kernel_rule in rules.kernels:
        if kernel_rule.source == source:
            return f"kernel {kernel_rule.kernel.pattern}"
    return "the order of a step's kernels"


def _span(first: int, last: int) -> str:
    if last == NONE:
        return ""
    return str(first) if first == last else f"{first} to {last}"


def _pattern(name: str) -> str:
    """A name as a regular expression: its first number is the layer's index, the others may be any."""
    parts = re.split(r"(\d+)", name)
    texts = [re.escape(part) if number % 2 == 0 else r"\d+" for number, part in enumerate(parts)]
    if len(texts) > 1:
        texts[1] = r"(?P<layer>\d+)"
    return "".join(texts)

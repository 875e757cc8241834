"""Why a kernel was attributed as it was: the ranges it was described in, and the rule that took it."""

import re
from dataclasses import dataclass

import numpy as np

from workbench.attribution.attribution import Attribution
from workbench.attribution.leaves import Reason
from workbench.attribution.rules import LayerRules
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE

MOST_SITES = 12


@dataclass(frozen=True)
class OpenRange:
    """A range that was open, by its names."""

    name: str
    domain: str
    category: str


@dataclass(frozen=True)
class Site:
    """Kernels that were described in ranges alike but for the numbers in their names, and taken by one rule.

    Attributes:
        count, total_ns: how many kernels, and their time.
        kernel: the short name of one of them, as a regular expression.
        ranges: an example of the ranges, outermost first.
        pattern: the innermost range's name as a regular expression, its first number a layer index.
        is_example: whether the ranges of other kernels differ from `ranges` in their numbers.
        rule, asks: the rule that took them, and what it asks for; empty where none did.
        layer_type, role, layer: what it made of them, as texts.
        reason: why nothing took them, or empty.
    """

    count: int
    total_ns: int
    kernel: str
    ranges: tuple[OpenRange, ...]
    pattern: str
    is_example: bool
    rule: str
    asks: str
    layer_type: str
    role: str
    layer: str
    reason: str


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
    rows = np.flatnonzero(
        np.isin(names, _containing(attribution, names, wanted))
        | np.isin(trace.kernels.demangled, _containing(attribution, trace.kernels.demangled, wanted))
    )
    duration_ns = trace.operations.end_ns[rows] - trace.operations.start_ns[rows]
    context = attribution.sites.context_described()[rows]
    # Kernels of one context, name, leaf and reason are alike; what then differs in numbers alone is one site.
    group, first = group_rows(context, names[rows], attribution.leaf[rows], attribution.reason[rows])
    alike: dict[tuple[object, ...], list[int]] = {}
    for number, row in enumerate(first.tolist()):
        alike.setdefault(_key(attribution, int(rows[row]), int(context[row])), []).append(number)
    sites = [_site(attribution, rows, context, group, first, members, duration_ns) for members in alike.values()]
    sites.sort(key=lambda site: -site.total_ns)
    shown = [site for number, site in enumerate(sites) if number < MOST_SITES or not site.rule]
    return Explanation(
        wanted=wanted,
        kernels=tuple(sorted(set(trace.texts(np.unique(names[rows]))))),
        count=len(rows),
        total_ns=int(duration_ns.sum()),
        sites=tuple(shown),
        more_sites=len(sites) - len(shown),
    )


def _containing(attribution: Attribution, positions: IntArray, wanted: str) -> list[int]:
    strings = attribution.trace.strings
    return [position for position in np.unique(positions).tolist() if position != NONE and wanted in strings[position]]


def _ranges(attribution: Attribution, context: int) -> tuple[OpenRange, ...]:
    trace = attribution.trace
    if context == NONE:
        return ()
    rows = [row for row in attribution.sites.contexts.ranges[context].tolist() if row != NONE][::-1]
    columns = (trace.ranges.name[rows], trace.ranges.domain[rows], trace.ranges.category[rows])
    return tuple(OpenRange(*texts) for texts in zip(*map(trace.texts, columns), strict=True))


def _key(attribution: Attribution, row: int, context: int) -> tuple[object, ...]:
    leaf = attribution.leaves[attribution.leaf[row]] if attribution.leaf[row] != NONE else None
    taken = (leaf.rule, leaf.layer_type, leaf.role) if leaf else (attribution.reason[row],)
    ranges = [(_without_numbers(part.name), part.domain, part.category) for part in _ranges(attribution, context)]
    kernel = "" if ranges else attribution.trace.operations.name[row]
    return (*taken, *ranges, kernel)


def _without_numbers(text: str) -> str:
    return re.sub(r"\d+", "#", text)


def _site(
    attribution: Attribution,
    rows: IntArray,
    context: IntArray,
    group: IntArray,
    first: IntArray,
    members: list[int],
    duration_ns: IntArray,
) -> Site:
    own = np.isin(group, members)
    example = int(first[members[0]])
    row = int(rows[example])
    leaf = attribution.leaves[attribution.leaf[row]] if attribution.leaf[row] != NONE else None
    ranges = _ranges(attribution, int(context[example]))
    layers = {attribution.leaves[number].layer for number in attribution.leaf[rows[own]].tolist() if number != NONE}
    layers.discard(NONE)
    return Site(
        count=int(own.sum()),
        total_ns=int(duration_ns[own].sum()),
        kernel=re.escape(attribution.trace.strings[attribution.trace.operations.name[row]]),
        ranges=ranges,
        pattern=_pattern(ranges[-1].name) if ranges else "",
        is_example=len(np.unique(context[own])) > 1,
        rule=leaf.rule if leaf else "",
        asks=_asks(attribution.rules, leaf.rule) if leaf else "",
        layer_type=leaf.layer_type if leaf else "",
        role=leaf.role if leaf else "",
        layer=_span(layers),
        reason="" if leaf else Reason(attribution.reason[row]).label,
    )


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


def _span(layers: set[int]) -> str:
    if not layers:
        return ""
    return str(min(layers)) if len(layers) == 1 else f"{min(layers)} to {max(layers)}"


def _pattern(name: str) -> str:
    """A name as a regular expression: its first number is the layer's index, the others may be any."""
    parts = re.split(r"(\d+)", name)
    texts = [re.escape(part) if number % 2 == 0 else r"\d+" for number, part in enumerate(parts)]
    if len(texts) > 1:
        texts[1] = r"(?P<layer>\d+)"
    return "".join(texts)

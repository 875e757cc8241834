"""Tells layers by kernel names, for programs that have no layer ranges.

A name alone often says only what kind of operation a kernel is: the same matrix product serves attention, the
feed-forward and the language-model head. Where a rule file knows the order in which a layer's kernels come, that
order tells them apart.
"""

import itertools
import re
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.leaves import Leaf, LeafTable
from workbench.attribution.rules import LayerRules, SequenceRule
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, Trace

STEP_END = "|"
_UNKNOWN = " "


def layers_by_kernel_name(trace: Trace, rules: LayerRules, rows: IntArray, step: IntArray) -> LeafTable:
    """Finds the leaf of each of these kernels by its name, or by its place in a sequence that a rule knows.

    Args:
        trace: the capture.
        rules: the rules, those that win first.
        rows: operations that are kernels, of one process.
        step: the step of each of `rows`, or `NONE`: a sequence lies within one step.

    Returns:
        Leaves for `rows`, in their order.
    """
    if not len(rows) or not (rules.kernels or rules.sequences):
        return LeafTable.nothing(len(rows))
    leaves: dict[Leaf, int] = {}
    order = np.argsort(trace.operations.start_ns[rows], kind="stable")
    name_of_row, first = group_rows(trace.kernels.demangled[rows[order]])
    names = trace.texts(trace.kernels.demangled[rows[order][first]])
    found = np.array([_by_name(rules, name, leaves) for name in names], np.int32)[name_of_row]
    for symbols in dict.fromkeys(rule.symbols for rule in rules.sequences):
        sequences = [rule for rule in rules.sequences if rule.symbols == symbols]
        alphabet = np.array([ord(_symbol(symbols, name)) for name in names], "<u4")
        text = alphabet[name_of_row].tobytes().decode("utf-32-le")
        begins: dict[str, list[int]] = {}
        for begin, end in _runs(step[order]):
            begins.setdefault(text[begin:end], []).append(begin)
        for part, firsts in begins.items():
            places = np.array(firsts)[:, None] + np.arange(len(part))
            of_part = _by_sequence(sequences, part, leaves)
            found[places] = np.where(of_part == NONE, found[places], of_part)
    of_row = np.empty(len(rows), np.int32)
    of_row[order] = found
    return LeafTable(tuple(leaves), of_row)


def _by_name(rules: LayerRules, name: str, leaves: dict[Leaf, int]) -> int:
    for rule in rules.kernels:
        if rule.kernel.search(name):
            leaf = Leaf(rule.layer_type, NONE, rule.role, "kernel_name", rule.source)
            return leaves.setdefault(leaf, len(leaves))
    return NONE


def _symbol(symbols: tuple[tuple[re.Pattern[str], str], ...], name: str) -> str:
    return next((symbol for pattern, symbol in symbols if pattern.search(name)), _UNKNOWN)


def _runs(step: IntArray) -> Iterator[tuple[int, int]]:
    """Stretches of the same step, as (begin, end)."""
    changes = np.flatnonzero(np.diff(step)) + 1
    bounds = [0, *changes.tolist(), len(step)]
    yield from itertools.pairwise(bounds)


def _by_sequence(rules: Sequence[SequenceRule], text: str, leaves: dict[Leaf, int]) -> NDArray[np.int32]:
    """The leaf of each kernel that lies in a sequence, `NONE` for the others; earlier rules win."""
    framed = STEP_END + text + STEP_END
    taken = np.zeros(len(framed), np.bool_)
    matches = []
    for rule in rules:
        for match in rule.pattern.finditer(framed):
            if not taken[match.start() : match.end()].any():
                taken[match.start() : match.end()] = True
                matches.append((match.start(), rule, match))
    found = np.full(len(framed), NONE, np.int32)
    layers = 0
    for _, rule, match in sorted(matches, key=lambda entry: entry[0]):
        for number, piece in enumerate(rule.pieces, 1):
            for place in range(*match.span(number)) if piece.layer_type else ():
                role = piece.roles.get(framed[place], piece.roles.get("", ""))
                leaf = Leaf(piece.layer_type, layers if rule.is_layer else NONE, role, "kernel_name", rule.source)
                found[place] = leaves.setdefault(leaf, len(leaves))
        layers += rule.is_layer
    return found[1:-1]

"""Roles that take several tiny kernels each time, such as a norm written as eight elementwise operations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.chains import own_ns
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_removing
from workbench.findings.names import rounded
from workbench.findings.selection import (
    TINY_KERNEL_NS,
    kernels_of_layers,
    layer_instance,
    layer_instances,
    matmuls,
    tells_layers_apart,
)
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows

FEWEST_KERNELS = 4
LONGEST_NS = 2 * TINY_KERNEL_NS
MOST_GROUPS = 3
# The fused kernel still reads and writes once: it may need this part of the vanished kernels' time.
KEPT_SHARE = 0.5


def detect(analysis: Analysis) -> Detection:
    """Looks for roles of four or more tiny kernels a layer, none of them a matrix product."""
    if not any(leaf.role and leaf.by == "range" for leaf in analysis.attribution.leaves):
        return Detection(lacking="no kernel has a role told by a range")
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    by_kernels: dict[tuple[int, ...], list[_Role]] = {}
    for role in _roles(view):
        kernels = tuple(np.unique(view.trace.kernels.demangled[role.rows]).tolist())
        by_kernels.setdefault(kernels, []).append(role)
    groups = sorted(by_kernels.values(), key=lambda group: -sum(role.total_ns for role in group))
    for group in groups[:MOST_GROUPS]:
        yield _finding(view, sorted(group, key=lambda role: -role.total_ns))


@dataclass(frozen=True, eq=False)
class _Role:
    """A role, its kernels, and how many of them each layer has."""

    layer_type: str
    role: str
    rows: IntArray
    total_ns: int
    a_layer: float

    @property
    def name(self) -> str:
        """The role, with its layer type where the role does not say it."""
        return self.role if self.layer_type in self.role else f"{self.layer_type} {self.role}"


def _roles(view: PhaseView) -> Iterator[_Role]:
    leaves = view.analysis.attribution.leaves
    roles = {(leaf.layer_type, leaf.role) for leaf in leaves if leaf.role and tells_layers_apart(leaf)}
    for layer_type, role in sorted(roles):
        rows = kernels_of_layers(view, layer_type, role)
        if len(rows) and not matmuls(view, rows).any() and own_ns(view, rows).max() < LONGEST_NS:
            a_layer = len(rows) / layer_instances(view, rows)
            if a_layer >= FEWEST_KERNELS:
                yield _Role(layer_type, role, rows, int(view.duration_ns(rows).sum()), a_layer)


def _finding(view: PhaseView, roles: Sequence[_Role]) -> Finding:
    names = ", ".join(role.name for role in roles)
    rows = np.sort(np.concatenate([role.rows for role in roles]))
    return Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{names}: {_counts(roles)} kernels each time, {_how_short(view, rows)}.",
        evidence=(kernel_evidence(view, rows, f"Kernels of {names}"),),
        hypothesis="This is written in elementwise operations, each of which reads and writes the whole tensor.",
        remedy="Write it as one kernel, or let a compiler fuse it.",
        gain=gain_of_removing(view, _all_but_first(view, rows), busy=(1 - KEPT_SHARE, 1.0)),
        effort=Effort.SMALL,
        risk="Fused arithmetic rounds differently; compare logits before and after.",
        target=Target("role", "kernels_per_layer", "<=", 1, view.phase, (roles[0].layer_type, roles[0].role)),
    )


def _how_short(view: PhaseView, rows: IntArray) -> str:
    longest = f"{LONGEST_NS // 1000} µs"
    if view.duration_ns(rows).max() < LONGEST_NS:
        return f"none of them as long as {longest}"
    return f"each less than {longest} longer than the one ahead of it"


def _counts(roles: Sequence[_Role]) -> str:
    counts = [rounded(role.a_layer) for role in sorted(roles, key=lambda role: role.a_layer)]
    return counts[0] if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"


def _all_but_first(view: PhaseView, rows: IntArray) -> IntArray:
    """The kernels of each role, layer and step without the first one, which stands for the fused kernel."""
    _, first = group_rows(layer_instance(view, rows), view.analysis.attribution.leaf[rows])
    rest = np.ones(len(rows), np.bool_)
    rest[first] = False
    others: IntArray = rows[rest]
    return others

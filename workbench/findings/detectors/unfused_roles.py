"""Roles that take several tiny kernels each time, such as a norm written as eight elementwise operations."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_removing
from workbench.findings.selection import TINY_KERNEL_NS, layer_instances, matmuls
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows

FEWEST_KERNELS = 4
MOST_ROLES = 3
# The fused kernel still reads and writes once: it may need this part of the vanished kernels' time.
KEPT_SHARE = 0.5


def detect(analysis: Analysis) -> Detection:
    """Looks for roles of four or more tiny kernels a layer, none of them a matrix product."""
    if not any(leaf.role and leaf.by == "range" for leaf in analysis.attribution.leaves):
        return Detection(lacking="no kernel has a role told by a range")
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    attribution = view.analysis.attribution
    found = []
    for layer_type, role in sorted({(leaf.layer_type, leaf.role) for leaf in attribution.leaves if leaf.role}):
        leaves = [i for i, leaf in enumerate(attribution.leaves) if (leaf.layer_type, leaf.role) == (layer_type, role)]
        rows = view.kernels[np.isin(attribution.leaf[view.kernels], leaves)]
        if len(rows) and not matmuls(view, rows).any() and view.duration_ns(rows).max() < 2 * TINY_KERNEL_NS:
            a_layer = len(rows) / layer_instances(view, rows)
            if a_layer >= FEWEST_KERNELS:
                found.append((int(view.duration_ns(rows).sum()), layer_type, role, rows, a_layer))
    found.sort(key=lambda entry: -entry[0])
    for _, layer_type, role, rows, a_layer in found[:MOST_ROLES]:
        yield _finding(view, layer_type, role, rows, a_layer)


def _finding(view: PhaseView, layer_type: str, role: str, rows: IntArray, a_layer: float) -> Finding:
    return Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{layer_type} {role} takes {a_layer:.0f} kernels each time, all of them tiny.",
        evidence=(kernel_evidence(view, rows, f"Kernels of {layer_type} {role}"),),
        hypothesis="It is written in elementwise operations, each of which reads and writes the whole tensor.",
        remedy="Write it as one kernel, or let a compiler fuse it.",
        gain=gain_of_removing(view, _all_but_first(view, rows), kept_share=KEPT_SHARE),
        effort=Effort.SMALL,
        risk="Fused arithmetic rounds differently; compare logits before and after.",
        target=Target("role", "kernels_per_layer", "<=", 1, view.phase, (layer_type, role)),
    )


def _all_but_first(view: PhaseView, rows: IntArray) -> IntArray:
    """The kernels of each layer and step without the first one, which stands for the fused kernel."""
    attribution = view.analysis.attribution
    layer = np.array([leaf.layer for leaf in attribution.leaves], np.int64)[attribution.leaf[rows]]
    _, first = group_rows(attribution.placement.step[rows], layer)
    rest = np.ones(len(rows), np.bool_)
    rest[first] = False
    others: IntArray = rows[rest]
    return others

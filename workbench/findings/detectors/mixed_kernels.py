"""Different kernels for the same role of the same layer type: an autotuner that chose by chance."""

from collections.abc import Iterator

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.gain import gain_of_shortening
from workbench.findings.selection import layer_instance, matmuls, tells_layers_apart
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows


def detect(analysis: Analysis) -> Detection:
    """Looks for matrix products of one layer type, role and place that are not all done by one kernel."""
    if not any(leaf.role and tells_layers_apart(leaf) for leaf in analysis.attribution.leaves):
        return Detection(lacking="no kernel's layer and role are known, so like cannot be compared with like")
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    attribution = view.analysis.attribution
    rows = view.kernels[attribution.leaf[view.kernels] >= 0]
    rows = rows[matmuls(view, rows)]
    known = {i: leaf for i, leaf in enumerate(attribution.leaves) if leaf.role and tells_layers_apart(leaf)}
    for layer_type, role in sorted({(leaf.layer_type, leaf.role) for leaf in known.values()}):
        leaves = [i for i, leaf in known.items() if (leaf.layer_type, leaf.role) == (layer_type, role)]
        of_role = rows[np.isin(attribution.leaf[rows], leaves)]
        names = len(np.unique(view.trace.kernels.demangled[of_role]))
        for place in _places(view, of_role):
            kernels = _chosen_kernels(view, place)
            if kernels > 1:
                target = Target("role", "kernel_names", "<=", names - kernels + 1, view.phase, (layer_type, role))
                yield _finding(view, layer_type, role, place, kernels, target)


def _places(view: PhaseView, rows: IntArray) -> Iterator[IntArray]:
    """The first products of the role in every layer and step, then the second ones, and so on."""
    if not len(rows):
        return
    instance = layer_instance(view, rows)
    order = np.lexsort((view.trace.operations.start_ns[rows], instance))
    begins = np.concatenate([[True], np.diff(instance[order]) != 0])
    begin_of = np.maximum.accumulate(np.where(begins, np.arange(len(rows)), 0))
    ordinal = np.arange(len(rows)) - begin_of
    for number in range(int(ordinal.max()) + 1):
        yield rows[order[ordinal == number]]


def _chosen_kernels(view: PhaseView, rows: IntArray) -> int:
    """How many kernels do this work by choice; one that a single layer alone uses is an exception, not a choice."""
    attribution = view.analysis.attribution
    layer = np.array([leaf.layer for leaf in attribution.leaves], np.int64)[attribution.leaf[rows]]
    kernel, first = group_rows(view.trace.kernels.demangled[rows])
    layers = [set(layer[kernel == number].tolist()) for number in range(len(first))]
    shared = any(one & other for number, one in enumerate(layers) for other in layers[:number])
    return len(first) if shared else sum(len(of_kernel) > 1 for of_kernel in layers)


def _finding(view: PhaseView, layer_type: str, role: str, rows: IntArray, kernels: int, target: Target) -> Finding:
    group, first = group_rows(view.trace.kernels.demangled[rows])
    medians_ns = [float(np.median(view.duration_ns(rows[group == number]))) for number in range(len(first))]
    best_ns = min(medians_ns)
    excess = np.array([(median_ns - best_ns) / max(1.0, median_ns) for median_ns in medians_ns])[group]
    return Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"{layer_type} {role} is computed by {kernels} different kernels at the same place of a layer.",
        evidence=(kernel_evidence(view, rows, f"Kernels of {layer_type} {role}"),),
        hypothesis="An autotuner measured each layer or call by itself, cold, and chose differently; or layers differ "
        "in the format or alignment of their weights, or steps in their number of tokens.",
        remedy="Warm up every candidate before measuring, choose once per shape, and keep the choice.",
        gain=gain_of_shortening(view, rows, excess, "as if every call were as fast as with the best of them"),
        effort=Effort.SMALL,
        risk="The kernel that is fastest here may be slower at other shapes.",
        target=target,
    )

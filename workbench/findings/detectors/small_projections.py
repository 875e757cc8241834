"""Several small matrix products of one input in one layer, which could be one."""

from collections.abc import Iterator, Sequence

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.findings.chains import own_ns
from workbench.findings.detectors import in_each_phase
from workbench.findings.evidence import kernel_evidence
from workbench.findings.finding import Detection, Effort, Finding
from workbench.findings.merging import merging_gain
from workbench.findings.names import rounded
from workbench.findings.selection import (
    block_inputs,
    kernels_of_layers,
    layer_instance,
    layer_instances,
    readable_name,
)
from workbench.findings.target import Target
from workbench.findings.view import PhaseView
from workbench.trace.columns import IntArray

# A longer product is bound by its own work, and gains little from company.
SMALL_NS = 20_000
# So many of the other kernels in the products' roles are named.
MOST_NAMED = 3


def detect(analysis: Analysis) -> Detection:
    """Looks for layers with two or more small projections of the block's input."""
    rules, leaves = analysis.attribution.rules, analysis.attribution.leaves
    patterns = rules.block_input_roles
    if not any(leaf.layer_type in patterns and patterns[leaf.layer_type].search(leaf.role) for leaf in leaves):
        return Detection(lacking="no kernel has a role that is known to read its block's input, such as q_proj")
    return in_each_phase(analysis, _look)


def _look(view: PhaseView) -> Iterator[Finding]:
    for layer_type in view.analysis.attribution.rules.block_input_roles:
        rows = block_inputs(view, layer_type)
        if not len(rows) or np.median(own_ns(view, rows)) > SMALL_NS:
            continue
        a_layer = len(rows) / layer_instances(view, rows)
        if a_layer >= 2:
            yield _finding(view, layer_type, rows, a_layer)


def _finding(view: PhaseView, layer_type: str, rows: IntArray, a_layer: float) -> Finding:
    leaf, leaves = view.analysis.attribution.leaf, view.analysis.attribution.leaves
    roles = sorted({leaves[number].role for number in np.unique(leaf[rows]).tolist()})
    role_of_leaf = np.array([roles.index(leaf.role) if leaf.role in roles else -1 for leaf in leaves])
    by_role = [rows[role_of_leaf[leaf[rows]] == number] for number in range(len(roles))]
    return Finding(
        phase=view.phase,
        pid=view.pid,
        claim=f"Each {layer_type} layer runs {rounded(a_layer)} small products of one input ({', '.join(roles)}).",
        evidence=tuple(
            kernel_evidence(view, of_role, f"{layer_type} {role}") for role, of_role in zip(roles, by_role, strict=True)
        ),
        hypothesis="Their weights are kept apart as the checkpoint has them; each product alone is too small to "
        "fill the GPU or to use its memory bandwidth.",
        remedy="Put their weights side by side and compute them as one product"
        f"{_along(view, layer_type, roles, rows)}.",
        gain=merging_gain(view, rows, _all_but_longest(view, rows), [(layer_type, role) for role in roles]),
        effort=Effort.SMALL,
        risk="Quantised formats must agree on their block layout; tensor parallelism cuts the joint weight elsewhere.",
        target=Target("projections", "calls_per_layer", "<=", 1, view.phase, (layer_type,)),
    )


def _along(view: PhaseView, layer_type: str, roles: Sequence[str], rows: IntArray) -> str:
    """What else runs in the roles of some products, and could be done along with them, in words."""
    of_roles = np.concatenate([kernels_of_layers(view, layer_type, role) for role in roles])
    others = of_roles[~np.isin(of_roles, rows)]
    _, first = np.unique(view.trace.kernels.demangled[others], return_index=True)
    names = [readable_name(view, row) for row in others[first][:MOST_NAMED].tolist()]
    return f", and do there what {', '.join(names)} {'does' if len(names) == 1 else 'do'}" if names else ""


def _all_but_longest(view: PhaseView, rows: IntArray) -> IntArray:
    """The products of each layer and step without the longest one."""
    instance = layer_instance(view, rows)
    order = np.lexsort((own_ns(view, rows), instance))
    is_last = np.append(instance[order][1:] != instance[order][:-1], True)
    others: IntArray = rows[order[~is_last]]
    return others

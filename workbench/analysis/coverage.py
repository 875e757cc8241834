"""How much of the kernel time is attributed, and why the rest is not. Everything adds up, in nanoseconds."""

from dataclasses import dataclass

import numpy as np

from workbench.attribution.attribution import Attribution
from workbench.attribution.leaves import Reason
from workbench.trace.model import NONE, OperationKind


@dataclass(frozen=True)
class Totals:
    """Sums over the whole capture. `hidden_graph_ns` is graphs recorded as single rows, outside `kernel_ns`."""

    kernel_ns: int
    kernel_count: int
    memop_ns: int
    memop_count: int
    hidden_graph_ns: int
    hidden_graph_count: int


@dataclass(frozen=True)
class Unattributed:
    """Kernels without a layer type, by reason."""

    reason: Reason
    kernel_ns: int
    kernel_count: int


@dataclass(frozen=True)
class Coverage:
    """How much is attributed: `attributed_ns` plus all of `unattributed` is exactly the total.

    `by` splits the attributed time by how its layer type is known: `range` or `kernel_name`.
    """

    attributed_ns: int
    attributed_share: float
    by: dict[str, int]
    unattributed: tuple[Unattributed, ...]


def totals(attribution: Attribution) -> Totals:
    """Sums over the whole capture."""
    trace = attribution.trace
    duration_ns = trace.operations.end_ns - trace.operations.start_ns
    by_kind = {kind: duration_ns[trace.operation_rows(kind)] for kind in OperationKind}
    memops = [by_kind[OperationKind.MEMCPY], by_kind[OperationKind.MEMSET]]
    return Totals(
        kernel_ns=int(by_kind[OperationKind.KERNEL].sum()),
        kernel_count=len(by_kind[OperationKind.KERNEL]),
        memop_ns=sum(int(part.sum()) for part in memops),
        memop_count=sum(len(part) for part in memops),
        hidden_graph_ns=int(by_kind[OperationKind.GRAPH].sum()),
        hidden_graph_count=len(by_kind[OperationKind.GRAPH]),
    )


def coverage(attribution: Attribution) -> Coverage:
    """How much of the kernel time is attributed."""
    trace = attribution.trace
    kernels = trace.operation_rows(OperationKind.KERNEL)
    duration_ns = (trace.operations.end_ns - trace.operations.start_ns)[kernels]
    leaf, reason = attribution.leaf[kernels], attribution.reason[kernels]
    known = leaf != NONE
    by_range = np.array([found.by == "range" for found in attribution.leaves], np.bool_)
    in_range = known & by_range[leaf] if len(by_range) else known
    total_ns, attributed_ns = int(duration_ns.sum()), int(duration_ns[known].sum())
    unattributed = [
        Unattributed(cause, int(duration_ns[reason == cause].sum()), int((reason == cause).sum()))
        for cause in Reason
        if cause is not Reason.ATTRIBUTED and (reason == cause).any()
    ]
    return Coverage(
        attributed_ns=attributed_ns,
        attributed_share=attributed_ns / total_ns if total_ns else 0.0,
        by={
            "range": int(duration_ns[in_range].sum()),
            "kernel_name": int(duration_ns[known & ~in_range].sum()),
        },
        unattributed=tuple(sorted(unattributed, key=lambda entry: -entry.kernel_ns)),
    )

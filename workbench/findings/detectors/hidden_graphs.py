"""Graphs recorded as single rows, which hide their kernels."""

import numpy as np

from workbench.analysis.analysis import Analysis
from workbench.attribution.rules import PHASES
from workbench.findings.finding import Detection, Effort, Evidence, Finding
from workbench.findings.target import Target
from workbench.trace.model import OperationKind


def detect(analysis: Analysis) -> Detection:
    """Looks for graph launches without rows for their kernels."""
    trace = analysis.trace
    rows = np.arange(*trace.operation_rows(OperationKind.GRAPH).indices(len(trace.operations))[:2])
    if not len(rows):
        return Detection()
    total_ns = int((trace.operations.end_ns[rows] - trace.operations.start_ns[rows]).sum())
    phase = int(np.bincount(analysis.attribution.placement.phase[rows]).argmax())
    table = trace.info.tables["graphs"]
    evidence = Evidence(
        "Graphs recorded as single rows",
        ("launches", "total_ns"),
        ((len(rows), total_ns),),
        f"SELECT count(*) AS launches, sum(end - start) AS total_ns FROM {table}",
    )
    finding = Finding(
        phase=PHASES[phase],
        pid=trace.pid(int(trace.operations.process[rows[0]])),
        claim=f"{len(rows)} graph launches hide their kernels, so nothing can be said of them.",
        evidence=(evidence,),
        hypothesis="nsys was run with its default --cuda-graph-trace=graph.",
        remedy="Capture again with --cuda-graph-trace=node (wb profile does).",
        gain=None,
        effort=Effort.SMALL,
        risk="Tracing nodes makes graph launches slower, so wall times of such a capture are upper bounds.",
        target=Target("hidden_graphs", "calls", "<=", 0),
    )
    return Detection((finding,))

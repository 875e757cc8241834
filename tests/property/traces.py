"""Traces made in memory, and random exports."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.exports import Export
from workbench.trace.columns import Columns
from workbench.trace.model import (
    Calls,
    CaptureInfo,
    CopyDetails,
    GraphDetails,
    GraphNodes,
    KernelDetails,
    MemsetDetails,
    Operations,
    Ranges,
    Trace,
)


def empty(table: type[Columns]) -> Any:
    return table(**{name: np.empty(0, np.int64) for name in table.names()})


def minimal_trace(**parts: Any) -> Trace:
    """A trace of nothing but the given parts."""
    info = CaptureInfo("test", "", "", "", {}, (), ())
    given = {
        "info": info,
        "devices": (),
        "strings": ("",),
        "processes": np.array([1 << 24], np.int64),
        "threads": np.arange(4, dtype=np.int64),
        "thread_process": np.zeros(4, np.int32),
        "operations": empty(Operations),
        "kernels": empty(KernelDetails),
        "copies": empty(CopyDetails),
        "memsets": empty(MemsetDetails),
        "graphs": empty(GraphDetails),
        "calls": empty(Calls),
        "ranges": empty(Ranges),
        "graph_nodes": empty(GraphNodes),
    }
    return Trace(**(given | parts))


NAMES = ("prefill", "decode_step 1", "decode_step 2", "decode", "warmup", "load", "model.layers.0.mlp", "attn", "x")


@st.composite
def exports(draw: st.DrawFn) -> Export:
    """Random programs: processes with equal correlation ids, threads, ranges that cross, graphs, copies."""
    export = Export(draw(st.sampled_from(["2023.4", "2025.3"])))
    time = st.integers(0, 400)
    place = st.tuples(st.sampled_from([7, 8]), st.sampled_from([7, 9]))
    for _ in range(draw(st.integers(0, 14))):
        start, (pid, tid) = draw(time), draw(place)
        export.range(
            draw(st.sampled_from(NAMES)),
            start,
            draw(st.one_of(st.none(), st.integers(start, start + 300))),
            pid=pid,
            tid=tid,
            domain=draw(st.integers(0, 2)),
            style=draw(st.sampled_from(["push_pop", "push_pop", "start_end"])),
            payload=draw(st.one_of(st.none(), st.integers(0, 3))),
        )
    nodes = []
    for number in range(draw(st.integers(0, 4))):
        pid, tid = draw(place)
        original = draw(st.one_of(st.none(), st.sampled_from([*nodes, 999])))
        export.node(100 + number, draw(time), original=original, pid=pid, tid=tid)
        nodes.append(100 + number)
    for _ in range(draw(st.integers(1, 20))):
        pid, tid = draw(place)
        at = draw(time)
        correlation = draw(st.one_of(st.none(), st.integers(1, 12)))
        if draw(st.booleans()) and correlation is not None:
            export.call("cudaLaunchKernel_v7000", at, at + 5, pid=pid, tid=tid, correlation=correlation)
        start = at + draw(st.integers(0, 50))
        end = start + draw(st.integers(0, 40))
        kind = draw(st.sampled_from(["kernel", "kernel", "kernel", "copy", "memset", "graph"]))
        if kind == "copy":
            export.copy(draw(st.sampled_from([1, 2, 8])), 64, start, end, correlation, pid=pid)
        elif kind == "memset":
            export.memset(8, start, end, correlation, pid=pid)
        elif kind == "graph" and export.version == "2025.3":
            export.hidden_graph(draw(st.integers(1, 2)), start, end, correlation, pid=pid)
        else:
            node = draw(st.one_of(st.none(), st.sampled_from([*nodes, 100, 555])))
            name = draw(st.sampled_from(["gemv", "norm", "flash_attn"]))
            export.kernel(name, start, end, correlation, pid=pid, node=node, stream=draw(st.integers(6, 8)))
    export.kernel("always one", 1, 2, None)
    return export

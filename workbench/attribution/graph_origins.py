"""Traces a replayed graph node back to the moment at which it was described.

A captured graph is cloned when it is instantiated (and may be cloned before), so the node that runs is seldom the
node that was captured. Creation records name the node each was cloned from; the root of that chain was created on
the thread and at the time at which the program described the operation.
"""

import numpy as np
from numpy.typing import NDArray

from workbench.trace.columns import IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, Trace


def creation_rows(trace: Trace, process: IntArray, node: IntArray) -> NDArray[np.int64]:
    """Rows of `trace.graph_nodes` at which the roots of these nodes were created.

    Args:
        trace: the capture.
        process: whose nodes, as positions in `trace.processes`, shape (nodes,): ids repeat between processes.
        node: graph node ids.

    Returns:
        Shape (nodes,); `NONE` where the creation was not recorded.
    """
    created = trace.graph_nodes
    records = len(created)
    created_in = trace.thread_process[created.thread] if records else np.empty(0, np.int32)
    processes = np.concatenate([created_in, created_in, process])
    nodes = np.concatenate([created.node, created.original, node])
    key, representatives = group_rows(processes, nodes)
    own, original, wanted = key[:records], key[records : 2 * records], key[2 * records :]
    first_record = np.full(len(representatives), NONE, np.int64)
    first_record[own[::-1]] = np.arange(records - 1, -1, -1)
    parent = np.arange(len(representatives))
    clones = np.flatnonzero(created.original != NONE)[::-1]
    parent[own[clones]] = original[clones]
    return first_record[_roots(parent)][wanted] if records else np.full(len(node), NONE, np.int64)


def _roots(parent: NDArray[np.int64]) -> NDArray[np.int64]:
    """The end of each chain of parents; a node on a cycle, which no real capture has, leads to itself."""
    root = parent.copy()
    for _ in range(len(parent).bit_length()):
        root = root[root]
    on_cycle = parent[root] != root
    root[on_cycle] = np.flatnonzero(on_cycle)
    return root

"""The two sites of a GPU operation: where it was described, and when it ran.

An operation was *described* when its launch, or the graph node it replays, was made; it *ran* when its launch, or
its graph's launch, was called. An eager launch is both at once. What an operation is comes from the first site,
in which phase and step it ran from the second. This is the only module that knows of graphs and eager launches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.attribution.graph_origins import creation_rows
from workbench.attribution.launches import launching_calls
from workbench.attribution.open_ranges import Contexts, contexts
from workbench.trace.model import NONE, Trace


@dataclass(frozen=True, eq=False)
class Sites:
    """Where each operation was described and ran.

    Moments are all API calls, then all graph node creations: `contexts` holds the ranges open at each.

    Attributes:
        launch: the row of the call that ran each operation, or `NONE`, shape (operations,).
        described: the moment that described each operation, or `NONE`, shape (operations,).
        is_graph_node: whether the operation was replayed from a graph node, shape (operations,).
        contexts: the ranges open at each moment.
    """

    launch: NDArray[np.int32]
    described: NDArray[np.int32]
    is_graph_node: NDArray[np.bool_]
    contexts: Contexts

    def context_described(self) -> NDArray[np.int32]:
        """The context that described each operation, or `NONE`, shape (operations,)."""
        return self._contexts_of(self.described)

    def context_ran(self) -> NDArray[np.int32]:
        """The context in which each operation was launched, or `NONE`, shape (operations,)."""
        return self._contexts_of(self.launch)

    def _contexts_of(self, moment: NDArray[np.int32]) -> NDArray[np.int32]:
        if not len(self.contexts.of_moment):
            return np.full(len(moment), NONE, np.int32)
        return np.where(moment == NONE, np.int32(NONE), self.contexts.of_moment[moment])


def find_sites(trace: Trace) -> Sites:
    """Finds both sites of every operation."""
    operations, calls, nodes = trace.operations, trace.calls, trace.graph_nodes
    launch = launching_calls(trace)
    described = launch.copy()
    is_graph_node = operations.graph_node != NONE
    replayed = np.flatnonzero(is_graph_node)
    if len(replayed):
        rows = creation_rows(trace, operations.process[replayed], operations.graph_node[replayed])
        described[replayed] = np.where(rows == NONE, NONE, rows + len(calls))
    thread = np.concatenate([calls.thread, nodes.thread])
    time_ns = np.concatenate([calls.start_ns, nodes.time_ns])
    return Sites(launch, described, is_graph_node, contexts(trace, thread, time_ns))

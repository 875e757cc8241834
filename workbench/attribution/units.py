"""The sequence of what a process launched: graph launches, and kernels launched by themselves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.trace.columns import BoolArray, IntArray
from workbench.trace.grouping import group_rows
from workbench.trace.model import NONE, OperationKind, Trace
from workbench.trace.schema import COPY_KINDS


@dataclass(frozen=True, eq=False)
class Units:
    """Units in order of their first operation's start; all arrays have shape (units,) unless said otherwise.

    Attributes:
        content: a number for what the unit does: a kernel's name, or the kernels a graph replays.
        shape: a number for its content and, for a kernel, its grid.
        is_graph: whether it is a graph launch.
        weight: how many kernels it runs (1 for a graph recorded as one row).
        busy_ns: the sum of its operations' durations.
        idle_before_ns: how long no kernel of the process ran before it began.
        follows_copy_to_host: whether the process copied to the host after the previous unit began.
        first_operation, last_operation: rows of the operations that start first and last.
        kernels: the kernels of all units, unit by unit, as numbers of their names, shape (kernels,).
        kernel_shapes: the same kernels, as numbers of their names and grids.
        first_kernel: where each unit's kernels begin in `kernels`, shape (units + 1,).
    """

    content: NDArray[np.int64]
    shape: NDArray[np.int64]
    is_graph: BoolArray
    weight: NDArray[np.int64]
    busy_ns: NDArray[np.int64]
    idle_before_ns: NDArray[np.int64]
    follows_copy_to_host: BoolArray
    first_operation: NDArray[np.int64]
    last_operation: NDArray[np.int64]
    kernels: NDArray[np.int64]
    kernel_shapes: NDArray[np.int64]
    first_kernel: NDArray[np.int64]


def find_units(trace: Trace, rows: IntArray, launch: IntArray) -> Units:
    """The units among some operations of one process.

    Args:
        trace: the capture.
        rows: the operations; copies and memsets among them are no units.
        launch: the call that launched each operation of the trace, or `NONE`.
    """
    operations = trace.operations
    to_host_ns = np.sort(operations.start_ns[rows[copies_to_host(trace)[rows]]])
    kind = operations.kind[rows]
    rows = rows[(kind == OperationKind.KERNEL) | (kind == OperationKind.GRAPH)]
    rows = rows[np.argsort(operations.start_ns[rows], kind="stable")]
    name = _names(trace, rows)
    is_node = (operations.graph_node[rows] != NONE) & (launch[rows] != NONE)
    # A graph's kernels share their launch; every other operation is a unit of its own.
    owner = np.where(is_node, launch[rows].astype(np.int64), -1 - np.arange(len(rows)))
    unit, first = group_rows(owner)
    by_time = np.argsort(first, kind="stable")
    rank = np.empty(len(first), np.int64)
    rank[by_time] = np.arange(len(first))
    unit, first = rank[unit], first[by_time]
    members = np.argsort(unit, kind="stable")
    bounds = np.searchsorted(unit[members], np.arange(len(first) + 1))
    is_graph = is_node[first] | (operations.kind[rows[first]] == OperationKind.GRAPH)
    content = _content(name, unit, first, is_node)
    shape = group_rows(name, *_grid(trace, rows))[0]
    durations = operations.end_ns[rows] - operations.start_ns[rows]
    running_until = np.maximum.accumulate(np.concatenate([operations.start_ns[rows][:1], operations.end_ns[rows]]))
    return Units(
        content=content,
        shape=group_rows(is_graph, np.where(is_graph, content, shape[first]))[0],
        is_graph=is_graph,
        weight=np.diff(bounds),
        busy_ns=np.bincount(unit, durations, len(first)).astype(np.int64),
        idle_before_ns=np.maximum(0, operations.start_ns[rows[first]] - running_until[first]),
        follows_copy_to_host=np.diff(np.searchsorted(to_host_ns, operations.start_ns[rows[first]]), prepend=0) > 0,
        first_operation=rows[first],
        last_operation=rows[members[bounds[1:] - 1]] if len(first) else rows[:0],
        kernels=name[members],
        kernel_shapes=shape[members],
        first_kernel=bounds,
    )


def copies_to_host(trace: Trace) -> BoolArray:
    """Which operations copy from the device to the host, shape (operations,)."""
    kinds = [kind for kind, name in COPY_KINDS.items() if name in ("d2h", "a2h", "uvm_d2h")]
    found = np.zeros(len(trace.operations), np.bool_)
    found[trace.operation_rows(OperationKind.MEMCPY)] = np.isin(trace.copies.copy_kind, kinds)
    return found


def _names(trace: Trace, rows: IntArray) -> NDArray[np.int64]:
    """A number for what each kernel or graph row is: its long name, or the graph it launches."""
    name = np.empty(len(rows), np.int64)
    is_kernel = rows < len(trace.kernels)
    name[is_kernel] = trace.kernels.demangled[rows[is_kernel]]
    graphs = rows[~is_kernel] - trace.operation_rows(OperationKind.GRAPH).start
    name[~is_kernel] = -2 - trace.graphs.graph[graphs]
    return name


def _content(
    name: NDArray[np.int64], unit: NDArray[np.int64], first: NDArray[np.int64], is_node: BoolArray
) -> NDArray[np.int64]:
    """Numbers the contents of units: equal for equal multisets of kernels, however a graph orders them."""
    mixed = (name.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(31)
    total = np.zeros(len(first), np.uint64)
    np.add.at(total, unit[is_node], mixed[is_node])
    return group_rows(is_node[first], np.where(is_node[first], total.view(np.int64), name[first]))[0]


def _grid(trace: Trace, rows: IntArray) -> NDArray[np.int64]:
    """The grid of each kernel, zero for other operations, shape (3, rows)."""
    kernels = trace.kernels
    is_kernel = rows < len(kernels)
    grid = np.zeros((3, len(rows)), np.int64)
    for axis, sizes in enumerate((kernels.grid_x, kernels.grid_y, kernels.grid_z)):
        grid[axis, is_kernel] = sizes[rows[is_kernel]]
    return grid

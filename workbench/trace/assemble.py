"""Joins the tables of an export into a `Trace`: ids become positions, rows are sorted by time."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.trace.bulk import TableData
from workbench.trace.columns import Columns, IntArray
from workbench.trace.identifiers import PROCESS_MASK, StringPool, distinct, positions
from workbench.trace.model import (
    NONE,
    Calls,
    CaptureInfo,
    CopyDetails,
    Device,
    GraphDetails,
    GraphNodes,
    KernelDetails,
    MemsetDetails,
    OperationKind,
    Operations,
    Trace,
)
from workbench.trace.nvtx import assemble_ranges

_OPERATION_TABLES = ("kernels", "copies", "memsets", "graphs")
_TableT = TypeVar("_TableT", bound=Columns)
_IntColumns = dict[str, IntArray]


def assemble(
    info: CaptureInfo, devices: tuple[Device, ...], data: dict[str, TableData], strings: dict[int, str]
) -> Trace:
    """Builds the trace.

    Args:
        info: what is known of the capture as a whole.
        devices: its GPUs.
        data: the tables of `trace.schema`, all of them; missing ones are empty.
        strings: the export's strings, by id.
    """
    pool = StringPool(strings)
    tables = {name: dict(table.integers) for name, table in data.items()}
    threads = distinct(tables[name]["thread"] for name in ("calls", "nvtx", "graph_nodes"))
    processes = distinct([threads & PROCESS_MASK, *(tables[name]["process"] for name in _OPERATION_TABLES)])
    if len(processes) == 2 and processes[0] == NONE:
        # Operations that do not name their process belong to the only one there is.
        processes = processes[1:]
    for name in _OPERATION_TABLES:
        tables[name]["process"] = positions(processes, tables[name]["process"])
        tables[name] = _by_time(tables[name])
    return Trace(
        info=info,
        devices=devices,
        processes=processes,
        threads=threads,
        thread_process=positions(processes, threads & PROCESS_MASK),
        operations=_operations(tables, pool),
        kernels=_table(
            KernelDetails,
            tables["kernels"] | {"demangled": pool.positions(tables["kernels"].pop("demangled"))},
        ),
        copies=_table(CopyDetails, tables["copies"]),
        memsets=_table(MemsetDetails, tables["memsets"]),
        graphs=_table(GraphDetails, tables["graphs"]),
        calls=_calls(tables["calls"], threads, pool),
        ranges=assemble_ranges(data["nvtx"], threads, pool),
        graph_nodes=_graph_nodes(tables["graph_nodes"], threads),
        strings=tuple(pool.values),
    )


def _by_time(columns: _IntColumns) -> _IntColumns:
    """The rows sorted by start; exports are almost always sorted already, but no longer promise it."""
    start_ns = columns["start_ns"]
    if bool((start_ns[1:] >= start_ns[:-1]).all()):
        return columns
    order = np.argsort(start_ns, kind="stable")
    return {name: values[order] for name, values in columns.items()}


def _table(table: type[_TableT], columns: _IntColumns) -> _TableT:
    return table(**{name: columns.pop(name) for name in table.names()})


def _operations(tables: dict[str, _IntColumns], pool: StringPool) -> Operations:
    kinds = zip(OperationKind, _OPERATION_TABLES, strict=True)
    counts = {kind: len(tables[name]["start_ns"]) for kind, name in kinds}
    kernel_count = counts[OperationKind.KERNEL]
    name = np.full(sum(counts.values()), NONE, np.int32)
    name[:kernel_count] = pool.positions(tables["kernels"].pop("name"))

    def joined(column: str, dtype: type[np.integer]) -> IntArray:
        parts = [
            tables[table].pop(column) if column in tables[table] else np.full(counts[kind], NONE, dtype)
            for kind, table in zip(OperationKind, _OPERATION_TABLES, strict=True)
        ]
        return np.concatenate(parts).astype(dtype, copy=False)

    return Operations(
        kind=np.repeat(np.array(list(counts), np.int8), list(counts.values())),
        start_ns=joined("start_ns", np.int64),
        end_ns=joined("end_ns", np.int64),
        device=joined("device", np.int32),
        stream=joined("stream", np.int64),
        process=joined("process", np.int32),
        correlation=joined("correlation", np.int64),
        graph_node=joined("graph_node", np.int64),
        name=name,
    )


def _calls(columns: _IntColumns, threads: NDArray[np.int64], pool: StringPool) -> Calls:
    columns = _by_time(columns)
    columns["thread"] = positions(threads, columns["thread"])
    columns["name"] = pool.positions(columns["name"])
    return _table(Calls, columns)


def _graph_nodes(columns: _IntColumns, threads: NDArray[np.int64]) -> GraphNodes:
    order = np.argsort(columns["time_ns"], kind="stable")
    columns = {name: values[order] for name, values in columns.items()}
    columns["thread"] = positions(threads, columns["thread"])
    return _table(GraphNodes, columns)

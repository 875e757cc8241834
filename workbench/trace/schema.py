"""The one table of differences between nsys's SQLite exports, from 2022.4 to 2025.x.

Exports carry a schema version, but tables are made only for what was recorded and columns come and go between
releases. So each table here lists the names it has had and, for each column, the names *it* has had; a column
that an export lacks gets its default. Nothing else in the project knows about versions.
"""

from dataclasses import dataclass
from typing import Literal

from workbench.trace.model import NO_PAYLOAD, NONE

IntType = Literal["int8", "int32", "int64"]


@dataclass(frozen=True)
class Column:
    """One column as we call it.

    Attributes:
        name: our name.
        sources: the export's names, newest first; several present ones are coalesced in this order.
        type: the NumPy type it is kept in, or `text`.
        default: what stands for NULL and for a column that the export lacks.
        required: without it the table is no use, and another candidate is tried.
    """

    name: str
    sources: tuple[str, ...]
    type: IntType | Literal["text"] = "int64"
    default: int | str = NONE
    required: bool = False


@dataclass(frozen=True)
class TableSchema:
    """One table as we call it: the names it has had, newest first, its columns, and a row filter in SQL."""

    name: str
    candidates: tuple[str, ...]
    columns: tuple[Column, ...]
    where: str = ""
    cost_of_lack: str = ""


def _required(name: str, *sources: str, type_: IntType = "int64") -> Column:
    return Column(name, sources or (name,), type_, NONE, required=True)


# Columns that every GPU operation has. `correlationId` and `globalPid` are declared nullable.
_OPERATION = (
    _required("start_ns", "start"),
    _required("end_ns", "end"),
    Column("device", ("deviceId",), "int32", 0),
    Column("stream", ("streamId",), "int64", 0),
    Column("correlation", ("correlationId",)),
    Column("process", ("globalPid",)),
)
_GRAPH_NODE = Column("graph_node", ("graphNodeId",))

KERNELS = TableSchema(
    "kernels",
    ("CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL"),
    (
        *_OPERATION,
        _GRAPH_NODE,
        _required("demangled", "demangledName", type_="int64"),
        Column("name", ("shortName", "demangledName")),
        Column("grid_x", ("gridX",), "int32", 1),
        Column("grid_y", ("gridY",), "int32", 1),
        Column("grid_z", ("gridZ",), "int32", 1),
    ),
    cost_of_lack="no kernel can be attributed",
)
COPIES = TableSchema(
    "copies",
    ("CUPTI_ACTIVITY_KIND_MEMCPY",),
    (
        *_OPERATION,
        _GRAPH_NODE,
        Column("bytes", ("bytes",), "int64", 0),
        Column("copy_kind", ("copyKind",), "int32", 0),
        Column("source_kind", ("srcKind",), "int32"),
        Column("destination_kind", ("dstKind",), "int32"),
    ),
    cost_of_lack="either no memory was copied or copies were not traced: copies cannot be judged",
)
MEMSETS = TableSchema(
    "memsets",
    ("CUPTI_ACTIVITY_KIND_MEMSET",),
    (*_OPERATION, _GRAPH_NODE, Column("bytes", ("bytes",), "int64", 0)),
    cost_of_lack="either no memory was set or memsets were not traced",
)
GRAPHS = TableSchema(
    "graphs",
    ("CUPTI_ACTIVITY_KIND_GRAPH_TRACE",),
    (*_OPERATION, Column("graph", ("graphId",))),
)
CALLS = TableSchema(
    "calls",
    ("CUPTI_ACTIVITY_KIND_RUNTIME",),
    (
        _required("start_ns", "start"),
        _required("end_ns", "end"),
        Column("thread", ("globalTid",)),
        Column("correlation", ("correlationId",)),
        _required("name", "nameId"),
    ),
    cost_of_lack="kernels cannot be tied to the calls that launched them, so neither to ranges nor to steps, "
    "and API time is unknown",
)
# 33 category name; 59 and 70 push/pop; 60 and 71 start/end; 75 domain creation. 70 and 71 are ranges that were
# imported from a text log.
NVTX_CATEGORY_NAME, NVTX_DOMAIN_CREATE = 33, 75
NVTX_PUSH_POP, NVTX_START_END = (59, 70), (60, 71)
NVTX = TableSchema(
    "nvtx",
    ("NVTX_EVENTS",),
    (
        _required("start_ns", "start"),
        Column("end_ns", ("end",)),
        _required("event_type", "eventType", type_="int32"),
        Column("category", ("category",)),
        Column("text", ("text",), "text", ""),
        Column("thread", ("globalTid",)),
        Column("text_id", ("textId",)),
        Column("domain", ("domainId",), "int64", 0),
        Column("payload", ("int64Value", "uint64Value", "int32Value", "uint32Value"), "int64", NO_PAYLOAD),
    ),
    where=f"eventType IN ({NVTX_CATEGORY_NAME}, {NVTX_DOMAIN_CREATE}, 59, 60, 70, 71)",
    cost_of_lack="layers can be told by kernel names alone, phases and steps only inferred: annotate the program "
    "with NVTX ranges, and trace them with `--trace cuda,nvtx`",
)
GRAPH_NODES = TableSchema(
    "graph_nodes",
    # Until 2023.4 (schema 3.7) CUDA_GRAPH_EVENTS held the nodes; since 2024.2 (3.11) it holds whole graphs, and
    # has no graphNodeId.
    ("CUDA_GRAPH_NODE_EVENTS", "CUDA_GRAPH_EVENTS"),
    (
        _required("time_ns", "start"),
        Column("thread", ("globalTid",)),
        _required("node", "graphNodeId"),
        Column("original", ("originalGraphNodeId",)),
    ),
    cost_of_lack="kernels replayed from graphs cannot be traced to the code that built their nodes: start "
    "the capture before the graphs are built",
)
TABLES = (KERNELS, COPIES, MEMSETS, GRAPHS, CALLS, NVTX, GRAPH_NODES)

# Key-value table that names the exporter; EXPORT_META_DATA until 2022.4.
EXPORT_METADATA = ("META_DATA_EXPORT", "EXPORT_META_DATA")
DIAGNOSTICS = "DIAGNOSTIC_EVENT"

# Minor versions change columns; the newest one known to keep these tables is nsys 2026.1's.
NEWEST_KNOWN_SCHEMA = (3, 24)

# CUpti_ActivityMemcpyKind, as a suffix of our names for copies. Exports before 2023 have no table of labels.
COPY_KINDS = {
    0: "unknown",
    1: "h2d",
    2: "d2h",
    3: "h2a",
    4: "a2h",
    5: "a2a",
    6: "a2d",
    7: "d2a",
    8: "d2d",
    9: "h2h",
    10: "p2p",
    11: "uvm_h2d",
    12: "uvm_d2h",
    13: "uvm_d2d",
}
COPY_KIND_UNKNOWN = 0
MEMORY_KIND_PAGEABLE = 0

"""Builds small nsys exports for tests, shaped as one version or another writes them."""

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


def _columns(names: str) -> list[str]:
    return names.split()


# Columns as `nsys export --lazy=false` of each version declares them (CUDA_GRAPH_NODE_EVENTS of 2024.2 as documented).
_KERNEL = _columns("""
    start end deviceId contextId greenContextId streamId correlationId globalPid demangledName shortName
    mangledName launchType cacheConfig registersPerThread gridX gridY gridZ blockX blockY blockZ
    staticSharedMemory dynamicSharedMemory localMemoryPerThread localMemoryTotal gridId sharedMemoryExecuted
    graphNodeId sharedMemoryLimitConfig
""")
_MEMCPY = _columns("""
    start end deviceId contextId greenContextId streamId correlationId globalPid bytes copyKind deprecatedSrcId
    srcKind dstKind srcDeviceId srcContextId dstDeviceId dstContextId migrationCause graphNodeId virtualAddress
""")
_MEMSET = _columns("""
    start end deviceId contextId greenContextId streamId correlationId globalPid value bytes graphNodeId memKind
""")
_RUNTIME = _columns("""
    start end eventClass globalTid correlationId nameId returnValue callchainId
""")
_NVTX = _columns("""
    start end eventType rangeId category color text globalTid endGlobalTid textId domainId uint64Value
    int64Value doubleValue uint32Value int32Value floatValue jsonTextId jsonText
""")
_NODES = _columns("""
    start end eventClass globalTid nameId graphNodeId originalGraphNodeId
""")
_GRAPH_TRACE = _columns("""
    start end deviceId contextId greenContextId streamId correlationId globalPid graphId graphExecId
""")


def _without(columns: list[str], *names: str) -> list[str]:
    return [column for column in columns if column not in names]


@dataclass(frozen=True)
class Version:
    """How one release of nsys lays out its export."""

    product: str
    schema: str
    metadata: str
    nodes: str
    green_contexts: bool
    hidden_graphs: bool

    def tables(self) -> dict[str, list[str]]:
        drop = () if self.green_contexts else ("greenContextId",)
        tables = {
            "CUPTI_ACTIVITY_KIND_KERNEL": _without(_KERNEL, *drop),
            "CUPTI_ACTIVITY_KIND_MEMCPY": _without(_MEMCPY, *drop) + (["copyCount"] if self.schema >= "3.2" else []),
            "CUPTI_ACTIVITY_KIND_MEMSET": _without(_MEMSET, *drop),
            "CUPTI_ACTIVITY_KIND_RUNTIME": _RUNTIME,
            "NVTX_EVENTS": _NVTX + (["binaryData"] if self.schema >= "3.2" else []),
            self.nodes: _NODES,
        }
        if self.hidden_graphs:
            tables["CUPTI_ACTIVITY_KIND_GRAPH_TRACE"] = _GRAPH_TRACE
        return tables


VERSIONS = {
    "2022.4": Version("2022.4.2.1", "3.0.0", "EXPORT_META_DATA", "CUDA_GRAPH_EVENTS", False, False),
    "2023.4": Version("2023.4.4.54", "3.7.2", "META_DATA_EXPORT", "CUDA_GRAPH_EVENTS", True, False),
    "2024.2": Version("2024.2.1.106", "3.11.0", "META_DATA_EXPORT", "CUDA_GRAPH_NODE_EVENTS", True, True),
    "2025.3": Version("2025.3.2.0", "3.20.3", "META_DATA_EXPORT", "CUDA_GRAPH_NODE_EVENTS", True, True),
}
_EVENT_TYPES = {"push_pop": 59, "start_end": 60}


def global_tid(pid: int, tid: int) -> int:
    return 1 << 48 | pid << 24 | tid


@dataclass
class Export:
    """An export under construction. Times are nanoseconds."""

    version: str = "2025.3"
    sm_count: int = 132
    capability: tuple[int, int] = (9, 0)
    recorder: str = ""
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    strings: dict[str, int] = field(default_factory=dict)
    _correlation: int = 0

    def string(self, text: str) -> int:
        return self.strings.setdefault(text, len(self.strings) + 3)

    def add(self, table: str, **values: Any) -> None:
        self.rows.setdefault(table, []).append(values)

    def call(
        self, name: str, start: int, end: int, *, pid: int = 7, tid: int = 7, correlation: int | None = None
    ) -> int:
        """An API call; returns its correlation id."""
        if correlation is None:
            self._correlation += 1
            correlation = self._correlation
        self.add(
            "CUPTI_ACTIVITY_KIND_RUNTIME",
            start=start,
            end=end,
            eventClass=0,
            globalTid=global_tid(pid, tid),
            correlationId=correlation,
            nameId=self.string(name),
            returnValue=0,
        )
        return correlation

    def kernel(
        self,
        name: str,
        start: int,
        end: int,
        correlation: int | None,
        *,
        pid: int = 7,
        stream: int = 7,
        device: int = 0,
        node: int | None = None,
        grid: tuple[int, int, int] = (132, 1, 1),
        long_name: str | None = None,
    ) -> None:
        self.add(
            "CUPTI_ACTIVITY_KIND_KERNEL",
            **self._operation(start, end, correlation, pid, stream, device, node),
            demangledName=self.string(long_name or name),
            shortName=self.string(name),
            launchType=1,
            registersPerThread=32,
            gridX=grid[0],
            gridY=grid[1],
            gridZ=grid[2],
            blockX=128,
            blockY=1,
            blockZ=1,
            staticSharedMemory=0,
            dynamicSharedMemory=0,
            localMemoryPerThread=0,
            localMemoryTotal=0,
            gridId=1,
        )

    def launch(
        self, name: str, call_at: int, start: int, end: int, *, pid: int = 7, tid: int = 7, **kernel: Any
    ) -> None:
        """A kernel and the call that launches it, which takes 10 ns."""
        correlation = self.call("cudaLaunchKernel_v7000", call_at, call_at + 10, pid=pid, tid=tid)
        self.kernel(name, start, end, correlation, pid=pid, **kernel)

    def copy(
        self,
        kind: int,
        size: int,
        start: int,
        end: int,
        correlation: int | None,
        *,
        source: int = 1,
        destination: int = 2,
        pid: int = 7,
        stream: int = 7,
        node: int | None = None,
    ) -> None:
        self.add(
            "CUPTI_ACTIVITY_KIND_MEMCPY",
            **self._operation(start, end, correlation, pid, stream, 0, node),
            bytes=size,
            copyKind=kind,
            srcKind=source,
            dstKind=destination,
        )

    def memset(self, size: int, start: int, end: int, correlation: int | None, *, pid: int = 7) -> None:
        self.add(
            "CUPTI_ACTIVITY_KIND_MEMSET",
            **self._operation(start, end, correlation, pid, 7, 0, None),
            value=0,
            bytes=size,
        )

    def hidden_graph(self, graph: int, start: int, end: int, correlation: int | None, *, pid: int = 7) -> None:
        operation = self._operation(start, end, correlation, pid, 7, 0, None)
        del operation["graphNodeId"]
        self.add("CUPTI_ACTIVITY_KIND_GRAPH_TRACE", **operation, graphId=graph, graphExecId=graph + 1)

    def node(self, node: int, at: int, *, original: int | None = None, pid: int = 7, tid: int = 7) -> None:
        self.add(
            VERSIONS[self.version].nodes,
            start=at,
            end=at,
            eventClass=77,
            globalTid=global_tid(pid, tid),
            nameId=self.string("Graph Node Creation"),
            graphNodeId=node,
            originalGraphNodeId=original,
        )

    def range(
        self,
        name: str,
        start: int,
        end: int | None,
        *,
        pid: int = 7,
        tid: int = 7,
        style: str = "push_pop",
        end_tid: int | None = None,
        domain: int = 0,
        category: int | None = None,
        payload: int | None = None,
        registered: bool = False,
    ) -> None:
        self.add(
            "NVTX_EVENTS",
            start=start,
            end=end,
            eventType=_EVENT_TYPES[style],
            category=category,
            text=None if registered else name,
            globalTid=global_tid(pid, tid),
            endGlobalTid=global_tid(pid, end_tid) if end_tid is not None else None,
            textId=self.string(name) if registered else None,
            domainId=domain,
            int64Value=payload,
        )

    def domain(self, number: int, name: str, *, pid: int = 7, tid: int = 7) -> None:
        self.add("NVTX_EVENTS", start=0, eventType=75, text=name, globalTid=global_tid(pid, tid), domainId=number)

    def category(self, number: int, name: str, *, domain: int = 0, pid: int = 7, tid: int = 7) -> None:
        self.add(
            "NVTX_EVENTS",
            start=0,
            eventType=33,
            text=name,
            category=number,
            globalTid=global_tid(pid, tid),
            domainId=domain,
        )

    @staticmethod
    def _operation(
        start: int, end: int, correlation: int | None, pid: int, stream: int, device: int, node: int | None
    ) -> dict[str, Any]:
        return {
            "start": start,
            "end": end,
            "deviceId": device,
            "contextId": 1,
            "streamId": stream,
            "correlationId": correlation,
            "globalPid": global_tid(pid, 0),
            "graphNodeId": node,
        }

    def write(self, path: Path) -> Path:
        """Writes the export; only tables with rows are made, as nsys does."""
        version = VERSIONS[self.version]
        connection = sqlite3.connect(path)
        with connection:
            connection.execute("CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL)")
            connection.executemany(
                "INSERT INTO StringIds VALUES (?, ?)", [(i, text) for text, i in self.strings.items()]
            )
            connection.execute(f"CREATE TABLE {version.metadata} (name TEXT NOT NULL, value TEXT)")
            connection.executemany(
                f"INSERT INTO {version.metadata} VALUES (?, ?)",
                [("EXPORT_PRODUCT_VERSION", version.product), ("EXPORT_SCHEMA_VERSION", version.schema)],
            )
            if self.recorder:
                connection.execute(f"INSERT INTO {version.metadata} VALUES ('RECORDER', ?)", (self.recorder,))
            connection.execute(
                "CREATE TABLE TARGET_INFO_GPU (vmId, id, name, l2CacheSize, totalMemory, memoryBandwidth, clockRate, "
                "smCount, cuDevice, computeMajor, computeMinor)"
            )
            connection.execute(
                "INSERT INTO TARGET_INFO_GPU VALUES (1, 0, 'Test GPU', 1, 1, 4814304000000, 1, ?, 0, ?, ?)",
                (self.sm_count, *self.capability),
            )
            for table, columns in version.tables().items():
                self._write_table(connection, table, columns)
        connection.close()
        return path

    def _write_table(self, connection: sqlite3.Connection, table: str, columns: list[str]) -> None:
        rows = self.rows.get(table, [])
        if not rows:
            return
        texts = ("text", "jsonText", "binaryData")
        declared = ", ".join(f'"{column}" {"TEXT" if column in texts else "INTEGER"}' for column in columns)
        connection.execute(f"CREATE TABLE {table} ({declared})")
        connection.executemany(
            f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})",
            [[row.get(column) for column in columns] for row in rows],
        )

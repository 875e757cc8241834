"""What was recorded: kernels, copies, API calls, ranges, graph nodes, devices.

Times are integer nanoseconds on the capture's clock. Text is stored once in `Trace.strings`; columns hold
positions in it. Threads and processes are positions in `Trace.threads` and `Trace.processes`. A value that was
not recorded is `NONE` (or `NO_PAYLOAD` where every small integer is a possible value).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from workbench.recorders import ENGINE_CPU
from workbench.trace.columns import Columns, IntArray

NONE = -1
NO_PAYLOAD = int(np.iinfo(np.int64).min)
OPEN_END_NS = int(np.iinfo(np.int64).max)


class OperationKind(IntEnum):
    """What the GPU did."""

    KERNEL = 0
    MEMCPY = 1
    MEMSET = 2
    GRAPH = 3
    """A whole graph launch recorded as one row; its kernels are hidden."""


class RangeStyle(IntEnum):
    """How an NVTX range was opened."""

    PUSH_POP = 0
    START_END = 1


@dataclass(frozen=True, eq=False)
class Operations(Columns):
    """Every GPU operation: all kernels, then all copies, memsets and graph rows, each kind sorted by start.

    `correlation` names, within `process`, the API call that caused the operation. `graph_node` is the node it
    replays, if any. `name` is the kernel's short name (`NONE` for the other kinds).
    """

    kind: NDArray[np.int8]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    device: NDArray[np.int32]
    stream: NDArray[np.int64]
    process: NDArray[np.int32]
    correlation: NDArray[np.int64]
    graph_node: NDArray[np.int64]
    name: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class KernelDetails(Columns):
    """What only kernels have; row i belongs to operation i."""

    demangled: NDArray[np.int32]
    grid_x: NDArray[np.int32]
    grid_y: NDArray[np.int32]
    grid_z: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class CopyDetails(Columns):
    """What only memory copies have, in the order of the copies among the operations.

    `copy_kind` is CUPTI's CUpti_ActivityMemcpyKind, `source_kind` and `destination_kind` nsys's memory kind
    (0 pageable, 1 pinned, 2 device, ...).
    """

    bytes: NDArray[np.int64]
    copy_kind: NDArray[np.int32]
    source_kind: NDArray[np.int32]
    destination_kind: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class MemsetDetails(Columns):
    """What only memsets have, in the order of the memsets among the operations."""

    bytes: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GraphDetails(Columns):
    """What only graphs recorded as one row have, in their order among the operations."""

    graph: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Calls(Columns):
    """CUDA API calls (runtime and driver), sorted by start. `name` carries its version suffix."""

    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    thread: NDArray[np.int32]
    correlation: NDArray[np.int64]
    name: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Ranges(Columns):
    """NVTX ranges, sorted by start, then longest first. One never closed ends at `OPEN_END_NS`.

    `domain` and `category` are names (the default domain's is the empty string; a category without a name is
    its number); `category` is `NONE` where none was given, `payload` `NO_PAYLOAD`.
    """

    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    style: NDArray[np.int8]
    thread: NDArray[np.int32]
    domain: NDArray[np.int32]
    category: NDArray[np.int32]
    name: NDArray[np.int32]
    payload: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class GraphNodes(Columns):
    """Creations of graph nodes, sorted by time. `original` is the node this one was cloned from, if any."""

    time_ns: NDArray[np.int64]
    thread: NDArray[np.int32]
    node: NDArray[np.int64]
    original: NDArray[np.int64]


@dataclass(frozen=True)
class Device:
    """One GPU, by its CUDA device id. What nsys did not record is 0 or empty."""

    id: int
    name: str
    sm_count: int
    memory_bandwidth_bytes_per_s: int
    compute_capability: tuple[int, int]


@dataclass(frozen=True)
class Lack:
    """Something the capture does not hold, and what that costs its reader."""

    what: str
    cost: str


@dataclass(frozen=True)
class CaptureInfo:
    """Where a trace comes from.

    `tables` maps the names in `trace.schema` to the export's own. `recorder` is empty for nsys, else one of
    `workbench.recorders`; then `nsys_version` is that recorder's.
    """

    file_name: str
    nsys_version: str
    schema_version: str
    recorded_utc: str
    tables: dict[str, str]
    lacks: tuple[Lack, ...]
    warnings: tuple[str, ...]
    recorder: str = ""

    @property
    def is_of_cpu(self) -> bool:
        """Whether its times are those of a CPU that stands in for a GPU."""
        return self.recorder == ENGINE_CPU


@dataclass(frozen=True, eq=False)
class Trace:
    """One capture in memory. `threads` and `processes` hold nsys's global ids; see the module's docstring."""

    info: CaptureInfo
    devices: tuple[Device, ...]
    strings: Sequence[str]
    processes: NDArray[np.int64]
    threads: NDArray[np.int64]
    thread_process: NDArray[np.int32]
    operations: Operations
    kernels: KernelDetails
    copies: CopyDetails
    memsets: MemsetDetails
    graphs: GraphDetails
    calls: Calls
    ranges: Ranges
    graph_nodes: GraphNodes

    def operation_rows(self, kind: OperationKind) -> slice:
        """The rows of `operations` that are of this kind."""
        counts = [len(self.kernels), len(self.copies), len(self.memsets), len(self.graphs)]
        first = sum(counts[:kind])
        return slice(first, first + counts[kind])

    def text(self, position: int) -> str:
        """The string at this position; `NONE` gives the empty string."""
        return self.strings[position] if position >= 0 else ""

    def texts(self, positions: IntArray) -> list[str]:
        """The strings at these positions; `NONE` gives the empty string."""
        return [self.text(position) for position in positions.tolist()]

    def pid(self, process: int) -> int:
        """The operating system's process id of a position in `processes`."""
        return int(self.processes[process]) >> 24 & 0xFFFFFF

    def device(self, device_id: int) -> Device | None:
        """The GPU with this CUDA device id, if the capture describes it."""
        return next((device for device in self.devices if device.id == device_id), None)

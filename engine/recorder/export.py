"""Writes a recording as an SQLite file with the tables and columns of nsys's exports, and says in it that it is none.

Every operation is a call and a kernel of the same time: NumPy computes in the thread that asks it to.
"""

import os
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine import __version__
from engine.annotation import DOMAIN
from engine.files import whole_file

# A row of META_DATA_EXPORT by which readers know that these are times of a CPU.
RECORDER_KEY, RECORDER_VALUE = "RECORDER", "engine-cpu"
DEVICE_NAME = "CPU (NumPy reference)"
CALL_NAME = "numpy_call"
KERNEL_PREFIX = "numpy_"

# The exports that this one is shaped as.
_SCHEMA_VERSION = "3.20.3"
_DOMAIN_ID = 1
_STREAM = 1
_NVTX_CATEGORY, _NVTX_PUSH_POP, _NVTX_DOMAIN = 33, 59, 75
_DEFINITIONS = """
CREATE TABLE StringIds (id INTEGER NOT NULL PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE META_DATA_EXPORT (name TEXT NOT NULL, value TEXT);
CREATE TABLE TARGET_INFO_SESSION_START_TIME (utcEpochNs INTEGER, utcTime TEXT, localTime TEXT);
CREATE TABLE TARGET_INFO_GPU (
    vmId INTEGER NOT NULL, id INTEGER NOT NULL, name TEXT, l2CacheSize INTEGER, totalMemory INTEGER,
    memoryBandwidth INTEGER, clockRate INTEGER, smCount INTEGER, cuDevice INTEGER, computeMajor INTEGER,
    computeMinor INTEGER
);
CREATE TABLE TARGET_INFO_CUDA_DEVICE (gpuId INTEGER, cudaId INTEGER NOT NULL, pid INTEGER NOT NULL);
CREATE TABLE NVTX_EVENTS (
    start INTEGER NOT NULL, end INTEGER, eventType INTEGER NOT NULL, category INTEGER, text TEXT, globalTid INTEGER,
    textId INTEGER, domainId INTEGER, int64Value INTEGER
);
CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (
    start INTEGER NOT NULL, end INTEGER NOT NULL, eventClass INTEGER NOT NULL, globalTid INTEGER,
    correlationId INTEGER, nameId INTEGER NOT NULL, returnValue INTEGER NOT NULL
);
CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (
    start INTEGER NOT NULL, end INTEGER NOT NULL, deviceId INTEGER NOT NULL, contextId INTEGER NOT NULL,
    streamId INTEGER NOT NULL, correlationId INTEGER, globalPid INTEGER, demangledName INTEGER NOT NULL,
    shortName INTEGER NOT NULL, gridX INTEGER NOT NULL, gridY INTEGER NOT NULL, gridZ INTEGER NOT NULL,
    blockX INTEGER NOT NULL, blockY INTEGER NOT NULL, blockZ INTEGER NOT NULL, graphNodeId INTEGER
);
"""


@dataclass(frozen=True)
class Operation:
    """One operation of the backend."""

    start_ns: int
    end_ns: int
    name: str


@dataclass(frozen=True)
class Range:
    """One range of the engine's domain."""

    start_ns: int
    end_ns: int
    message: str
    category: str | None
    payload: int | None


@dataclass(frozen=True)
class Export:
    """A recording of one thread; its times count from `started_ns`, which counts from 1970."""

    started_ns: int
    thread: int
    operations: Sequence[Operation]
    ranges: Sequence[Range]


def write_export(target: Path, export: Export) -> None:
    """Writes the file, whole or not at all.

    Raises:
        EngineError: the folder cannot be written.
    """
    with whole_file(target) as work:
        try:
            with closing(sqlite3.connect(work)) as connection, connection:
                connection.executescript(_DEFINITIONS)
                _fill(connection, export)
        except sqlite3.Error as error:
            raise OSError(str(error)) from error


def _fill(connection: sqlite3.Connection, export: Export) -> None:
    process = (1 << 48) | (os.getpid() & 0xFFFFFF) << 24
    thread = process | (export.thread & 0xFFFFFF)
    names = _Numbers()
    categories = _Numbers()
    ranges = [
        (item.start_ns, item.end_ns, _NVTX_PUSH_POP, item.category and categories.of(item.category), item.message,
         thread, None, _DOMAIN_ID, item.payload)
        for item in export.ranges
    ]  # fmt: skip
    namings = [
        (0, None, _NVTX_CATEGORY, number, name, thread, None, _DOMAIN_ID, None)
        for name, number in categories.by_name.items()
    ]
    domain = (0, None, _NVTX_DOMAIN, None, DOMAIN, thread, None, _DOMAIN_ID, None)
    call = names.of(CALL_NAME)
    operations = [(item, names.of(KERNEL_PREFIX + item.name)) for item in export.operations]
    _insert(connection, "NVTX_EVENTS", [domain, *namings, *sorted(ranges, key=lambda row: row[0])])
    _insert(
        connection,
        "CUPTI_ACTIVITY_KIND_RUNTIME",
        [(item.start_ns, item.end_ns, 0, thread, row, call, 0) for row, (item, _) in enumerate(operations, 1)],
    )
    _insert(
        connection,
        "CUPTI_ACTIVITY_KIND_KERNEL",
        [
            (item.start_ns, item.end_ns, 0, 1, _STREAM, row, process, name, name, 1, 1, 1, 1, 1, 1, None)
            for row, (item, name) in enumerate(operations, 1)
        ],
    )
    _insert(connection, "StringIds", [(number, name) for name, number in names.by_name.items()])
    _insert(connection, "META_DATA_EXPORT", _facts().items())
    _insert(connection, "TARGET_INFO_GPU", [(1, 0, DEVICE_NAME, 0, 0, 0, 0, 0, 0, 0, 0)])
    _insert(connection, "TARGET_INFO_CUDA_DEVICE", [(0, 0, os.getpid())])
    started = datetime.fromtimestamp(export.started_ns // 10**9, UTC).replace(tzinfo=None).isoformat()
    _insert(connection, "TARGET_INFO_SESSION_START_TIME", [(export.started_ns, started, started)])


def _facts() -> dict[str, str]:
    return {
        "EXPORT_PRODUCT_NAME": "engine recorder",
        "EXPORT_PRODUCT_VERSION": __version__,
        "EXPORT_SCHEMA_VERSION": _SCHEMA_VERSION,
        RECORDER_KEY: RECORDER_VALUE,
    }


@dataclass
class _Numbers:
    """Numbers names from 1 on, in the order in which they are first asked for."""

    by_name: dict[str, int] = field(default_factory=dict)

    def of(self, name: str) -> int:
        return self.by_name.setdefault(name, len(self.by_name) + 1)


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Sequence[Any]]) -> None:
    rows = list(rows)
    if rows:
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)

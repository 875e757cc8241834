"""Keeps traces that were read once as Arrow files, so that the next opening maps them into memory.

One folder an entry, named by a hash of the capture's bytes and the layout's version. An entry is written beside
its place and renamed into it, so another process sees all of it or nothing; the oldest entries go when the cache
outgrows its bound. Where nothing can be written, nothing is cached, and nobody is told.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from workbench.cache_folder import traces_folder
from workbench.trace.arrow import from_numpy, to_numpy
from workbench.trace.columns import Columns, IntArray
from workbench.trace.model import (
    Calls,
    CaptureInfo,
    CopyDetails,
    Device,
    GraphDetails,
    GraphNodes,
    KernelDetails,
    Lack,
    MemsetDetails,
    Operations,
    Ranges,
    Trace,
)

# Raise it whenever a trace's columns or their meaning change.
LAYOUT_VERSION = 5
DEFAULT_LIMIT_BYTES = 4 << 30

_TABLES: dict[str, type[Columns]] = {
    "operations": Operations,
    "kernels": KernelDetails,
    "copies": CopyDetails,
    "memsets": MemsetDetails,
    "graphs": GraphDetails,
    "calls": Calls,
    "ranges": Ranges,
    "graph_nodes": GraphNodes,
}
# The names of our own entries: nothing else in the folder is ours to remove.
_ENTRY = re.compile(r"[0-9a-f]{32}-\d+")
_TableT = TypeVar("_TableT", bound=Columns)


@dataclass(frozen=True)
class TraceCache:
    """A folder of traces, at most `limit_bytes` large."""

    folder: Path
    limit_bytes: int = DEFAULT_LIMIT_BYTES

    @classmethod
    def of_user(cls) -> "TraceCache | None":
        """The user's own cache.

        `WB_CACHE_DIR` moves it, `WB_CACHE_BYTES` bounds it, and a bound of 0 does without.
        """
        limit = os.environ.get("WB_CACHE_BYTES", "")
        limit_bytes = int(limit) if limit.isdecimal() else DEFAULT_LIMIT_BYTES
        folder = traces_folder()
        return cls(folder, limit_bytes) if limit_bytes and folder else None

    @staticmethod
    def key(capture: Path) -> str:
        """The entry's name: a hash of the capture's bytes, and this layout's version."""
        with capture.open("rb") as file:
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()[:32]}-{LAYOUT_VERSION}"

    def load(self, key: str, file_name: str) -> Trace | None:
        """The trace under `key`, under the name the user calls it by, or None."""
        entry = self.folder / key
        try:
            if not entry.is_dir():
                return None
            trace = _load(entry)
            os.utime(entry)
        except PermissionError:
            return None
        except (OSError, pa.ArrowException, ValueError, KeyError, TypeError, IndexError):
            # Entries appear whole, so this one is damaged, and would keep its place from a good one.
            shutil.rmtree(entry, ignore_errors=True)
            return None
        return replace(trace, info=replace(trace.info, file_name=file_name))

    def store(self, key: str, trace: Trace) -> None:
        """Keeps the trace under `key`, if there is room and the folder can be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            work = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
        except OSError:
            return
        try:
            _save(work, trace)
            if _size_bytes(work) <= self.limit_bytes:
                work.rename(self.folder / key)
        except OSError:
            pass
        finally:
            shutil.rmtree(work, ignore_errors=True)
        self._evict()

    def _evict(self) -> None:
        """Removes the entries longest unused until the rest fits the bound."""
        try:
            own = [entry for entry in self.folder.iterdir() if _ENTRY.fullmatch(entry.name) and entry.is_dir()]
            entries = [(entry.stat().st_mtime, entry) for entry in own]
            total_bytes = 0
            for _, entry in sorted(entries, reverse=True):
                total_bytes += _size_bytes(entry)
                if total_bytes > self.limit_bytes:
                    shutil.rmtree(entry, ignore_errors=True)
        except OSError:
            return


def _size_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())


def _save(folder: Path, trace: Trace) -> None:
    for name in _TABLES:
        table: Columns = getattr(trace, name)
        _write(folder / f"{name}.arrow", {column: getattr(table, column) for column in table.names()})
    _write(folder / "threads.arrow", {"thread": trace.threads, "process": trace.thread_process})
    _write(folder / "processes.arrow", {"process": trace.processes})
    (folder / "strings.json").write_text(json.dumps(trace.strings), encoding="utf-8")
    header = {"info": asdict(trace.info), "devices": [asdict(device) for device in trace.devices]}
    (folder / "header.json").write_text(json.dumps(header), encoding="utf-8")


def _write(path: Path, columns: dict[str, IntArray]) -> None:
    batch = pa.record_batch({name: from_numpy(values) for name, values in columns.items()})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)


def _load(folder: Path) -> Trace:
    header = json.loads((folder / "header.json").read_text(encoding="utf-8"))
    threads = _read(folder / "threads.arrow")
    tables = {name: _load_table(folder, name, table) for name, table in _TABLES.items()}
    return Trace(
        info=_info(header["info"]),
        devices=tuple(_device(device) for device in header["devices"]),
        strings=tuple(json.loads((folder / "strings.json").read_text(encoding="utf-8"))),
        processes=_array(_read(folder / "processes.arrow"), "process"),
        threads=_array(threads, "thread"),
        thread_process=_array(threads, "process"),
        **tables,  # type: ignore[arg-type]  # _TABLES pairs each field with its type
    )


def _load_table(folder: Path, name: str, table: type[_TableT]) -> _TableT:
    batch = _read(folder / f"{name}.arrow")
    return table(**{column: _array(batch, column) for column in table.names()})


def _read(path: Path) -> pa.RecordBatch:
    return pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)


def _array(batch: pa.RecordBatch, column: str) -> IntArray:
    return to_numpy(batch.column(column))


def _info(values: dict[str, Any]) -> CaptureInfo:
    values["lacks"] = tuple(Lack(**lack) for lack in values["lacks"])
    values["warnings"] = tuple(values["warnings"])
    return CaptureInfo(**values)


def _device(values: dict[str, Any]) -> Device:
    major, minor = values["compute_capability"]
    return Device(**(values | {"compute_capability": (major, minor)}))

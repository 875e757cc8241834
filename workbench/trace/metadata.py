"""What an export says of itself: versions, GPUs, and what went wrong while it was recorded."""

import re
import sqlite3
from dataclasses import dataclass
from typing import Any

from workbench.trace import schema
from workbench.trace.model import Device

# DIAGNOSTIC_EVENT.severity: 1 information, 2 warning, 3 error, 4 critical.
_SEVERITY_ERROR = 3
_NVTX_INCOMPATIBLE = "NVTX payload extension is incompatible"


@dataclass(frozen=True)
class Metadata:
    """Versions (empty or (0, 0) where an export does not say), GPUs, and one sentence per recorded problem.

    `recorder` is empty for nsys, which does not name itself.
    """

    recorder: str
    nsys_version: str
    schema_version: str
    schema: tuple[int, int]
    recorded_utc: str
    devices: tuple[Device, ...]
    problems: tuple[str, ...]


def read_metadata(connection: sqlite3.Connection, columns_of: dict[str, list[str]]) -> Metadata:
    """Reads the small tables; `columns_of` gives the export's column names by table."""
    pairs: dict[Any, Any] = {}
    for table in schema.EXPORT_METADATA:
        if table in columns_of:
            pairs |= dict(connection.execute(f'SELECT name, value FROM "{table}"'))
    version = as_text(pairs.get("EXPORT_SCHEMA_VERSION"))
    return Metadata(
        recorder=as_text(pairs.get("RECORDER")),
        nsys_version=as_text(pairs.get("EXPORT_PRODUCT_VERSION")),
        schema_version=version,
        schema=_major_minor(version),
        recorded_utc=_recorded_utc(connection, columns_of),
        devices=_devices(connection, columns_of),
        problems=_problems(connection, columns_of),
    )


def as_text(value: Any) -> str:
    """A value of SQLite's as text: NULL is empty, and bytes that are no UTF-8 become U+FFFD."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None else str(value)


def _major_minor(version: str) -> tuple[int, int]:
    parts = [int(part) if re.fullmatch("[0-9]{1,9}", part) else 0 for part in version.split(".")]
    major, minor = (*parts, 0, 0)[:2]
    return major, minor


def _recorded_utc(connection: sqlite3.Connection, columns_of: dict[str, list[str]]) -> str:
    if "utcTime" not in columns_of.get("TARGET_INFO_SESSION_START_TIME", []):
        return ""
    row = connection.execute("SELECT utcTime FROM TARGET_INFO_SESSION_START_TIME").fetchone()
    return as_text(row[0]) if row and row[0] else ""


def _devices(connection: sqlite3.Connection, columns_of: dict[str, list[str]]) -> tuple[Device, ...]:
    present = columns_of.get("TARGET_INFO_GPU")
    if present is None:
        return ()
    cursor = connection.execute("SELECT * FROM TARGET_INFO_GPU")
    names = [column[0] for column in cursor.description]
    gpus = [dict(zip(names, row, strict=True)) for row in cursor]
    cuda_ids = _cuda_ids(connection, columns_of)
    devices = {}
    for gpu in gpus:
        for cuda_id in cuda_ids.get(_number(gpu, "id"), [_number(gpu, "cuDevice", "id")]):
            devices[cuda_id] = _device(cuda_id, gpu)
    return tuple(devices[cuda_id] for cuda_id in sorted(devices))


def _cuda_ids(connection: sqlite3.Connection, columns_of: dict[str, list[str]]) -> dict[int, list[int]]:
    """CUDA device ids by GPU id: they differ under CUDA_VISIBLE_DEVICES."""
    if not {"gpuId", "cudaId"} <= set(columns_of.get("TARGET_INFO_CUDA_DEVICE", [])):
        return {}
    ids: dict[int, list[int]] = {}
    for gpu_id, cuda_id in connection.execute("SELECT DISTINCT gpuId, cudaId FROM TARGET_INFO_CUDA_DEVICE"):
        if isinstance(cuda_id, int) and isinstance(gpu_id, int | None):
            ids.setdefault(gpu_id or 0, []).append(cuda_id)
    return ids


def _device(cuda_id: int, gpu: dict[str, Any]) -> Device:
    return Device(
        id=cuda_id,
        name=as_text(gpu.get("name")) or "unnamed GPU",
        sm_count=_number(gpu, "smCount"),
        memory_bandwidth_bytes_per_s=_number(gpu, "memoryBandwidth"),
        compute_capability=(_number(gpu, "computeMajor"), _number(gpu, "computeMinor")),
    )


def _number(row: dict[str, Any], *names: str) -> int:
    """The first of these values that is a number; 0 where none is, or it is negative, which none of them can be."""
    return max(0, next((row[name] for name in names if isinstance(row.get(name), int)), 0))


def _problems(connection: sqlite3.Connection, columns_of: dict[str, list[str]]) -> tuple[str, ...]:
    if not {"severity", "text"} <= set(columns_of.get(schema.DIAGNOSTICS, [])):
        return ()
    texts = connection.execute(
        f"SELECT DISTINCT text FROM {schema.DIAGNOSTICS} WHERE severity >= ? OR text LIKE ?",
        (_SEVERITY_ERROR, f"%{_NVTX_INCOMPATIBLE}%"),
    )
    return tuple(_sentence(as_text(text)) for (text,) in texts)


def _sentence(text: str) -> str:
    if _NVTX_INCOMPATIBLE in text:
        return (
            "nsys could not read the program's NVTX events, so every range is lost: the nvtx package is newer than "
            "this nsys understands (nvtx 0.2.11 works with nsys 2023.4)."
        )
    return f"nsys reported while recording: {' '.join(text.split()).rstrip('.')}."

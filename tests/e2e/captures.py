"""Captures for `wb` to read."""

import lzma
import sqlite3
from pathlib import Path

from tests.conftest import capture_path
from tests.exports import Export


def unpacked(name: str, folder: Path) -> Path:
    """A real capture as a plain export in `folder`."""
    path = folder / f"{name}.sqlite"
    path.write_bytes(lzma.decompress(capture_path(name).read_bytes()))
    return path


def of_schema(version: str, path: Path) -> Path:
    """A small export that says it is of this schema version."""
    export = Export()
    export.range("model.layers.0.mlp", 0, 100)
    export.launch("gemv", 10, 100, 850, long_name="void gemv<float>(float*)")
    export.write(path)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE META_DATA_EXPORT SET value = ? WHERE name = 'EXPORT_SCHEMA_VERSION'", (version,))
    connection.close()
    return path

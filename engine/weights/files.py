"""Files that may be cut off, damaged, or made to do harm."""

import json
import mmap
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.fields import shown

DOCUMENT_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True, eq=False)
class MappedFile:
    """A file's bytes, which the system reads as they are used."""

    name: str
    data: NDArray[np.uint8]

    def damaged(self, reason: str) -> EngineError:
        """What to raise where the file is not what it has to be."""
        return EngineError(f"{shown(self.name)} is damaged: {reason}; download or convert it again")

    def part(self, offset: int, size_bytes: int) -> NDArray[np.uint8]:
        """So many bytes of it.

        Raises:
            EngineError: the file ends before.
        """
        if not 0 <= offset <= offset + size_bytes <= len(self.data):
            raise self.damaged(f"it has {len(self.data)} bytes where {offset + size_bytes} are needed")
        return self.data[offset : offset + size_bytes]


def map_file(path: Path) -> MappedFile:
    """Maps a file.

    Raises:
        EngineError: there is no such file, or it cannot be read.
    """
    try:
        _require_regular(path)
        with path.open("rb") as file:
            if not file.seek(0, 2):
                return MappedFile(path.name, np.empty(0, np.uint8))
            return MappedFile(path.name, np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), np.uint8))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def read_bytes(path: Path, limit_bytes: int) -> bytes:
    """A small file's bytes.

    Raises:
        EngineError: there is no such file, or it cannot be read, or is larger than it may be.
    """
    try:
        _require_regular(path)
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(data) > limit_bytes:
        raise EngineError(f"{shown(path.name)} is larger than {limit_bytes >> 20} MiB; restore it")
    return data


def read_document(path: Path) -> dict[str, Any]:
    """A JSON file that holds an object.

    Raises:
        EngineError: there is no such file, or it holds something else.
    """
    return parse_document(read_bytes(path, DOCUMENT_LIMIT_BYTES), path.name)


def parse_document(data: bytes, name: str) -> dict[str, Any]:
    """The object that JSON stands for; every name occurs once in it.

    Raises:
        EngineError: these bytes are something else.
    """
    try:
        document = json.loads(data.decode(), object_pairs_hook=_without_repetition)
    except (ValueError, RecursionError) as error:
        raise EngineError(f"{shown(name)} holds no sound JSON ({shown(error)}); restore it") from error
    if not isinstance(document, dict):
        raise EngineError(f"{shown(name)} holds no JSON object; restore it")
    return document


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a name occurs twice")
    return document


def _require_regular(path: Path) -> None:
    """Opening a pipe would wait for whoever writes to it."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is no file")


def _unreadable(path: Path, error: Exception) -> EngineError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else error
    return EngineError(f"{shown(path.name)} cannot be read ({shown(reason)}); check that it is there and complete")

"""Opens a file that holds a capture: an SQLite export, plain or compressed."""

import lzma
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from workbench.errors import UserError
from workbench.trace.cache import TraceCache
from workbench.trace.export import read_export
from workbench.trace.model import Trace

COMPRESSED_SUFFIXES = (".xz", ".zst")


def open_trace(path: Path, cache: TraceCache | None = None) -> Trace:
    """Reads the capture at `path`, from `cache` where it was read before.

    Args:
        path: a `.sqlite` export, or one compressed as `.sqlite.xz` or `.sqlite.zst`.
        cache: where to look first and what to leave behind; None reads the file itself.

    Raises:
        UserError: there is no such file, or it is no readable capture.
    """
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise UserError(f"{path}: {what}; give an .sqlite export of nsys (.xz and .zst are read as they are)")
    try:
        key = cache.key(path) if cache else ""
        if cache and (trace := cache.load(key, path.name)):
            return trace
        with uncompressed(path) as export:
            trace = read_export(export, path.name)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    if cache:
        cache.store(key, trace)
    return trace


@contextmanager
def uncompressed(path: Path) -> Iterator[Path]:
    """The file itself, or while the context lasts a temporary copy of what it compresses.

    Raises:
        UserError: the compressed file is damaged.
    """
    if path.suffix not in COMPRESSED_SUFFIXES:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="wb-") as folder:
        target = Path(folder) / path.stem
        try:
            with _decompressing(path) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        except (lzma.LZMAError, EOFError) as error:
            raise UserError(f"{path.name} is damaged or cut off ({error}); copy or compress it again") from error
        yield target


def _decompressing(path: Path) -> IO[Any]:
    if path.suffix == ".xz":
        return lzma.open(path)
    return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")  # type: ignore[no-any-return]

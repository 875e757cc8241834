"""Opens a file that holds a capture: an SQLite export, plain or compressed."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from workbench.compression import COMPRESSED_SUFFIXES, decompress
from workbench.errors import UserError
from workbench.trace.cache import TraceCache
from workbench.trace.export import read_export
from workbench.trace.model import Trace


def open_trace(
    path: Path, cache: TraceCache | None = None, exported: Callable[[Path], AbstractContextManager[Path]] | None = None
) -> Trace:
    """Reads the capture at `path`, from `cache` where it was read before.

    Args:
        path: a `.sqlite` export, or one compressed as `.sqlite.xz` or `.sqlite.zst`.
        cache: where to look first and what to leave behind; None reads the file itself.
        exported: what gives an export, for as long as a context lasts, of a file that is none itself.

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
        with (exported or uncompressed)(path) as export:
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
        decompress(path, target)
        yield target

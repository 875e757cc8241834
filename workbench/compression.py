"""Copies files into and out of the compressed forms that captures are kept in."""

import lzma
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from workbench.errors import UserError

# By its suffix a file is known to be compressed, and how.
COMPRESSED_SUFFIXES = (".xz", ".zst")
_CHUNK_BYTES = 1 << 20


def decompress(source: Path, target: Path) -> None:
    """Copies `source`, an `.xz`, a `.zst` or any other file, to what it holds.

    Raises:
        UserError: the source cannot be read, or is damaged.
        OSError: the target cannot be written.
    """
    with target.open("wb") as sink:
        for chunk in _chunks(source):
            sink.write(chunk)


def compress(source: Path, target: Path, suffix: str) -> None:
    """Copies `source` to `target`, compressed as files of this suffix (`.xz`, `.zst`) are; any other is a plain copy.

    Raises:
        OSError: the target cannot be written.
    """
    with source.open("rb") as file, _writer(target, suffix) as sink:
        shutil.copyfileobj(file, sink, _CHUNK_BYTES)


def _chunks(source: Path) -> Iterator[bytes]:
    try:
        with _reader(source) as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk
    except (OSError, EOFError, lzma.LZMAError) as error:
        # Only the system's own errors have a number; the decompressors' say what is wrong with the content.
        if isinstance(error, OSError) and error.errno is not None:
            raise UserError(f"{source} cannot be read: {error.strerror}") from error
        raise UserError(f"{source} is damaged or cut off ({error}); copy or compress it again") from error


def _reader(path: Path) -> IO[Any]:
    if path.suffix == ".xz":
        return lzma.open(path)
    if path.suffix == ".zst":
        import pyarrow as pa

        return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")  # type: ignore[no-any-return]
    return path.open("rb")


def _writer(path: Path, suffix: str) -> IO[Any]:
    if suffix == ".xz":
        return lzma.open(path, "wb")
    if suffix == ".zst":
        import pyarrow as pa

        return pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "zstd")  # type: ignore[no-any-return]
    return path.open("wb")

"""Keeps compiled kernels in the user's cache folder, so that each is compiled once.

An entry is one file, named by a hash of all that the compilation depends on: a line of JSON (its resources, and a hash
of the machine code), then the machine code. It is written beside its place and renamed into it; one that is damaged is
compiled anew; the longest unused go when the folder outgrows its bound. Where nothing can be written, nothing is kept,
and nobody is told.
"""

import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.kernels.compile import STANDARD, Compiler, Cubin, compile_source, compiler
from engine.kernels.log import Resources
from engine.kernels.source import KernelSource, headers

DEFAULT_LIMIT_BYTES = 512 << 20
# Raise it whenever an entry's form, or an option of the compilation, changes.
LAYOUT_VERSION = 1
# The names of our own entries: nothing else in the folder is ours to remove.
_ENTRY = re.compile(r"[0-9a-f]{64}\.cubin")


def cache_folder() -> Path | None:
    """Where the engine keeps what it can make again, or None where there is no home; `ENGINE_CACHE_DIR` moves it."""
    if chosen := os.environ.get("ENGINE_CACHE_DIR"):
        return Path(chosen)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "inference-engine"
    try:
        return Path.home() / ".cache" / "inference-engine"
    except RuntimeError:
        return None


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file of the cache beside its place and renames it there; leaves it out where that fails."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
        work = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            work.replace(path)
        finally:
            work.unlink(missing_ok=True)


def read_entry(path: Path) -> bytes:
    """What an entry holds.

    Raises:
        OSError: there is none.
        ValueError: it is no file, and so none of ours.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("no file")
    return path.read_bytes()


def evict(entries: Iterable[Path], limit_bytes: int) -> None:
    """Removes the files longest unused until the rest fits the bound."""
    ages = [(status.st_mtime, entry, status.st_size) for entry in entries for status in (entry.stat(),)]
    total_bytes = 0
    for _, entry, size_bytes in sorted(ages, reverse=True):
        total_bytes += size_bytes
        if total_bytes > limit_bytes:
            entry.unlink(missing_ok=True)


def key(source: KernelSource, arch: str, by: Compiler) -> str:
    """A hash of all that the machine code follows from."""
    said = {
        "layout": LAYOUT_VERSION,
        "file": source.file,
        "text": source.read(),
        "headers": headers(),
        "defines": source.defines,
        "standard": STANDARD,
        "arch": arch,
        "compiler": asdict(by),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class CubinCache:
    """A folder of compiled kernels, at most `limit_bytes` large."""

    folder: Path
    limit_bytes: int = DEFAULT_LIMIT_BYTES

    @classmethod
    def of_user(cls) -> "CubinCache | None":
        """The user's own, unless there is no place for one."""
        folder = cache_folder()
        return cls(folder / "kernels") if folder else None

    def load(self, key: str) -> Cubin | None:
        """The entry under `key`, or None where there is none that is whole."""
        path = self._path(key)
        try:
            cubin = _unpack(read_entry(path))
            os.utime(path)
        except OSError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError):
            with suppress(OSError):
                path.unlink()
            return None
        return cubin

    def store(self, key: str, cubin: Cubin) -> None:
        """Keeps machine code under `key`, if the folder can be written."""
        write_whole(self._path(key), _pack(cubin))
        with suppress(OSError):
            evict(self._entries(), self.limit_bytes)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.cubin"

    def _entries(self) -> Iterator[Path]:
        return (entry for entry in self.folder.iterdir() if _ENTRY.fullmatch(entry.name))


def compiled(source: KernelSource, arch: str, cache: CubinCache | None) -> Cubin:
    """A source's machine code, from the cache if it is there.

    Raises:
        KernelError: the source does not compile.
    """
    if cache is None:
        return compile_source(source, arch)
    name = key(source, arch, compiler())
    cubin = cache.load(name)
    if cubin is None:
        cubin = compile_source(source, arch)
        cache.store(name, cubin)
    return cubin


def _pack(cubin: Cubin) -> bytes:
    header = {
        "resources": [asdict(each) for each in cubin.resources],
        "sha256": hashlib.sha256(cubin.code).hexdigest(),
    }
    return json.dumps(header).encode() + b"\n" + cubin.code


def _unpack(content: bytes) -> Cubin:
    header, _, code = content.partition(b"\n")
    said = json.loads(header)
    if hashlib.sha256(code).hexdigest() != said["sha256"]:
        raise ValueError("damaged")
    return Cubin(code, tuple(Resources(**each) for each in said["resources"]))

"""Writes files whole or not at all, and none that is not theirs to replace."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import EngineError
from engine.fields import shown

_SHOWN_PATH_LENGTH = 200


def shown_path(path: Path) -> str:
    """A path in a sentence."""
    return shown(path, _SHOWN_PATH_LENGTH)


def check_new(target: Path) -> None:
    """Refuses to write where something is already, or where nothing can be; before the work that fills the file.

    Raises:
        EngineError: the path exists, or a file cannot be made there.
    """
    if target.is_dir():
        raise EngineError(f"{shown_path(target)} is a folder; name a file")
    if os.path.lexists(target):
        raise EngineError(f"{shown_path(target)} exists; name another file, or remove it")
    if not target.parent.is_dir():
        raise EngineError(f"there is no folder {shown_path(target.parent)}; make it, or name another file")
    try:
        _work_file(target).unlink()
    except OSError as error:
        raise _unwritable(target, error) from error


def check_replaceable(target: Path) -> None:
    """Refuses to write where something other than a file is.

    Raises:
        EngineError: the path is a folder, a link, a pipe or a device.
    """
    try:
        mode = target.lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unwritable(target, error) from error
    if not stat.S_ISREG(mode):
        raise EngineError(f"{shown_path(target)} is something other than a file; name another file")


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Gives a path beside `target` to write to, and renames it to `target` once the context ends well.

    Raises:
        EngineError: the folder cannot be written.
    """
    work = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work = _work_file(target)
        yield work
        umask = os.umask(0)
        os.umask(umask)
        work.chmod(0o666 & ~umask)
        work.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        if work is not None:
            work.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Writes a whole text file in UTF-8.

    Raises:
        EngineError: the folder cannot be written.
    """
    with whole_file(target) as work:
        work.write_text(text, encoding="utf-8")


def read_small_text(path: Path, most_bytes: int) -> str:
    """Reads a text file that has no reason to be larger.

    Raises:
        OSError: it is no file, too large, or cannot be read.
        UnicodeError: it is not in UTF-8.
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is no file")
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(f"it is larger than {most_bytes >> 10} KiB")
    return content.decode("utf-8")


def _work_file(target: Path) -> Path:
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    return Path(name)


def _unwritable(target: Path, error: OSError) -> EngineError:
    return EngineError(f"{shown_path(target)} cannot be written ({error.strerror or error}); name another file")

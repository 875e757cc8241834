"""Writes files whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import EngineError


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Gives a path beside `target` to write to, and renames it to `target` once the context ends well.

    Raises:
        EngineError: the folder cannot be written.
    """
    work = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        os.close(handle)
        work = Path(name)
        yield work
        umask = os.umask(0)
        os.umask(umask)
        work.chmod(0o666 & ~umask)
        work.replace(target)
    except OSError as error:
        raise EngineError(f"{target} cannot be written ({error.strerror or error}); name another file") from error
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

"""Writes files whole or not at all, and never over what is not ours to replace."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import UserError


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Gives a path beside `target` to write to, and renames it to `target` once the context ends well.

    Raises:
        UserError: the folder cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror or error}") from error
    os.close(handle)
    work = Path(name)
    try:
        yield work
        umask = os.umask(0)
        os.umask(umask)
        work.chmod(0o666 & ~umask)
        work.replace(target)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        work.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Writes a whole text file in UTF-8.

    Raises:
        UserError: the folder cannot be written.
    """
    with whole_file(target) as work:
        work.write_text(text, encoding="utf-8")


def refuse_to_replace(target: Path, *, force: bool, ours: str = "") -> None:
    """Checks that writing `target` loses nothing of the user's.

    Args:
        target: the file to be written.
        force: the user asked for it to be replaced.
        ours: a line by which a file that we wrote is known, which may be replaced unasked.

    Raises:
        UserError: there is a file of another origin.
    """
    if force or not target.exists():
        return
    if target.is_dir():
        raise UserError(f"{target} is a folder; name a file in it")
    try:
        is_ours = bool(ours) and ours in target.read_text(encoding="utf-8", errors="ignore")
    except OSError:
        is_ours = False
    if not is_ours:
        raise UserError(f"{target} exists and was not written by this command; give another name, or --force")

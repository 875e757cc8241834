"""Writes files whole or not at all, and never over what is not ours to replace."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
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
        raise _unwritable(target, error) from error
    os.close(handle)
    work = Path(name)
    try:
        yield work
        umask = os.umask(0)
        os.umask(umask)
        work.chmod(0o666 & ~umask)
        work.replace(target)
    except OSError as error:
        raise _unwritable(target, error) from error
    finally:
        work.unlink(missing_ok=True)


def _unwritable(target: Path, error: OSError) -> UserError:
    return UserError(f"{target} cannot be written ({error.strerror or error}); name a file in another folder")


def write_text(target: Path, text: str) -> None:
    """Writes a whole text file in UTF-8.

    Raises:
        UserError: the folder cannot be written.
    """
    write_texts({target: text})


def write_texts(texts: Mapping[Path, str]) -> None:
    """Writes text files that belong together in UTF-8: where one cannot be written, none is.

    Raises:
        UserError: a folder cannot be written.
    """
    with ExitStack() as files:
        for target, text in texts.items():
            files.enter_context(whole_file(target)).write_text(text, encoding="utf-8")


def refuse_to_replace(target: Path, *, force: bool, ours: str = "") -> None:
    """Checks that writing `target` loses nothing of the user's.

    Args:
        target: the file to be written.
        force: the user asked for it to be replaced.
        ours: a line by which a file that we wrote is known, which may be replaced unasked.

    Raises:
        UserError: there is a folder, or a file of another origin.
    """
    if target.is_dir():
        raise UserError(f"{target} is a folder; name a file in it")
    if force or not target.exists():
        return
    try:
        is_ours = bool(ours) and ours in target.read_text(encoding="utf-8", errors="ignore")
    except OSError:
        is_ours = False
    if not is_ours:
        raise UserError(f"{target} exists and was not written by this command; give another name, or --force")

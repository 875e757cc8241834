"""Writes files whole or not at all, and never over what is not ours to replace."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from workbench.errors import UserError

# What comments in Markdown, SVG and SQL, and a member of a JSON object, put around a mark.
_FRAME = " \t<!->,"


class UnsuitableFileError(ValueError):
    """What a file is that cannot be read: no ordinary one, or too large."""


def read_ordinary_file(path: Path, most_bytes: int) -> bytes:
    """The bytes of a file that has no reason to be larger; waits for nobody, should a pipe lie in its place.

    Raises:
        OSError: it cannot be read.
        UnsuitableFileError: it is no ordinary file, or larger.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise UnsuitableFileError("no ordinary file")
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise UnsuitableFileError(f"larger than {most_bytes >> 20} MiB")
    return content


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """Gives a path beside `target` to write to, and renames it to `target` once the context ends well.

    Raises:
        UserError: the folder cannot be written.
    """
    with _naming(target), _work_file(target) as work:
        yield work
        _put(work, target)


def write_text(target: Path, text: str) -> None:
    """Writes a whole text file in UTF-8.

    Raises:
        UserError: the folder cannot be written.
    """
    with whole_file(target) as work:
        work.write_text(text, encoding="utf-8", errors="replace")


def write_texts(texts: Mapping[Path, str]) -> None:
    """Writes text files that belong together in UTF-8: where one cannot be written, all stay as they were.

    Raises:
        UserError: a folder cannot be written.
    """
    with ExitStack() as work_files, ExitStack() as undo:
        works, kept = {}, {}
        for target, text in texts.items():
            with _naming(target):
                works[target] = work_files.enter_context(_work_file(target))
                works[target].write_text(text, encoding="utf-8", errors="replace")
                kept[target] = work_files.enter_context(_kept(target))
        for target, work in works.items():
            with _naming(target):
                _put(work, target)
            undo.callback(_put_back, target, kept[target])
        undo.pop_all()


@contextmanager
def _naming(target: Path) -> Iterator[None]:
    """Says of what the system refuses which file could not be written."""
    try:
        yield
    except OSError as error:
        problem = f"{target} cannot be written ({error.strerror or error}); name a file in another folder"
        raise UserError(problem) from error


@contextmanager
def _work_file(target: Path) -> Iterator[Path]:
    """While the context lasts, an empty file beside `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    os.close(handle)
    work = Path(name)
    try:
        yield work
    finally:
        work.unlink(missing_ok=True)


def _put(work: Path, target: Path) -> None:
    """Renames a work file, which may then be read by whom the user lets read."""
    umask = os.umask(0)
    os.umask(umask)
    work.chmod(0o666 & ~umask)
    work.replace(target)


@contextmanager
def _kept(target: Path) -> Iterator[Path | None]:
    """While the context lasts, a second name (else a copy) of what lies at `target`; None where nothing does."""
    if not target.is_file():
        yield None
        return
    with _work_file(target) as second:
        second.unlink()
        try:
            second.hardlink_to(target)
        except OSError:
            shutil.copy2(target, second)
        yield second


def _put_back(target: Path, kept: Path | None) -> None:
    if kept:
        kept.replace(target)
    else:
        target.unlink(missing_ok=True)


def refuse_to_replace(target: Path, *, force: bool, ours: str = "") -> None:
    """Checks that writing `target` loses nothing of the user's.

    Args:
        target: the file to be written.
        force: the user asked for it to be replaced.
        ours: a line by which a file that we wrote is known, which may be replaced unasked.

    Raises:
        UserError: there is a folder, or a file of another origin.
    """
    if not target.name:
        raise UserError(f"{target} is a folder; name a file in it")
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"{target} cannot be written ({error.strerror or error}); name another file") from error
    if stat.S_ISDIR(mode):
        raise UserError(f"{target} is a folder; name a file in it")
    if not stat.S_ISREG(mode):
        raise UserError(f"{target} is no ordinary file; leave out -o to print, or name a file")
    if not force and not _is_ours(target, ours):
        raise UserError(f"{target} exists and was not written by this command; give another name, or --force")


def refuse_unwritable_folder(folder: Path, option: str) -> None:
    """Checks that files can be written into a folder, which need not exist yet.

    Args:
        folder: the folder.
        option: what names it on the command line.

    Raises:
        UserError: it, or the folder in which it would be made, cannot be written.
    """
    existing = folder
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise UserError(f"{folder} cannot be written: {existing} is no folder; name another one with {option}")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"{folder} cannot be written: you may not write to {existing}; name another one with {option}")


def remove_ours(target: Path, ours: str) -> bool:
    """Removes a file if it is one that we wrote, and says whether it was.

    Args:
        target: the file; it may be missing.
        ours: a line by which a file that we wrote is known.

    Raises:
        UserError: it cannot be removed.
    """
    if not target.is_file() or not _is_ours(target, ours):
        return False
    try:
        target.unlink()
    except OSError as error:
        raise UserError(
            f"{target} is of an earlier report and cannot be removed ({error.strerror or error})"
        ) from error
    return True


def _is_ours(target: Path, ours: str) -> bool:
    """Whether the mark is a line of its own where we put it: among the first three, or the last."""
    try:
        text = target.read_text(encoding="utf-8", errors="ignore")
    except OSError:
        return False
    lines = text.strip().splitlines() or [""]
    return bool(ours) and any(line.strip(_FRAME) == ours for line in (*lines[:3], lines[-1]))

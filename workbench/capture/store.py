"""Keeps captures: one folder a profiling, with a manifest, which appears whole or not at all."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from workbench.compression import compress
from workbench.errors import UserError
from workbench.files import write_text
from workbench.manifest import FILE_NAME, Manifest

_SUFFIX = ".zst"
# File systems end at 255, and other parts of a name follow.
_LONGEST_NAME = 100
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*")


class CaptureFolder:
    """A folder in the making; nobody sees it until `finish`."""

    def __init__(self, work: Path, final: Path) -> None:
        self._work = work
        self._final = final

    @property
    def name(self) -> str:
        """The folder's name."""
        return self._final.name

    def add(self, export: Path, repetition: int) -> Path:
        """Keeps a scrubbed export, compressed.

        Raises:
            UserError: it cannot be written.
        """
        file = self._work / f"capture-{repetition}.sqlite{_SUFFIX}"
        try:
            compress(export, file, _SUFFIX)
        except OSError as error:
            file.unlink(missing_ok=True)
            raise _unwritable(self._final, error) from error
        return file

    def finish(self, manifest: Manifest) -> Path:
        """Writes the manifest and shows the folder.

        Raises:
            UserError: it cannot be written.
        """
        write_text(self._work / FILE_NAME, manifest.to_json())
        try:
            self._work.rename(self._final)
        except OSError as error:
            raise _unwritable(self._final, error) from error
        return self._final


@contextmanager
def new_folder(output: Path, name: str, is_taken: Callable[[str], bool] = lambda _: False) -> Iterator[CaptureFolder]:
    """Makes a folder in `output`; unless it is finished, nothing of it stays.

    Args:
        output: the folder of folders, which is made if need be.
        name: the folder's. Where one of that name is there, a number follows.
        is_taken: whether something else has such a name already, so that the folder must not.

    Raises:
        UserError: `output` cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        work, final = _reserve(output, name, is_taken)
    except OSError as error:
        raise _unwritable(output, error) from error
    try:
        yield CaptureFolder(work, final)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def digest(file: Path) -> tuple[str, int]:
    """The SHA-256 of a file, in hexadecimal, and its size in bytes."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest(), os.fstat(content.fileno()).st_size


def checked_name(name: str) -> str:
    """The name, if it can be part of a folder's.

    Raises:
        UserError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"--name {name} cannot name a folder; use letters, digits, `.`, `_`, `+` and `-`")
    if len(name) > _LONGEST_NAME:
        raise UserError(f"--name has {len(name)} characters; give at most {_LONGEST_NAME}")
    return name


def default_name(command: Sequence[str]) -> str:
    """A name for captures of this command: the program's, or the script's or module's that Python runs."""
    program = Path(command[0]).name
    if re.fullmatch(r"python[\d.]*", program):
        for position, word in enumerate(command[1:], 1):
            if word == "-m":
                program = next(iter(command[position + 1 :]), program)
                break
            if word.endswith(".py"):
                program = Path(word).name
                break
    return spelled_name(program.removesuffix(".py"))


def spelled_name(text: str) -> str:
    """The text as part of a folder's name."""
    name = re.sub(r"[^A-Za-z0-9._+-]+", "-", text).strip("-.")
    return name if _NAME.fullmatch(name) else "program"


def _reserve(output: Path, base: str, is_taken: Callable[[str], bool]) -> tuple[Path, Path]:
    """A hidden folder of our own, and the free name that it stands for."""
    number = 1
    while True:
        final = output / (base if number == 1 else f"{base}-{number}")
        work = output / f".{final.name}.partial"
        try:
            work.mkdir()
        except FileExistsError:
            number += 1
            continue
        if not (final.exists() or is_taken(final.name)):
            return work, final
        work.rmdir()
        number += 1


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} cannot be written: {error.strerror or error}")

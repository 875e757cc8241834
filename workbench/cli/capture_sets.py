"""Finds the captures of a set: what `wb diff` and `wb verify` are given on one side."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.captures import EXPORT_SUFFIXES, REPORT_SUFFIX, manifest_of, open_file
from workbench.errors import UserError
from workbench.report.texts import one_line

if TYPE_CHECKING:
    from workbench.manifest import CaptureFile, Manifest
    from workbench.trace.model import Trace

# Of files that differ in their suffix alone the first is read.
_SUFFIXES = (*EXPORT_SUFFIXES, REPORT_SUFFIX)
_WHAT_TO_GIVE = (
    "give captures, a folder of them, a folder that wb profile wrote, or a folder of CSV files that nsys stats printed"
)


@dataclass(frozen=True)
class Member:
    """One capture of a set.

    Attributes:
        path: the file, or the folder of CSV files.
        name: what it is called in reports.
        manifest: how it was made, if a manifest beside it says so.
        is_csv: it is a folder of CSV files that nsys stats printed, and holds no times.
    """

    path: Path
    name: str
    manifest: "Manifest | None" = None
    is_csv: bool = False


def find_captures(path: Path) -> tuple[Member, ...]:
    """The captures that a path stands for, in the order of their names, or of their manifest.

    A path is a capture's file; a folder that `wb profile` wrote; a folder of captures; a folder of CSV files; or a
    folder of such folders. What a run that was interrupted, or failed, left behind is no sample of anything: it is
    left out, as is what a manifest lists but is not there, and standard error tells so.

    Raises:
        UserError: there is no capture, it cannot be read, one is there twice, or some are CSV files and some are not.
    """
    try:
        members = _of_folder(path) or _of_folders_in(path) if path.is_dir() else [_of_file(path)]
        if not members:
            raise UserError(f"{path} holds no capture that can be compared; {_WHAT_TO_GIVE}")
        _refuse_repeated([member for member in members if not member.is_csv])
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"{error.filename or path} cannot be read ({reason}); give what you may read") from error
    if len({member.is_csv for member in members}) > 1:
        raise UserError(f"{path} holds both captures and CSV files of nsys stats; give one or the other")
    return tuple(members)


def open_members(members: Iterable[Member]) -> Iterator[tuple[str, "Trace", "Manifest | None"]]:
    """Opens captures, none of them CSV files, one after the other: name, trace, and manifest of each.

    A trace that its reader lets go of is gone before the next is read; `map` lets go of it, a loop's variable does
    not.

    Raises:
        UserError: one cannot be read, or is the same recording as one before it.
    """
    seen: dict[bytes, str] = {}
    for member in members:
        trace = open_file(member.path, member.name)
        recording = _recording(trace)
        if recording in seen:
            raise _repeated(seen[recording], member.name)
        seen[recording] = member.name
        yield member.name, trace, member.manifest
        del trace


def _recording(trace: "Trace") -> bytes:
    """What no two recordings have in common: when each operation began and ended, to the nanosecond."""
    import hashlib

    digest = hashlib.sha256(trace.operations.start_ns.tobytes())
    digest.update(trace.operations.end_ns.tobytes())
    return digest.digest()


def _of_file(path: Path) -> Member:
    if path.suffix == ".csv":
        raise UserError(f"{path} is one table of several; give the folder that holds the CSV files of nsys stats")
    if not path.is_file():
        raise UserError(f"{path}: no such file; {_WHAT_TO_GIVE}")
    manifest = manifest_of(path)
    if manifest:
        return Member(path, f"{path.parent.resolve().name}/{path.name}", manifest)
    return Member(path, path.name)


def _of_folder(folder: Path) -> list[Member]:
    """The captures in this very folder."""
    from workbench.trace.stats_csv import is_stats_folder

    name = folder.resolve().name
    manifest, files = manifest_of(folder), _capture_files(folder)
    if manifest:
        return _of_profile(folder, manifest, files)
    if files:
        others = [other.name for other in _folders(folder) if manifest_of(other) or _capture_files(other)]
        if others:
            _warn(f"{folder} holds captures itself, so the folders in it are left out: {', '.join(others)}")
        return [Member(file, f"{name}/{file.name}") for file in files]
    return [Member(folder, name, is_csv=True)] if is_stats_folder(folder) else []


def _of_folders_in(folder: Path) -> list[Member]:
    return [member for inner in _folders(folder) for member in _of_folder(inner)]


def _of_profile(folder: Path, manifest: "Manifest", files: Sequence[Path]) -> list[Member]:
    """The captures that a manifest lists, except those that are no samples."""
    members = []
    for entry in manifest.captures:
        path = folder / entry.file
        problem = _problem(entry) or ("" if path.is_file() else "is missing")
        if problem:
            _warn(f"{path} {problem}, and is left out")
        else:
            members.append(Member(path, f"{folder.resolve().name}/{entry.file}", manifest))
    for path in files:
        if path.name not in {entry.file for entry in manifest.captures}:
            _warn(f"{path} is not in the manifest beside it, and is left out")
    return members


def _problem(entry: "CaptureFile") -> str:
    """Why a capture is no sample of what it was to measure; empty where it is one."""
    if entry.interrupted:
        return "is of a run that was interrupted"
    if entry.exit_code:
        return f"is of a run that failed with exit code {entry.exit_code}"
    # One that was recorded elsewhere has no duration either.
    return "is of a run that was killed" if entry.exit_code is None and entry.duration_s is not None else ""


def _folders(folder: Path) -> list[Path]:
    """The folders in a folder; one that is still being written has a name that begins with a dot."""
    return sorted((path for path in folder.iterdir() if not path.name.startswith(".") and path.is_dir()), key=_order)


def _capture_files(folder: Path) -> list[Path]:
    """The captures among a folder's files, one of those that differ in their suffix alone."""
    found: dict[str, Path] = {}
    for suffix in _SUFFIXES:
        for path in folder.iterdir():
            if not path.name.endswith(suffix) or path.name.startswith(".") or not path.is_file():
                continue
            chosen = found.setdefault(path.name.removesuffix(suffix), path)
            # A report lies beside each export that nsys makes of it.
            if chosen is not path and suffix != REPORT_SUFFIX:
                _warn(f"{path} is taken for the same capture as {chosen.name}, and is left out")
    return sorted(found.values(), key=_order)


def _order(path: Path) -> tuple[tuple[int, str], ...]:
    """Sorts numbers in names by their size: capture-2 before capture-10."""
    parts = re.split(r"([0-9]{1,18})", path.name)
    return tuple((int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts)


def _refuse_repeated(members: Sequence[Member]) -> None:
    """Refuses a capture that is there twice: it would be counted as two samples.

    Raises:
        UserError: two files have the same bytes.
    """
    from workbench.capture.store import digest

    of_size: dict[int, list[Member]] = {}
    for member in members:
        of_size.setdefault(member.path.stat().st_size, []).append(member)
    for alike in of_size.values():
        seen: dict[str, str] = {}
        for member in alike if len(alike) > 1 else ():
            sha256, _ = digest(member.path)
            if sha256 in seen:
                raise _repeated(seen[sha256], member.name)
            seen[sha256] = member.name


def _repeated(one: str, other: str) -> UserError:
    return UserError(f"{one} and {other} are the same capture, which is one sample and not two; leave one of them out")


def _warn(text: str) -> None:
    print(f"wb: warning: {one_line(text)}", file=sys.stderr)

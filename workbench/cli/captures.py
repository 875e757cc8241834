"""Opens whatever a user calls a capture."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UserError

if TYPE_CHECKING:
    from workbench.manifest import Manifest
    from workbench.trace.model import Trace

# What exports are called; of a report, which nsys has to export first, the suffix is another.
EXPORT_SUFFIXES = (".sqlite", ".sqlite.zst", ".sqlite.xz", ".db")
REPORT_SUFFIX = ".nsys-rep"


def open_capture(path: Path) -> "Trace":
    """Reads an export, a report (through nsys), or the first capture of a folder that `wb profile` wrote.

    What is odd about the capture is said on standard error, one sentence each.

    Raises:
        UserError: it cannot be read.
    """
    try:
        file = _first_of_folder(path) if path.is_dir() else path
    except OSError as error:
        raise _unreadable(path, error) from error
    return open_file(file, file.name if file is path else f"{path.resolve().name}/{file.name}")


def open_file(path: Path, name: str) -> "Trace":
    """Reads an export, or a report through nsys, as `open_capture` does.

    Args:
        path: the file.
        name: what it is called in reports.

    Raises:
        UserError: it cannot be read.
    """
    from workbench.trace.cache import TraceCache
    from workbench.trace.open import open_trace

    try:
        trace = open_trace(path, TraceCache.of_user(), _exported if path.suffix == REPORT_SUFFIX else None)
    except OSError as error:
        raise _unreadable(path, error) from error
    for warning in trace.info.warnings:
        print(f"wb: warning: {warning}", file=sys.stderr)
    return replace(trace, info=replace(trace.info, file_name=name))


def _unreadable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path} cannot be read ({error.strerror or error}); give a file that you may read")


@contextmanager
def _exported(report: Path) -> Iterator[Path]:
    """While the context lasts, what nsys exports from a report."""
    from workbench.capture.export import export_report

    with tempfile.TemporaryDirectory(prefix="wb-") as scratch:
        export = Path(scratch) / f"{report.stem}.sqlite"
        export_report(report, export)
        yield export


def manifest_of(path: Path) -> "Manifest | None":
    """How a capture was made, if it is a folder that `wb profile` wrote, or a capture in one.

    A manifest that cannot be read is said on standard error, and done without.
    """
    from workbench.manifest import FILE_NAME, read_manifest

    try:
        if path.is_dir():
            return read_manifest(path) if (path / FILE_NAME).is_file() else None
        manifest = read_manifest(path.parent) if (path.parent / FILE_NAME).is_file() else None
        return manifest if manifest and path.name in {entry.file for entry in manifest.captures} else None
    except OSError:
        return None
    except UserError as error:
        print(f"wb: warning: {error}", file=sys.stderr)
        return None


def _first_of_folder(folder: Path) -> Path:
    captures = sorted(path for path in folder.iterdir() if path.name.endswith(EXPORT_SUFFIXES))
    if not captures:
        raise UserError(f"{folder} holds no capture; give an .sqlite export of nsys or a folder that wb profile wrote")
    if len(captures) > 1:
        print(f"wb: {folder} holds {len(captures)} captures; this is {captures[0].name}", file=sys.stderr)
    return captures[0]

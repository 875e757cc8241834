"""One repetition of a profiling: record, export, scrub, keep."""

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.capture.hidden_values import ranges_warnings
from workbench.capture.interrupts import StopRequest
from workbench.capture.recorder import Recorder
from workbench.capture.scrub import scrub_export
from workbench.capture.store import CaptureFolder, digest
from workbench.capture.supervise import Progress, Run
from workbench.capture.workload import VARIABLE, read_workload
from workbench.errors import UserError
from workbench.manifest import CaptureFile

# The exit code of what SIGKILL ended, as shells give it.
KILLED = 137
_LEAST_ROOM_BYTES = 64 << 20
_KERNELS, _HIDDEN_GRAPHS = "CUPTI_ACTIVITY_KIND_KERNEL", "CUPTI_ACTIVITY_KIND_GRAPH_TRACE"


@dataclass(frozen=True)
class FinishedCapture:
    """A capture as kept.

    Attributes:
        file: its entry in the manifest.
        kernels: how many it holds.
        hidden_graphs: how many graph launches that hide their kernels.
        report: nsys's own report, where that was kept too.
        workload: what the program said of its work, as it said it.
        warnings: what the user must be told, one sentence each.
    """

    file: CaptureFile
    kernels: int
    hidden_graphs: int
    report: Path | None
    workload: dict[str, Any] | None
    warnings: tuple[str, ...]

    @property
    def holds_kernels(self) -> bool:
        """Whether there is anything that could be attributed."""
        return self.kernels + self.hidden_graphs > 0


@dataclass(frozen=True)
class RepetitionOptions:
    """What all repetitions have in common; `keep_reports` as in `ProfileOptions`."""

    recorder: Recorder
    command: Sequence[str]
    environment: Mapping[str, str]
    keep_reports: Path | None


def capture_repetition(
    options: RepetitionOptions, folder: CaptureFolder, repetition: int, stop: StopRequest, progress: Progress
) -> FinishedCapture | None:
    """Captures one run; None if the user stopped it before anything was recorded.

    Raises:
        UserError: there is no capture, for a reason that the user can mend.
        KeyboardInterrupt: the user did not wait for the export.
    """
    with tempfile.TemporaryDirectory(prefix="wb-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        _check_room(scratch)
        workload_file = scratch / "workload.json"
        environment = {**options.environment, VARIABLE: str(workload_file)}
        recorded = options.recorder.record(
            options.command, scratch, environment=environment, stop=stop, progress=progress
        )
        if recorded is None:
            return None
        export = recorded.export
        kernels, hidden_graphs = _count_rows(export, _KERNELS), _count_rows(export, _HIDDEN_GRAPHS)
        progress("scrubbing")
        hidden = scrub_export(export, environment).hidden
        file = folder.add(export, repetition)
        report, workload, warnings = None, None, [*ranges_warnings(hidden)]
        try:
            if recorded.report:
                report = _keep(recorded.report, options.keep_reports, f"{folder.name}-{repetition}")
            workload = read_workload(workload_file)
        except UserError as error:
            warnings.append(str(error))
    if recorded.run.exit_code is None and not recorded.run.interrupted:
        warnings.append(
            f"{file.name} is of a program that gave no exit code, for it was killed together with its shell; "
            f"{KILLED} stands for it"
        )
    if not kernels + hidden_graphs:
        warnings.append(_no_kernels(file.name, records_all=options.recorder.records_all))
    entry = _entry(file, repetition, recorded.run)
    return FinishedCapture(entry, kernels, hidden_graphs, report, workload, tuple(warnings))


def _check_room(scratch: Path) -> None:
    if shutil.disk_usage(scratch).free < _LEAST_ROOM_BYTES:
        raise UserError(
            f"{scratch.parent} has less than {_LEAST_ROOM_BYTES >> 20} MiB to spare, and nsys hangs once it is full; "
            "make room, or set TMPDIR to another folder"
        )


def _count_rows(export: Path, table: str) -> int:
    connection = sqlite3.connect(export)
    try:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is None:
            return 0
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
    finally:
        connection.close()


def _keep(report: Path, folder: Path | None, name: str) -> Path | None:
    if folder is None:
        return None
    target = folder / f"{name}.nsys-rep"
    try:
        if target.exists():
            raise FileExistsError(f"{target} exists")
        # Whoever reads it learns the program's environment.
        report.chmod(0o600)
        shutil.move(report, target)
    except OSError as error:
        raise UserError(f"{target} cannot be written: {error.strerror or error}") from error
    return target


def _no_kernels(file: str, *, records_all: bool) -> str:
    if records_all:
        return f"{file} holds no kernel: the program launched none on an NVIDIA GPU; check that it finds one"
    return f"{file} holds no kernel: the program launched none while it was recorded; record more of it"


def _entry(file: Path, repetition: int, run: Run) -> CaptureFile:
    sha256, size_bytes = digest(file)
    return CaptureFile(
        file=file.name,
        sha256=sha256,
        size_bytes=size_bytes,
        repetition=repetition,
        exit_code=run.exit_code,
        duration_s=run.duration_s,
        interrupted=run.interrupted,
    )

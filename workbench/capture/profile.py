"""Profiles a program: runs it under nsys as often as asked, and keeps a scrubbed capture of each run."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from workbench.capture.command import RecordingOptions, recording_flags
from workbench.capture.environment_values import EnvironmentValues
from workbench.capture.interrupts import StopRequest, stop_on_request
from workbench.capture.machine import describe_commit, describe_device, describe_host
from workbench.capture.nsys import require_nsys
from workbench.capture.one_run import FinishedCapture, RunOptions, capture_one_run
from workbench.capture.run import Progress
from workbench.capture.secrets import mask_command
from workbench.capture.store import CaptureFolder, checked_name, default_name, new_folder
from workbench.capture.workload import clean_workload
from workbench.errors import UserError
from workbench.manifest import Manifest, Profiler, Program


@dataclass(frozen=True)
class ProfileOptions:
    """What to profile, and where to keep it.

    Attributes:
        command: the program and its arguments.
        recording: what of a run to record.
        repetitions: how many runs.
        name: first part of the folder's name; None takes the program's.
        output: the folder of folders.
        keep_reports: a folder outside `output` for nsys's own reports, which cannot be scrubbed; None deletes them.
    """

    command: tuple[str, ...]
    recording: RecordingOptions = field(default_factory=RecordingOptions)
    repetitions: int = 1
    name: str | None = None
    output: Path = Path("profiles")
    keep_reports: Path | None = None


@dataclass(frozen=True)
class ProfileResult:
    """What came of it.

    Attributes:
        folder: what was written.
        manifest: as written there.
        captures: one a finished run.
        interrupted: the user asked to stop.
        failure: why a run after the first gave no capture, a sentence; empty if none failed.
    """

    folder: Path
    manifest: Manifest
    captures: tuple[FinishedCapture, ...]
    interrupted: bool
    failure: str

    @property
    def exit_code(self) -> int:
        """The program's own: of the first run that did not end well, if any."""
        return next((capture.file.exit_code for capture in self.captures if capture.file.exit_code), 0)


def profile(options: ProfileOptions, environment: Mapping[str, str], progress: Progress) -> ProfileResult:
    """Profiles a program.

    Args:
        options: what to do.
        environment: the program's; none of its values stays in a capture.
        progress: told, in a few words, what is going on.

    Raises:
        UserError: the first run gave no capture, for a reason that the user can mend.
        KeyboardInterrupt: the user stopped before the first capture.
    """
    nsys = require_nsys()
    flags = recording_flags(nsys.version, options.recording)
    name = _check(options, environment)
    started = datetime.now(UTC)
    device, host, commit = describe_device(), describe_host(), describe_commit(Path.cwd())
    values = EnvironmentValues(environment.items())
    runs = RunOptions(nsys, options.recording, options.command, environment, options.keep_reports)
    with stop_on_request() as stop, new_folder(options.output, name, started) as folder:
        captures, failure = _capture_runs(runs, folder, options.repetitions, stop, progress)
        workloads = [capture.workload for capture in captures if capture.workload is not None]
        warnings = [warning for capture in captures for warning in capture.warnings]
        manifest = Manifest(
            created_utc=f"{started:%Y-%m-%dT%H:%M:%SZ}",
            program=Program(tuple(values.mask_in_code(word) for word in mask_command(options.command))),
            workload=clean_workload(workloads[-1], values) if workloads else None,
            device=device,
            host=host,
            nsys=Profiler(nsys.version_text, flags),
            commit=commit,
            captures=tuple(capture.file for capture in captures),
            warnings=(*warnings, failure) if failure else tuple(warnings),
        )
        written = folder.finish(manifest)
    return ProfileResult(written, manifest, captures, stop.made, failure)


def _check(options: ProfileOptions, environment: Mapping[str, str]) -> str:
    """Refuses what cannot work before anything runs; gives the first part of the folder's name."""
    if options.repetitions < 1:
        raise UserError(f"--reps {options.repetitions} makes no sense; give 1 or more")
    program = options.command[0]
    if shutil.which(program, path=environment.get("PATH")) is None:
        raise UserError(f"{program} cannot be run: there is no such program; check its spelling and its permissions")
    output, keep = options.output.resolve(), options.keep_reports
    if keep is not None and keep.resolve().is_relative_to(output):
        raise UserError(
            f"--keep-rep would put reports, which hold the program's environment, among the captures in "
            f"{options.output}; run it from another folder"
        )
    return checked_name(options.name) if options.name is not None else default_name(options.command)


def _capture_runs(
    options: RunOptions, folder: CaptureFolder, repetitions: int, stop: StopRequest, progress: Progress
) -> tuple[tuple[FinishedCapture, ...], str]:
    """Captures run after run, until one fails or the user stops; at least one, and why one failed."""
    captures: list[FinishedCapture] = []
    failure = ""
    while len(captures) < repetitions and not stop.made:
        repetition = len(captures) + 1
        try:
            capture = capture_one_run(options, folder, repetition, stop, _prefixed(progress, repetition, repetitions))
        except KeyboardInterrupt:
            break
        except (UserError, OSError) as error:
            if not captures:
                raise _mendable(error) from error
            failure = f"run {repetition} gave no capture: {_mendable(error)}"
            break
        if capture is not None:
            captures.append(capture)
    if not captures:
        raise KeyboardInterrupt
    return tuple(captures), failure


def _prefixed(progress: Progress, repetition: int, repetitions: int) -> Progress:
    prefix = f"run {repetition} of {repetitions}: " if repetitions > 1 else ""
    return lambda message: progress(prefix + message)


def _mendable(error: UserError | OSError) -> UserError:
    if isinstance(error, UserError):
        return error
    return UserError(f"temporary files cannot be written ({error}); make room for them, or set TMPDIR")

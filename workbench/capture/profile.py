"""Profiles a program: runs it under nsys as often as asked, and keeps a scrubbed capture of each run."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.capture.command import RecordingOptions
from workbench.capture.environment_values import EnvironmentValues
from workbench.capture.hidden_values import manifest_warnings
from workbench.capture.interrupts import StopRequest, stop_on_request
from workbench.capture.machine import describe_commit, describe_device, describe_host
from workbench.capture.masked_manifest import hidden_in_manifest, masked_command, masked_manifest
from workbench.capture.nsys import require_nsys
from workbench.capture.recorder import EngineRecorder, NsysRecorder, Recorder
from workbench.capture.repetition import KILLED, FinishedCapture, RepetitionOptions, capture_repetition
from workbench.capture.speed import other_results, speed_of
from workbench.capture.store import CaptureFolder, checked_name, default_name, new_folder, spelled_name
from workbench.capture.supervise import Progress
from workbench.errors import UserError
from workbench.manifest import Manifest, Program
from workbench.slowdown import slowdown


@dataclass(frozen=True)
class ProfileOptions:
    """What to profile, and where to keep it.

    Attributes:
        command: the program and its arguments.
        recording: what of a run nsys is to record; None where the program, the engine on a CPU, records itself.
        repetitions: how many runs.
        name: first part of the folder's name, before the time; None takes the program's.
        title: the same before the date alone; goes before `name`.
        output: the folder of folders.
        keep_reports: a folder outside `output` for nsys's own reports, which cannot be scrubbed; None deletes them.
        unprofiled: what the program said of a run without the profiler, if there was one.
        is_taken: whether something else has a name already that the folder could have.
    """

    command: tuple[str, ...]
    recording: RecordingOptions | None = field(default_factory=RecordingOptions)
    repetitions: int = 1
    name: str | None = None
    title: str | None = None
    output: Path = Path("profiles")
    keep_reports: Path | None = None
    unprofiled: dict[str, Any] | None = None
    is_taken: Callable[[str], bool] = lambda _: False


@dataclass(frozen=True)
class ProfileResult:
    """What came of it.

    Attributes:
        folder: what was written.
        manifest: as written there.
        captures: one a finished run.
        interrupted: the user asked to stop.
        warnings: what the user must be told, one sentence each.
        failure: why a run after the first gave no capture, a sentence; empty if none failed.
    """

    folder: Path
    manifest: Manifest
    captures: tuple[FinishedCapture, ...]
    interrupted: bool
    warnings: tuple[str, ...]
    failure: str

    @property
    def exit_code(self) -> int:
        """The program's own: of the first run that did not end well, if any; `KILLED` where it gave none."""
        codes = (KILLED if capture.file.exit_code is None else capture.file.exit_code for capture in self.captures)
        return next(filter(None, codes), 0)

    @property
    def first_with_kernels(self) -> Path | None:
        """The first capture that holds kernels, if any."""
        return next((self.folder / capture.file.file for capture in self.captures if capture.holds_kernels), None)


def profile(options: ProfileOptions, environment: Mapping[str, str], progress: Progress) -> ProfileResult:
    """Profiles a program.

    Args:
        options: what to do.
        environment: the program's; `EnvironmentValues` says what of it is masked in what the program says.
        progress: told, in a few words, what is going on.

    Raises:
        UserError: the first run gave no capture, for a reason that the user can mend.
        KeyboardInterrupt: the user stopped before the first capture.
    """
    recorder = EngineRecorder() if options.recording is None else NsysRecorder(require_nsys(), options.recording)
    started = datetime.now(UTC)
    before = _describe(options, recorder, started)
    _check(options, environment)
    values = EnvironmentValues(environment.items())
    each = RepetitionOptions(recorder, options.command, environment, options.keep_reports)
    name = _folder_name(options, values, started)
    with stop_on_request() as stop, new_folder(options.output, name, options.is_taken) as folder:
        captures, failure = _capture_all(each, folder, options.repetitions, stop, progress)
        after = _with_captures(before, captures, options.unprofiled)
        warnings = (
            *dict.fromkeys(warning for capture in captures for warning in capture.warnings),
            *filter(None, [other_results(options.unprofiled, _workloads(captures))]),
            *manifest_warnings(hidden_in_manifest(after, values)),
            *_left_out(captures, options.repetitions),
        )
        manifest = masked_manifest(replace(after, warnings=(*warnings, failure) if failure else warnings), values)
        written = folder.finish(manifest)
    return ProfileResult(written, manifest, captures, stop.made, warnings, failure)


def _check(options: ProfileOptions, environment: Mapping[str, str]) -> None:
    """Refuses what cannot work before anything runs."""
    if options.repetitions < 1:
        raise UserError(f"--reps {options.repetitions} makes no sense; give 1 or more")
    program = options.command[0]
    if shutil.which(program, path=environment.get("PATH")) is None:
        raise UserError(f"{program} cannot be run: there is no such program; check its spelling and its permissions")
    refuse_kept_among_captures(options.keep_reports, options.output)


def refuse_kept_among_captures(keep_reports: Path | None, output: Path) -> None:
    """Checks that nsys's own reports would lie elsewhere than the captures.

    Raises:
        UserError: they would not.
    """
    if keep_reports is not None and keep_reports.resolve().is_relative_to(output.resolve()):
        raise UserError(
            f"--keep-rep would put reports, which hold the program's environment, among the captures in {output}; "
            "run it from another folder"
        )


def _folder_name(options: ProfileOptions, values: EnvironmentValues, started: datetime) -> str:
    if options.title is not None:
        return f"{spelled_name(values.mask_in_speech(options.title))}-{started:%Y-%m-%d}"
    name = default_name(masked_command(options.command, values)) if options.name is None else checked_name(options.name)
    return f"{name}-{started:%Y%m%dT%H%M%SZ}"


def _describe(options: ProfileOptions, recorder: Recorder, started: datetime) -> Manifest:
    """What is known before the first run."""
    return Manifest(
        created_utc=f"{started:%Y-%m-%dT%H:%M:%SZ}",
        program=Program(options.command),
        workload=None,
        # Of a CPU's times a GPU knows nothing.
        device=None if recorder.notice else describe_device(),
        host=describe_host(),
        nsys=recorder.profiler,
        commit=describe_commit(Path.cwd()),
        captures=(),
        notice=recorder.notice or None,
    )


def _with_captures(
    manifest: Manifest, captures: Sequence[FinishedCapture], unprofiled: dict[str, Any] | None
) -> Manifest:
    """What is known after the last run."""
    workloads = _workloads(captures)
    before, after = speed_of([unprofiled] if unprofiled else []), speed_of(workloads)
    return replace(
        manifest,
        workload=workloads[-1] if workloads else None,
        captures=tuple(capture.file for capture in captures),
        unprofiled=before,
        profiled=after,
        slowdown=slowdown(before, after),
    )


def _capture_all(
    options: RepetitionOptions, folder: CaptureFolder, repetitions: int, stop: StopRequest, progress: Progress
) -> tuple[tuple[FinishedCapture, ...], str]:
    """Captures run after run, until one fails or the user stops; at least one, and why the next gave none."""
    captures: list[FinishedCapture] = []
    while len(captures) < repetitions and not (stop.made or any(map(_is_hopeless, captures))):
        repetition = len(captures) + 1
        try:
            capture = capture_repetition(
                options, folder, repetition, stop, _prefixed(progress, repetition, repetitions)
            )
        except KeyboardInterrupt:
            break
        except (UserError, OSError) as error:
            if not captures:
                raise _mendable(error) from error
            return tuple(captures), f"run {repetition} gave no capture: {_mendable(error)}"
        if capture is not None:
            captures.append(capture)
    if not captures:
        raise KeyboardInterrupt
    return tuple(captures), ""


def _is_hopeless(capture: FinishedCapture) -> bool:
    """Whether the program failed before it came to its work; it would do so again."""
    return capture.file.exit_code != 0 and not capture.file.interrupted and not capture.holds_kernels


def _left_out(captures: Sequence[FinishedCapture], repetitions: int) -> tuple[str, ...]:
    """Why there are fewer captures than asked for, if that is the program's doing."""
    last = captures[-1]
    if len(captures) == repetitions or not _is_hopeless(last):
        return ()
    code = "without an exit code" if last.file.exit_code is None else f"with exit code {last.file.exit_code}"
    return (f"run {len(captures)} of {repetitions} ended {code} and launched no kernel, so it was the last",)


def _workloads(captures: Sequence[FinishedCapture]) -> list[dict[str, Any]]:
    return [capture.workload for capture in captures if capture.workload is not None]


def _prefixed(progress: Progress, repetition: int, repetitions: int) -> Progress:
    prefix = f"run {repetition} of {repetitions}: " if repetitions > 1 else ""
    return lambda message: progress(prefix + message)


def _mendable(error: UserError | OSError) -> UserError:
    if isinstance(error, UserError):
        return error
    return UserError(f"temporary files cannot be written ({error}); make room for them, or set TMPDIR")
